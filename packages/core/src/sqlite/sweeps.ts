import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { Lease, TaskSeed } from '../ports/registry-store.ts';
import type { SweepResult } from '../ports/totals.ts';
import { type Context, note, raiseMark } from './context.ts';
import { activateTarget, insertTasks } from './creation.ts';
import {
  assertFree,
  freeNodes,
  holderAmong,
  holderOfTasks,
  laterWriter,
  liveCreation,
  otherHolder,
  wholeStoreHolder,
} from './holding.ts';
import { endLeasesOfEndedPlans, giveBack, heldLease, noteDeadLetter } from './leases.ts';
import { activeModel, knownModel, label } from './models.ts';
import { planRow, planSnapshot, planState, setStatus } from './plans.ts';
import { type PlanRow, planOf } from './rows.ts';
import { isState, state } from './schema.ts';

/** A node that a sweep finds off the target this often after it was written is a dead letter. */
const REQUEUES = 3;

interface KnownTask {
  node_id: string;
  state: number;
  requeues: number;
  adopted: number;
}

/**
 * Takes in nodes that were found off the target. New ones become tasks, unless another unfinished plan holds
 * them; completed and skipped ones go back to work; failed and rolled-back ones stay as they are.
 */
export function sweep(context: Context, lease: Lease, heads: readonly TaskSeed[]): SweepResult | undefined {
  const { db } = context;
  const held = heldLease(context, lease.leaseId);
  if (held === undefined) return undefined;
  const ids = JSON.stringify([...new Set(heads.map((head) => head.nodeId))]);
  const known = db
    .sql(
      `SELECT t.node_id, t.state, t.requeues, t.adopted FROM json_each(?) n CROSS JOIN tasks t ON t.plan = ? AND t.node_id = n.value`,
    )
    .all(ids, held.plan) as KnownTask[];
  const knownIds = new Set(known.map((task) => task.node_id));
  const added = addFound(
    context,
    held.plan,
    heads.filter((head) => !knownIds.has(head.nodeId)),
  );
  const reverted = known.filter((task) => task.state === state.completed || task.state === state.skipped);
  // Side by side, writers go on with the old side by right: nothing reverts, it is only behind.
  const isPatient = isSideBySide(context, held.plan);
  const again = reverted.filter((task) => isPatient || task.requeues < REQUEUES);
  const givenUp = reverted.filter((task) => !isPatient && task.requeues >= REQUEUES);
  requeue(context, held.plan, again);
  if (isPatient) noteThere(context, held.plan, heads);
  bury(context, held.plan, givenUp);
  return { added, requeued: again.length, failed: givenUp.length };
}

function isSideBySide({ db }: Context, plan: number): boolean {
  return db.sql('SELECT strategy FROM plans WHERE plan = ?').pluck().get(plan) !== 'inPlace';
}

function addFound(context: Context, plan: number, heads: readonly TaskSeed[]): number {
  if (heads.length === 0) return 0;
  liveCreation(context);
  const isWholeStore = context.db.sql('SELECT whole_store FROM plans WHERE plan = ?').pluck().get(plan) === 1;
  if (!isWholeStore) return 0;
  const free = freeNodes(
    context,
    plan,
    heads.map((head) => head.nodeId),
  );
  const added = insertTasks(
    context,
    plan,
    heads.filter((head) => free.has(head.nodeId)),
    state.ready,
  );
  context.db.sql('UPDATE plans SET total = total + ? WHERE plan = ?').run(added, plan);
  return added;
}

function requeue({ db }: Context, plan: number, tasks: readonly KnownTask[]): void {
  if (tasks.length === 0) return;
  db.sql(
    `UPDATE tasks SET state = ${state.ready}, not_before = 0, requeues = requeues + 1, adopted = 0,
       started = NULL, ended = NULL
     WHERE plan = ? AND node_id IN (SELECT value FROM json_each(?))`,
  ).run(plan, JSON.stringify(tasks.map((task) => task.node_id)));
  uncount(db, plan, tasks, 0);
}

