/**
 * The store's own tables. `nodes` holds what the application wrote; `nodes_embeddings` one row per node
 * with its vector, so that a migration rewrites no text, found by the number that both share; `nodes_embedding_stamps` each stamp once.
 */
import { type Clock, RegistryError } from '@registry/core';
import { registryNames, type SqliteDatabase } from '@registry/core/sqlite';
import { type Layout, quoted, sideTables, stampFields } from './layout.ts';
import { createStamps } from './stamps.ts';
import { createState, insertState } from './state.ts';
import { indexesOf, triggersOf } from './triggers.ts';

export function ownLayout(table: string): Layout {
  return {
    table,
    ownsTable: true,
    heads: quoted(`${table}_embeddings`),
    bodies: quoted(table),
    key: 'node',
    headHasId: `node = (SELECT node FROM ${quoted(table)} WHERE id = ?)`,
    bodyHasId: 'id = ?',
    id: 'id',
    vector: 'vector',
    revision: 'revision',
    contentHash: 'content_hash',
    embeddedHash: 'embedded_hash',
    datatype: 'datatype',
    datatypeOfOthers: 'float32',
    stampColumns: ['stamp'],
    content: 'content',
    metadata: { kind: 'json', column: 'metadata' },
    rangeIndex: `${table}_embeddings_by_stamp`,
    staleIndex: `${table}_embeddings_stale`,
    ...sideTables(table),
  };
}

/** @throws RegistryError `SPEC_INVALID` where the name is the registry's or SQLite's own */
export function checkTableName(table: string): void {
  const name = table.toLowerCase();
  if (!registryNames.includes(name) && !name.startsWith('sqlite_')) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `A table of nodes cannot be called "${table}": a registry may keep its own one under this name; choose another.`,
  );
}

/** Makes the tables where they are not there yet. Safe against others who do the same. */
export async function ensureOwnTables(database: SqliteDatabase, layout: Layout, clock: Clock): Promise<void> {
  const isThere = () => hasTable(database, `${layout.table}_embedding_store`);
  if (await database.read(isThere)) return;
  await database.write(() => {
    if (isThere()) return;
    if (hasTable(database, layout.table))
      throw new RegistryError(
        'SPEC_INVALID',
        `Table "${layout.table}" in ${database.path} is not a node store's: name its columns and adopt it, or choose another table.`,
      );
    for (const statement of ownSchema(layout)) database.raw.exec(statement);
    insertState(database, layout.state, clock.uuid());
  });
}

function hasTable(database: SqliteDatabase, name: string): boolean {
  // SQLite compares names of tables without regard to case.
  return database.sql('SELECT 1 FROM sqlite_master WHERE lower(name) = lower(?)').get(name) !== undefined;
}

function ownSchema(layout: Layout): string[] {
  const view = quoted(`${layout.table}_with_stamps`);
  return [
    `CREATE TABLE ${layout.bodies} (
      node INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      content TEXT NOT NULL,
      metadata TEXT NOT NULL DEFAULT '{}'
    )`,
    `CREATE TABLE ${layout.heads} (
      node INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      revision INTEGER,
      stamp INTEGER,
      content_hash TEXT,
      embedded_hash TEXT,
      datatype TEXT,
      vector BLOB
    )`,
    createState(layout.state),
    createStamps(layout.stamps),
    `CREATE VIEW ${view} AS
      SELECT n.id, n.content, n.metadata, ${stampFields.map((field) => `s.${field}`).join(', ')}, e.embedded_hash, e.datatype, e.vector
      FROM ${layout.bodies} n JOIN ${layout.heads} e ON e.node = n.node LEFT JOIN ${layout.stamps} s ON s.stamp = e.stamp`,
    ...indexesOf(layout).map(({ sql }) => sql),
    ...triggersOf(layout).map(({ sql }) => sql),
  ];
}
