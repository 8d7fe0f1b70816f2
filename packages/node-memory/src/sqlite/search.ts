/**
 * Exact search over the vectors of one stamp, in steps of a few megabytes between which others may run:
 * by the distance functions of sqlite-vec, or by our own scan where it has none (dot) or cannot be loaded.
 */
import { scheduler } from 'node:timers/promises';
import {
  type Distance,
  type EmbeddingInfo,
  type NodeFilter,
  RegistryError,
  sameStamp,
  scorer,
  type Vector,
  vectorBytes,
  vectorFits,
  vectorOfBytes,
} from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { type Condition, conditionOnHead } from './filter.ts';
import { idText, type Layout, quoted, type SqlValue, type StampKey } from './layout.ts';
import { type Stamps, shapeLike, type VectorShape } from './stamps.ts';

const CHUNK_BYTES = 2 * 1024 * 1024;
const CHUNK_ROWS = 4096;

/** A node that a search found; a higher score is nearer. */
export interface NodeHit {
  readonly id: string;
  /** See `scorer`: higher is nearer. */
  readonly score: number;
}

export interface SearchOptions {
  readonly at: EmbeddingInfo;
  readonly k: number;
  readonly where?: NodeFilter | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Search {
  readonly query: Vector;
  readonly shape: VectorShape;
  readonly k: number;
  readonly condition: Condition | undefined;
}

/** The nodes of one stamp after one id, up to another one. */
interface Step {
  readonly key: StampKey;
  readonly after: SqlValue | undefined;
  readonly upTo: SqlValue | undefined;
}

/** @throws RegistryError `VECTOR_INVALID` where the query is none of the model's vectors */
export async function searchNodes(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  query: Vector,
  options: SearchOptions & { readonly hasExtension: boolean },
): Promise<NodeHit[]> {
  const { at, k, where, signal, hasExtension } = options;
  const [shape, keys] = await database.read(
    () =>
      [
        stamps.shapeOf(at) ?? shapeLike(query),
        stamps.inUse().filter((key) => sameStamp(key.info, at)),
      ] as const,
    { signal },
  );
  assertQuery(query, shape, at);
  const search: Search = { query, shape, k, condition: conditionOnHead(layout, where) };
  const nearest = hasExtension && shape.distance !== 'dot' ? nearestByExtension : nearestByScan;
  let hits: NodeHit[] = [];
  for (const key of keys) {
    let after: SqlValue | undefined;
    do {
      const step = await database.read(
        () => {
          const upTo = lastOfStep(database, layout, key, after, query.byteLength);
          return { upTo, hits: nearest(database, layout, search, { key, after, upTo }) };
        },
        { signal },
      );
      // Steps go up by id and the sort is stable: ties stay in the order of the ids.
      hits = [...hits, ...step.hits].sort((a, b) => b.score - a.score).slice(0, k);
      after = step.upTo;
      if (after !== undefined) await scheduler.yield();
    } while (after !== undefined);
  }
  return hits;
}

function assertQuery(query: Vector, shape: VectorShape, at: EmbeddingInfo): void {
  const hasNumbers = query instanceof Uint8Array || query.every(Number.isFinite);
  if (vectorFits(query, shape) && hasNumbers && query.length > 0) return;
  const model = `${at.embeddingModelId} version ${at.embeddingVersion}`;
  throw new RegistryError(
    'VECTOR_INVALID',
    hasNumbers
      ? `The query is no vector of ${model}: a ${query.constructor.name} of length ${query.length} instead of ${shape.datatype} of dimension ${shape.dimension}.`
      : `The query for ${model} has NaN or infinite elements.`,
  );
}

/** The id at which a step ends; undefined: it is the last one. */
function lastOfStep(
  database: SqliteDatabase,
  layout: Layout,
  key: StampKey,
  after: SqlValue | undefined,
  vectorLength: number,
): SqlValue | undefined {
  const rows = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(CHUNK_BYTES / vectorLength)));
  const { sql, values } = rangeOf(layout, { key, after, upTo: undefined }, undefined);
  return database
    .sql(`SELECT ${idText(layout, 'h')} ${sql} ORDER BY h.${layout.id} LIMIT 1 OFFSET +?`)
    .pluck()
    .get(...values, rows - 1) as SqlValue | undefined;
}

