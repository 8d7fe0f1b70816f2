import { invalid, notFound } from '../http/server-error.ts';
import type { Collection, Point } from './collection.ts';
import { type Filter, matches } from './filter.ts';
import { mergePayload, type Payload, withoutKey } from './payload-path.ts';
import { canonicalId, type PointId } from './point-id.ts';
import { checkWrite } from './strict-mode.ts';
import { type StoredVector, storedVectors } from './vectors.ts';

interface PointInput {
  readonly id: PointId;
  readonly vector: unknown;
  readonly payload?: Payload | null;
}

interface Selector {
  readonly points?: readonly PointId[] | null;
  readonly filter?: Filter | null;
}

type NamedLists = Readonly<Record<string, readonly unknown[]>>;

interface UpsertBody {
  readonly points?: readonly PointInput[];
  readonly batch?: {
    readonly ids: readonly PointId[];
    readonly vectors: readonly unknown[] | NamedLists;
    readonly payloads?: readonly (Payload | null)[] | null;
  };
  readonly update_filter?: Filter | null;
  readonly update_mode?: 'upsert' | 'insert_only' | 'update_only' | null;
}

/** How an operation is to be done: `deferred` hides new points from reads until the collection is optimised. */
export interface Manner {
  readonly deferred: boolean;
}

/** A checked operation, which changes the collection when it is called. */
export type Update = (manner: Manner) => void;

type PrepareUpdate = (collection: Collection, body: never) => Update;

/** Operations are applied to this many points at a time; an error leaves the chunks before it applied. */
const chunkPoints = 32;

/** The whole point: vectors that are not named and the old payload are gone. */
function upsert(collection: Collection, body: UpsertBody): Update {
  const points = pointsOf(body);
  checkWrite(collection, undefined, points.length);
  return ({ deferred }) => {
    const made = points.map(({ id, vector, payload }) => ({
      id: canonicalId(id),
      vectors: storedVectors(vector, collection),
      payload: payload ?? {},
    }));
    // One verdict before anything is written, as the server gives it.
    for (const point of made.filter(({ id }) => mayUpsert(collection, id, body))) {
      collection.put(point, { deferred });
    }
  };
}

function pointsOf({ points, batch }: UpsertBody): readonly PointInput[] {
  if (batch === undefined) return points ?? [];
  const { ids, vectors, payloads } = batch;
  const vectorAt = (index: number): unknown =>
    Array.isArray(vectors)
      ? vectors[index]
      : Object.fromEntries(Object.entries(vectors as NamedLists).map(([name, list]) => [name, list[index]]));
  return ids.map((id, index) => ({ id, vector: vectorAt(index), payload: payloads?.[index] ?? null }));
}

function mayUpsert(collection: Collection, id: PointId, { update_filter, update_mode }: UpsertBody): boolean {
  const old = collection.get(id);
  if (old === undefined) return update_mode !== 'update_only';
  if (update_mode === 'insert_only') return false;
  return !update_filter || matches(old, update_filter, collection.textKeys);
}

interface UpdateVectorsBody {
  readonly points: readonly { readonly id: PointId; readonly vector: unknown }[];
  readonly update_filter?: Filter | null;
}

/** Other vectors and the payload stay. A filter spares points that do not match, never ids that are missing. */
function updateVectors(collection: Collection, { points, update_filter }: UpdateVectorsBody): Update {
  if (points.length === 0) throw invalid('points: must specify points to update');
  checkWrite(collection, undefined, points.length);
  return () => {
    const changes = new Map<PointId, Map<string, StoredVector>>();
    for (const { id, vector } of points) {
      const known = changes.get(canonicalId(id)) ?? [];
      changes.set(canonicalId(id), new Map([...known, ...storedVectors(vector, collection)]));
    }
    const { textKeys } = collection;
    const ids = [...changes.keys()].filter((id) => {
      const point = collection.get(id);
      return point === undefined || !update_filter || matches(point, update_filter, textKeys);
    });
    change(collection, ids, (point) => ({
      ...point,
      vectors: new Map([...point.vectors, ...changes.get(point.id)!]),
    }));
  };
}

function deleteVectors(collection: Collection, body: Selector & { vector: readonly string[] }): Update {
  if (body.vector.length === 0) throw invalid('vector: must specify vector names to delete');
  return changeSelected(collection, body, (point) => ({
    ...point,
    vectors: new Map([...point.vectors].filter(([name]) => !body.vector.includes(name))),
  }));
}

function deletePoints(collection: Collection, body: Selector): Update {
  checkWrite(collection, body.filter);
  return () => {
    for (const id of selected(collection, body)) collection.remove(id);
  };
}

interface PayloadBody extends Selector {
  readonly payload: Payload;
  readonly key?: string | null;
}

function setPayload(collection: Collection, body: PayloadBody): Update {
  const { payload, key } = body;
  return changeSelected(collection, body, (point) => ({
    ...point,
    payload: mergePayload(point.payload, payload, key),
  }));
}

function overwritePayload(collection: Collection, body: PayloadBody): Update {
  if (body.key) return setPayload(collection, body);
  return changeSelected(collection, body, (point) => ({ ...point, payload: body.payload }));
}

function deletePayload(collection: Collection, body: Selector & { keys: readonly string[] }): Update {
  return changeSelected(collection, body, (point) => ({
    ...point,
    payload: body.keys.reduce(withoutKey, point.payload),
  }));
}

function clearPayload(collection: Collection, body: Selector): Update {
  return changeSelected(collection, body, (point) => ({ ...point, payload: {} }));
}

function changeSelected(collection: Collection, body: Selector, make: (point: Point) => Point): Update {
  if (!body.points && !body.filter) throw invalid('points: neither points nor filter');
  checkWrite(collection, body.points ? undefined : body.filter);
  return () => change(collection, selected(collection, body), make);
}

/** `points` wins over `filter`. Filters of writes see deferred points too. */
function selected(collection: Collection, { points, filter }: Selector): readonly PointId[] {
  if (points) return points.map(canonicalId);
  const { textKeys } = collection;
  const all = [...collection.points({ deferred: true })];
  return all.filter((point) => matches(point, filter, textKeys)).map(({ id }) => id);
}

/** By chunks; one with a missing id is applied to its other points, and ends the operation. */
function change(collection: Collection, ids: readonly PointId[], make: (point: Point) => Point): void {
  for (let start = 0; start < ids.length; start += chunkPoints) {
    const chunk = ids.slice(start, start + chunkPoints);
    const present = chunk.flatMap((id) => collection.get(id) ?? []);
    for (const point of present) collection.put(make(point));
    const missing = chunk.find((id) => collection.get(id) === undefined);
    if (missing !== undefined) throw notFound(`No point with id ${missing} found`);
  }
}

/** The operations of a batch, by their key. */
export const batchOperations: Readonly<Record<string, PrepareUpdate>> = {
  upsert,
  delete: deletePoints,
  set_payload: setPayload,
  overwrite_payload: overwritePayload,
  delete_payload: deletePayload,
  clear_payload: clearPayload,
  update_vectors: updateVectors,
  delete_vectors: deleteVectors,
};
