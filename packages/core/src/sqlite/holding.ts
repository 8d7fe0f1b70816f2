/**
 * Which plans hold which nodes against other plans: unfinished ones hold their tasks, one over the whole
 * store holds every node, and a plan under creation holds the pages it has so far. Whatever makes a plan
 * hold nodes (a page, a seal, a retry, a rollback, a cutover's follow-up) asks here, in its own transaction.
 */
import { RegistryError } from '../errors.ts';
import type { Context } from './context.ts';
import type { PlanRow } from './rows.ts';

export const CREATE_LEASE_MS = 30_000;

/** A plan that holds nodes, and how many of those asked for; no count: all of them. */
export interface Holder {
  readonly planId: string;
  readonly count?: number;
}

interface CreateLease {
  lease: string;
  plan: number;
  deadline: number;
}

/** The creation under way; a lease that ran out is removed, and its creation holds nothing any more. */
export function liveCreation({ db, clock }: Context): CreateLease | undefined {
  const lease = db.sql(`SELECT lease, plan, deadline FROM leases WHERE kind = 'create'`).get() as
    | CreateLease
    | undefined;
  if (lease === undefined) return undefined;
  const now = clock.now();
  if (lease.deadline > now && lease.deadline <= now + 2 * CREATE_LEASE_MS) return lease;
  db.sql('DELETE FROM leases WHERE lease = ?').run(lease.lease);
  return undefined;
}

/** Says of a row `o` of plans whether it holds nodes. */
const HOLDS = `(o.status IN ('pending', 'in_progress', 'paused', 'rolling_back') AND (o.sealed IS NOT NULL
  OR EXISTS (SELECT 1 FROM leases c WHERE c.plan = o.plan AND c.kind = 'create')))`;

/** A plan but this one that holds anything. */
export function otherHolder(context: Context, plan: number): Holder | undefined {
  return findHolder(context, plan, '');
}

/** A plan over the whole store but this one. */
export function wholeStoreHolder(context: Context, plan: number): Holder | undefined {
  return findHolder(context, plan, 'AND o.whole_store = 1 AND o.filter IS NULL');
}

function findHolder(context: Context, plan: number, condition: string): Holder | undefined {
  liveCreation(context);
  return context.db
    .sql(`SELECT o.plan_id AS planId FROM plans o WHERE ${HOLDS} ${condition} AND o.plan <> ? LIMIT 1`)
    .get(plan) as Holder | undefined;
}

/** A plan but this one that holds tasks for any of these nodes. */
export function holderOf(context: Context, plan: number, nodeIds: readonly string[]): Holder | undefined {
  // Most often nobody holds anything, and no list has to be made.
  if (otherHolder(context, plan) === undefined) return undefined;
  return holderAmong(context, 'SELECT value AS node_id FROM json_each(:ids)', {
    plan,
    ids: JSON.stringify(nodeIds),
  });
}

/** As {@link holderOf}, for the nodes that a query yields as `node_id`; `plan` is among its parameters. */
export function holderAmong(
  context: Context,
  nodes: string,
  parameters: { readonly plan: number; readonly ids?: string },
): Holder | undefined {
  liveCreation(context);
  return context.db
    .sql(
      `SELECT o.plan_id AS planId, count(*) AS count FROM plans o CROSS JOIN (${nodes}) n
         CROSS JOIN tasks h ON h.plan = o.plan AND h.node_id = n.node_id
       WHERE ${HOLDS} AND o.plan <> :plan GROUP BY o.plan LIMIT 1`,
    )
    .get(parameters) as Holder | undefined;
}

/** A plan but this one that holds any node of this plan's tasks, those in `states` where given. */
export function holderOfTasks(
  context: Context,
  row: Pick<PlanRow, 'plan' | 'whole_store' | 'filter'>,
  states?: readonly number[],
): Holder | undefined {
  if (row.whole_store === 1 && row.filter === null) return otherHolder(context, row.plan);
  const narrowed = states === undefined ? '' : `AND state IN (${states.join(', ')})`;
  return (
    wholeStoreHolder(context, row.plan) ??
    holderAmong(context, `SELECT node_id FROM tasks WHERE plan = :plan ${narrowed}`, { plan: row.plan })
  );
}

/** Those of these nodes that no other plan holds. */
export function freeNodes({ db }: Context, plan: number, nodeIds: readonly string[]): Set<string> {
  const free = db
    .sql(
      `SELECT n.value FROM json_each(:ids) n WHERE NOT EXISTS (SELECT 1 FROM plans o CROSS JOIN tasks h
         ON h.plan = o.plan AND h.node_id = n.value WHERE ${HOLDS} AND o.plan <> :plan)`,
    )
    .pluck()
    .all({ ids: JSON.stringify(nodeIds), plan }) as string[];
  return new Set(free);
}

export function assertFree(holder: Holder | undefined): void {
  if (holder !== undefined) throw overlapError(holder);
}

function overlapError(holder: Holder): RegistryError {
  const { planId, count } = holder;
  const nodes =
    count === undefined
      ? 'The whole store belongs'
      : count === 1
        ? 'One of the nodes belongs'
        : `${count} of the nodes belong`;
  return new RegistryError(
    'PLAN_OVERLAP',
    `${nodes} to plan ${planId}, which is unfinished; finish, cancel or roll that plan back first.`,
    { details: { ...holder } },
  );
}

/** A later plan that ended, was not rolled back, and brought nodes of this plan to another model. */
export function laterWriter({ db }: Context, row: Pick<PlanRow, 'plan' | 'target'>): Holder | undefined {
  return db
    .sql(
      `SELECT l.plan_id AS planId FROM plans l WHERE l.plan > :plan AND l.sealed IS NOT NULL AND l.target <> :target
         AND +l.status IN ('completed', 'failed', 'cancelled') AND EXISTS (SELECT 1 FROM tasks t CROSS JOIN tasks m
           ON m.plan = :plan AND m.node_id = t.node_id WHERE t.plan = l.plan AND t.state = 3)
       ORDER BY l.plan DESC LIMIT 1`,
    )
    .get({ plan: row.plan, target: row.target }) as Holder | undefined;
}
