import type { NodeWrite, WriteOutcome } from '@registry/core';
import { pointIdOf } from '../point-id.ts';
import { compact } from '../points/compact.ts';
import { hashOf } from '../points/contents.ts';
import { fenceOf, guardOf } from '../points/fence.ts';
import { type GuardedChange, writeGuarded } from '../points/guarded-write.ts';
import { BASE_FIELD, dataOf, stampFields, WRITE_FIELD } from '../points/payload.ts';
import { markPayload, neededPayload, writeNodes } from '../points/point-nodes.ts';
import type { PointInput, PointRecord } from '../server/requests.ts';
import { type End, readPoints } from './merged-page.ts';
import { dataDigest, vectorsAt } from './pair-facts.ts';

/** What a node of a crossing was when it was read. */
export interface CrossFence {
  readonly readers: 'old' | 'new';
  /** The side whose content it has. */
  readonly truth: 'old' | 'new';
  readonly data: string;
  readonly hash: string;
  /** The fence of the point that is written; null: there is none yet. */
  readonly there: string | null;
}

interface Ends {
  readonly old: End;
  readonly new: End;
  readonly readers: 'old' | 'new';
}

interface Way {
  readonly written: 'old' | 'new';
  readonly isForward: boolean;
}

interface Prepared {
  readonly write: NodeWrite;
  readonly fence: CrossFence;
}

/** How writes ended, in their order, and the points of the other side that were copied whole. */
export interface CrossEnd {
  readonly outcomes: readonly WriteOutcome[];
  readonly copied: readonly PointRecord[];
}

/** Hears which points of the other side are about to be copied whole. */
type OnCopy = (sources: readonly PointRecord[]) => Promise<void>;

/** The side that content comes from is read again just before. */
export async function crossWrite(
  ends: Ends,
  way: Way,
  writes: readonly NodeWrite[],
  onCopy: OnCopy,
  signal?: AbortSignal,
): Promise<CrossEnd> {
  const outcomes = new Map<NodeWrite, WriteOutcome>();
  const open = new Map<string, Prepared>();
  // Of two writes of one node the second finds another fence, and so does one that readers have moved under.
  const isOpen = writes.map((write) => {
    const fence = JSON.parse(write.fence) as CrossFence;
    if (open.has(write.nodeId) || fence.readers !== ends.readers) return false;
    open.set(write.nodeId, { write, fence });
    return true;
  });
  const all = [...open.values()];
  await writeOnSide(
    ends,
    way,
    all.filter((one) => staysOnSide(one, way)),
    outcomes,
    signal,
  );
  const copied = await writeAcross(
    ends,
    way,
    all.filter((one) => !staysOnSide(one, way)),
    outcomes,
    onCopy,
    signal,
  );
  return {
    outcomes: writes.map((write, index) => (isOpen[index] ? outcomes.get(write)! : 'conflict')),
    copied,
  };
}

/** The content is the written side's own, or only its mark is renewed: nothing is brought over. */
function staysOnSide({ write, fence }: Prepared, { written }: Way): boolean {
  return fence.there !== null && (fence.truth === written || write.set === undefined);
}

async function writeOnSide(
  ends: Ends,
  { written }: Way,
  some: readonly Prepared[],
  outcomes: Map<NodeWrite, WriteOutcome>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const writes = some.map(({ write, fence }) => ({ ...write, fence: fence.there ?? '' }));
  const done = await writeNodes(ends[written].place, writes, signal);
  for (const [index, { write }] of some.entries()) outcomes.set(write, done[index]!);
}

