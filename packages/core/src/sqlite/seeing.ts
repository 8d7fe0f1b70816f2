import * as z from 'zod';
import type { Reason } from '../errors.ts';
import { assertSameNodeStore } from '../model/node-store-id.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { Page, PageOptions } from '../ports/node-store.ts';
import type { JournalEntry, RegistryStore, StrayBackups, WorkerInfo } from '../ports/registry-store.ts';
import { type Context, note, putSetting, raiseMark, setting } from './context.ts';
import { giveBack, leasesOf } from './leases.ts';
import { planRow, planSnapshot, planState, setStatus } from './plans.ts';
import { anyRecord, isoTime, parsedJson } from './row-values.ts';
import { PLAN_ROWS, type PlanRow } from './rows.ts';

/** A worker not heard of for this long is no longer listed. */
const SILENT_MS = 30_000;
/** And after this long it is forgotten: one that was killed never says goodbye. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

const waiting = z.array(z.looseObject({ planId: z.string(), code: z.string(), message: z.string() }));

interface JournalRow {
  entry: number;
  at: number;
  actor: string;
  action: string;
  plan_id: string | null;
  model_id: string | null;
  version: number | null;
  details: string;
}

/** Newest first. */
export function journal(
  { db }: Context,
  { limit = 100, after, planId, action }: PageOptions & { planId?: string; action?: string },
): Page<JournalEntry> {
  const where = [
    ...(planId === undefined ? [] : ['j.plan = (SELECT plan FROM plans WHERE plan_id = :planId)']),
    ...(after === undefined ? [] : ['j.entry < :after']),
    ...(action === undefined ? [] : ['j.action = +:action']),
  ];
  const rows = db
    .sql(
      `SELECT j.entry, j.at, j.actor, j.action, p.plan_id, s.model_id, s.version, j.details FROM journal j
       LEFT JOIN plans p ON p.plan = j.plan LEFT JOIN model_specs s ON s.model = j.model
       ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY j.entry DESC LIMIT +:limit`,
    )
    .all({
      limit: limit + 1,
      planId,
      action,
      after: after === undefined ? undefined : Number(after),
    }) as JournalRow[];
  const items = rows.slice(0, limit);
  return { items: items.map(entryOf), ...(rows.length > limit && { next: String(items.at(-1)?.entry) }) };
}

function entryOf(row: JournalRow): JournalEntry {
  return {
    at: isoTime(row.at),
    actor: row.actor,
    action: row.action,
    ...(row.plan_id !== null && { planId: row.plan_id }),
    ...(row.model_id !== null &&
      row.version !== null && { model: { modelId: row.model_id, version: row.version } }),
    details: parsedJson(anyRecord, row.details, 'details of the journal'),
  };
}

export function noteOfPlan(
  context: Context,
  { planId, action, details }: Parameters<RegistryStore['noteOfPlan']>[0],
): void {
  note(context, action, { plan: planRow(context, planId).plan, details });
}

export function beat({ db, clock }: Context, worker: Parameters<RegistryStore['beat']>[0]): void {
  db.sql(
    `INSERT INTO workers (worker, host, pid, started, heartbeat, waiting)
     VALUES (:workerId, :host, :pid, :now, :now, :waiting)
     ON CONFLICT (worker) DO UPDATE SET heartbeat = excluded.heartbeat, waiting = excluded.waiting`,
  ).run({ ...worker, waiting: JSON.stringify(worker.waiting ?? []), now: clock.now() });
  db.sql('DELETE FROM workers WHERE heartbeat < ?').run(clock.now() - FORGOTTEN_MS);
}

export function workers({ db, clock }: Context): WorkerInfo[] {
  const rows = db
    .sql(
      `SELECT w.worker, w.host, w.pid, w.heartbeat, w.waiting, (SELECT json_group_array(DISTINCT p.plan_id) FROM leases l
         JOIN plans p ON p.plan = l.plan WHERE l.worker = w.worker) AS plan_ids
       FROM workers w WHERE w.heartbeat > ? ORDER BY w.started`,
    )
    .all(clock.now() - SILENT_MS) as {
    worker: string;
    host: string;
    pid: number;
    heartbeat: number;
    waiting: string;
    plan_ids: string;
  }[];
  return rows.map((row) => ({
    workerId: row.worker,
    host: row.host,
    pid: row.pid,
    heartbeatAt: isoTime(row.heartbeat),
    planIds: JSON.parse(row.plan_ids) as string[],
    waiting: parsedJson(waiting, row.waiting, 'reasons of a worker') as WorkerInfo['waiting'],
  }));
}

