import { nextTurn } from '../clock.ts';
import { type ManagerContext, nodeStoreOf, nodesOf } from '../context.ts';
import { isAtTarget } from '../model/compatibility.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { NodeStore, SideBySide } from '../ports/node-store.ts';
import type { Lease, TaskSeed } from '../ports/registry-store.ts';
import type { SweepResult } from '../ports/totals.ts';
import { inPieces } from '../read-batch.ts';
import { scanPages } from '../scan-pages.ts';
import type { PlanNodes } from '../side-set.ts';
import { broughtOver } from './brought-over.ts';
import { seedOf } from './create-plan.ts';

const PAGE = 1_000;
const LIST_PAGE = 200;

/**
 * Looks through the nodes that are off the target, once nothing of the plan is pending. A whole sweep that
 * changes nothing ends the plan. Answers the plan as it is then.
 */
export async function sweepPlan(
  context: ManagerContext,
  lease: Lease,
  signal?: AbortSignal,
): Promise<MigrationPlan> {
  const { registry } = context;
  const pages = await pagesOf(context, lease.plan);
  let changed = false;
  for await (const seeds of pages) {
    await nextTurn();
    const found = seeds.length === 0 ? nothing : await registry.sweep(lease, seeds);
    // A lost lease or a stop leaves the sweep unfinished: it says nothing about the plan.
    if (found === undefined || signal?.aborted) return registry.endSweep(lease, true);
    if (found.added + found.requeued + found.failed > 0) changed = true;
  }
  return registry.endSweep(lease, changed);
}

const nothing: SweepResult = { added: 0, requeued: 0, failed: 0 };

async function pagesOf(context: ManagerContext, plan: MigrationPlan): Promise<AsyncIterable<TaskSeed[]>> {
  const store = await nodesOf(context, plan, 'Ending a plan');
  if (!plan.wholeStore) return listOffTarget(context, store, plan);
  const side = await context.sides.of(plan);
  return side === undefined
    ? offTarget(nodeStoreOf(context, 'Ending a plan'), plan)
    : offTargetBeside(context, side, plan);
}

/** Nodes that are missing on the new side or of another text there; what is gone from the old side goes too. */
async function* offTargetBeside(
  { registry }: ManagerContext,
  { forward }: SideBySide,
  plan: MigrationPlan,
): AsyncGenerator<TaskSeed[]> {
  let after: string | undefined;
  do {
    const page = await forward.reconcile({
      limit: PAGE,
      ...(plan.where && { where: plan.where }),
      ...(after !== undefined && { after }),
    });
    if (page.gone.length > 0) {
      // Their tasks end as skipped: a node that is put on the old side again later is new, and not one deleted there.
      const gone = await broughtOver(
        registry,
        plan.planId,
        page.gone.map((id) => ({ id })),
      );
      yield [...gone].map((nodeId) => ({ nodeId }));
      await forward.remove(page.gone);
    }
    const brought = await broughtOver(registry, plan.planId, page.onlyOld, true);
    const late = page.onlyOld.filter(({ id }) => !brought.has(id));
    yield [
      ...page.items.map((item) => ({ ...seedOf(item), ...(item.isThere && { isThere: item.isThere }) })),
      ...late.map(seedOf),
    ];
    after = page.next;
  } while (after !== undefined);
}

async function* offTarget(store: NodeStore, plan: MigrationPlan): AsyncGenerator<TaskSeed[]> {
  const { where, targetSpec } = plan;
  for await (const heads of scanPages(store, { notAt: targetSpec.info, where, limit: PAGE }))
    yield heads.map(seedOf);
}

/** A plan over a list looks at its own nodes and no others. */
async function* listOffTarget(
  { registry }: ManagerContext,
  store: PlanNodes,
  plan: MigrationPlan,
): AsyncGenerator<TaskSeed[]> {
  let after: string | undefined;
  do {
    const page = await registry.tasks({
      planId: plan.planId,
      limit: LIST_PAGE,
      ...(after !== undefined && { after }),
    });
    const ids = page.items.map((task) => task.nodeId);
    for await (const { nodes } of inPieces(store, ids))
      yield [...nodes.values()].filter((node) => !isAtTarget(node, plan.targetSpec.info)).map(seedOf);
    after = page.next;
  } while (after !== undefined);
}
