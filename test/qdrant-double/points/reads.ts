import { badInput, invalid, notFound } from '../http/server-error.ts';
import type { Collection, Point } from './collection.ts';
import { type Filter, matches } from './filter.ts';
import { selectPayload, valuesAt } from './payload-path.ts';
import { canonicalId, compareIds, type PointId } from './point-id.ts';
import { checkRead } from './strict-mode.ts';
import { shownVector } from './vectors.ts';

export interface Shown {
  readonly with_payload?: unknown;
  readonly with_vector?: boolean | readonly string[] | null;
}

/** A point as an answer shows it. */
export function shown(point: Point, collection: Collection, { with_payload, with_vector }: Shown): object {
  const payload = selectPayload(point.payload, with_payload);
  const vector = with_vector ? vectorsOf(point, collection, with_vector) : undefined;
  return {
    id: point.id,
    ...(payload === undefined ? {} : { payload }),
    ...(vector === undefined ? {} : { vector }),
  };
}

/** One unnamed vector comes as an array; beside named ones it is named `''`. */
function vectorsOf(point: Point, { dense, sparse }: Collection, wanted: true | readonly string[]): unknown {
  const vectors = [...point.vectors].filter(([name]) => wanted === true || wanted.includes(name));
  const [only] = vectors;
  if (only?.[0] === '' && vectors.length === 1 && dense.size + sparse.size === 1) return shownVector(only[1]);
  return Object.fromEntries(vectors.map(([name, vector]) => [name, shownVector(vector)]));
}

interface ScrollBody extends Shown {
  readonly filter?: Filter | null;
  readonly limit?: number | null;
  readonly offset?: PointId | null;
  readonly order_by?: unknown;
}

/** In the order of ids, beginning with `offset` itself. */
export function scroll(collection: Collection, body: ScrollBody) {
  if (body.order_by != null) throw new Error('the double does not scroll by `order_by`');
  const limit = body.limit ?? 10;
  if (limit < 1) throw invalid('limit: value 0 invalid, must be 1 or larger');
  checkRead(collection, body.filter, limit);
  const from = body.offset == null ? {} : { from: canonicalId(body.offset) };
  const found: Point[] = [];
  const { textKeys } = collection;
  for (const point of collection.points(from)) {
    if (matches(point, body.filter, textKeys) && found.push(point) > limit) break;
  }
  const page = found.slice(0, limit);
  const next = found[limit]?.id ?? null;
  const { with_payload = true } = body;
  return {
    points: page.map((point) => shown(point, collection, { ...body, with_payload })),
    next_page_offset: next,
  };
}

/** Absent ids are left out. The order is promised to nobody: it is never that of the request's ids. */
export function retrieve(collection: Collection, body: Shown & { readonly ids: readonly PointId[] }) {
  const ids = [...new Set(body.ids.map(canonicalId))].sort((a, b) => compareIds(b, a));
  const points = ids.flatMap((id) => collection.seen(id) ?? []);
  const { with_payload = true } = body;
  return points.map((point) => shown(point, collection, { ...body, with_payload }));
}

export function onePoint(collection: Collection, id: string) {
  const wanted = canonicalId(/^\d+$/.test(id) ? numericId(id) : id);
  const point = collection.seen(wanted);
  if (point === undefined) throw notFound(`Point with id ${id} does not exists!`);
  return shown(point, collection, { with_payload: true, with_vector: true });
}

function numericId(digits: string): PointId {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}

export function count(
  collection: Collection,
  { filter, exact }: { filter?: Filter | null; exact?: boolean },
) {
  checkRead(collection, filter);
  if (exact === false && !filter) return { count: collection.approximateSize };
  const { textKeys } = collection;
  let found = 0;
  for (const point of collection.points()) if (matches(point, filter, textKeys)) found++;
  return { count: found };
}

interface FacetBody {
  readonly key: string;
  readonly limit?: number | null;
  readonly filter?: Filter | null;
}

const facetIndexes = new Set(['keyword', 'uuid', 'bool']);

/** How many points have each value of a key that has an index for looking up values. */
export function facet(collection: Collection, { key, limit, filter }: FacetBody) {
  checkRead(collection, filter, limit ?? 10);
  const index = collection.indexes.get(key);
  const looksUp = index?.type === 'integer' && index.params?.lookup !== false;
  if (index === undefined || !(looksUp || facetIndexes.has(index.type))) {
    throw badInput(`No appropriate index for faceting: \`${key}\``);
  }
  const { textKeys } = collection;
  const counts = new Map<unknown, number>();
  for (const point of collection.points()) {
    if (!matches(point, filter, textKeys)) continue;
    const values = valuesAt(point.payload, key).filter(
      (value) => value !== null && typeof value !== 'object',
    );
    for (const value of new Set(values)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const hits = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  return { hits: hits.slice(0, limit ?? 10) };
}