/**
 * Side by side nobody counts how often a node was put back to work: the column tells whether the side that is
 * written had it, so that one which is gone from there once its batch begins is known to have been deleted. Of one
 * that failed it stays so: whoever retries it may come after that.
 */
function noteThere({ db }: Context, plan: number, heads: readonly TaskSeed[]): void {
  db.sql(
    `UPDATE tasks SET requeues = max(iif(state = ${state.ready}, 0, requeues), coalesce(n.value ->> 'isThere', 0))
     FROM json_each(?) n WHERE plan = ? AND node_id = n.value ->> 'nodeId'`,
  ).run(JSON.stringify(heads), plan);
}

function bury(context: Context, plan: number, tasks: readonly KnownTask[]): void {
  if (tasks.length === 0) return;
  const { db, clock } = context;
  const message = `The node was found off the target ${REQUEUES + 1} times; mend what keeps writing it, then retry it.`;
  for (const { node_id } of tasks) {
    db.sql(
      `UPDATE tasks SET state = ${state.failed}, adopted = 0, ended = ? WHERE plan = ? AND node_id = ?`,
    ).run(clock.now(), plan, node_id);
    noteDeadLetter(context, plan, node_id, { code: 'KEEPS_REVERTING', message });
  }
  uncount(db, plan, tasks, tasks.length);
}

function uncount(db: Context['db'], plan: number, tasks: readonly KnownTask[], failed: number): void {
  const completed = tasks.filter((task) => task.state === state.completed).length;
  const adopted = tasks.filter((task) => task.adopted === 1).length;
  db.sql(
    `UPDATE plans SET completed = completed - ?, skipped = skipped - ?, adopted = adopted - ?, failed = failed + ?
     WHERE plan = ?`,
  ).run(completed, tasks.length - completed, adopted, failed, plan);
}

export function endSweep(context: Context, lease: Lease, changed: boolean): MigrationPlan {
  const { db } = context;
  const held = heldLease(context, lease.leaseId);
  if (held !== undefined) giveBack(context, held, false);
  const row = planRow(context, lease.plan.planId);
  const mayEnd = held !== undefined && !changed && row.status === 'in_progress' && row.sweep_due === 0;
  const unsettled = () =>
    db
      .sql(
        `SELECT EXISTS (SELECT 1 FROM leases WHERE plan = :plan) OR EXISTS (SELECT 1 FROM tasks WHERE plan = :plan AND state = 1)
         OR EXISTS (SELECT 1 FROM tasks WHERE plan = :plan AND node_id > :cursor AND state = 0)`,
      )
      .pluck()
      .get({ plan: row.plan, cursor: row.cursor }) === 1;
  if (!mayEnd || unsettled()) return planOf(row);
  if (row.failed === 0) setStatus(context, row, 'completed');
  else setStatus(context, row, 'failed', mainFailure(context, row));
  return planSnapshot(context, row.plan_id);
}

function mainFailure({ db }: Context, row: PlanRow): { code: RegistryErrorCode; message: string } {
  const most = db
    .sql(
      `SELECT e.code, count(*) AS count FROM tasks t CROSS JOIN task_errors e ON e.plan = t.plan AND e.node_id = t.node_id
       WHERE t.plan = ? AND ${isState('failed')} GROUP BY e.code ORDER BY count(*) DESC, e.code LIMIT 1`,
    )
    .get(row.plan) as { code: RegistryErrorCode; count: number } | undefined;
  return {
    code: most?.code ?? 'EMBEDDER_FAILED',
    message: `${row.failed} of ${row.total} nodes failed, most often with ${most?.code ?? 'EMBEDDER_FAILED'}; see listTasks with status failed, mend the cause, then retryFailed.`,
  };
}

