/**
 * Pages of tasks, in the order of node ids. The node ids of a page are picked from the tasks themselves, by
 * an index where there is one; only the tasks of the page are then read through the view, which joins five
 * tables for each. Completed and rolled-back tasks lie dense in the plan and have no index: to find that
 * there are no more walks the rest of the plan (50 ms for a million tasks).
 */
import type { RegistryErrorCode } from '../errors.ts';
import { compareNodeIds } from '../model/node-id.ts';
import type { TaskStatus } from '../model/status.ts';
import type { MigrationTask } from '../model/task.ts';
import type { Page, PageOptions } from '../ports/node-store.ts';
import type { FailureGroup } from '../ports/registry-store.ts';
import type { Context } from './context.ts';
import { planRow } from './plans.ts';
import { type PlanRow, TASK_ROWS, type TaskRow, taskOf } from './rows.ts';
import { isState, state } from './schema.ts';

/** Up to so many ready tasks are sorted; more of them lie dense enough to be met on a walk. */
const SORTED_READY = 20_000;

export interface TaskQuery extends PageOptions {
  planId: string;
  nodeId?: string;
  status?: TaskStatus;
  errorCode?: RegistryErrorCode;
}

interface Wanted {
  readonly plan: number;
  readonly after: string;
  readonly limit: number;
  readonly errorCode?: RegistryErrorCode;
}

export function tasks(context: Context, query: TaskQuery): Page<MigrationTask> {
  const { planId, limit = 100, after = '', nodeId, status, errorCode } = query;
  const row = planRow(context, planId);
  const wanted = { plan: row.plan, after, limit: limit + 1, ...(errorCode !== undefined && { errorCode }) };
  if (nodeId !== undefined) {
    const found = tasksOf(context, planId, compareNodeIds(nodeId, after) > 0 ? [nodeId] : []);
    const fits = (task: TaskRow) =>
      (status ?? task.status) === task.status && (errorCode ?? task.error_code) === task.error_code;
    return { items: found.filter(fits).map(taskOf) };
  }
  const ids =
    errorCode === undefined ? idsOf(context, row, status, wanted) : idsWithError(context, status, wanted);
  const items = tasksOf(context, planId, ids.slice(0, limit)).map(taskOf);
  const last = items.at(-1);
  return { items, ...(ids.length > limit && last && { next: last.nodeId }) };
}

/** Failed tasks by their cause, the most frequent first; walks the failed ones alone. */
export function failures(context: Context, planId: string): FailureGroup[] {
  const { plan } = planRow(context, planId);
  return context.db
    .sql(
      `SELECT e.code, count(*) AS count, min(e.message) AS message
       FROM tasks t JOIN task_errors e ON e.plan = t.plan AND e.node_id = t.node_id
       WHERE t.plan = :plan AND ${isState('failed')}
       GROUP BY e.code ORDER BY count DESC, e.code`,
    )
    .all({ plan }) as FailureGroup[];
}

function tasksOf({ db }: Context, planId: string, nodeIds: readonly string[]): TaskRow[] {
  return db
    .sql(`${TASK_ROWS} WHERE plan_id = +? AND node_id IN (SELECT value FROM json_each(?)) ORDER BY node_id`)
    .all(planId, JSON.stringify(nodeIds)) as TaskRow[];
}

function idsOf(context: Context, row: PlanRow, status: TaskStatus | undefined, wanted: Wanted): string[] {
  const isOver = row.status === 'cancelled' || row.status === 'rolled_back';
  switch (status) {
    case undefined:
      return pick(context, 'state >= 0', wanted);
    case 'pending':
      return isOver ? [] : waiting(context, row, wanted);
    case 'cancelled':
      return isOver ? waiting(context, row, wanted) : [];
    case 'in_progress':
      return inHand(context, wanted);
    case 'completed':
      return row.completed === 0 ? [] : pick(context, isState('completed'), wanted);
    case 'rolled_back':
      return row.rolled_back === 0 ? [] : pick(context, isState('rolledBack'), wanted);
    default:
      return pick(context, isState(status), wanted);
  }
}

function pick({ db }: Context, condition: string, wanted: Wanted): string[] {
  return db
    .sql(
      `SELECT node_id FROM tasks WHERE plan = :plan AND node_id > :after AND ${condition} ORDER BY node_id LIMIT +:limit`,
    )
    .pluck()
    .all(wanted) as string[];
}

/** Fresh tasks lie beyond the cursor, but those in the range of a batch; ready ones anywhere. */
function waiting(context: Context, row: PlanRow, wanted: Wanted): string[] {
  const { db } = context;
  const ready = db
    .sql(
      `SELECT count(*) FROM (SELECT 1 FROM tasks WHERE plan = ? AND ${isState('ready')} LIMIT ${SORTED_READY + 1})`,
    )
    .pluck()
    .get(row.plan) as number;
  const index = ready <= SORTED_READY ? 'INDEXED BY ready_tasks' : '';
  return db
    .sql(
      `SELECT node_id FROM (SELECT node_id FROM tasks WHERE plan = :plan AND node_id > max(:after, :cursor)
           AND ${isState('fresh')} ORDER BY node_id LIMIT +:limit)
       UNION ALL SELECT node_id FROM (SELECT node_id FROM tasks ${index} WHERE plan = :plan AND node_id > :after
           AND ${isState('ready')} ORDER BY node_id LIMIT +:limit)
       ORDER BY node_id LIMIT +:limit`,
    )
    .pluck()
    .all({ ...wanted, cursor: row.cursor }) as string[];
}

/** No more than there are lanes times the size of a batch. */
function inHand({ db }: Context, wanted: Wanted): string[] {
  return db
    .sql(
      `SELECT t.node_id FROM leases l CROSS JOIN tasks t ON t.plan = l.plan AND t.node_id BETWEEN l.first AND l.last
         WHERE l.plan = :plan AND t.state = ${state.fresh} AND t.node_id > :after
       UNION SELECT t.node_id FROM leases l CROSS JOIN json_each(l.nodes) n
         CROSS JOIN tasks t ON t.plan = l.plan AND t.node_id = n.value
         WHERE l.plan = :plan AND t.state = ${state.leased} AND t.node_id > :after
       ORDER BY node_id LIMIT +:limit`,
    )
    .pluck()
    .all(wanted) as string[];
}

function idsWithError({ db }: Context, status: TaskStatus | undefined, wanted: Wanted): string[] {
  const narrowed =
    status === undefined
      ? ''
      : `AND (SELECT v.status FROM migration_tasks v
           WHERE v.plan_id = (SELECT p.plan_id FROM plans p WHERE p.plan = e.plan) AND v.node_id = e.node_id) = :status`;
  return db
    .sql(
      `SELECT e.node_id FROM task_errors e WHERE e.plan = :plan AND e.code = :errorCode AND e.node_id > :after ${narrowed}
       ORDER BY e.node_id LIMIT +:limit`,
    )
    .pluck()
    .all({ ...wanted, status }) as string[];
}
