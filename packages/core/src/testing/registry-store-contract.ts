import type { ContractCase } from './embedder-contract.ts';
import { batchCases } from './registry-store-contract-batches.ts';
import { claimCases } from './registry-store-contract-claims.ts';
import { companyCases } from './registry-store-contract-company.ts';
import { creationCases } from './registry-store-contract-creation.ts';
import { cutoverCases } from './registry-store-contract-cutover.ts';
import { holdCases } from './registry-store-contract-holds.ts';
import { leaseCases } from './registry-store-contract-leases.ts';
import { modelCases } from './registry-store-contract-models.ts';
import { nodeCases } from './registry-store-contract-nodes.ts';
import { overlapCases } from './registry-store-contract-overlap.ts';
import { rollbackCases } from './registry-store-contract-rollbacks.ts';
import { type MakeRegistryStore, Scene } from './registry-store-contract-scene.ts';
import { statusCases } from './registry-store-contract-status.ts';
import { sweepCases } from './registry-store-contract-sweeps.ts';

const groups = {
  models: modelCases,
  'making plans': creationCases,
  'plans side by side': overlapCases,
  claims: claimCases,
  holds: holdCases,
  leases: leaseCases,
  batches: batchCases,
  sweeps: sweepCases,
  cutover: cutoverCases,
  rollback: rollbackCases,
  'rollback of one node': nodeCases,
  statuses: statusCases,
  'seeing and company': companyCases,
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