export function retryFailed(context: Context, planId: string, nodeIds?: readonly string[]): number {
  const { db } = context;
  const row = planRow(context, planId);
  if (row.finalized !== null)
    throw new RegistryError(
      'PLAN_FINALIZED',
      `Plan ${planId} was finalized; create a new plan for its failed nodes.`,
    );
  if (!['in_progress', 'paused', 'failed', 'pending'].includes(row.status))
    throw planState(row, 'retried', 'create a new plan for its failed nodes');
  const failed = failedTasks(nodeIds !== undefined);
  const parameters = { plan: row.plan, ...(nodeIds !== undefined && { ids: JSON.stringify(nodeIds) }) };
  if (db.sql(`${failed} LIMIT 1`).get(parameters) === undefined) return 0;
  // A plan that has ended holds its nodes no more: a newer one may have taken them.
  if (row.status === 'failed') {
    const isWhole = row.whole_store === 1 && row.filter === null;
    assertFree((isWhole ? otherHolder : wholeStoreHolder)(context, row.plan));
    assertFree(holderAmong(context, failed, parameters));
    assertNotOvertaken(context, row);
    endLeasesOfEndedPlans(context);
  }
  db.sql(`DELETE FROM task_errors WHERE plan = :plan AND node_id IN (${failed})`).run(parameters);
  const { changes } = db
    .sql(
      `UPDATE tasks SET state = ${state.ready}, not_before = 0, attempts = 0, conflicts = 0, losses = 0, lone_losses = 0,
         requeues = requeues * (SELECT strategy <> 'inPlace' FROM plans WHERE plan = :plan), started = NULL, ended = NULL
       WHERE plan = :plan AND node_id IN (${failed})`,
    )
    .run(parameters);
  // A plan that ended in the origin kept no backups; this is its first real run.
  db.sql(
    `UPDATE plans SET failed = failed - ?, keep_backups = max(keep_backups, reason_code IS 'ORIGIN_PLAN') WHERE plan = ?`,
  ).run(changes, row.plan);
  note(context, 'plan:retried', { plan: row.plan, details: { count: changes } });
  if (row.status === 'failed') setStatus(context, row, 'in_progress');
  return changes;
}

/** The sweep of a revived plan would take what a later plan has done for nodes that went astray. */
function assertNotOvertaken(context: Context, row: PlanRow): void {
  const later = laterWriter(context, row);
  if (later === undefined) return;
  throw new RegistryError(
    'PLAN_OVERLAP',
    `Plan ${row.plan_id} cannot be retried: the later plan ${later.planId} brought its nodes to another model, and a retry would bring them back; create a new plan for what failed, or roll that one back first.`,
    { details: { planId: row.plan_id, laterPlanId: later.planId } },
  );
}

/** Dead letters, but those whose node is being rolled back. */
const failedTasks = (isNamed: boolean) =>
  `SELECT node_id FROM tasks WHERE plan = :plan AND ${isState('failed')}
     ${isNamed ? 'AND node_id IN (SELECT value FROM json_each(:ids))' : ''} AND node_id NOT IN (SELECT r.value
       FROM leases l CROSS JOIN json_each(l.nodes) r WHERE l.plan = :plan AND l.kind = 'node')`;

/**
 * Readers move to the target by hand. A plan that runs is swept once more; one that has ended gets a
 * follow-up plan for what writers of the old model left behind since, or side by side goes on itself.
 */
export function cutOver(
  context: Context,
  planId: string,
  acceptFailed: boolean,
  o: { dryRun?: boolean },
): { plan: MigrationPlan; followUp?: MigrationPlan } {
  const row = planRow(context, planId);
  const isInPlace = row.strategy === 'inPlace';
  if (row.cut_over !== null && context.db.sql('SELECT 1 FROM active_model WHERE model = ?').get(row.target))
    return { plan: planOf(row) };
  if (row.status === 'failed' && !acceptFailed)
    throw planState(
      row,
      'cut over',
      `${row.failed} nodes failed: retryFailed, or pass acceptFailed to leave them behind`,
    );
  if (!['pending', 'in_progress', 'paused', 'completed', 'failed'].includes(row.status))
    throw planState(row, 'cut over', 'create another plan to the target');
  if (!isInPlace && row.finalized !== null)
    throw new RegistryError(
      'PLAN_FINALIZED',
      `Plan ${planId} was finalized; create another plan to the target.`,
    );
  // A finalized plan keeps no model from being removed.
  knownModel(context, planOf(row).targetSpec);
  const hasEnded = row.status === 'completed' || row.status === 'failed';
  if (hasEnded) assertFree(holderOfTasks(context, row, [state.completed]));
  if (o.dryRun) return { plan: planOf(row) };
  const previous = activeModel(context);
  activateTarget(context, row);
  note(context, 'plan:cutover', {
    plan: row.plan,
    model: row.target,
    details: {
      ...(previous !== undefined && { previous: label(context, previous) }),
      ...(hasEnded && row.failed > 0 && { acceptedFailed: row.failed }),
    },
  });
  if (hasEnded && !isInPlace) goOn(context, row);
  const followUp = hasEnded && isInPlace ? followUpPlan(context, row) : undefined;
  return { plan: planSnapshot(context, planId), ...(followUp && { followUp }) };
}

