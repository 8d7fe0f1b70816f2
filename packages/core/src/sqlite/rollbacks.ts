import { type Reason, RegistryError } from '../errors.ts';
import type { MigrationPlan } from '../model/plan.ts';
import {
  noRollbackCounts,
  type RollbackCounts,
  type RollbackReport,
  rollbackReport as reportOf,
  SAMPLE_SIZE,
} from '../model/rollback-report.ts';
import { mayFollow, unfinishedStatuses } from '../model/status.ts';
import type { BackedUpNode, Claim, Lease, RollbackOutcome, RollbackResult } from '../ports/registry-store.ts';
import { type Context, note, raiseMark } from './context.ts';
import { type Holder, holderAmong, holderOf, wholeStoreHolder } from './holding.ts';
import { giveBack, heldLease, type LeaseRow, leasesOf, putTaskError, reclaim } from './leases.ts';
import { activeModel, setActive } from './models.ts';
import { findPlan, planRow, planSnapshot, planState, setStatus } from './plans.ts';
import { asDamage } from './row-values.ts';
import { BACKUP_ROWS, type BackupRow, backupOf, type PlanRow, planOf } from './rows.ts';
import { state } from './schema.ts';

function assertBackups(row: PlanRow): void {
  if (row.finalized !== null)
    throw new RegistryError(
      'PLAN_FINALIZED',
      `Plan ${row.plan_id} was finalized and has no backups; createMigration to the previous model brings its nodes back.`,
      { details: { planId: row.plan_id } },
    );
  // Side by side nothing is replaced: the old vectors are still there.
  if (row.keep_backups === 0 && row.strategy === 'inPlace')
    throw new RegistryError(
      'BACKUP_MISSING',
      `Plan ${row.plan_id} ran without backups (backupOldVectors: false); createMigration to the previous model brings its nodes back.`,
      { details: { planId: row.plan_id } },
    );
}

export function beginRollback(
  context: Context,
  planId: string,
  o: { dryRun?: boolean; reason?: Reason },
): MigrationPlan {
  const { db } = context;
  const row = planRow(context, planId);
  if (row.status === 'rolling_back' && o.reason !== undefined && !o.dryRun) {
    // Decided only after it had begun, since it could not go on otherwise.
    setStatus(context, row, 'rolling_back', o.reason);
    return planSnapshot(context, planId);
  }
  if (row.status === 'rolled_back' || row.status === 'rolling_back') return planOf(row);
  assertBackups(row);
  if (!mayFollow(row.status, 'rolling_back')) throw planState(row, 'rolled back', 'see its status');
  assertLatest(context, row);
  if (o.dryRun) return planOf(row);
  for (const lease of leasesOf(context, row.plan)) giveBack(context, lease, false);
  if (row.strategy === 'inPlace') restoreActive(context, row);
  db.sql('UPDATE plans SET rollback_cursor = 0, rollback_report = NULL WHERE plan = ?').run(row.plan);
  setStatus(context, row, 'rolling_back', o.reason);
  raiseMark(context);
  return planSnapshot(context, planId);
}

function restoreActive(context: Context, row: PlanRow): void {
  if (row.previous_active !== null && activeModel(context) === row.target)
    setActive(context, row.previous_active, row.plan);
}

interface LaterPlan {
  readonly plan: number;
  readonly planId: string;
  readonly status: string;
  readonly finalized: number | null;
  readonly total: number;
}

/**
 * Rolling back under a later plan would put nodes two models back while that plan calls them done; beside
 * an unfinished one, that one would migrate them again. A plan that was rolled back holds nothing.
 */
function assertLatest(context: Context, row: PlanRow, nodeId?: string): void {
  const { db } = context;
  const holder = holderBeside(context, row, nodeId);
  if (holder !== undefined) {
    const status = findPlan(context, holder.planId)?.status ?? 'being created';
    throw overlapping(row, { planId: holder.planId, status }, 'finish, cancel or roll that one back first');
  }
  const later = db
    .sql(
      `SELECT plan, plan_id AS planId, status, finalized, total FROM plans
       WHERE plan > ? AND sealed IS NOT NULL AND +status IN ('completed', 'failed', 'cancelled') ORDER BY plan DESC`,
    )
    .all(row.plan) as LaterPlan[];
  const found = later.find((other) => hasWritten(context, row, other, nodeId));
  if (found === undefined) return;
  const { modelId, version } = planOf(row).previousActive ?? planOf(row).sourceSpec;
  const back = `createMigration to ${modelId}:v${version} brings its nodes back`;
  throw overlapping(row, found, found.finalized === null ? 'roll that one back first' : back);
}

