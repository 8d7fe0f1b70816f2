import type { Reason } from '../../errors.ts';
import type { MigrationStatus } from '../../model/status.ts';
import { type Context, note } from '../context.ts';
import { planIdSchema } from '../row-values.ts';
import { importSpec } from './models.ts';
import {
  type OriginSettings,
  type OriginSpec,
  readPlanData,
  readSettings,
  readSpec,
  salvageSpecs,
} from './records.ts';
import { aside } from './schema.ts';
import { importBackups, importTasks, markAdopted, type TaskCounts } from './tasks.ts';

interface OriginRow {
  rowid: number;
  plan_id: unknown;
  plan_data: unknown;
  created_at: unknown;
  [column: string]: unknown;
}

/** A plan as the origin's JSON has it, or its columns where the JSON is damaged. */
interface OriginPlan {
  readonly planId: string;
  readonly source: OriginSpec;
  readonly target: OriginSpec;
  readonly settings: OriginSettings;
  readonly tasks: Iterable<unknown>;
  readonly isDamaged: boolean;
}

export interface PlanCounts {
  plans: number;
  unfinishedPlans: number;
  damagedPlans: number;
  skippedPlans: number;
  tasks: number;
  duplicates: number;
  skippedTasks: number;
  backups: number;
}

/** Brings every plan in, in the order in which they were made, one at a time. */
export function importPlans(context: Context): PlanCounts {
  const { db } = context;
  const order = db.sql(`SELECT rowid FROM ${aside.plans} ORDER BY created_at, rowid`).pluck().all();
  const counts: PlanCounts = {
    plans: 0,
    unfinishedPlans: 0,
    damagedPlans: 0,
    skippedPlans: 0,
    tasks: 0,
    duplicates: 0,
    skippedTasks: 0,
    backups: 0,
  };
  for (const rowid of order) {
    const row = db.sql(`SELECT rowid, * FROM ${aside.plans} WHERE rowid = ?`).get(rowid) as OriginRow;
    const plan = readPlan(context, row);
    const specs = plan && {
      source: importSpec(context, plan.source),
      target: importSpec(context, plan.target),
    };
    if (plan === undefined || specs?.source === undefined || specs.target === undefined) {
      counts.skippedPlans += 1;
      note(context, 'plan:skipped', { details: { planId: String(row.plan_id) } });
      continue;
    }
    if (plan.isDamaged) counts.damagedPlans += 1;
    importPlan(context, plan, { source: specs.source, target: specs.target, columnId: row.plan_id }, counts);
  }
  return counts;
}

function readPlan(context: Context, row: OriginRow): OriginPlan | undefined {
  const planData = typeof row.plan_data === 'string' ? row.plan_data : '';
  const data = readPlanData(planData);
  if (data !== undefined) {
    const planId = freeId(context, [data.record.plan_id, row.plan_id, `origin-${row.rowid}`]);
    const { source, target, tasks } = data;
    return { planId, source, target, tasks, settings: readSettings(data.record), isDamaged: false };
  }
  const salvaged = salvageSpecs(planData);
  const source = specOfColumns(row, 'source', salvaged);
  const target = specOfColumns(row, 'target', salvaged);
  if (source === undefined || target === undefined) return undefined;
  return {
    planId: freeId(context, [row.plan_id, `origin-${row.rowid}`]),
    source,
    target,
    settings: readSettings(row),
    tasks: tasksOfTable(context, row.plan_id),
    isDamaged: true,
  };
}

/** The origin keeps plans by the id in their JSON, its table by the column: two may claim one. */
function freeId({ db }: Context, wanted: readonly unknown[]): string {
  const isFree = (id: unknown) =>
    planIdSchema.safeParse(id).success &&
    db.sql('SELECT 1 FROM plans WHERE plan_id = ?').get(id) === undefined;
  return wanted.find(isFree) as string;
}

/** The columns have no dimension: it stands at the head of the damaged JSON, most often. */
function specOfColumns(
  row: Record<string, unknown>,
  side: 'source' | 'target',
  salvaged: readonly OriginSpec[] = [],
): OriginSpec | undefined {
  const columns = readSpec({
    model_id: row[`${side}_model_id`],
    version: row[`${side}_version`],
    checksum: row[`${side}_checksum`],
  });
  const same = salvaged.find(
    (spec) =>
      spec.modelId === columns?.modelId &&
      spec.version === columns.version &&
      spec.checksum === columns.checksum,
  );
  return same ?? columns;
}