/** Says of a plan that has ended whether it may look through the store once more. */
export function mayGoOn(context: Context, planId: string): boolean {
  const { strategy, finalized, status } = planRow(context, planId);
  return strategy !== 'inPlace' && finalized === null && (status === 'completed' || status === 'failed');
}

export function lookAgain(
  context: Context,
  planId: string,
): { plan: MigrationPlan; from: MigrationPlan['status'] } {
  const row = planRow(context, planId);
  goOn(context, row);
  return { plan: planSnapshot(context, planId), from: row.status };
}

/** A plan side by side that has ended looks through the store once more. */
function goOn(context: Context, row: PlanRow): void {
  assertFree(holderOfTasks(context, row));
  endLeasesOfEndedPlans(context);
  setStatus(context, row, 'in_progress');
}

/** Nodes whose failure was accepted are left alone: a look through the store would embed them, and pay, once more. */
function takeFailures({ db }: Context, from: number, to: number): void {
  const { changes } = db
    .sql(
      `INSERT INTO tasks (plan, node_id, state, source, attempts, started, ended)
       SELECT :to, node_id, state, source, attempts, started, ended FROM tasks WHERE plan = :from AND ${isState('failed')}`,
    )
    .run({ from, to });
  db.sql(
    `INSERT INTO task_errors (plan, node_id, code, message, at)
     SELECT :to, e.node_id, e.code, e.message, e.at FROM tasks t CROSS JOIN task_errors e ON e.plan = :from
       AND e.node_id = t.node_id WHERE t.plan = :to`,
  ).run({ to, from });
  db.sql('UPDATE plans SET total = :changes, failed = :changes WHERE plan = :to').run({ changes, to });
}

function followUpPlan(context: Context, row: PlanRow): MigrationPlan {
  const { db, clock } = context;
  endLeasesOfEndedPlans(context);
  const planId = clock.uuid();
  const { lastInsertRowid } = db
    .sql(
      `INSERT INTO plans (plan_id, strategy, whole_store, filter, source, target, status, priority, created, sealed, activate,
         sweep_due, batch_size, throttle_ms, lanes, max_retries, duty_cycle, spend_cap, spend_unit, spent, keep_backups)
       SELECT :planId, strategy, whole_store, filter, source, target, 'pending', priority, :now, :now, 0,
         1, batch_size, throttle_ms, lanes, max_retries, duty_cycle, spend_cap, spend_unit, spent,
         max(keep_backups, reason_code IS 'ORIGIN_PLAN') FROM plans WHERE plan = :plan`,
    )
    .run({ planId, now: clock.now(), plan: row.plan });
  const plan = Number(lastInsertRowid);
  if (row.whole_store === 0) {
    const { changes } = db
      .sql(
        'INSERT INTO tasks (plan, node_id, source) SELECT ?, node_id, source FROM tasks WHERE plan = ? AND state = 3',
      )
      .run(plan, row.plan);
    db.sql('UPDATE plans SET total = ? WHERE plan = ?').run(changes, plan);
  } else takeFailures(context, row.plan, plan);
  note(context, 'plan:created', { plan, model: row.target, details: { followsUp: row.plan_id } });
  raiseMark(context);
  return planSnapshot(context, planId);
}
