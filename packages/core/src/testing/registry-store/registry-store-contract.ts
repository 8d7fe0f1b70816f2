import type { ContractCase } from '../embedder-contract.ts';
import { batchCases } from './batches.ts';
import { claimCases } from './claims.ts';
import { companyCases } from './company.ts';
import { creationCases } from './creation.ts';
import { cutoverCases } from './cutover.ts';
import { holdCases } from './holds.ts';
import { leaseCases } from './leases.ts';
import { modelCases } from './models.ts';
import { nodeCases } from './nodes.ts';
import { overlapCases } from './overlap.ts';
import { rollbackCases } from './rollbacks.ts';
import { type MakeRegistryStore, Scene } from './scene.ts';
import { sideCases } from './sides.ts';
import { spendingCases } from './spending.ts';
import { statusCases } from './status.ts';
import { sweepCases } from './sweeps.ts';
import { witnessCases } from './witnesses.ts';

const groups = {
  models: modelCases,
  'making plans': creationCases,
  'plans side by side': overlapCases,
  claims: claimCases,
  holds: holdCases,
  leases: leaseCases,
  batches: batchCases,
  spending: spendingCases,
  sweeps: sweepCases,
  cutover: cutoverCases,
  rollback: rollbackCases,
  'rollback of one node': nodeCases,
  'new vectors beside the old': sideCases,
  statuses: statusCases,
  'seeing and company': companyCases,
  witnesses: witnessCases,
};

/**
 * What every `RegistryStore` keeps. `makeStore` is called once per case and makes an empty registry; with
 * `second`, another connection to it, the cases also show that two processes see and obey each other. After
 * every call the counters, leases, statuses and lists of all plans are checked against each other.
 * @example for (const { name, run } of registryStoreContract(makeStore)) test(name, run);
 */
export function registryStoreContract(makeStore: MakeRegistryStore): readonly ContractCase[] {
  return Object.entries(groups).flatMap(([group, cases]) =>
    Object.entries(cases).map(([name, act]) => ({
      name: `${group}: ${name}`,
      run: () => Scene.play(makeStore, act),
    })),
  );
}
