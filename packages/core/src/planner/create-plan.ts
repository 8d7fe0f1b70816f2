import { nextTurn } from '../clock.ts';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { modelNamed } from '../model/model-spec.ts';
import { parseNodeId } from '../model/node-id.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { NodeHead, NodeStore } from '../ports/node-store.ts';
import type { PlanCreation, PlanDraft, TaskSeed } from '../ports/registry-store.ts';
import { inPieces } from '../read-batch.ts';

/** Nodes of one transaction: a plan of a million is never in memory. */
const PAGE = 10_000;

/** Ids as a caller may give them. */
export type NodeIds = Iterable<string> | AsyncIterable<string>;

/** Makes a plan over what the store holds off the target, or over a list, page by page. */
export async function createPlan(
  context: ManagerContext,
  draft: PlanDraft,
  nodeIds?: NodeIds,
  signal?: AbortSignal,
): Promise<MigrationPlan> {
  const { registry } = context;
  await endDeadCreation(context);
  const creation = await registry.createPlan(draft, context);
  try {
    if (nodeIds === undefined) return await continueCreation(context, creation, signal);
    await addList(context, creation, nodeIds, signal);
    return await registry.sealPlan(creation);
  } catch (error) {
    // What a dead process leaves behind is gone on with later; what failed or was aborted here is not wanted.
    await discard(context, creation);
    throw error;
  }
}

/** A creation of a process that is certainly dead need not be waited for. */
export async function endDeadCreation({ registry, isDead }: ManagerContext): Promise<void> {
  if (isDead === undefined) return;
  const creator = await registry.creator();
  if (creator !== undefined && isDead(creator)) await registry.endLease(creator);
}

/** Goes on with a creation over the store from its cursor, and seals the plan. */
export async function continueCreation(
  context: ManagerContext,
  creation: PlanCreation,
  signal?: AbortSignal,
): Promise<MigrationPlan> {
  const { registry } = context;
  const store = nodeStoreOf(context, 'Making a plan over the store');
  const { target, where, strategy } = creation.draft;
  const model = modelNamed(await registry.models(), target);
  let after = creation.scanCursor;
  while (model !== undefined) {
    await nextTurn();
    signal?.throwIfAborted();
    const page = await store.scan({
      // Side by side every node moves, those too that have the target's vector on the old side.
      ...(strategy === 'inPlace' && { notAt: model.info }),
      limit: PAGE,
      ...(where && { where }),
      ...(after !== undefined && { after }),
      ...(signal && { signal }),
    });
    after = page.next;
    if (page.items.length > 0) await registry.addTasks(creation, page.items.map(seedOf), after);
    if (after === undefined) break;
  }
  return registry.sealPlan(creation);
}

async function discard({ registry, logger }: ManagerContext, creation: PlanCreation): Promise<void> {
  try {
    while (!(await registry.discardPlan(creation)));
  } catch (error) {
    logger.warn('A plan that could not be made was not removed; the next worker removes it', { error });
  }
}

async function addList(
  context: ManagerContext,
  creation: PlanCreation,
  nodeIds: NodeIds,
  signal: AbortSignal | undefined,
): Promise<void> {
  let page: string[] = [];
  const flush = async () => {
    await nextTurn();
    signal?.throwIfAborted();
    await context.registry.addTasks(creation, await seedsOf(context.nodes, page));
    page = [];
  };
  for await (const id of nodeIds) {
    page.push(parseNodeId(id));
    if (page.length >= PAGE) await flush();
  }
  if (page.length > 0) await flush();
}

/** A task's source is what its node is stamped with; without a store at hand it is not known. */
async function seedsOf(store: NodeStore | undefined, ids: readonly string[]): Promise<TaskSeed[]> {
  const seeds = new Map<string, TaskSeed>(ids.map((nodeId) => [nodeId, { nodeId }]));
  if (store === undefined) return [...seeds.values()];
  for await (const { nodes } of inPieces(store, ids))
    for (const node of nodes.values()) seeds.set(node.id, seedOf(node));
  return [...seeds.values()];
}

export function seedOf(head: NodeHead): TaskSeed {
  const { id: nodeId, embeddingModelId, embeddingVersion, embeddingChecksum = '' } = head;
  if (embeddingModelId === undefined || embeddingVersion === undefined) return { nodeId };
  return { nodeId, source: { embeddingModelId, embeddingVersion, embeddingChecksum } };
}
