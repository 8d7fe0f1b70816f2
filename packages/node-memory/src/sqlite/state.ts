/**
 * The one row that every node store keeps beside its nodes: its random id, the version of its schema (never
 * `user_version`: the file may be the registry's), the mark, and the counter that fences are taken from.
 *
 * `reserved` < `revision` only inside a transaction of ours (`is_writing`) or a trigger: the numbers between
 * are being handed out, and the triggers leave rows alone that were just given one of them. Every other
 * writer is fenced by the triggers, also a trigger of the application that our own write sets off.
 */
import { RegistryError } from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import type { Layout } from './layout.ts';

const SCHEMA_VERSION = 1;

/**
 * What the triggers update has no constraint: SQLite saves every page that a statement touches which may
 * fail half-way, and each write of a node would be one.
 */
export function createState(state: string): string {
  return `CREATE TABLE ${state} (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    schema_version INTEGER NOT NULL,
    store_id TEXT NOT NULL,
    mark INTEGER NOT NULL DEFAULT 0,
    revision INTEGER DEFAULT 0,
    reserved INTEGER DEFAULT 0,
    is_writing INTEGER DEFAULT 0
  )`;
}

export function insertState(database: SqliteDatabase, state: string, storeId: string): void {
  database
    .sql(`INSERT INTO ${state} (only, schema_version, store_id) VALUES (1, ?, ?)`)
    .run(SCHEMA_VERSION, storeId);
}

/** @throws RegistryError `DATABASE_NEWER`, or `DATABASE_INVALID` where the row is gone */
export function readStoreId(database: SqliteDatabase, layout: Layout): string {
  const row = database
    .sql(`SELECT schema_version AS version, store_id AS storeId FROM ${layout.state}`)
    .get() as { version: number; storeId: string } | undefined;
  if (row === undefined)
    throw new RegistryError(
      'DATABASE_INVALID',
      `The node store ${layout.table} in ${database.path} lost its settings row; restore the file from a copy.`,
    );
  if (row.version > SCHEMA_VERSION)
    throw new RegistryError(
      'DATABASE_NEWER',
      `The node store ${layout.table} in ${database.path} has schema version ${row.version}, this package knows ${SCHEMA_VERSION}; upgrade the package.`,
      { details: { found: row.version, known: SCHEMA_VERSION } },
    );
  return row.storeId;
}

/** Runs `body` with `count` fresh fence numbers, the first of which it is given. Inside a transaction. */
export function withFences<T>(
  database: SqliteDatabase,
  layout: Layout,
  count: number,
  body: (first: number) => T,
): T {
  const last = database
    .sql(`UPDATE ${layout.state} SET revision = revision + ?, is_writing = 1 RETURNING revision`)
    .pluck()
    .get(count) as number;
  const result = body(last - count + 1);
  database.sql(`UPDATE ${layout.state} SET reserved = revision, is_writing = 0`).run();
  return result;
}
