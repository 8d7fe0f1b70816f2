import { existsSync } from 'node:fs';
import { type Clock, RegistryError } from '@registry/core';
import { openSqlite, type SqliteDatabase, sqliteFailure } from '@registry/core/sqlite';
import Database from 'better-sqlite3';
import { adoptedLayout, type Missing, missingOf, type NodeColumns } from './adopted-layout.ts';
import { type Layout, quoted } from './layout.ts';
import { createStamps } from './stamps.ts';
import { createState, insertState } from './state.ts';
import { validStamp } from './triggers.ts';

export interface AdoptOptions {
  readonly path: string;
  readonly table: string;
  readonly columns: NodeColumns;
  /** Absent or false: nothing is changed. */
  readonly apply: boolean;
  readonly nativeBinding: string | undefined;
  readonly clock: Clock;
}

/** What adoption adds, or added, to the application's database. Nothing is ever taken away or rewritten. */
export interface Adoption {
  readonly table: string;
  /** Nothing is missing (any more). */
  readonly isAdopted: boolean;
  readonly columns: readonly string[];
  readonly tables: readonly string[];
  readonly indexes: readonly string[];
  readonly triggers: readonly string[];
  /** The statements that add these, in order. */
  readonly statements: readonly string[];
}

/** See `SqliteNodeStore.adopt`. */
export async function adopt(options: AdoptOptions): Promise<Adoption> {
  const layout = adoptedLayout(options.table, options.columns);
  assertFile(options.path);
  if (!options.apply) return look(options, layout);
  const database = await openSqlite(options);
  try {
    return await database.write(() => {
      const missing = missingOf(database.raw, layout, options.columns);
      assertBlobs(database.raw, layout);
      apply(database, layout, missing, options.clock);
      return adoptionOf(layout, missing, true);
    });
  } finally {
    database.close();
  }
}

/** Nobody wants an empty file for a wrong path. */
export function assertFile(path: string): void {
  if (existsSync(path)) return;
  throw new RegistryError('DATABASE_UNAVAILABLE', `There is no database ${path}.`, { details: { path } });
}

/** By a connection that cannot write: a look must not even change the file's journal mode. */
function look(options: AdoptOptions, layout: Layout): Adoption {
  try {
    const raw = new Database(options.path, {
      readonly: true,
      fileMustExist: true,
      ...(options.nativeBinding === undefined ? {} : { nativeBinding: options.nativeBinding }),
    });
    try {
      const missing = missingOf(raw, layout, options.columns);
      assertBlobs(raw, layout);
      return adoptionOf(layout, missing, false);
    } finally {
      raw.close();
    }
  } catch (error) {
    throw sqliteFailure(error, options.path);
  }
}

function adoptionOf(layout: Layout, missing: Missing, isApplied: boolean): Adoption {
  const statements = statementsOf(layout, missing);
  return {
    table: layout.table,
    isAdopted: isApplied || statements.length === 0,
    columns: missing.columns.map(([name]) => name),
    tables: missing.tables,
    indexes: missing.indexes.map(({ name }) => name),
    triggers: missing.triggers.map(({ name }) => name),
    statements,
  };
}

function statementsOf(layout: Layout, missing: Missing): string[] {
  const create = [createState(layout.state), createStamps(layout.stamps)];
  const [state, stamps] = [`${layout.table}_embedding_store`, `${layout.table}_embedding_stamps`];
  return [
    ...missing.columns.map(
      ([name, type]) => `ALTER TABLE ${layout.bodies} ADD COLUMN ${quoted(name)} ${type}`,
    ),
    ...create.filter((_, index) => missing.tables.includes([state, stamps][index]!)),
    ...(missing.triggers.length > 0 ? [clearBrokenStamps(layout)] : []),
    ...missing.indexes.map(({ sql }) => sql),
    ...missing.triggers.map(({ sql }) => sql),
  ];
}

/** Stamp columns that the table had before may hold half a stamp: from now on that is none. */
function clearBrokenStamps(layout: Layout): string {
  const [modelId, version, checksum] = layout.stampColumns;
  const hasSome = `(${modelId} IS NOT NULL OR ${version} IS NOT NULL OR ${checksum} IS NOT NULL)`;
  const isWhole = `${layout.vector} IS NOT NULL AND ${validStamp(layout, 'h')}`;
  return `UPDATE ${layout.heads} AS h SET
    ${modelId} = CASE WHEN ${isWhole} THEN ${modelId} END,
    ${version} = CASE WHEN ${isWhole} THEN ${version} END,
    ${checksum} = CASE WHEN ${isWhole} THEN coalesce(${checksum}, '') END
  WHERE ${hasSome} AND (${checksum} IS NULL OR (${isWhole}) IS NOT TRUE)`;
}

function apply(database: SqliteDatabase, layout: Layout, missing: Missing, clock: Clock): void {
  for (const statement of statementsOf(layout, missing)) database.raw.exec(statement);
  if (missing.tables.includes(`${layout.table}_embedding_store`))
    insertState(database, layout.state, clock.uuid());
}

function assertBlobs(raw: Database.Database, layout: Layout): void {
  const type = raw
    .prepare(
      `SELECT typeof(${layout.vector}) FROM ${layout.bodies} WHERE typeof(${layout.vector}) NOT IN ('blob', 'null') LIMIT 1`,
    )
    .pluck()
    .get();
  if (type === undefined) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `Column ${layout.vector} of table "${layout.table}" holds vectors as ${type}; convert them to BLOBs of little-endian float32 or packed bits first.`,
  );
}