function tasksOfTable({ db }: Context, planId: unknown): unknown[] {
  const rows = db.sql(`SELECT * FROM ${aside.tasks} WHERE plan_id = ? ORDER BY rowid`).all(planId);
  return (rows as Record<string, unknown>[]).map((row) => ({
    ...row,
    source_spec: {
      model_id: row.source_model_id,
      version: row.source_version,
      checksum: row.source_checksum,
    },
  }));
}

function importPlan(
  context: Context,
  origin: OriginPlan,
  rows: { source: number; target: number; columnId: unknown },
  counts: PlanCounts,
): void {
  const plan = insertPlan(context, origin, rows);
  const tasks = importTasks(context, plan, rows.source, origin.tasks);
  const backups = importBackups(context, plan, rows);
  const adopted = markAdopted(context, plan);
  const status = statusOf(origin.settings.status, tasks);
  const { startedAt, completedAt, createdAt } = origin.settings;
  const endedAt = completedAt ?? tasks.lastCompletedAt ?? startedAt ?? createdAt ?? context.clock.now();
  const reason = reasonOf(status, origin.settings.status, tasks);
  context.db
    .sql(
      `UPDATE plans SET status = ?, reason_code = ?, reason_message = ?, priority = ?, ended = ?,
         max_retries = ?, keep_backups = ?, total = ?, completed = ?, failed = ?, rolled_back = ?, adopted = ?
       WHERE plan = ?`,
    )
    .run(
      status,
      reason.code,
      reason.message,
      tasks.priority,
      status === 'paused' ? null : endedAt,
      tasks.maxRetries,
      // What has ended kept no backups, so its rollback is refused; what runs from now on keeps them.
      status === 'paused' || backups > 0 ? 1 : 0,
      tasks.total,
      tasks.completed,
      tasks.failed,
      tasks.rolledBack,
      adopted,
      plan,
    );
  counts.plans += 1;
  if (status === 'paused') counts.unfinishedPlans += 1;
  counts.tasks += tasks.total;
  counts.duplicates += tasks.duplicates;
  counts.skippedTasks += tasks.skipped;
  counts.backups += backups;
}

function insertPlan(
  { db, clock }: Context,
  { planId, settings }: OriginPlan,
  rows: { source: number; target: number },
): number {
  const { lastInsertRowid } = db
    .sql(
      `INSERT INTO plans (plan_id, strategy, whole_store, source, target, status, priority, created, sealed, started,
         activate, batch_size, throttle_ms, lanes, max_retries, keep_backups)
       VALUES (:planId, 'inPlace', 0, :source, :target, 'paused', 2, :created, :created, :startedAt, 0, :batchSize,
         :throttleMs, :lanes, 3, 1)`,
    )
    .run({
      planId,
      source: rows.source,
      target: rows.target,
      created: settings.createdAt ?? clock.now(),
      startedAt: settings.startedAt ?? null,
      batchSize: settings.batchSize,
      throttleMs: settings.throttleMs,
      lanes: settings.lanes,
    });
  return Number(lastInsertRowid);
}

/** The tasks decide: the origin lets a plan say anything about them. */
function statusOf(stored: string, tasks: TaskCounts): MigrationStatus {
  if (stored === 'rolled_back') return 'rolled_back';
  if (tasks.open > 0) return 'paused';
  if (tasks.total > 0 && tasks.rolledBack === tasks.total) return 'rolled_back';
  return tasks.failed > 0 ? 'failed' : 'completed';
}

function reasonOf(status: MigrationStatus, stored: string, { open, total }: TaskCounts): Reason {
  const isKept = ['pending', 'in_progress', 'paused'].includes(stored)
    ? status === 'paused'
    : status === stored;
  const was = isKept
    ? ''
    : ` It was stored as ${JSON.stringify(stored.slice(0, 20))}, with ${open} of ${total} tasks open.`;
  const what =
    status === 'paused'
      ? 'Made by the origin system, whose worker re-embedded nothing: to resume it is its first real run.'
      : 'Ended in the origin system, which re-embedded nothing and kept no backups: there is nothing to roll back.';
  return { code: 'ORIGIN_PLAN', message: what + was };
}
