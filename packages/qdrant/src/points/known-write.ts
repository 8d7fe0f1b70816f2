import type { PointId } from '../point-id.ts';
import type { Connection } from '../server/connection.ts';
import type { PointRecord } from '../server/requests.ts';
import { digestOf } from './digest.ts';

const ATTEMPTS = 5;

/** A write that has no guard of its own, and what tells whether it was done. */
export interface KnownWrite {
  readonly operation: string;
  readonly ids: readonly PointId[];
  readonly requestOf: (ids: readonly PointId[]) => object;
  /** Payloads of these points now; absent ones are left out. */
  readonly read: (ids: readonly PointId[]) => Promise<readonly PointRecord[]>;
  /** The same, read before the first attempt. */
  readonly before: readonly PointRecord[];
  readonly isDone: (point: PointRecord | undefined) => boolean;
  /** The payload fields that it sets; all of them unless told. */
  readonly fields?: readonly string[];
}

/**
 * Sends a write until it is known to have been done. Where an outcome is not known, the points are read back first:
 * one that is as it was before is written again. One that is neither that nor as it should be was written by
 * somebody else since, who is the later one, and is left alone.
 */
export async function writeKnown(connection: Connection, o: KnownWrite): Promise<void> {
  let { ids } = o;
  for (let attempt = 0; ; attempt++) {
    const end = await connection.write(o.operation, o.requestOf(ids));
    if (end.kind === 'done') return;
    if (end.kind === 'tooLarge' || attempt + 1 >= ATTEMPTS) throw end.error;
    await connection.pause(attempt, end);
    if (end.kind === 'unknown') ids = await undone(o, ids);
    if (ids.length === 0) return;
  }
}

async function undone(o: KnownWrite, ids: readonly PointId[]): Promise<readonly PointId[]> {
  const [before, now] = [o.before, await o.read(ids)].map(
    (points) => new Map(points.map((point) => [String(point.id), point])),
  ) as [Map<string, PointRecord>, Map<string, PointRecord>];
  return ids.filter((id) => {
    const [was, is] = [before.get(String(id)), now.get(String(id))];
    return !o.isDone(is) && stateOf(was, o.fields) === stateOf(is, o.fields);
  });
}

function stateOf(point: PointRecord | undefined, fields: readonly string[] | undefined): string {
  if (point === undefined) return 'absent';
  const payload = point.payload ?? {};
  return digestOf(fields === undefined ? payload : fields.map((field) => payload[field] ?? null));
}
