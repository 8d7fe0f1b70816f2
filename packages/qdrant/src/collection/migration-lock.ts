import { RegistryError } from '@registry/core';
import type { Connection } from '../server/connection.ts';
import { findCollection } from './collection-info.ts';
import { createCollection } from './layout.ts';

const PLAN_KEY = 'embedding_plan';

const lockName = (collection: string) => `${collection}-embedding-migration`;

/**
 * Two registries may be opened over one collection, and know nothing of each other. Creating a collection is the
 * one thing that a server does for one caller alone, in a cluster too; metadata has no compare-and-set.
 * @throws RegistryError `MIGRATION_BUSY`
 */
export async function lockMigration(
  connection: Connection,
  collection: string,
  planId: string,
): Promise<void> {
  const name = lockName(collection);
  if (await createCollection(connection, name, { vectors: {}, metadata: { [PLAN_KEY]: planId } })) return;
  const holder = (await findCollection(connection, name))?.metadata[PLAN_KEY];
  if (holder === planId) return;
  throw new RegistryError(
    'MIGRATION_BUSY',
    `Collection ${collection} is being migrated by plan ${String(holder)}; finish, roll back or finalize that one first. If its registry is lost, delete the empty collection ${name}.`,
    { details: { collection, planId: holder, lock: name } },
  );
}

/** Leaves the lock of another plan alone. */
export async function unlockMigration(
  connection: Connection,
  collection: string,
  planId: string,
): Promise<void> {
  const name = lockName(collection);
  const holder = (await findCollection(connection, name))?.metadata[PLAN_KEY];
  if (holder === planId) await connection.change('deleteCollection', { collection_name: name });
}
