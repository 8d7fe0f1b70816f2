import { nextTurn } from '../clock.ts';
import { type ManagerContext, nodeStoreOf, nodesOf, sidesOf, writeMark } from '../context.ts';
import { RegistryError } from '../errors.ts';
import { sameStamp } from '../model/compatibility.ts';
import type { MigrationPlan } from '../model/plan.ts';
import {
  noRollbackCounts,
  type RollbackReport,
  rollbackReport,
  SAMPLE_SIZE,
} from '../model/rollback-report.ts';
import type { NodeStore } from '../ports/node-store.ts';
import type { Lease, RollbackOutcome, RollbackResult } from '../ports/registry-store.ts';
import { inPieces } from '../read-batch.ts';
import type { PlanNodes } from '../side-set.ts';
import { measureRollback } from '../telemetry/batch.ts';
import { type Restore, restoration, restorePage } from './restore.ts';
import { previewSides, rollBackSides } from './side-rollback.ts';

const PAGE = 512;
const SCAN_PAGE = 1_000;
const NODE_WAIT_MS = 100;

/**
 * Walks the plan's backups, whatever its tasks say, from where the cursor stands. Answers false once the
 * lease is lost; whoever takes it goes on from the cursor.
 */
export async function rollBackPlan(
  context: ManagerContext,
  lease: Lease,
  signal?: AbortSignal,
): Promise<boolean> {
  if (lease.plan.strategy !== 'inPlace') return rollBackSides(context, lease, signal);
  const { registry, events } = context;
  const store = nodeStoreOf(context, 'Rolling a plan back');
  const { planId } = lease.plan;
  const restore = restoreUnder(context, store, lease);
  let cursor = await registry.rollbackCursor(planId);
  while (!signal?.aborted) {
    await nextTurn();
    const page = await registry.backups(planId, { after: cursor, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) break;
    const results = await restorePage(restore, page);
    cursor = last.seq;
    if (results === undefined || !(await registry.settleRollback(lease, cursor, results))) return false;
    measureRollback(lease, results);
  }
  if (signal?.aborted) {
    await registry.endLease(lease);
    return true;
  }
  const ended = await registry.endRollback(lease, await countAtTarget(context, store, lease.plan));
  const plan = await registry.plan(planId);
  if (ended && plan !== undefined) {
    await writeMark(context);
    events.emit('plan:changed', { plan, from: 'rolling_back' });
  }
  return ended;
}

/** A backup of nothing is the registry's way to say whether a lease is still there. */
function restoreUnder({ registry }: ManagerContext, store: PlanNodes, lease: Lease): Restore {
  return { store, target: lease.plan.targetSpec.info, isOurs: () => registry.backUp(lease, []) };
}

/**
 * Nodes of the plan's selection that are still at the target: of the store or filter by the store's own
 * count, of a list by reading its nodes.
 */
async function countAtTarget(
  context: ManagerContext,
  store: NodeStore,
  plan: MigrationPlan,
): Promise<{ count: number; sample: readonly string[] }> {
  const target = plan.targetSpec.info;
  // A plan that mends nodes of the active model leaves the others where they were before it: at the target.
  if (sameStamp(plan.sourceSpec.info, target)) return { count: 0, sample: [] };
  if (!plan.wholeStore) return countListAtTarget(context, store, plan);
  const where = plan.where && { where: plan.where };
  const counts = await store.countByModel({ ...where });
  const count = counts.find(({ info }) => sameStamp(info, target))?.count ?? 0;
  const sample: string[] = [];
  let after: string | undefined;
  while (count > 0 && sample.length < Math.min(SAMPLE_SIZE, count)) {
    const page = await store.scan({ ...where, limit: SCAN_PAGE, ...(after !== undefined && { after }) });
    sample.push(...page.items.filter((head) => sameStamp(head, target)).map((head) => head.id));
    if (page.next === undefined) break;
    after = page.next;
  }
  return { count, sample: sample.slice(0, SAMPLE_SIZE) };
}

async function countListAtTarget({ registry }: ManagerContext, store: NodeStore, plan: MigrationPlan) {
  const sample: string[] = [];
  let count = 0;
  let after: string | undefined;
  do {
    const page = await registry.tasks({
      planId: plan.planId,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    const ids = page.items.map((task) => task.nodeId);
    for await (const { nodes } of inPieces(store, ids))
      for (const node of nodes.values()) {
        if (!sameStamp(node, plan.targetSpec.info)) continue;
        count += 1;
        if (sample.length < SAMPLE_SIZE) sample.push(node.id);
      }
    after = page.next;
  } while (after !== undefined);
  return { count, sample };
}

/** What a rollback of the plan would do now, without a write. */
export async function previewRollback(
  context: ManagerContext,
  plan: MigrationPlan,
  signal: AbortSignal | undefined,
): Promise<RollbackReport> {
  if (plan.strategy !== 'inPlace') return previewSides(context, plan);
  const { registry } = context;
  const store = nodeStoreOf(context, 'A preview of a rollback');
  const target = plan.targetSpec.info;
  const counts = noRollbackCounts();
  const atTarget = await countAtTarget(context, store, plan);
  const staying = new Set(atTarget.sample);
  let leaving = 0;
  for (let after = 0; ; ) {
    await nextTurn();
    signal?.throwIfAborted();
    const page = await registry.backups(plan.planId, { after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
    const backups = new Map(page.map((backup) => [backup.nodeId, backup]));
    for await (const { ids, nodes } of inPieces(store, [...backups.keys()]))
      for (const nodeId of ids) {
        const { outcome, write } = restoration(nodes.get(nodeId), backups.get(nodeId)!, target);
        counts[outcome] += 1;
        if (write?.restore && !nodes.get(nodeId)?.inTransit) {
          leaving += 1;
          staying.delete(nodeId);
        }
        if (outcome === 'conflict' && counts.conflictSample.length < SAMPLE_SIZE)
          counts.conflictSample.push(nodeId);
      }
  }
  counts.remaining = Math.max(0, atTarget.count - leaving);
  counts.remainingSample = counts.remaining === 0 ? [] : [...new Set([...staying, ...counts.conflictSample])];
  return rollbackReport(plan, counts);
}

/**
 * Rolls one node back under a lease of its own, after the batch in hand; past one lease length that batch
 * loses its lease, so that it cannot write the node any more. Where our own lease was lost on the way, it is
 * taken again.
 */
export async function rollBackNode(
  context: ManagerContext,
  o: {
    plan: MigrationPlan;
    nodeId: string;
    leaseMs: number;
    dryRun: boolean;
    signal?: AbortSignal | undefined;
  },
): Promise<RollbackReport> {
  const { registry, clock } = context;
  const { planId } = o.plan;
  const { nodeId, leaseMs } = o;
  await assertOneMayGoBack(context, o.plan);
  const store = await nodesOf(context, o.plan, 'Rolling a node back');
  if (o.dryRun) return previewNode(context, store, o);
  // Not the worker's: that would take the lease for one that it has forgotten.
  const workerId = clock.uuid();
  let deadline = clock.now() + leaseMs;
  for (;;) {
    o.signal?.throwIfAborted();
    // A clock that is set back must not make the wait longer.
    deadline = Math.min(deadline, clock.now() + leaseMs);
    const force = clock.now() >= deadline;
    const claim = await registry.takeNode({ planId, nodeId, workerId, leaseMs, force });
    const report =
      claim.kind === 'lease' ? await restoreNode(context, store, claim.lease, nodeId) : undefined;
    if (report !== undefined) return report;
    await clock.sleep(NODE_WAIT_MS, o.signal);
  }
}

/**
 * Beside a collection that readers have moved to, one node alone has nowhere to go back to.
 * @throws RegistryError `ROLLBACK_UNSUPPORTED`
 */
async function assertOneMayGoBack(context: ManagerContext, plan: MigrationPlan): Promise<void> {
  if (plan.strategy !== 'shadow') return;
  const side = await sidesOf(context, plan, 'Rolling a node back');
  if (plan.cutOverAt === undefined && (await side.readers()) === 'old') return;
  throw new RegistryError(
    'ROLLBACK_UNSUPPORTED',
    `Plan ${plan.planId} has moved its readers to the new collection, and without its new vector the node would be found by nobody; roll the whole plan back, or embed the node anew.`,
    { details: { planId: plan.planId } },
  );
}

/** Undefined where the lease was lost. */
async function restoreNode(
  context: ManagerContext,
  store: PlanNodes,
  lease: Lease,
  nodeId: string,
): Promise<RollbackReport | undefined> {
  const { registry } = context;
  const { plan } = lease;
  try {
    const backup = await registry.backup({ planId: plan.planId, nodeId });
    const result =
      backup === undefined
        ? await neverBackedUp(store, lease, nodeId)
        : (await restorePage(restoreUnder(context, store, lease), [{ ...backup, nodeId }]))?.[0];
    if (result === undefined || !(await registry.settleNode(lease, result))) return undefined;
    measureRollback(lease, [result]);
    const [node] = await store.read([nodeId]);
    return reportOfOne(plan, result.outcome, nodeId, sameStamp(node, plan.targetSpec.info));
  } catch (error) {
    // The rest of the plan need not wait until this lease runs out.
    await registry.endLease(lease).catch(() => false);
    throw error;
  }
}

/** The plan never wrote this node; one that is at its target all the same was brought there by others. */
async function neverBackedUp(store: PlanNodes, { plan }: Lease, nodeId: string): Promise<RollbackResult> {
  const [node] = await store.read([nodeId]);
  if (!sameStamp(node, plan.targetSpec.info)) return { nodeId, outcome: 'skipped' };
  const message =
    'The node is at the target, and this plan did not bring it there: it has nothing to put back.';
  return { nodeId, outcome: 'failed', error: { code: 'BACKUP_MISSING', message } };
}

async function previewNode(
  { registry }: ManagerContext,
  store: PlanNodes,
  o: { plan: MigrationPlan; nodeId: string },
): Promise<RollbackReport> {
  const { plan, nodeId } = o;
  await registry.checkNode({ planId: plan.planId, nodeId });
  const backup = await registry.backup({ planId: plan.planId, nodeId });
  const [node] = await store.read([nodeId]);
  const isAtTarget = sameStamp(node, plan.targetSpec.info);
  if (backup === undefined) return reportOfOne(plan, 'skipped', nodeId, isAtTarget);
  const { outcome, write } = restoration(node, backup, plan.targetSpec.info);
  return reportOfOne(plan, outcome, nodeId, isAtTarget && !write?.restore);
}

function reportOfOne(
  plan: MigrationPlan,
  outcome: RollbackOutcome,
  nodeId: string,
  remains: boolean,
): RollbackReport {
  const counts = noRollbackCounts();
  counts[outcome] = 1;
  if (outcome === 'conflict') counts.conflictSample.push(nodeId);
  if (remains) {
    counts.remaining = 1;
    counts.remainingSample.push(nodeId);
  }
  return rollbackReport(plan, counts);
}
