/** Sums over all tasks or backups of a plan, in pages: no statement holds the file for long. */
import { TaskStatus } from '../model/status.ts';
import type { Page } from '../ports/node-store.ts';
import type { BackupTotals, EndedTasks } from '../ports/totals.ts';
import type { Context } from './context.ts';
import { planRow } from './plans.ts';
import { state } from './schema.ts';

const statusOf: Readonly<Record<number, TaskStatus>> = {
  [state.completed]: TaskStatus.COMPLETED,
  [state.failed]: TaskStatus.FAILED,
  [state.skipped]: TaskStatus.SKIPPED,
  [state.rolledBack]: TaskStatus.ROLLED_BACK,
};

const TASKS_PAGE = 50_000;
const BACKUPS_PAGE = 20_000;

export interface EndedTasksQuery {
  readonly planId: string;
  readonly bucketMs: number;
  readonly after?: string;
  readonly limit?: number;
}

export function endedTasks({ db, ...rest }: Context, o: EndedTasksQuery): Page<EndedTasks> {
  const { planId, bucketMs, after = '', limit = TASKS_PAGE } = o;
  const { plan } = planRow({ db, ...rest }, planId);
  const last = db
    .sql('SELECT node_id FROM tasks WHERE plan = ? AND node_id > ? ORDER BY node_id LIMIT 1 OFFSET +?')
    .get(plan, after, limit - 1) as { node_id: string } | undefined;
  // Bound numbers are floating-point: as one it would put each moment into a bucket of its own.
  const rows = db
    .sql(
      `SELECT ended / CAST(:bucketMs AS INTEGER) AS bucket, state, count(*) AS count FROM tasks
       WHERE plan = :plan AND node_id > :after ${last === undefined ? '' : 'AND node_id <= :last'}
         AND state IN (3, 4, 5, 6) AND ended IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2`,
    )
    .all({ bucketMs, plan, after, last: last?.node_id }) as {
    bucket: number;
    state: number;
    count: number;
  }[];
  const items = rows.map((row) => ({
    at: row.bucket * bucketMs,
    status: statusOf[row.state]!,
    count: row.count,
  }));
  return { items, ...(last !== undefined && { next: last.node_id }) };
}

/** The keys of a plan's backups lie in a range of their own. */
export function backupTotals(
  context: Context,
  { planId, after, limit = BACKUPS_PAGE }: { planId: string; after?: string; limit?: number },
): BackupTotals {
  const { plan } = planRow(context, planId);
  const row = context.db
    .sql(
      `SELECT count(*) AS count, total(bytes) AS bytes, max(backup) AS last FROM (
         SELECT backup, length(vector) AS bytes FROM backups
         WHERE backup > :after AND backup < (:plan + 1) << 32 ORDER BY backup LIMIT +:limit)`,
    )
    .get({ plan, after: after === undefined ? plan * 2 ** 32 : Number(after), limit }) as {
    count: number;
    bytes: number;
    last: number | null;
  };
  const { count, bytes } = row;
  return { count, bytes, ...(count === limit && { next: String(row.last) }) };
}
