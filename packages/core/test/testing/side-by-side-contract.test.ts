import { MemorySideStore, sideBySideContract } from '@registry/core/testing';
import { describe, it } from 'vitest';

describe('the contract of migrations side by side, by the store that is its reference', () => {
  const makeStore = () => {
    const store = new MemorySideStore();
    return {
      store,
      app: store.application(),
      writerOn: (side: 'old' | 'new') =>
        store.application(side === 'old' ? 'nodes' : [...store.sides.keys()].at(-1)!),
      reopen: async () => store,
      close: async () => {},
    };
  };
  for (const { name, run } of sideBySideContract(makeStore)) it(name, run);
});