function overlapping(row: PlanRow, other: { planId: string; status: string }, way: string): RegistryError {
  return new RegistryError(
    'PLAN_OVERLAP',
    `Plan ${row.plan_id} cannot be rolled back: its nodes belong to plan ${other.planId} (${other.status}); ${way}.`,
    { details: { planId: row.plan_id, laterPlanId: other.planId } },
  );
}

/** An unfinished plan holds its nodes alone; one that has ended takes them back to roll them back. */
function holderBeside(context: Context, row: PlanRow, nodeId?: string): Holder | undefined {
  if ((unfinishedStatuses as readonly string[]).includes(row.status)) return undefined;
  const whole = wholeStoreHolder(context, row.plan);
  if (whole !== undefined) return whole;
  if (nodeId !== undefined) return holderOf(context, row.plan, [nodeId]);
  return holderAmong(context, 'SELECT node_id FROM tasks WHERE plan = :plan', { plan: row.plan });
}

/** Has the other plan written a node that this one backed up? Asks for each of the fewer. */
function hasWritten({ db }: Context, row: PlanRow, other: LaterPlan, nodeId?: string): boolean {
  const written = `(t.state = ${state.completed} OR t.state <> ${state.rolledBack}
    AND EXISTS (SELECT 1 FROM backups w WHERE w.plan = :other AND w.node_id = t.node_id))`;
  const from =
    nodeId === undefined && row.backup_seq < other.total
      ? 'backups b CROSS JOIN tasks t ON t.plan = :other AND t.node_id = b.node_id WHERE b.plan = :plan'
      : `tasks t CROSS JOIN backups b ON b.plan = :plan AND b.node_id = t.node_id WHERE t.plan = :other
           ${nodeId === undefined ? '' : 'AND t.node_id = :nodeId'}`;
  return (
    db
      .sql(`SELECT 1 FROM ${from} AND ${written} LIMIT 1`)
      .get({ plan: row.plan, other: other.plan, nodeId }) !== undefined
  );
}

export function backupsAfter(
  context: Context,
  planId: string,
  o: { after: number; limit: number },
): (BackedUpNode & { seq: number })[] {
  const { plan } = planRow(context, planId);
  const rows = context.db
    .sql(
      `${BACKUP_ROWS} WHERE b.backup > (:plan << 32) + :after AND b.backup < (:plan + 1) << 32
       ORDER BY b.backup LIMIT +:limit`,
    )
    .all({ plan, ...o }) as BackupRow[];
  return rows.map((row) => ({ ...backupOf(row), nodeId: row.node_id, seq: row.seq }));
}

export function backup({ db }: Context, planId: string, nodeId: string): BackedUpNode | undefined {
  const row = db
    .sql(
      `${BACKUP_ROWS} JOIN plans p ON p.plan = b.plan AND p.finalized IS NULL WHERE p.plan_id = +? AND b.node_id = +?`,
    )
    .get(planId, nodeId) as BackupRow | undefined;
  return row && { ...backupOf(row), nodeId };
}

const stateAfter = {
  restored: state.rolledBack,
  skipped: state.skipped,
  conflict: state.failed,
  failed: state.failed,
};
const counted = { 3: 'completed', 4: 'failed', 5: 'skipped', 6: 'rolled_back' } as const;

export function settleRollback(
  context: Context,
  lease: Lease,
  cursor: number,
  results: readonly RollbackResult[],
): boolean {
  const held = heldLease(context, lease.leaseId);
  if (held === undefined) return false;
  for (const outcome of Object.keys(stateAfter) as RollbackOutcome[])
    moveTasks(
      context,
      held.plan,
      outcome,
      results.filter((result) => result.outcome === outcome),
    );
  addToReport(context, held.plan, results);
  context.db.sql('UPDATE plans SET rollback_cursor = ? WHERE plan = ?').run(cursor, held.plan);
  return true;
}