export function bindNodeStore(context: Context, storeId: string): void {
  const known = setting<string>(context, 'store_id');
  assertSameNodeStore(known, storeId);
  if (known !== undefined) return;
  putSetting(context, 'store_id', storeId);
  note(context, 'store:bound', { details: { storeId } });
}

/** The node store has seen seals and rollbacks that this registry has not: it is an older copy. */
export function catchUpMark(context: Context, mark: number): number {
  if (mark <= (setting<number>(context, 'mark') ?? 0)) return 0;
  putSetting(context, 'mark', mark);
  const reason: Reason = {
    code: 'REGISTRY_OLDER',
    message:
      'The node store has seen later plans than this registry, which may be an older copy; look at the nodes, then resume the plan or roll it back.',
  };
  // A rollback that went on by itself would undo what later plans have done since.
  const rows = context.db
    .sql(`${PLAN_ROWS} WHERE p.sealed IS NOT NULL AND p.status IN ('pending', 'in_progress', 'rolling_back')`)
    .all() as PlanRow[];
  for (const row of rows) setStatus(context, row, 'paused', reason);
  // A plan under creation then may have been sealed and rolled back since: as a list, nobody goes on with it.
  context.db.sql(`DELETE FROM leases WHERE kind = 'create'`).run();
  context.db.sql('UPDATE plans SET whole_store = 0 WHERE sealed IS NULL').run();
  return rows.length;
}

/**
 * The plans of all backups are found by a step of the index for each, however many backups there are; those of one
 * plan are counted only where they are stray.
 */
export function strayBackups({ db }: Context): StrayBackups[] {
  const rows = db
    .sql(
      `WITH RECURSIVE owner(plan) AS (
         SELECT min(backup) >> 32 FROM backups
         UNION ALL
         SELECT (SELECT b.backup >> 32 FROM backups b WHERE b.backup >= (owner.plan + 1) << 32 ORDER BY b.backup LIMIT 1)
         FROM owner WHERE owner.plan IS NOT NULL)
       SELECT p.plan_id, (SELECT count(*) FROM backups b
         WHERE b.backup >= owner.plan << 32 AND b.backup < (owner.plan + 1) << 32) AS count
       FROM owner LEFT JOIN plans p ON p.plan = owner.plan
       WHERE owner.plan IS NOT NULL AND (p.plan IS NULL OR p.finalized IS NOT NULL)`,
    )
    .all() as { plan_id: string | null; count: number }[];
  return rows.map(({ plan_id: planId, count }) => ({ count, ...(planId !== null && { planId }) }));
}

export function markFinalized(context: Context, planId: string): MigrationPlan {
  const { db, clock } = context;
  const row = planRow(context, planId);
  if (row.finalized !== null) return planSnapshot(context, planId);
  if (!['completed', 'failed', 'cancelled', 'rolled_back'].includes(row.status))
    throw planState(row, 'finalized', 'let it end, or cancel it first');
  // A batch in hand of a cancelled plan would make another backup.
  for (const lease of leasesOf(context, row.plan)) giveBack(context, lease, false);
  db.sql('UPDATE plans SET finalized = ? WHERE plan = ?').run(clock.now(), row.plan);
  note(context, 'plan:finalized', { plan: row.plan, details: { status: row.status } });
  raiseMark(context);
  return planSnapshot(context, planId);
}

/** Removes a page of backups of a finalized plan; true once none is left. */
export function dropBackups(context: Context, planId: string, limit: number): boolean {
  const row = planRow(context, planId);
  if (row.finalized === null) throw planState(row, 'stripped of its backups', 'finalize it first');
  const { changes } = context.db
    .sql(
      `DELETE FROM backups WHERE backup IN (SELECT backup FROM backups
         WHERE backup > :plan << 32 AND backup < (:plan + 1) << 32 LIMIT +:limit)`,
    )
    .run({ plan: row.plan, limit });
  return changes < limit;
}
