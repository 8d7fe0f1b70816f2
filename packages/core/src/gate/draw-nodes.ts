/** Draws nodes of a plan and finds their vectors of both models, wherever these are. Writes nothing. */

import { type Chance, Reservoir } from '../chance.ts';
import { nextTurn } from '../clock.ts';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { isCompatible, sameStamp, stampOf } from '../model/compatibility.ts';
import type { EmbeddingInfo, EmbeddingModelSpec } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { type Vector, vectorFits } from '../model/vector.ts';
import type { NodeStore, StoredNode } from '../ports/node-store.ts';
import type { NodeBackup } from '../ports/registry-store.ts';
import { inPieces } from '../read-batch.ts';

const PAGE = 10_000;

/** A node of the sample, with the vectors that are there of its present text. */
export interface DrawnNode {
  readonly id: string;
  readonly content: string;
  readonly old?: { readonly info: EmbeddingInfo; readonly vector: Vector };
  readonly new?: Vector;
}

export interface Drawn {
  readonly nodes: readonly DrawnNode[];
  /** Nodes that the sample was drawn from. */
  readonly of: number;
  /** Drawn, and without content or with that of another one. */
  readonly withoutContent: number;
}

/** A uniform sample of the nodes of a plan, with `wanted` among them. */
export async function drawNodes(
  context: ManagerContext,
  plan: MigrationPlan,
  o: { size: number; chance: Chance; wanted: readonly string[]; signal: AbortSignal | undefined },
): Promise<Drawn> {
  const store = nodeStoreOf(context, 'The gate');
  const reservoir = new Reservoir<string>(o.size, o.chance);
  for await (const ids of nodePages(context, store, plan, o.signal)) {
    for (const id of ids) reservoir.offer(id);
    await nextTurn();
    o.signal?.throwIfAborted();
  }
  const ids = [...new Set([...o.wanted, ...reservoir.items])];
  const found = await readAll(context, store, plan, ids);
  const texts = new Set<string>();
  // A text that stands on two nodes finds either: one of them is enough.
  const nodes = found.filter(({ content }) => content !== '' && !texts.has(content) && texts.add(content));
  return { nodes, of: reservoir.seen, withoutContent: ids.length - nodes.length };
}

/** Ids of the nodes of a plan, page by page. */
export async function* nodePages(
  { registry }: ManagerContext,
  store: NodeStore,
  { planId, wholeStore, where }: MigrationPlan,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly string[]> {
  let after: string | undefined;
  do {
    const options = { limit: PAGE, ...(after !== undefined && { after }), ...(signal && { signal }) };
    if (wholeStore) {
      const page = await store.scan({ ...options, ...(where && { where }) });
      yield page.items.map(({ id }) => id);
      after = page.next;
    } else {
      const page = await registry.tasks({ ...options, planId });
      yield page.items.map(({ nodeId }) => nodeId);
      after = page.next;
    }
  } while (after !== undefined);
}

type Read = (ids: readonly string[]) => Promise<ReadonlyMap<string, StoredNode>>;

async function readAll(
  context: ManagerContext,
  store: NodeStore,
  plan: MigrationPlan,
  ids: readonly string[],
): Promise<DrawnNode[]> {
  const { now, old, target } = await placesOf(context, store, plan);
  const found: DrawnNode[] = [];
  for await (const { nodes } of inPieces({ read: async (some) => [...(await now(some)).values()] }, ids)) {
    const some = [...nodes.keys()];
    const [befores, afters] = [await old(some, nodes), await target(some, nodes)];
    for (const node of nodes.values()) {
      const before = oldVector(befores.get(node.id), node, plan.targetSpec);
      const after = newVector(afters.get(node.id), node, plan.targetSpec);
      found.push({
        id: node.id,
        content: node.content ?? '',
        ...(before && { old: before }),
        ...(after && { new: after }),
      });
    }
  }
  return found;
}

type Beside = (
  ids: readonly string[],
  nodes: ReadonlyMap<string, StoredNode>,
) => Promise<ReadonlyMap<string, StoredNode | NodeBackup>>;

/** Where the present texts are, the vectors of the old model and those of the new one. */
async function placesOf(
  context: ManagerContext,
  store: NodeStore,
  plan: MigrationPlan,
): Promise<{ now: Read; old: Beside; target: Beside }> {
  const reader = (from: Pick<NodeStore, 'read'>) => async (ids: readonly string[]) =>
    new Map((await from.read(ids)).map((node) => [node.id, node]));
  const now = reader(store);
  const asTheyAre: Beside = async (_, nodes) => nodes;
  // A side that was never written may not be there, and is not made for a look.
  if (plan.strategy === 'inPlace' || plan.completedNodes === 0)
    return { now, old: backups(context, plan), target: asTheyAre };
  const sides = await context.sides.of(plan);
  if (sides === undefined || plan.finalizedAt !== undefined)
    return { now, old: asTheyAre, target: asTheyAre };
  const isMoved = (await sides.readers()) === 'new';
  return isMoved
    ? { now, old: reader(sides.back), target: asTheyAre }
    : { now, old: asTheyAre, target: reader(sides.forward) };
}

/** In place a node that is at the target has its old vector in a backup. */
function backups({ registry }: ManagerContext, { planId, targetSpec }: MigrationPlan): Beside {
  return async (ids, nodes) => {
    const found = new Map<string, StoredNode | NodeBackup>(nodes);
    for (const nodeId of ids) {
      if (!sameStamp(nodes.get(nodeId), targetSpec.info)) continue;
      const backup = await registry.backup({ planId, nodeId });
      if (backup === undefined) found.delete(nodeId);
      else found.set(nodeId, backup);
    }
    return found;
  };
}

/** The vector is of the text as it is now. */
function isOfText(place: StoredNode | NodeBackup, node: StoredNode): boolean {
  return (place.embeddedHash ?? place.contentHash) === node.contentHash && !('inTransit' in place);
}

function oldVector(
  place: StoredNode | NodeBackup | undefined,
  node: StoredNode,
  target: EmbeddingModelSpec,
): DrawnNode['old'] {
  const info = stampOf(place);
  if (place?.vector === undefined || info === undefined || isCompatible({ stamp: info }, target))
    return undefined;
  return isOfText(place, node) ? { info, vector: place.vector } : undefined;
}

function newVector(
  place: StoredNode | NodeBackup | undefined,
  node: StoredNode,
  target: EmbeddingModelSpec,
): Vector | undefined {
  if (place?.vector === undefined || !sameStamp(place, target.info) || !vectorFits(place.vector, target))
    return undefined;
  return isOfText(place, node) ? place.vector : undefined;
}
