/** SHA-256 over nodes: what must come back byte for byte. */
import { createHash } from 'node:crypto';
import { type StoredNode, vectorBytes } from '@registry/core';
import type { SqliteNodeStore } from '@registry/node-memory';

const PAGE = 500;

/** Every node of the store with its bulk, in the order of the ids. */
async function* allNodes(store: SqliteNodeStore): AsyncGenerator<StoredNode> {
  let after: string | undefined;
  do {
    const page = await store.scan({ limit: PAGE, ...(after !== undefined && { after }) });
    yield* await store.read(page.items.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
}

/** Of the id, the stamp and the bytes of the vector of one node. */
export function digest(node: StoredNode): string {
  const { id, embeddingModelId, embeddingVersion, embeddingChecksum, vector } = node;
  const stamp = [embeddingModelId, embeddingVersion, embeddingChecksum, vector?.constructor.name];
  return createHash('sha256')
    .update(JSON.stringify([id, ...stamp]))
    .update(vector === undefined ? '' : vectorBytes(vector))
    .digest('hex');
}

/** The digests of all nodes, by id. */
export async function fingerprints(store: SqliteNodeStore): Promise<[id: string, digest: string][]> {
  const all: [string, string][] = [];
  for await (const node of allNodes(store)) all.push([node.id, digest(node)]);
  return all;
}

/** One hash over the digests of all nodes but some, in order. */
export function hashWithout(
  all: readonly (readonly [id: string, digest: string])[],
  left: ReadonlySet<string>,
): { readonly hash: string; readonly nodes: number } {
  const kept = all.filter(([id]) => !left.has(id));
  const hash = createHash('sha256');
  for (const [, digest] of kept) hash.update(digest);
  return { hash: hash.digest('hex'), nodes: kept.length };
}
