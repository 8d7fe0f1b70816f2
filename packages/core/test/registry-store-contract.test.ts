import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openRegistry } from '../src/sqlite/open-registry.ts';
import { type ManualClock, registryStoreContract } from '../src/testing/index.ts';

async function makeStore({ clock }: { clock: ManualClock }) {
  const folder = await mkdtemp(join(tmpdir(), 'registry-contract-'));
  const path = join(folder, 'registry.sqlite');
  const store = await openRegistry({ path, actor: 'first', clock });
  const second = await openRegistry({ path, actor: 'second', clock });
  return {
    store,
    second,
    async close() {
      await store.close();
      await second.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe('the registry in SQLite keeps the contract of its port', () => {
  for (const { name, run } of registryStoreContract(makeStore)) it(name, run);
});
