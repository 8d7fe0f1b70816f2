import { scheduler } from 'node:timers/promises';
import { type Datatype, RegistryError, type StoredNode, type Vector, vectorOfBytes } from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { assertColumn } from './filter.ts';
import {
  bodyAlias,
  columnList,
  currentHash,
  fenceOf,
  idText,
  type Layout,
  nodesInList,
  quoted,
  type SqlValue,
} from './layout.ts';
import type { Stamps } from './stamps.ts';

/** Nodes per read transaction, after which others may run. */
const CHUNK_NODES = 1_000;

/** A node with all the store holds of it. */
export interface SqliteNode extends StoredNode {
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

type NodeRow = [
  id: string,
  content: string | null,
  contentHash: string,
  embeddedHash: string | null,
  datatype: Datatype | null,
  vector: Uint8Array | string | number | null,
  revision: number,
  ...rest: SqlValue[],
];

/** Nodes by id, each once; absent ones are left out. */
export async function readNodes(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<StoredNode[]> {
  // One list bound as JSON: a statement per id takes three times as long, and a list of `?` has an end.
  const sql = nodeSql(layout, []);
  const list = [...new Set(ids)];
  const nodes: StoredNode[] = [];
  for (let start = 0; start < list.length; start += CHUNK_NODES) {
    if (start > 0) await scheduler.yield();
    const chunk = JSON.stringify(list.slice(start, start + CHUNK_NODES));
    const rows = () => database.sql(sql).raw().all(chunk) as NodeRow[];
    nodes.push(...(await database.read(() => rows().map((row) => nodeOf(layout, stamps, row)), { signal })));
  }
  return nodes;
}

/** One node with its metadata; undefined where there is none. */
export async function readNode(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  id: string,
): Promise<SqliteNode | undefined> {
  const columns = metadataColumns(layout);
  return database.read(() => {
    const row = database
      .sql(nodeSql(layout, columns))
      .raw()
      .get(JSON.stringify([id])) as NodeRow | undefined;
    if (row === undefined) return undefined;
    const values = row.slice(row.length - columns.length);
    return { content: '', ...nodeOf(layout, stamps, row), metadata: metadataOf(layout, values, id) };
  });
}

/**
 * The values of one metadata field, where they can be filtered by.
 * @throws RegistryError `SPEC_INVALID` for a column that was not named
 */
export async function readField(
  database: SqliteDatabase,
  layout: Layout,
  ids: readonly string[],
  field: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string | number | boolean>> {
  const columns = metadataColumns(layout);
  if (layout.metadata.kind === 'columns') assertColumn(layout, field);
  const body = bodyAlias(layout);
  const selected = [idText(layout, body), ...columns.map((column) => `${body}.${column}`)].join(', ');
  const values = new Map<string, string | number | boolean>();
  const list = [...new Set(ids)];
  for (let start = 0; start < list.length; start += CHUNK_NODES) {
    if (start > 0) await scheduler.yield();
    const chunk = JSON.stringify(list.slice(start, start + CHUNK_NODES));
    const rows = await database.read(
      () =>
        database
          .sql(`SELECT ${selected} FROM ${nodesInList(layout)}`)
          .raw()
          .all(chunk) as [string, ...SqlValue[]][],
      { signal },
    );
    for (const [id, ...row] of rows) {
      const metadata = metadataOf(layout, row, id);
      const value = Object.hasOwn(metadata, field) ? metadata[field] : undefined;
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        values.set(id, value);
    }
  }
  return values;
}

function nodeSql(layout: Layout, metadata: readonly string[]): string {
  const { embeddedHash, datatype, vector } = layout;
  const body = bodyAlias(layout);
  const columns = [
    idText(layout, body),
    `${body}.${layout.content}`,
    currentHash(layout),
    `h.${embeddedHash}`,
    `h.${datatype}`,
    `h.${vector}`,
    fenceOf(layout, 'h'),
    columnList(layout.stampColumns, 'h'),
    ...metadata.map((column) => `${body}.${column}`),
  ];
  return `SELECT ${columns.join(', ')} FROM ${nodesInList(layout)}`;
}

function nodeOf(layout: Layout, stamps: Stamps, row: NodeRow): StoredNode {
  const [id, content, contentHash, embeddedHash, datatype, bytes, revision, ...rest] = row;
  const info = stamps.infoOf(rest.slice(0, layout.stampColumns.length));
  const vector =
    bytes === null ? undefined : vectorIn(bytes, () => datatype ?? guess(layout, stamps, info), id);
  return {
    id,
    ...(content === null ? {} : { content: String(content) }),
    contentHash,
    ...(embeddedHash === null ? {} : { embeddedHash }),
    ...info,
    ...(vector === undefined ? {} : { vector }),
    fence: String(revision),
  };
}

/** What another program wrote says no datatype: the stamp's, else float32. */
function guess(layout: Layout, stamps: Stamps, info: StoredNodeInfo): Datatype {
  const shape = info && stamps.shapeOf(info);
  if (shape !== undefined) return shape.datatype;
  return info?.embeddingModelId === 'binary_hdv' ? 'bit' : layout.datatypeOfOthers;
}

type StoredNodeInfo = ReturnType<Stamps['infoOf']>;

function vectorIn(value: NodeRow[5], datatype: () => Datatype, id: string): Vector {
  if (!(value instanceof Uint8Array))
    throw new RegistryError(
      'VECTOR_INVALID',
      `The vector of node ${JSON.stringify(id)} is stored as ${typeof value}, not as a BLOB of little-endian float32 or packed bits; convert the column first.`,
    );
  const type = datatype();
  // Bytes that are no whole number of floats can only be kept as they are.
  return vectorOfBytes(value, value.byteLength % 4 === 0 ? type : 'bit');
}

function metadataColumns(layout: Layout): string[] {
  if (layout.metadata.kind === 'json') return [layout.metadata.column];
  return layout.metadata.kind === 'columns' ? layout.metadata.names.map(quoted) : [];
}

/** @throws RegistryError `DATABASE_INVALID` where another program wrote what is no JSON */
function metadataOf(layout: Layout, values: readonly unknown[], id: string): Record<string, unknown> {
  if (layout.metadata.kind === 'columns') {
    const entries = layout.metadata.names.map((name, index) => [name, values[index]] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== null));
  }
  const text = values[0];
  if (typeof text !== 'string') return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new RegistryError(
      'DATABASE_INVALID',
      `The metadata of node ${JSON.stringify(id)} is not JSON; another program wrote it. Mend that row of table "${layout.table}".`,
      { details: { nodeId: id } },
    );
  }
}
