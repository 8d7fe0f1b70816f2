/** An existing table of the application: its rows stay where they are, and get the columns of a stamp. */
import { type Datatype, RegistryError } from '@registry/core';
import type { Database } from 'better-sqlite3';
import { type Layout, type MetadataColumns, quoted, sideTables, stampFields } from './layout.ts';
import { indexesOf, triggersOf } from './triggers.ts';

/** Columns of an application's table. */
export interface NodeColumns {
  /** Unique, as text or integer; `id` unless told. */
  readonly id?: string | undefined;
  /** The text that is embedded; `content` unless told. */
  readonly content?: string | undefined;
  /** BLOBs of little-endian float32, or of packed bits; `vector` unless told. */
  readonly vector?: string | undefined;
  /** One column of JSON objects, or a list of columns by name. */
  readonly metadata?: string | readonly string[] | undefined;
  /** What the vectors are that the table holds already, or other programs write; `float32` unless told. */
  readonly datatype?: Datatype | undefined;
}

/** The columns that adoption adds: the documented names of a stamp, and what fences and hashes need. */
const addedColumns = [
  ['embedding_model_id', 'TEXT'],
  ['embedding_version', 'INTEGER'],
  ['embedding_checksum', 'TEXT'],
  ['embedded_hash', 'TEXT'],
  ['embedding_content_hash', 'TEXT'],
  ['embedding_revision', 'INTEGER'],
  ['embedding_datatype', 'TEXT'],
] as const;

export function adoptedLayout(table: string, columns: NodeColumns): Layout {
  const id = quoted(columns.id ?? 'id');
  // A column of integers would also find '01', which is the id of no node.
  const hasId = `${id} = (SELECT t.${id} FROM (SELECT ? AS wanted) AS w JOIN ${quoted(table)} AS t ON t.${id} = w.wanted AND CAST(t.${id} AS TEXT) = w.wanted)`;
  return {
    table,
    ownsTable: false,
    heads: quoted(table),
    bodies: quoted(table),
    key: id,
    headHasId: hasId,
    bodyHasId: hasId,
    id,
    vector: quoted(columns.vector ?? 'vector'),
    revision: 'embedding_revision',
    contentHash: 'embedding_content_hash',
    embeddedHash: 'embedded_hash',
    datatype: 'embedding_datatype',
    datatypeOfOthers: columns.datatype ?? 'float32',
    stampColumns: stampFields,
    content: quoted(columns.content ?? 'content'),
    metadata: metadataOf(columns.metadata),
    rangeIndex: `${table}_embedding_by_stamp`,
    staleIndex: `${table}_embedding_stale`,
    ...sideTables(table),
  };
}

function metadataOf(metadata: NodeColumns['metadata']): MetadataColumns {
  if (metadata === undefined) return { kind: 'none' };
  if (typeof metadata === 'string') return { kind: 'json', column: quoted(metadata) };
  return { kind: 'columns', names: metadata };
}

/** What adoption adds to a table, by name; all lists are empty where it is adopted already. */
export interface Missing {
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly tables: readonly string[];
  readonly indexes: readonly { readonly name: string; readonly sql: string }[];
  readonly triggers: readonly { readonly name: string; readonly sql: string }[];
}

/**
 * Looks at the real schema. Reads only.
 * @throws RegistryError `SPEC_INVALID` where table or columns are not what they have to be
 */
export function missingOf(raw: Database, layout: Layout, columns: NodeColumns): Missing {
  const present = tableColumns(raw, layout.table);
  checkColumns(layout.table, present, columns);
  checkUnique(raw, layout.table, columns.id ?? 'id', present);
  const names = new Set(
    raw.prepare("SELECT lower(type || ':' || name) FROM sqlite_master").pluck().all() as string[],
  );
  const isMissing = (type: string) => (object: { name: string }) =>
    !names.has(`${type}:${object.name}`.toLowerCase());
  return {
    columns: addedColumns.filter(([name]) => !present.some((column) => sameName(column.name, name))),
    tables: [`${layout.table}_embedding_store`, `${layout.table}_embedding_stamps`].filter((name) =>
      isMissing('table')({ name }),
    ),
    indexes: indexesOf(layout).filter(isMissing('index')),
    triggers: triggersOf(layout).filter(isMissing('trigger')),
  };
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

function tableColumns(raw: Database, table: string): ColumnInfo[] {
  const kind = raw
    .prepare("SELECT type FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower(?)")
    .pluck()
    .get(table);
  if (kind !== 'table')
    throw new RegistryError(
      'SPEC_INVALID',
      kind === undefined
        ? `There is no table "${table}" in ${raw.name}.`
        : `"${table}" in ${raw.name} is a ${kind}; only a table can be adopted.`,
    );
  return raw.prepare('SELECT name, type, pk FROM pragma_table_info(?)').all(table) as ColumnInfo[];
}

function checkColumns(table: string, present: readonly ColumnInfo[], columns: NodeColumns): void {
  const { id = 'id', content = 'content', vector = 'vector', metadata = [] } = columns;
  const named = [id, content, vector, ...(typeof metadata === 'string' ? [metadata] : metadata)];
  const absent = named.filter((name) => !present.some((column) => sameName(column.name, name)));
  if (absent.length === 0) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `Table "${table}" has no column ${absent.map((name) => `"${name}"`).join(', ')}; it has ${present.map(({ name }) => name).join(', ')}.`,
    { details: { absent } },
  );
}

/** Two rows with one id would be one node: the id has to be unique by bytes, not by a looser collation. */
function checkUnique(raw: Database, table: string, id: string, present: readonly ColumnInfo[]): void {
  const keys = present.filter(({ pk }) => pk > 0);
  if (keys.length === 1 && sameName(keys[0]!.name, id) && keys[0]!.type.toUpperCase() === 'INTEGER') return;
  const unique = raw
    .prepare(
      `SELECT count(*) FROM pragma_index_list(?) l
       WHERE l."unique" = 1 AND l.partial = 0
         AND (SELECT count(*) FROM pragma_index_xinfo(l.name) WHERE key = 1) = 1
         AND EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name) x WHERE x.key = 1 AND lower(x.name) = lower(?) AND x.coll = 'BINARY')`,
    )
    .pluck()
    .get(table, id) as number;
  if (unique > 0) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `Column "${id}" of table "${table}" is not unique by itself (primary key or unique index, collation BINARY); node ids have to be.`,
  );
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
