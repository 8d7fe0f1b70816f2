import { type Reason, RegistryError } from '../errors.ts';
import { type MigrationPlan, type PlanTuning, unknownPlan } from '../model/plan.ts';
import { type MigrationStatus, mayFollow } from '../model/status.ts';
import type { Page, PageOptions } from '../ports/node-store.ts';
import { type Change, type Context, note } from './context.ts';
import { assertFree, holderOfTasks } from './holding.ts';
import { PLAN_ROWS, type PlanRow, planOf, spendCapOf, spendColumns } from './rows.ts';

/** The row of a sealed plan. */
export function findPlan({ db }: Context, planId: string): PlanRow | undefined {
  return db.sql(`${PLAN_ROWS} WHERE p.plan_id = +? AND p.sealed IS NOT NULL`).get(planId) as
    | PlanRow
    | undefined;
}

/** @throws RegistryError `PLAN_UNKNOWN` */
export function planRow(context: Context, planId: string): PlanRow {
  const row = findPlan(context, planId);
  if (row !== undefined) return row;
  throw unknownPlan(planId);
}

export function planSnapshot(context: Context, planId: string): MigrationPlan {
  return planOf(planRow(context, planId));
}

/** Newest first. */
export function plans(
  { db }: Context,
  { limit = 100, after, status }: PageOptions & { status?: MigrationStatus },
): Page<MigrationPlan> {
  const where = [
    'p.sealed IS NOT NULL',
    ...(status ? ['p.status = +:status'] : []),
    ...(after ? ['p.plan < :after'] : []),
  ];
  const rows = db.sql(`${PLAN_ROWS} WHERE ${where.join(' AND ')} ORDER BY p.plan DESC LIMIT +:limit`).all({
    limit: limit + 1,
    ...(status && { status }),
    ...(after && { after: Number(after) }),
  }) as PlanRow[];
  const items = rows.slice(0, limit);
  return { items: items.map(planOf), ...(rows.length > limit && { next: String(items.at(-1)?.plan) }) };
}

export function planState(
  row: Pick<PlanRow, 'plan_id' | 'status'>,
  wanted: string,
  way: string,
): RegistryError {
  return new RegistryError(
    'PLAN_STATE',
    `Plan ${row.plan_id} is ${row.status} and cannot be ${wanted}; ${way}.`,
    {
      details: { planId: row.plan_id, status: row.status },
    },
  );
}

const wayOut: Partial<Record<MigrationStatus, string>> = {
  completed: 'it has ended; roll it back, or create another plan',
  cancelled: 'it has ended; roll it back, or create another plan',
  failed: 'it has ended; retryFailed puts its failed nodes back to work',
  rolling_back: 'wait for its rollback to end',
  rolled_back: 'it was rolled back; create another plan',
};

export function movePlan(
  context: Context,
  planId: string,
  to: 'in_progress' | 'paused' | 'cancelled',
  reason?: Reason,
): { plan: MigrationPlan; from: MigrationStatus } {
  const row = planRow(context, planId);
  const from = row.status;
  // Another cause of a pause is worth noting; a pause without one does not hide the cause there is.
  const isNewCause = to === 'paused' && reason !== undefined && reason.code !== row.reason_code;
  if (from === to && !isNewCause) return { plan: planOf(row), from };
  if (from !== to && (!mayFollow(from, to) || from === 'failed'))
    throw planState(
      row,
      { in_progress: 'resumed', paused: 'paused', cancelled: 'cancelled' }[to],
      wayOut[from] ?? 'see its status',
    );
  // Plans of the origin may share nodes, and all come in paused; of those that share, one may run.
  if (to === 'in_progress' && row.reason_code === 'ORIGIN_PLAN') assertFree(holderOfTasks(context, row));
  setStatus(context, row, to, reason);
  return { plan: planSnapshot(context, planId), from };
}

/** Writes a status that may follow, ends or clears what hangs on it, and journals it. */
export function setStatus(context: Context, row: PlanRow, to: MigrationStatus, reason?: Reason): void {
  const { db, clock } = context;
  const hasEnded = to === 'completed' || to === 'failed' || to === 'cancelled' || to === 'rolled_back';
  db.sql(
    `UPDATE plans SET status = :to, reason_code = :code, reason_message = :message, ended = :ended,
       started = CASE WHEN :to = 'in_progress' THEN coalesce(started, :now) ELSE started END,
       held_since = NULL, held_at = NULL, held_until = NULL, held_code = NULL, held_message = NULL
     WHERE plan = :plan`,
  ).run({
    to,
    code: reason?.code ?? null,
    message: reason?.message ?? null,
    ended: hasEnded ? clock.now() : null,
    now: clock.now(),
    plan: row.plan,
  });
  note(context, `plan:${to}`, { plan: row.plan, details: { from: row.status, ...reason } });
}

const tuned = {
  batchSize: 'batch_size',
  throttleMs: 'throttle_ms',
  maxParallelWorkers: 'lanes',
  maxRetries: 'max_retries',
  dutyCycle: 'duty_cycle',
} as const;

export function tune(context: Context, planId: string, tuning: PlanTuning): MigrationPlan {
  const row = planRow(context, planId);
  if (row.status === 'rolled_back' || row.status === 'completed' || row.status === 'cancelled')
    throw planState(row, 'tuned', wayOut[row.status] ?? '');
  const details: Record<string, Change> = {};
  for (const [key, column] of Object.entries(tuned)) {
    const to = tuning[key as keyof PlanTuning];
    if (to === undefined || to === row[column]) continue;
    context.db.sql(`UPDATE plans SET ${column} = ? WHERE plan = ?`).run(to, row.plan);
    details[key] = { from: row[column], to };
  }
  const cap = { from: spendCapOf(row) ?? null, to: tuning.spendCap };
  if (cap.to !== undefined && JSON.stringify(cap.from) !== JSON.stringify(cap.to)) {
    const columns = spendColumns(cap.to);
    context.db
      .sql('UPDATE plans SET spend_cap = :spendCap, spend_unit = :spendUnit WHERE plan = :plan')
      .run({ ...columns, plan: row.plan });
    details.spendCap = cap;
  }
  if (Object.keys(details).length > 0) note(context, 'plan:tuned', { plan: row.plan, details });
  return planSnapshot(context, planId);
}
