/** What the application does to its nodes. Every function runs inside a transaction. */
import { contentHash, type EmbeddingInfo, RegistryError, type Vector, vectorBytes } from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { metadataText, type ParsedChanges, type ParsedNode } from '../node-input.ts';
import { currentHash, type Layout, quoted, type SqlValue } from './layout.ts';
import type { Stamps } from './stamps.ts';
import { withFences } from './state.ts';
import { HASH_OF_ANOTHER_TEXT } from './triggers.ts';

/** Columns and what they are to hold. */
type Assignments = readonly (readonly [column: string, value: SqlValue])[];

/** @throws RegistryError `SPEC_INVALID` where an id is taken and `replace` is false, `VECTOR_INVALID` */
export function insertNodes(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  nodes: readonly ParsedNode[],
  replace: boolean,
): void {
  withFences(database, layout, nodes.length, (first) => {
    for (const [index, node] of nodes.entries()) {
      const hash = contentHash(node.content);
      const body: Assignments = [
        [layout.id, node.id],
        [layout.content, node.content],
        ...metadataAssignments(layout, node.metadata, node.id),
      ];
      const head: Assignments = [
        [layout.revision, first + index],
        [layout.contentHash, hash],
        ...vectorAssignments(layout, stamps, node.id, node.vector, node.info, hash),
      ];
      const key = insertRow(database, layout, layout.ownsTable ? body : [...body, ...head], replace);
      if (key === undefined) throw taken(node.id);
      if (layout.ownsTable) putHead(database, layout, [[layout.key, key], [layout.id, node.id], ...head]);
    }
  });
}

/** Adds the row that holds the body; its key, or undefined where the id is taken and stays. */
function insertRow(
  database: SqliteDatabase,
  layout: Layout,
  row: Assignments,
  replace: boolean,
): SqlValue | undefined {
  const conflict = replace ? `DO UPDATE SET ${fromExcluded(row)}` : 'DO NOTHING';
  return database
    .sql(
      `INSERT INTO ${layout.bodies} ${columnsAndValues(row)} ON CONFLICT (${layout.id}) ${conflict} RETURNING ${layout.key}`,
    )
    .pluck()
    .get(row.map(([, value]) => value)) as SqlValue | undefined;
}

/** The head of a body that is there. */
function putHead(database: SqliteDatabase, layout: Layout, row: Assignments): void {
  database
    .sql(
      `INSERT INTO ${layout.heads} ${columnsAndValues(row)} ON CONFLICT (${layout.key}) DO UPDATE SET ${fromExcluded(row)}`,
    )
    .run(row.map(([, value]) => value));
}

function columnsAndValues(row: Assignments): string {
  return `(${row.map(([column]) => column).join(', ')}) VALUES (${row.map(() => '?').join(', ')})`;
}

function fromExcluded(row: Assignments): string {
  return row.map(([column]) => `${column} = excluded.${column}`).join(', ');
}

function taken(id: string): RegistryError {
  return new RegistryError(
    'SPEC_INVALID',
    `There is a node ${JSON.stringify(id)} already; update it, or use \`upsert\`.`,
    { details: { nodeId: id } },
  );
}

/** False where there is no such node. */
export function updateNode(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  id: string,
  changes: ParsedChanges,
): boolean {
  const { heads, embeddedHash, headHasId } = layout;
  const before = database
    .sql(
      `SELECT ${currentHash(layout)} AS hash, h.${layout.vector} IS NOT NULL AND h.${embeddedHash} IS NULL AS isOfUnknownText
       FROM ${heads} AS h WHERE ${headHasId}`,
    )
    .get(id) as { hash: string; isOfUnknownText: 0 | 1 } | undefined;
  if (before === undefined) return false;
  const { content, metadata, vector, info } = changes;
  const newHash = content === undefined ? before.hash : contentHash(content);
  // The vector stays, and from now on is of another text, whichever it was of.
  const isLeftBehind = vector === undefined && newHash !== before.hash && before.isOfUnknownText === 1;
  const body: Assignments = [
    ...(content === undefined ? [] : [[layout.content, content] as const]),
    ...(metadata === undefined ? [] : metadataAssignments(layout, metadata, id)),
  ];
  if (content === undefined && vector === undefined) {
    updateRow(database, layout.bodies, layout.bodyHasId, id, body);
    return true;
  }
  withFences(database, layout, 1, (revision) => {
    const head: Assignments = [
      [layout.revision, revision],
      [layout.contentHash, newHash],
      ...(isLeftBehind ? [[embeddedHash, HASH_OF_ANOTHER_TEXT] as const] : []),
      ...(vector === undefined
        ? []
        : vectorAssignments(layout, stamps, id, vector ?? undefined, info, newHash)),
    ];
    if (layout.ownsTable) {
      updateRow(database, layout.bodies, layout.bodyHasId, id, body);
      updateRow(database, layout.heads, layout.headHasId, id, head);
    } else updateRow(database, layout.bodies, layout.headHasId, id, [...body, ...head]);
  });
  return true;
}

function updateRow(
  database: SqliteDatabase,
  table: string,
  hasId: string,
  id: string,
  values: Assignments,
): void {
  if (values.length === 0) return;
  database
    .sql(`UPDATE ${table} SET ${values.map(([column]) => `${column} = ?`).join(', ')} WHERE ${hasId}`)
    .run(...values.map(([, value]) => value), id);
}

/** How many there were. */
export function deleteNodes(database: SqliteDatabase, layout: Layout, ids: readonly string[]): number {
  const statement = database.sql(`DELETE FROM ${layout.bodies} WHERE ${layout.bodyHasId}`);
  return ids.reduce((count, id) => count + statement.run(id).changes, 0);
}

/** A vector comes with the hash of the content it is stored with; a node without one carries no stamp. */
function vectorAssignments(
  layout: Layout,
  stamps: Stamps,
  id: string,
  vector: Vector | undefined,
  info: EmbeddingInfo | undefined,
  hash: string,
): Assignments {
  if (vector !== undefined && info !== undefined) stamps.check(id, vector, info);
  const values = stamps.valuesOf(vector === undefined ? undefined : info);
  return [
    [layout.vector, vector === undefined ? null : vectorBytes(vector)],
    [layout.datatype, vector === undefined ? null : vector instanceof Uint8Array ? 'bit' : 'float32'],
    [layout.embeddedHash, vector === undefined ? null : hash],
    ...layout.stampColumns.map((column, index) => [column, values[index] ?? null] as const),
  ];
}

function metadataAssignments(
  layout: Layout,
  metadata: Readonly<Record<string, unknown>>,
  id: string,
): Assignments {
  if (layout.metadata.kind === 'json') return [[layout.metadata.column, metadataText(metadata, id)]];
  const names = layout.metadata.kind === 'columns' ? layout.metadata.names : [];
  const unknown = Object.keys(metadata).find((key) => !names.includes(key));
  if (unknown !== undefined)
    throw new RegistryError(
      'SPEC_INVALID',
      `Node store ${layout.table} has no metadata column "${unknown}" for node ${JSON.stringify(id)}; name it in \`columns.metadata\`.`,
    );
  return names.map((name) => [quoted(name), columnValue(metadata[name], name, id)] as const);
}

function columnValue(value: unknown, name: string, id: string): SqlValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new RegistryError(
    'SPEC_INVALID',
    `Metadata column "${name}" of node ${JSON.stringify(id)} takes a string, number or boolean.`,
  );
}