function rangeOf(layout: Layout, step: Step, condition: Condition | undefined): Condition {
  const terms = layout.stampColumns.map((column) => `h.${column} IS ?`);
  const values = [...step.key.values];
  if (step.after !== undefined) {
    terms.push(`h.${layout.id} > ?`);
    values.push(step.after);
  }
  if (step.upTo !== undefined) {
    terms.push(`h.${layout.id} <= ?`);
    values.push(step.upTo);
  }
  if (condition !== undefined) {
    terms.push(condition.sql);
    values.push(...condition.values);
  }
  return {
    sql: `FROM ${layout.heads} AS h INDEXED BY ${quoted(layout.rangeIndex)} WHERE ${terms.join(' AND ')}`,
    values,
  };
}

/** True where the stored bytes are a vector that may be compared with the query: binds length and datatype. */
function isComparable(layout: Layout): string {
  const { vector, datatype } = layout;
  return `typeof(h.${vector}) = 'blob' AND length(h.${vector}) = ? AND (h.${datatype} IS NULL OR h.${datatype} = ?)`;
}

const extensionDistances: Readonly<Record<Exclude<Distance, 'dot'>, (vector: string) => string>> = {
  cosine: (vector) => `vec_distance_cosine(${vector}, ?)`,
  euclid: (vector) => `vec_distance_l2(${vector}, ?)`,
  hamming: (vector) => `vec_distance_hamming(vec_bit(${vector}), vec_bit(?))`,
};

function nearestByExtension(database: SqliteDatabase, layout: Layout, search: Search, step: Step): NodeHit[] {
  const { query, shape, k } = search;
  const distance = extensionDistances[shape.distance as Exclude<Distance, 'dot'>](`h.${layout.vector}`);
  const range = rangeOf(layout, step, search.condition);
  const rows = database
    .sql(
      `SELECT ${idText(layout, 'h')}, CASE WHEN ${isComparable(layout)} THEN ${distance} END AS distance ${range.sql}
      ORDER BY distance IS NULL, distance, h.${layout.id} LIMIT +?`,
    )
    .raw()
    .all(query.byteLength, shape.datatype, vectorBytes(query), ...range.values, k) as [
    string,
    number | null,
  ][];
  return rows.flatMap(([id, value]) =>
    value === null || !Number.isFinite(value) ? [] : [{ id, score: scoreOf(value, shape) }],
  );
}

/** The same scale as {@link scorer}'s. */
function scoreOf(distance: number, shape: VectorShape): number {
  if (shape.distance === 'cosine') return 1 - distance;
  return shape.distance === 'hamming' ? 1 - distance / shape.dimension : -distance;
}

function nearestByScan(database: SqliteDatabase, layout: Layout, search: Search, step: Step): NodeHit[] {
  const { query, shape, k } = search;
  const range = rangeOf(layout, step, search.condition);
  const rows = database
    .sql(
      `SELECT ${idText(layout, 'h')}, CASE WHEN ${isComparable(layout)} THEN h.${layout.vector} END ${range.sql} ORDER BY h.${layout.id}`,
    )
    .raw()
    .iterate(query.byteLength, shape.datatype, ...range.values) as IterableIterator<
    [string, Uint8Array | null]
  >;
  const scoreTo = scorer(query, shape.distance, shape.dimension);
  const hits: NodeHit[] = [];
  for (const [id, bytes] of rows) {
    const score = bytes === null ? Number.NaN : scoreTo(vectorOfBytes(bytes, shape.datatype));
    if (Number.isFinite(score)) hits.push({ id, score });
  }
  return hits.sort((a, b) => b.score - a.score).slice(0, k);
}

/** Loads sqlite-vec into the connection; false where this machine has no binary of it. */
export async function loadExtension(database: SqliteDatabase): Promise<boolean> {
  try {
    const { getLoadablePath } = await import('sqlite-vec');
    database.raw.loadExtension(getLoadablePath());
    return true;
  } catch {
    return false;
  }
}