/** Moves tasks to the state of their outcome, and the counters with them. */
function moveTasks(
  context: Context,
  plan: number,
  outcome: RollbackOutcome,
  results: readonly RollbackResult[],
): void {
  if (results.length === 0) return;
  const { db, clock } = context;
  const to = stateAfter[outcome];
  const ids = JSON.stringify(results.map((result) => result.nodeId));
  const before = db
    .sql(
      `SELECT t.state, count(*) AS count FROM json_each(?) n CROSS JOIN tasks t ON t.plan = ? AND t.node_id = n.value GROUP BY t.state`,
    )
    .all(ids, plan) as { state: number; count: number }[];
  db.sql(
    'UPDATE tasks SET state = ?, not_before = 0, ended = ? WHERE plan = ? AND node_id IN (SELECT value FROM json_each(?))',
  ).run(to, clock.now(), plan, ids);
  for (const group of before) {
    const column = counted[group.state as keyof typeof counted];
    if (column !== undefined)
      db.sql(`UPDATE plans SET ${column} = ${column} - ? WHERE plan = ?`).run(group.count, plan);
    db.sql(`UPDATE plans SET ${counted[to]} = ${counted[to]} + ? WHERE plan = ?`).run(group.count, plan);
  }
  if (to === state.rolledBack)
    db.sql('DELETE FROM task_errors WHERE plan = ? AND node_id IN (SELECT value FROM json_each(?))').run(
      plan,
      ids,
    );
  for (const { nodeId, error } of results)
    if (error !== undefined) putTaskError(context, plan, nodeId, error);
}

function storedReport({ db }: Context, plan: number): RollbackCounts {
  const text = db.sql('SELECT rollback_report FROM plans WHERE plan = ?').pluck().get(plan) as string | null;
  if (text !== null) return asDamage(() => JSON.parse(text) as RollbackCounts, 'the report of a rollback');
  return noRollbackCounts();
}

function putReport({ db }: Context, plan: number, report: RollbackCounts): void {
  db.sql('UPDATE plans SET rollback_report = ? WHERE plan = ?').run(JSON.stringify(report), plan);
}

function addToReport(context: Context, plan: number, results: readonly RollbackResult[]): void {
  const report = storedReport(context, plan);
  for (const { nodeId, outcome } of results) {
    report[outcome] += 1;
    if (outcome === 'conflict' && report.conflictSample.length < SAMPLE_SIZE)
      report.conflictSample.push(nodeId);
  }
  putReport(context, plan, report);
}

export function endRollback(
  context: Context,
  lease: Lease,
  remaining: { count: number; sample: readonly string[] },
): boolean {
  const held = heldLease(context, lease.leaseId);
  if (held === undefined) return false;
  context.db.sql('DELETE FROM leases WHERE lease = ?').run(held.lease);
  const report = storedReport(context, held.plan);
  putReport(context, held.plan, {
    ...report,
    remaining: remaining.count,
    remainingSample: [...remaining.sample].slice(0, SAMPLE_SIZE),
  });
  const row = planRow(context, lease.plan.planId);
  // In place it was restored when the rollback began; meanwhile somebody may have activated something else.
  if (row.strategy !== 'inPlace') restoreActive(context, row);
  setStatus(context, row, 'rolled_back', row.reason_code === null ? undefined : planOf(row).reason);
  return true;
}

export function rollbackReport(context: Context, planId: string): RollbackReport {
  const row = planRow(context, planId);
  const report = reportOf(planOf(row), storedReport(context, row.plan));
  return { ...report, succeeded: report.succeeded && row.status === 'rolled_back' };
}

