import { type EmbeddingInfo, type NodeFilter, sameStamp } from '@registry/core';
import type { PointId } from '../point-id.ts';
import type { Condition, Filter, PointRecord } from '../server/requests.ts';
import { equals } from './fence.ts';
import { whereConditions } from './filters.ts';
import { prefixOf, slotFields, slotState } from './payload.ts';
import { type PointPlace, scrollPoints, stampPayload } from './point-nodes.ts';

const keys = ['embedding_model_id', 'embedding_version', 'embedding_checksum'] as const;

/** Points without a stamp that a filter can tell apart are looked for so many at a time. */
const ODD_POINTS = 256;

/**
 * Nodes by stamp, counted exactly. A facet would count one field, and a stamp is three: each stamp is found on a
 * point that carries none of those known, and then counted. What no filter can compare, such as a list in the place
 * of a model's name, is no stamp, and left out by the ids of its points.
 */
export async function countByStamp(
  place: PointPlace,
  o: { readonly where?: NodeFilter | undefined; readonly signal?: AbortSignal | undefined },
): Promise<readonly { info?: EmbeddingInfo; count: number }[]> {
  const where = whereConditions(o.where);
  const counts: { info: EmbeddingInfo; count: number }[] = [];
  const known: Filter[] = [];
  const odd: PointId[] = [];
  const hasStamp: Condition = { is_empty: { key: `${prefixOf(place.slot)}embedding_model_id` } };
  let stamped = 0;
  for (;;) {
    const none: Condition[] = [hasStamp, ...known, ...(odd.length > 0 ? [{ has_id: odd }] : [])];
    const { points } = await scrollPoints(place, {
      limit: odd.length > 0 ? ODD_POINTS : 1,
      filter: { ...(where.length > 0 && { must: where }), must_not: none },
      payload: stampPayload(place.slot),
      ...(o.signal && { signal: o.signal }),
    });
    const [point] = points;
    if (point === undefined) break;
    odd.push(...points.filter((one) => sameRawStamp(place, one) === undefined).map(({ id }) => id));
    const same = sameRawStamp(place, point);
    if (same === undefined) continue;
    known.push(same);
    const info = infoOf(place, point);
    if (info === undefined) continue;
    const count = await countPoints(place, { must: [...where, same] }, o.signal);
    const entry = counts.find((other) => sameStamp(other.info, info));
    if (entry === undefined) counts.push({ info, count });
    else entry.count += count;
    stamped += count;
  }
  const total = await countPoints(place, where.length > 0 ? { must: where } : {}, o.signal);
  const present = counts.filter(({ count }) => count > 0);
  return total > stamped ? [...present, { count: total - stamped }] : present;
}

/** Vectors without a stamp, in a collection that has no other ones; 0 in any other. */
export async function countUnstamped(place: PointPlace): Promise<number> {
  const noStamp: Condition = { is_empty: { key: `${prefixOf(place.slot)}embedding_model_id` } };
  const stamped = await scrollPoints(place, { limit: 1, filter: { must_not: [noStamp] }, payload: false });
  if (stamped.points.length > 0) return 0;
  return countPoints(place, { must: [{ has_vector: place.slot.vector }] });
}

function infoOf({ slot }: PointPlace, { payload }: PointRecord): EmbeddingInfo | undefined {
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = slotState(slotFields(payload, slot));
  if (embeddingModelId === undefined || embeddingVersion === undefined) return undefined;
  return { embeddingModelId, embeddingVersion, embeddingChecksum: embeddingChecksum ?? '' };
}

/** The very values that stand there, also of a version written as a text; undefined where one is no such value. */
function sameRawStamp({ slot }: PointPlace, { payload }: PointRecord): Filter | undefined {
  const fields = slotFields(payload, slot);
  const values = keys.map((key) => fields[key] ?? null);
  const isScalar = (value: unknown): value is string | number | null =>
    value === null || typeof value === 'string' || Number.isSafeInteger(value);
  if (!values.every(isScalar)) return undefined;
  return { must: keys.map((key, index) => equals(`${prefixOf(slot)}${key}`, values[index] ?? null)) };
}

/** Exact: `points_count` of the collection is an estimate. */
async function countPoints(
  { connection, collection }: Pick<PointPlace, 'connection' | 'collection'>,
  filter: Filter,
  signal?: AbortSignal,
): Promise<number> {
  const { count } = await connection.read<{ count: number }>(
    'countPoints',
    { collection_name: collection, exact: true, ...(Object.keys(filter).length > 0 && { filter }) },
    signal,
  );
  return count;
}
