/** Copies of some nodes in a store of their own, and what they are byte for byte. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chance, Reservoir } from '../chance.ts';
import type { ManagerContext } from '../context.ts';
import { RegistryError } from '../errors.ts';
import { vectorBytes } from '../model/vector.ts';
import type { NodeStore, StoredNode } from '../ports/node-store.ts';
import { inPieces } from '../read-batch.ts';

const PAGE = 500;

/** An empty node store for a rehearsal, which is thrown away after it. */
export interface ScratchStore {
  readonly store: NodeStore;
  /** Adds nodes with their contents alone. */
  addContents(nodes: readonly { readonly id: string; readonly content: string }[]): Promise<void>;
  close(): Promise<void>;
}

/** Makes a store within a folder that is there, or opens the one it made there. `scratchStore` of `@registry/node-memory` is one. */
export type MakeScratchStore = (folder: string) => Promise<ScratchStore>;

const PREFIX = 'embedding-rehearsal-';

/**
 * A folder of its own, readable for nobody else, and gone after `body` whatever happens, unless the process is
 * killed: the next one finds it then. Its name says whose it is.
 */
export async function inTemporaryFolder<T>(
  context: ManagerContext,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const { host, pid } = context;
  await clearLeftFolders(context);
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${pid}-${hostLabel(host)}-`));
  try {
    return await body(folder);
  } finally {
    await remove(folder);
  }
}

const remove = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 3 });

/** As it may stand in the name of a folder. */
const hostLabel = (host: string) => host.replaceAll(/[^\w.]/g, '_');

/** Copies of nodes must not stay where a rehearsal was killed; one of another host or that is under way is left alone. */
async function clearLeftFolders({ host, isDead, logger }: ManagerContext): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid, label] = /^embedding-rehearsal-(\d+)-([\w.]+)-\w{6}$/.exec(name) ?? [];
    if (label !== hostLabel(host) || !isDead?.({ host, pid: Number(pid) })) continue;
    const folder = join(tmpdir(), name);
    try {
      await remove(folder);
      logger.warn(`A rehearsal that was killed had left its copies of nodes in ${folder}; they were removed`);
    } catch (error) {
      // It may be of somebody else, whose it is to remove.
      logger.warn(`A rehearsal that was killed left its copies of nodes in ${folder}; remove that folder`, {
        error,
      });
    }
  }
}

/** Ids of `size` nodes at most, each with the same chance. */
export async function drawIds(
  pages: AsyncIterable<readonly string[]>,
  size: number,
  chance: Chance,
): Promise<{ ids: readonly string[]; of: number }> {
  const reservoir = new Reservoir<string>(size, chance);
  for await (const ids of pages) for (const id of ids) reservoir.offer(id);
  return { ids: reservoir.items, of: reservoir.seen };
}

/** Content, vector, stamp and hash as they are, past every check. Answers how many nodes were still there. */
export async function copyNodes(from: NodeStore, ids: readonly string[], to: ScratchStore): Promise<number> {
  let copied = 0;
  for await (const { nodes } of inPieces(from, ids)) {
    const originals = [...nodes.values()];
    await to.addContents(originals.map(({ id, content }) => ({ id, content: content ?? '' })));
    const fresh = new Map(
      (await to.store.read(originals.map(({ id }) => id))).map((node) => [node.id, node]),
    );
    const outcomes = await to.store.write(
      originals.map((original) => {
        const copy = fresh.get(original.id)!;
        return { nodeId: original.id, fence: copy.fence, restore: true, set: stateOf(original, copy) };
      }),
    );
    if (outcomes.some((outcome) => outcome !== 'written'))
      throw new RegistryError('DATABASE_INVALID', 'The scratch store did not take the copies of the nodes.');
    copied += originals.length;
  }
  return copied;
}

/** Stores may hash in their own way; that a vector is of the present text is what has to stay true. */
function stateOf(original: StoredNode, copy: StoredNode) {
  const { vector, embeddedHash, contentHash } = original;
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = original;
  return {
    ...(embeddingModelId !== undefined &&
      embeddingVersion !== undefined && {
        embeddingModelId,
        embeddingVersion,
        embeddingChecksum: embeddingChecksum ?? '',
      }),
    ...(vector !== undefined && { vector }),
    ...(embeddedHash !== undefined && {
      embeddedHash: embeddedHash === contentHash ? copy.contentHash : embeddedHash,
    }),
  };
}

/** Every node as one comparable line: content hash, vector bytes, stamp, embedded hash. */
export async function statesOf(store: NodeStore, ids: readonly string[]): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (let from = 0; from < ids.length; from += PAGE)
    for (const { id, content: _, fence: __, vector, ...rest } of await store.read(
      ids.slice(from, from + PAGE),
    ))
      states.set(
        id,
        JSON.stringify([
          Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)),
          vector?.constructor.name,
          vector && Buffer.from(vectorBytes(vector)).toString('base64'),
        ]),
      );
  return states;
}