async function writeAcross(
  ends: Ends,
  way: Way,
  some: readonly Prepared[],
  outcomes: Map<NodeWrite, WriteOutcome>,
  onCopy: OnCopy,
  signal: AbortSignal | undefined,
): Promise<readonly PointRecord[]> {
  if (some.length === 0) return [];
  const from = ends[way.written === 'new' ? 'old' : 'new'];
  const to = ends[way.written];
  const points = await readPoints(
    from,
    some.map(({ write }) => pointIdOf(write.nodeId)),
    from.others,
    signal,
  );
  const texts = await from.place.contents.of(points);
  const present = await takenOffStill(to, some, signal);
  const sources = new Map(points.map((point, index) => [String(point.id), { point, text: texts[index] }]));
  // A text in the payload is part of its data, which is compared.
  const isOther = (text: string | undefined, fence: CrossFence) =>
    from.place.contents.fields.length === 0 && hashOf(text) !== fence.hash;
  const changes: { readonly write: NodeWrite; readonly change: GuardedChange }[] = [];
  for (const { write, fence } of some) {
    const source = sources.get(String(pointIdOf(write.nodeId)));
    if (source === undefined) outcomes.set(write, 'missing');
    else if (isOther(source.text, fence) || dataDigest(source.point.payload) !== fence.data)
      outcomes.set(write, 'conflict');
    // A node that is not there has no mark to renew; nothing is written to it.
    else if (fence.there === null && write.set?.vector === undefined) outcomes.set(write, 'written');
    else if (write.set?.vector === undefined && !present.has(write.nodeId)) outcomes.set(write, 'conflict');
    else changes.push({ write, change: changeAcross(to, way, source.point, { write, fence }) });
  }
  const { connection, collection, limits } = to.place;
  const copies = changes.filter(({ write }) => write.set?.vector !== undefined);
  const sourceOf = ({ nodeId }: NodeWrite) => sources.get(String(pointIdOf(nodeId)))!.point;
  await onCopy(copies.map(({ write }) => sourceOf(write)));
  const done = await writeGuarded(
    { connection, collection, limits, marks: markPayload(to.place), payload: neededPayload(to.place) },
    changes.map(({ change }) => change),
    signal,
  );
  // The node itself is there: what is missing is its point on this side, which was there when it was read.
  for (const [index, { write }] of changes.entries())
    outcomes.set(write, done[index] === 'missing' ? 'conflict' : done[index]!);
  return copies.filter(({ write }) => outcomes.get(write) === 'written').map(({ write }) => sourceOf(write));
}

/** Nodes to be taken off that are there: of one that is not, nobody could say afterwards who did it. */
async function takenOffStill(
  to: End,
  some: readonly Prepared[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const off = some.filter(({ write, fence }) => fence.there !== null && write.set?.vector === undefined);
  const points = await readPoints(
    to,
    off.map(({ write }) => pointIdOf(write.nodeId)),
    [],
    signal,
  );
  const present = new Set(points.map(({ id }) => String(id)));
  return new Set(off.map(({ write }) => write.nodeId).filter((id) => present.has(String(pointIdOf(id)))));
}

/** The whole point in one operation, which is atomic: payload, all other vectors, the new vector and its stamp. */
function changeAcross(to: End, way: Way, source: PointRecord, { write, fence }: Prepared): GuardedChange {
  const { slot, isUnnamed, contents, connection } = to.place;
  const { id } = source;
  const { vector, ...state } = write.set ?? {};
  const isOpen = (point: PointRecord | undefined) =>
    fence.there === null
      ? point === undefined
      : point !== undefined && isSame(fenceOf(point, slot, contents.fields, undefined), fence.there);
  const guard = fence.there === null ? undefined : guardOf(id, fence.there);
  if (vector === undefined)
    return {
      id,
      isOpen,
      isDone: (point) => point === undefined,
      operations: [{ delete: { filter: guard! } }],
    };
  const mark = connection.clock.uuid();
  const numbers = compact(vector);
  const point: PointInput = {
    id,
    vector:
      isUnnamed && to.others.length === 0
        ? numbers
        : { ...vectorsAt(source, to.others), [slot.vector]: numbers },
    payload: {
      ...dataOf(source.payload),
      ...stampFields(state).present,
      [WRITE_FIELD]: mark,
      ...(way.isForward && { [BASE_FIELD]: fence.data }),
    },
  };
  return {
    id,
    isOpen,
    isDone: (found) => found?.payload?.[WRITE_FIELD] === mark,
    operations: [
      // insert_only heeds no filter, and a filter alone would insert what is unknown.
      guard === undefined
        ? { upsert: { points: [point], update_mode: 'insert_only' } }
        : { upsert: { points: [point], update_mode: 'update_only', update_filter: guard } },
    ],
  };
}

/** Fences apart from the hash of a text that is kept elsewhere. */
function isSame(a: string, b: string): boolean {
  const bare = (fence: string) => JSON.stringify({ ...(JSON.parse(fence) as object), hash: undefined });
  return bare(a) === bare(b);
}
