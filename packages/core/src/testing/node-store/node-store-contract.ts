import type { ContractCase } from '../embedder-contract.ts';
import { Fixture, type NodeStoreContractOptions, type NodeStoreHarness } from './fixture.ts';
import { readingCases } from './reading-cases.ts';
import { writingCases } from './writing-cases.ts';

export type {
  ContractNode,
  NodeStoreApplication,
  NodeStoreContractOptions,
  NodeStoreHarness,
} from './fixture.ts';

/**
 * What every `NodeStore` keeps. `makeStore` is called once per case and gives an empty store.
 * @example for (const { name, run } of nodeStoreContract(() => myHarness())) test(name, run);
 */
export function nodeStoreContract(
  makeStore: () => NodeStoreHarness | Promise<NodeStoreHarness>,
  options: NodeStoreContractOptions = {},
): readonly ContractCase[] {
  return Object.entries({ ...readingCases, ...writingCases }).map(([name, check]) => ({
    name,
    run: async () => {
      const harness = await makeStore();
      try {
        await check(new Fixture(harness, options));
      } finally {
        await harness.close();
      }
    },
  }));
}
