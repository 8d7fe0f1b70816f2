import {
  type EmbeddingInfo,
  type NodeFilter,
  type NodeHead,
  type NodeWrite,
  type Page,
  RegistryError,
  type StoredNode,
  sameStamp,
  type WriteOutcome,
} from '@registry/core';
import {
  assertSameNode,
  cursorOf,
  idOfCursor,
  isDerived,
  NODE_ID_FIELD,
  nodeIdOf,
  type PointId,
  pointIdOf,
} from '../point-id.ts';
import type { Connection } from '../server/connection.ts';
import type { Filter, PointRecord } from '../server/requests.ts';
import type { RequestLimits } from './compact.ts';
import { type Contents, hashOf } from './contents.ts';
import { fenceOf, resolvedHash } from './fence.ts';
import { fetchPoints } from './fetch-points.ts';
import { stampFilter, whereConditions } from './filters.ts';
import { writeGuarded } from './guarded-write.ts';
import type { PageSize } from './page-size.ts';
import {
  fieldAt,
  ownKeys,
  type Payload,
  pathOf,
  prefixOf,
  type Slot,
  slotFields,
  slotState,
  stampKeys,
  WRITE_FIELD,
} from './payload.ts';
import { changeOf } from './point-changes.ts';

/** Where points are, and which of their vectors is meant. */
export interface PointPlace {
  readonly connection: Connection;
  /** A collection, or an alias: then whatever it points at. */
  readonly collection: string;
  readonly slot: Slot;
  readonly isUnnamed: boolean;
  readonly contents: Contents;
  readonly limits: RequestLimits;
  /** The collection takes writes by a filter on fields without an index, as guards are. */
  readonly takesGuards: boolean;
  /** The longest page the collection answers. */
  readonly pageLimit: number;
  /** How long pages of whole points may be, by those seen before. */
  readonly pages: PageSize;
}

/** What of a payload this package needs; all of it where texts are fetched by it. */
export function neededPayload({ contents, slot }: Pick<PointPlace, 'contents' | 'slot'>): true | string[] {
  if (contents.fields.length === 0) return true;
  return [...contents.fields.map(pathOf), NODE_ID_FIELD, ...ownKeys, ...slotPath({ slot })];
}

const slotPath = ({ slot }: Pick<PointPlace, 'slot'>) => (slot.isFlat ? [] : [prefixOf(slot).slice(0, -1)]);

/** What of a payload tells who wrote a point last. */
export function markPayload(place: Pick<PointPlace, 'slot'>): string[] {
  return [WRITE_FIELD, ...slotPath(place)];
}

