import { badInput, notFound } from '../http/server-error.ts';
import type { Collection, Point } from './collection.ts';
import { type Filter, matches } from './filter.ts';
import { canonicalId, type PointId } from './point-id.ts';
import { type Shown, scroll, shown } from './reads.ts';
import { checkRead } from './strict-mode.ts';
import { type Distance, type SparseVector, type StoredVector, score, storedVector } from './vectors.ts';

export interface QueryBody extends Shown {
  readonly query?: unknown;
  readonly using?: string | null;
  readonly filter?: Filter | null;
  readonly limit?: number | null;
  readonly offset?: number | null;
  readonly score_threshold?: number | null;
  readonly prefetch?: unknown;
  readonly lookup_from?: unknown;
}

/** The nearest points, by looking at every one; without a query, the first ones in the order of ids. */
export function queryPoints(collection: Collection, body: QueryBody): { points: readonly object[] } {
  if (body.prefetch != null || body.lookup_from != null) throw new Error('the double knows no prefetch');
  const limit = body.limit ?? 10;
  const { with_payload = false, with_vector = false } = body;
  const manner = { with_payload, with_vector };
  if (body.query == null) {
    const { points } = scroll(collection, { ...manner, limit, filter: body.filter ?? null });
    return { points: points.map((point) => ({ ...point, version: 0, score: 0 })) };
  }
  checkRead(collection, body.filter, limit);
  const found = nearest(collection, body);
  const offset = body.offset ?? 0;
  return {
    points: found.slice(offset, offset + limit).map(({ point, score }) => ({
      version: 0,
      score,
      ...shown(point, collection, manner),
    })),
  };
}

function nearest(collection: Collection, body: QueryBody) {
  const name = body.using ?? '';
  const { vector, self } = wanted(collection, name, body.query);
  const distance = collection.dense.get(name)?.distance ?? 'Dot';
  const sign = distance === 'Euclid' || distance === 'Manhattan' ? -1 : 1;
  const { textKeys } = collection;
  const found: { point: Point; score: number }[] = [];
  for (const point of collection.points()) {
    const candidate = point.vectors.get(name);
    if (candidate === undefined || point.id === self || !matches(point, body.filter, textKeys)) continue;
    found.push({ point, score: similarity(distance, vector, candidate) });
  }
  const threshold = body.score_threshold;
  const good = threshold == null ? found : found.filter(({ score }) => sign * (score - threshold) >= 0);
  return good.sort((a, b) => sign * (b.score - a.score));
}

/** The vector asked with: given, or that of a point, which is then not its own neighbour. */
function wanted(
  collection: Collection,
  name: string,
  query: unknown,
): { vector: StoredVector; self?: PointId } {
  if (!collection.dense.has(name) && !collection.sparse.has(name)) {
    throw badInput(`Not existing vector name error: ${name}`);
  }
  const asked = nearestOf(query);
  if (typeof asked === 'object') return { vector: storedVector(name, asked, collection) };
  const self = canonicalId(asked);
  const vector = collection.seen(self)?.vectors.get(name);
  if (vector === undefined) throw notFound(`No point with id ${self} found`);
  return { vector, self };
}

function nearestOf(query: unknown): object | PointId {
  if (typeof query !== 'object' || query === null) return query as PointId;
  if (Array.isArray(query) || 'indices' in query) return query;
  const { nearest, mmr } = query as { nearest?: object | PointId; mmr?: unknown };
  if (nearest === undefined || mmr != null) throw new Error('the double only knows queries for the nearest');
  return nearest;
}

function similarity(distance: Distance, a: StoredVector, b: StoredVector): number {
  if (a instanceof Float32Array && b instanceof Float32Array) return score(distance, a, b);
  if ('indices' in a && 'indices' in b) return sparseProduct(a, b);
  // Of each asked row the best among the stored ones.
  const [asked, stored] = [a, b] as [readonly Float32Array[], readonly Float32Array[]];
  const best = (row: Float32Array) => Math.max(...stored.map((other) => score(distance, row, other)));
  return asked.reduce((sum, row) => sum + best(row), 0);
}

function sparseProduct(a: SparseVector, b: SparseVector): number {
  const weights = new Map(a.indices.map((index, at) => [index, a.values[at]!]));
  return b.indices.reduce((sum, index, at) => sum + (weights.get(index) ?? 0) * b.values[at]!, 0);
}
