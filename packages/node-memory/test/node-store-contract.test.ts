import { nodeStoreContract } from '@registry/core/testing';
import { describe, it } from 'vitest';
import { makeHarness } from './stores.ts';

describe.each(['own', 'adopted'] as const)('the contract of node stores, %s table', (layout) => {
  for (const { name, run } of nodeStoreContract(() => makeHarness(layout))) it(name, run);
});
