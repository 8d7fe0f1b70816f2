import { nodeStoreContract, sideBySideContract } from '@registry/core/testing';
import { describe, it } from 'vitest';
import { nodeHarness, sideHarness } from './harness.ts';

describe('a Qdrant collection keeps the contract of node stores', () => {
  // Cosine vectors are normalised.
  const options = { bits: false, byteExact: false, manyNodes: 300 };
  for (const { name, run } of nodeStoreContract(nodeHarness, options)) it(name, run);
});

describe.each([
  ['two collections behind an alias', 'text', { strategy: 'shadow', isApart: true }],
  ['two collections with an unnamed vector', '', { strategy: 'shadow', isApart: true }],
  ['two vectors of the same points', 'text', { strategy: 'namedVector', isApart: false }],
] as const)('%s keep the contract of migrations side by side', (_, vectorName, options) => {
  for (const { name, run } of sideBySideContract(() => sideHarness(vectorName, !options.isApart), options))
    it(name, run);
});
