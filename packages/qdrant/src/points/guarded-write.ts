import type { WriteOutcome } from '@registry/core';
import type { PointId } from '../point-id.ts';
import type { Connection } from '../server/connection.ts';
import { statusOf } from '../server/failure.ts';
import type { PointRecord, UpdateOperation } from '../server/requests.ts';
import { bytesOf, inGroups, type RequestLimits } from './compact.ts';
import { fetchPoints } from './fetch-points.ts';

/** One guarded change of one point: operations that are done in order, each finding its own guard. */
export interface GuardedChange {
  readonly id: PointId;
  readonly operations: readonly UpdateOperation[];
  /** What is found when it was done; the server does not tell how many points a guard let through. */
  readonly isDone: (point: PointRecord | undefined) => boolean;
  /** The point is still as its guard wants it, so that the change may be repeated. */
  readonly isOpen: (point: PointRecord | undefined) => boolean;
}

/** Where changes go, and what is read back of a point. */
export interface WritePlace {
  readonly connection: Connection;
  readonly collection: string;
  readonly limits: RequestLimits;
  /** What tells that a change was done: marks and stamps, which are short. */
  readonly marks: readonly string[];
  /** What tells that it may be repeated, its text among it: asked for only where an outcome is not known. */
  readonly payload: boolean | readonly string[];
}

const ATTEMPTS = 6;

/** Outcomes in the order of the changes. Whatever ended unknown was read back before it was repeated. */
export async function writeGuarded(
  place: WritePlace,
  changes: readonly GuardedChange[],
  signal?: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  const outcomes = new Map<GuardedChange, WriteOutcome>();
  for (const group of inGroups(changes, ({ operations }) => bytesOf(operations), place.limits)) {
    signal?.throwIfAborted();
    await writeGroup(place, group, outcomes);
  }
  return changes.map((change) => outcomes.get(change)!);
}

async function writeGroup(
  place: WritePlace,
  group: readonly GuardedChange[],
  outcomes: Map<GuardedChange, WriteOutcome>,
): Promise<void> {
  let open = group;
  for (let attempt = 0; open.length > 0; attempt++) {
    const { mayRepeat, error, isTooLarge } = await send(place, open, attempt);
    if (isTooLarge) {
      if (open.length === 1) throw error;
      const middle = Math.ceil(open.length / 2);
      await writeGroup(place, open.slice(0, middle), outcomes);
      return writeGroup(place, open.slice(middle), outcomes);
    }
    const points = await readBack(place, open, mayRepeat ? place.payload : place.marks);
    const left: GuardedChange[] = [];
    for (const change of open) {
      const point = points.get(String(change.id));
      if (change.isDone(point)) outcomes.set(change, 'written');
      else if (mayRepeat && change.isOpen(point)) left.push(change);
      else outcomes.set(change, point === undefined ? 'missing' : 'conflict');
    }
    if (left.length > 0 && attempt + 1 >= ATTEMPTS) throw error;
    open = left;
  }
}

interface SendEnd {
  readonly mayRepeat: boolean;
  readonly isTooLarge?: boolean;
  readonly error?: unknown;
}

async function send(place: WritePlace, group: readonly GuardedChange[], attempt: number): Promise<SendEnd> {
  const { connection, collection: collection_name } = place;
  const operations = together(group.flatMap((change) => change.operations));
  try {
    const end = await connection.write('batchUpdate', { collection_name, wait: true, operations });
    if (end.kind === 'done') return { mayRepeat: false };
    if (end.kind === 'tooLarge') return { mayRepeat: true, isTooLarge: true, error: end.error };
    await connection.pause(attempt, end);
    return { mayRepeat: true, error: end.error };
  } catch (error) {
    // update_vectors answers 404 for a point that is gone, whatever its filter says, and the batch ends there.
    if (statusOf(error) !== 404 || (error as { code?: string }).code === 'COLLECTION_UNKNOWN') throw error;
    return { mayRepeat: true, error };
  }
}

/** Points that are only to be inserted have no guard of their own: one operation takes them all. */
function together(operations: readonly UpdateOperation[]): readonly UpdateOperation[] {
  const inserted = operations.flatMap((operation) =>
    'upsert' in operation && operation.upsert.update_mode === 'insert_only' ? operation.upsert.points : [],
  );
  if (inserted.length < 2) return operations;
  const others = operations.filter(
    (operation) => !('upsert' in operation && operation.upsert.update_mode === 'insert_only'),
  );
  return [{ upsert: { points: inserted, update_mode: 'insert_only' } }, ...others];
}

async function readBack(
  place: WritePlace,
  changes: readonly GuardedChange[],
  payload: boolean | readonly string[],
): Promise<ReadonlyMap<string, PointRecord>> {
  const points = await fetchPoints(
    place,
    changes.map(({ id }) => id),
    { payload },
  );
  return new Map(points.map((point) => [String(point.id), point]));
}
