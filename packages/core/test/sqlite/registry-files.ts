import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistry } from '../../src/sqlite/open-registry.ts';
import type { ManualClock, RegistryStoreUnderTest } from '../../src/testing/index.ts';

/** A new registry file in a folder of its own, opened twice. */
export async function makeRegistryFile({
  clock,
}: {
  clock: ManualClock;
}): Promise<RegistryStoreUnderTest & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'registry-'));
  const path = join(folder, 'registry.sqlite');
  const store = await openRegistry({ path, actor: 'first', clock });
  const second = await openRegistry({ path, actor: 'second', clock });
  return {
    path,
    store,
    second,
    async close() {
      await store.close();
      await second.close();
      await rm(folder, { recursive: true });
    },
  };
}
