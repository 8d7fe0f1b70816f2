import type { StoredNode } from './ports/node-store.ts';

/** Content and vectors held in memory at once. */
const BYTES_AT_MOST = 8 * 1024 * 1024;
const FIRST_CHUNK = 16;
/** Of what may be held, how much a first chunk is to take by the size of nodes read before: the next may be larger. */
const FIRST_SHARE = 0.25;
const FIRST_CHUNK_AT_MOST = 256;

interface Readable {
  read(ids: readonly string[]): Promise<readonly StoredNode[]>;
}

export interface BatchNodes {
  readonly nodes: ReadonlyMap<string, StoredNode>;
  /** Not read, since the batch was large enough without them. */
  readonly unread: readonly string[];
}

/** Mean size of the nodes last read from each store, so that a batch of small ones takes one request. */
const averages = new WeakMap<Readable, number>();

function firstChunk(store: Readable): number {
  const fitting = Math.floor((FIRST_SHARE * BYTES_AT_MOST) / (averages.get(store) ?? BYTES_AT_MOST));
  return Math.min(FIRST_CHUNK_AT_MOST, Math.max(FIRST_CHUNK, fitting));
}

/** Reads the nodes of a batch until 8 MiB are in hand; what was read before tells how large a chunk may be. */
export async function readBatch(store: Readable, ids: readonly string[]): Promise<BatchNodes> {
  const nodes = new Map<string, StoredNode>();
  let bytes = 0;
  let start = 0;
  while (start < ids.length && (bytes < BYTES_AT_MOST || start === 0)) {
    const average = Math.max(1, bytes / Math.max(1, start));
    const size = start === 0 ? firstChunk(store) : Math.max(1, Math.floor((BYTES_AT_MOST - bytes) / average));
    const chunk = ids.slice(start, start + size);
    for (const node of await store.read(chunk)) {
      nodes.set(node.id, node);
      bytes += 2 * (node.content?.length ?? 0) + (node.vector?.byteLength ?? 0);
    }
    start += chunk.length;
  }
  if (nodes.size > 0) averages.set(store, Math.max(1, bytes / nodes.size));
  return { nodes, unread: ids.slice(start) };
}

/** Reads nodes in pieces of which each is in memory alone: texts may be of a megabyte. Absent nodes are in no piece. */
export async function* inPieces(
  store: Readable,
  ids: readonly string[],
): AsyncGenerator<{ readonly ids: readonly string[]; readonly nodes: ReadonlyMap<string, StoredNode> }> {
  for (let rest = ids; rest.length > 0; ) {
    const { nodes, unread } = await readBatch(store, rest);
    yield { ids: rest.slice(0, rest.length - unread.length), nodes };
    rest = unread;
  }
}