export async function readNodes(
  place: PointPlace,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<readonly StoredNode[]> {
  const nodeIds = new Map<string, string>();
  for (const nodeId of ids) nodeIds.set(String(pointIdOf(nodeId)), nodeId);
  const points = await pointsOf(place, [...nodeIds.values()].map(pointIdOf), signal);
  for (const point of points) assertHeld(nodeIds.get(String(point.id)), point);
  const contents = await place.contents.of(points);
  return points.map((point, index) => nodeOf(place, point, contents[index]));
}

/** A node whose id was derived, on a point that does not name it, is another node of the same id. */
function assertHeld(nodeId: string | undefined, point: PointRecord): void {
  if (nodeId !== undefined) assertSameNode(nodeId, point);
}

/** Points with what is needed of them; absent ids are left out. */
async function pointsOf(
  place: PointPlace,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<readonly PointRecord[]> {
  signal?.throwIfAborted();
  const vectors = place.isUnnamed ? true : [place.slot.vector];
  return fetchPoints(place, ids, { payload: neededPayload(place), vectors }, signal);
}

/** The values of one payload field, where they can be filtered by. */
export async function readField(
  place: Pick<PointPlace, 'connection' | 'collection'>,
  ids: readonly string[],
  field: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string | number | boolean>> {
  const payload = [pathOf(field), NODE_ID_FIELD];
  const values = new Map<string, string | number | boolean>();
  for (const point of await fetchPoints(place, ids.map(pointIdOf), { payload }, signal)) {
    const value = fieldAt(point.payload, field);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      values.set(nodeIdOf(point), value);
  }
  return values;
}

function nodeOf(place: PointPlace, point: PointRecord, content: string | undefined): StoredNode {
  const { slot, contents } = place;
  const state = slotState(slotFields(point.payload, slot));
  const vector = vectorAt(point, slot.vector);
  // Without a vector a stamp says nothing.
  const stamped = vector === undefined && !state.inTransit ? {} : state;
  return {
    id: nodeIdOf(point),
    ...(content !== undefined && { content }),
    contentHash: hashOf(content),
    ...stamped,
    ...(vector && { vector }),
    fence: fenceOf(point, slot, contents.fields, content),
  };
}

/**
 * The dense vector of this name.
 * @throws RegistryError `COLLECTION_MISMATCH` for a sparse or multi-vector
 */
export function vectorAt({ vector }: PointRecord, name: string): Float32Array | undefined {
  const found: unknown = Array.isArray(vector) ? vector : (vector as Payload | undefined)?.[name];
  if (found === undefined || found === null || (Array.isArray(found) && found.length === 0)) return undefined;
  if (Array.isArray(found) && typeof found[0] === 'number') return Float32Array.from(found as number[]);
  throw new RegistryError(
    'COLLECTION_MISMATCH',
    `Vector ${JSON.stringify(name)} is sparse or a multi-vector; only a dense one can be made anew by an embedder.`,
    { details: { vector: name } },
  );
}

export async function writeNodes(
  place: PointPlace,
  writes: readonly NodeWrite[],
  signal?: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  signal?.throwIfAborted();
  if (writes.length === 0) return [];
  const { connection, collection, slot, isUnnamed, limits } = place;
  // Of two writes of one node the second finds another fence, whatever became of the first.
  const first = new Map<string, NodeWrite>();
  for (const write of writes) if (!first.has(write.nodeId)) first.set(write.nodeId, write);
  const stale = await staleContents(place, [...first.values()]);
  const open = [...first.values()].filter(({ nodeId }) => !stale.has(nodeId));
  const changes = open.map((write) =>
    changeOf({
      id: pointIdOf(write.nodeId),
      write,
      slot,
      isUnnamed,
      uuid: () => connection.clock.uuid(),
      isOpen: (point) => point !== undefined && fenceStands(place, point, write.fence),
    }),
  );
  const [marks, payload] = [markPayload(place), neededPayload(place)];
  const done = await writeGuarded({ connection, collection, limits, marks, payload }, changes, signal);
  const outcomes = new Map(open.map(({ nodeId }, index) => [nodeId, done[index]!]));
  const met = new Set<string>();
  return writes.map(({ nodeId }) => {
    const outcome = outcomes.get(nodeId) ?? stale.get(nodeId) ?? 'conflict';
    const isFirst = !met.has(nodeId);
    met.add(nodeId);
    return isFirst || outcome === 'missing' ? outcome : 'conflict';
  });
}

/** Text that is kept elsewhere is not compared here: it was, just before, and its hash stands in the fence. */
function fenceStands({ slot, contents }: PointPlace, point: PointRecord, fence: string): boolean {
  const now = JSON.parse(fenceOf(point, slot, contents.fields, undefined)) as object;
  const was = JSON.parse(fence) as object;
  return JSON.stringify({ ...now, hash: undefined }) === JSON.stringify({ ...was, hash: undefined });
}

/**
 * Nodes whose text is kept elsewhere and is another one by now: fetched and compared again just before the write,
 * which narrows the window and does not close it.
 */
async function staleContents(
  place: PointPlace,
  writes: readonly NodeWrite[],
): Promise<ReadonlyMap<string, WriteOutcome>> {
  const stale = new Map<string, WriteOutcome>();
  if (place.contents.fields.length > 0) return stale;
  const points = await pointsOf(
    place,
    writes.map(({ nodeId }) => pointIdOf(nodeId)),
  );
  const contents = await place.contents.of(points);
  const hashes = new Map(points.map((point, index) => [String(point.id), hashOf(contents[index])]));
  for (const { nodeId, fence } of writes) {
    const hash = hashes.get(String(pointIdOf(nodeId)));
    if (hash === undefined) stale.set(nodeId, 'missing');
    else if (hash !== resolvedHash(fence)) stale.set(nodeId, 'conflict');
  }
  return stale;
}

export interface ScanOptions {
  readonly notAt?: EmbeddingInfo;
  readonly where?: NodeFilter;
  readonly after?: string;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** Before cursors of the second part of a scan. */
const STALE = 'stale ';

/**
 * A page in the order of ids. The server can compare stamps and no hashes, so what is off a stamp comes first, and
 * then those that carry it above another text than was embedded: of them the texts are read.
 */
export async function scanNodes(place: PointPlace, o: ScanOptions): Promise<Page<NodeHead>> {
  const { after, notAt, ...rest } = o;
  if (notAt !== undefined && after?.startsWith(STALE)) {
    const cursor = after.slice(STALE.length);
    return scanStale(place, { ...rest, notAt, ...(cursor !== '' && { after: cursor }) });
  }
  const page = await scanHeads(place, o);
  return notAt === undefined || page.next !== undefined ? page : { ...page, next: STALE };
}

async function scanHeads(place: PointPlace, o: ScanOptions): Promise<Page<NodeHead>> {
  const { slot } = place;
  const must = whereConditions(o.where);
  const filter: Filter = {
    ...(must.length > 0 && { must }),
    ...(o.notAt && { must_not: [stampFilter(o.notAt, slot)] }),
  };
  const { points, next } = await scrollPoints(place, { ...o, filter, payload: stampPayload(slot) });
  const heads = points.map((point) => headOf(point, slot));
  // Versions written as texts are read and not filtered by.
  const items = heads.filter((head) => o.notAt === undefined || !sameStamp(head, o.notAt));
  return { items, ...(next !== undefined && { next }) };
}

/** Nodes at the stamp whose text was changed by somebody who left the vector alone. */
async function scanStale(
  place: PointPlace,
  o: ScanOptions & { readonly notAt: EmbeddingInfo },
): Promise<Page<NodeHead>> {
  const { slot, contents } = place;
  const filter: Filter = { must: [...whereConditions(o.where), stampFilter(o.notAt, slot)] };
  const { points, next } = await scrollWhole(place, { ...o, filter, payload: neededPayload(place) });
  const texts = await contents.of(points);
  const isStale = ({ payload }: PointRecord, text: string | undefined) => {
    const { embeddedHash } = slotState(slotFields(payload, slot));
    return embeddedHash !== undefined && embeddedHash !== hashOf(text);
  };
  const items = points
    .filter((point, index) => isStale(point, texts[index]))
    .map((point) => headOf(point, slot));
  return { items, ...(next !== undefined && { next: STALE + next }) };
}

/** What of a payload is the stamp of a slot. */
export const stampPayload = (slot: Slot): readonly string[] => [
  NODE_ID_FIELD,
  ...(slot.isFlat ? stampKeys : [prefixOf(slot).slice(0, -1)]),
];

/** A node by id and stamp. */
export function headOf(point: PointRecord, slot: Slot): NodeHead {
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = slotState(
    slotFields(point.payload, slot),
  );
  const isStamped = embeddingModelId !== undefined && embeddingVersion !== undefined;
  const stamp = isStamped && {
    embeddingModelId,
    embeddingVersion,
    embeddingChecksum: embeddingChecksum ?? '',
  };
  return { id: nodeIdOf(point), ...stamp };
}

/** A page of points with their texts: as long as was asked for, or as such points fit into memory. */
export async function scrollWhole(
  place: Pick<PointPlace, 'connection' | 'collection' | 'pageLimit' | 'pages'>,
  o: Parameters<typeof scrollPoints>[1],
): ReturnType<typeof scrollPoints> {
  const page = await scrollPoints(place, { ...o, limit: Math.min(o.limit, place.pages.limit) });
  place.pages.note(page.points);
  return page;
}

/** One page of a scroll; `next` is a cursor at which it goes on, inclusive. */
export async function scrollPoints(
  place: Pick<PointPlace, 'connection' | 'collection' | 'pageLimit'>,
  o: {
    readonly after?: string;
    readonly limit: number;
    readonly filter?: Filter;
    readonly payload: boolean | readonly string[];
    readonly vectors?: boolean | readonly string[];
    readonly signal?: AbortSignal;
  },
): Promise<{ readonly points: readonly PointRecord[]; readonly next?: string }> {
  const page = await place.connection.read<{
    points: readonly PointRecord[];
    next_page_offset?: PointId | null;
  }>(
    'scrollPoints',
    {
      collection_name: place.collection,
      limit: Math.max(1, Math.min(o.limit, place.pageLimit)),
      with_payload: o.payload,
      with_vector: o.vectors ?? false,
      ...(o.filter && Object.keys(o.filter).length > 0 && { filter: o.filter }),
      ...(o.after !== undefined && { offset: idOfCursor(o.after) }),
    },
    o.signal,
  );
  const next = page.next_page_offset ?? undefined;
  return { points: page.points, ...(next !== undefined && { next: cursorOf(next) }) };
}

/** The payload of a new point: what the application keeps, and the node id where the point id was derived. */
export function withNodeId(nodeId: string, payload: Payload): Payload {
  return isDerived(nodeId) ? { ...payload, [NODE_ID_FIELD]: nodeId } : payload;
}
