import { join } from 'node:path';
import type { ScratchStore } from '@registry/core';
import { SqliteNodeStore } from './sqlite/node-store.ts';

/** The store of a rehearsal: `manager.rehearseMigration({ planId, scratchStore })`. */
export async function scratchStore(folder: string): Promise<ScratchStore> {
  const store = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  return {
    store,
    addContents: async (nodes) => {
      await store.upsert(nodes);
    },
    close: () => store.close(),
  };
}