export function takeNode(
  context: Context,
  o: { planId: string; nodeId: string; workerId: string; leaseMs: number; force: boolean },
): Claim {
  const { db, clock } = context;
  // Nobody else may be there to take back what a dead worker holds.
  reclaim(context, o);
  const row = nodeGoingBack(context, o);
  const busy = leasesAt(context, row, o.nodeId);
  if (busy.length > 0 && !o.force)
    return { kind: 'wait', because: 'lanes', until: Math.min(...busy.map((lease) => lease.deadline)) };
  for (const lease of busy) giveBack(context, lease, false);
  const leaseId = clock.uuid();
  const takenAt = clock.now();
  db.sql(
    `INSERT INTO leases (lease, plan, kind, worker, taken, deadline, nodes, size) VALUES (?, ?, 'node', ?, ?, ?, ?, 1)`,
  ).run(leaseId, row.plan, o.workerId, takenAt, takenAt + o.leaseMs, JSON.stringify([o.nodeId]));
  // A task that is waiting must not be claimed meanwhile: whoever reads the node first may write it last.
  db.sql(
    `UPDATE tasks SET state = ${state.leased} WHERE plan = ? AND node_id = ? AND state IN (${state.fresh}, ${state.ready})`,
  ).run(row.plan, o.nodeId);
  const tasks = [{ nodeId: o.nodeId, attempts: 0, conflicts: 0 }];
  return { kind: 'lease', lease: { leaseId, kind: 'node', plan: planOf(row), tasks, takenAt } };
}

/** The plan of a node that may be rolled back alone. */
export function nodeGoingBack(context: Context, o: { planId: string; nodeId: string }): PlanRow {
  const row = planRow(context, o.planId);
  assertBackups(row);
  if (row.status === 'rolling_back' || row.status === 'rolled_back')
    throw planState(row, 'rolled back node by node', 'the whole plan is being rolled back');
  assertTask(context, row, o.nodeId);
  assertLatest(context, row, o.nodeId);
  return row;
}

function assertTask({ db }: Context, row: PlanRow, nodeId: string): void {
  const task = db
    .sql(
      `SELECT t.state, b.backup FROM tasks t LEFT JOIN backups b ON b.plan = t.plan AND b.node_id = t.node_id
       WHERE t.plan = ? AND t.node_id = ?`,
    )
    .get(row.plan, nodeId) as { state: number; backup: number | null } | undefined;
  if (task === undefined)
    throw new RegistryError(
      'NODE_UNKNOWN',
      `Plan ${row.plan_id} has no task for node ${JSON.stringify(nodeId)}.`,
      {
        details: { planId: row.plan_id, nodeId },
      },
    );
  if (task.state === state.completed && task.backup === null)
    throw new RegistryError(
      'BACKUP_MISSING',
      `Plan ${row.plan_id} found node ${JSON.stringify(nodeId)} at the target already and has nothing to put back.`,
      { details: { planId: row.plan_id, nodeId } },
    );
}

/**
 * Leases that may write the node or re-queue it: its batch, a sweep, another rollback of it. What was given
 * back or is settled lies in the range of a batch still, but not in its hands.
 */
function leasesAt({ db }: Context, row: PlanRow, nodeId: string): LeaseRow[] {
  return db
    .sql(
      `SELECT * FROM leases l WHERE l.plan = :plan AND (l.kind = 'sweep'
         OR l.kind = 'batch' AND :nodeId BETWEEN l.first AND l.last AND EXISTS (SELECT 1 FROM tasks t
           WHERE t.plan = :plan AND t.node_id = :nodeId AND t.state = ${state.fresh})
         OR l.kind IN ('retry', 'node') AND EXISTS (SELECT 1 FROM json_each(l.nodes) n WHERE n.value = :nodeId))`,
    )
    .all({ plan: row.plan, nodeId }) as LeaseRow[];
}

const noReason = {
  code: 'ROLLBACK_CONFLICT',
  message: 'The node could not be put back and was left as it is.',
} as const;

export function settleNode(context: Context, lease: Lease, result: RollbackResult): boolean {
  const held = heldLease(context, lease.leaseId);
  if (held === undefined) return false;
  if (result.outcome === 'restored' || result.outcome === 'skipped')
    // Rolled back even where nothing was written: the plan is not to take the node up again.
    moveTasks(context, held.plan, 'restored', [result]);
  else putTaskError(context, held.plan, result.nodeId, result.error ?? noReason);
  giveBack(context, held, false);
  note(context, 'node:rolled_back', {
    plan: held.plan,
    details: { nodeId: result.nodeId, outcome: result.outcome },
  });
  return true;
}
