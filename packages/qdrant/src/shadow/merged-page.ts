import { comparePointIds, cursorOf, idOfCursor, type PointId } from '../point-id.ts';
import { fetchPoints } from '../points/fetch-points.ts';
import { type PointPlace, scrollWhole } from '../points/point-nodes.ts';
import type { PointRecord } from '../server/requests.ts';

/** One collection of the two, and the vectors that move whole with its points. */
export interface End {
  readonly place: PointPlace;
  readonly others: readonly string[];
}

/** A point on both sides; on one of them it may not be. */
export interface PointPair {
  readonly id: PointId;
  readonly old: PointRecord | undefined;
  readonly new: PointRecord | undefined;
}

/**
 * A page of both scrolls at once, which have one order: up to where the shorter page ends. A pass keeps nothing in
 * memory but this, and its cursor is an id.
 */
export async function mergedPage(
  ends: { readonly old: End; readonly new: End },
  o: { readonly after?: string; readonly limit: number; readonly signal?: AbortSignal },
): Promise<{ readonly pairs: readonly PointPair[]; readonly next?: string }> {
  const page = ({ place, others }: End) =>
    scrollWhole(place, { ...o, payload: true, vectors: others.length > 0 ? others : false });
  const [left, right] = await Promise.all([page(ends.old), page(ends.new)]);
  const bounds = [left.next, right.next].flatMap((next) => (next === undefined ? [] : [idOfCursor(next)]));
  const bound = bounds.sort(comparePointIds)[0];
  const within = ({ id }: PointRecord) => bound === undefined || comparePointIds(id, bound) < 0;
  const pairs = pairsOf(left.points.filter(within), right.points.filter(within));
  return { pairs, ...(bound !== undefined && { next: cursorOf(bound) }) };
}

/** In the order of ids. */
export function pairsOf(old: readonly PointRecord[], others: readonly PointRecord[]): readonly PointPair[] {
  const pairs = new Map<string, PointPair>();
  for (const point of old) pairs.set(String(point.id), { id: point.id, old: point, new: undefined });
  for (const point of others) {
    const known = pairs.get(String(point.id));
    pairs.set(String(point.id), { id: point.id, old: known?.old, new: point });
  }
  return [...pairs.values()].sort((a, b) => comparePointIds(a.id, b.id));
}

/** Whole points by id, with these vectors; absent ids are left out. */
export function readPoints(
  { place }: End,
  ids: readonly PointId[],
  vectors: readonly string[],
  signal?: AbortSignal,
): Promise<readonly PointRecord[]> {
  const wanted = vectors.length === 0 ? false : place.isUnnamed ? true : vectors;
  return fetchPoints(place, ids, { payload: true, vectors: wanted }, signal);
}
