import type { ContractCase } from '../embedder-contract.ts';
import { afterwardsCases } from './afterwards-cases.ts';
import { bringingCases } from './bringing-cases.ts';
import { type SideContractOptions, SideFixture, type SideHarness } from './side-fixture.ts';

export type { SideContractOptions, SideHarness } from './side-fixture.ts';

/**
 * What every store keeps that migrates side by side (`sideBySide` of its port). `makeStore` is called once per
 * case and gives an empty store that has the strategy under test.
 * @example for (const { name, run } of sideBySideContract(() => myHarness())) test(name, run);
 */
export function sideBySideContract(
  makeStore: () => SideHarness | Promise<SideHarness>,
  options: SideContractOptions = {},
): readonly ContractCase[] {
  return Object.entries({ ...bringingCases, ...afterwardsCases }).map(([name, check]) => ({
    name,
    run: async () => {
      const harness = await makeStore();
      try {
        await check(new SideFixture(harness, options));
      } finally {
        await harness.close();
      }
    },
  }));
}
