import { RegistryError } from '../errors.ts';
import { compareNodeIds } from '../model/node-id.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { Claim, Lease, LeasedTask } from '../ports/registry-store.ts';
import { type Context, note } from './context.ts';
import { findPlan, setStatus } from './plans.ts';
import { type PlanRow, planOf, RUNNABLE_ROWS } from './rows.ts';
import { SCHEMA_VERSION, state } from './schema.ts';

const RUNNABLE_LIMIT = 100;
const DUE_PAGE = 10_000;
const LONGEST_BACKOFF_MS = 600_000;
/** After this many leases lost while a task was alone in hand, it is the task that kills workers. */
const LONE_LOSSES = 3;

export interface LeaseRow {
  lease: string;
  plan: number;
  kind: 'batch' | 'retry' | 'sweep' | 'rollback' | 'node' | 'create';
  worker: string;
  taken: number;
  deadline: number;
  first: string | null;
  last: string | null;
  nodes: string | null;
  size: number;
  /** `held_at` of the plan at the claim: which hold this batch probes. */
  held_at: number | null;
  /** 1: its texts are embedded. */
  embedded: number;
}

export interface ClaimOptions {
  planId: string;
  workerId: string;
  leaseMs: number;
  deadWorkers?: readonly string[];
  embedded?: readonly string[];
}

export function runnable({ db }: Context, skip: number): MigrationPlan[] {
  const rows = db
    .sql(
      `${RUNNABLE_ROWS} WHERE p.status IN ('pending', 'in_progress', 'rolling_back') AND p.sealed IS NOT NULL
       ORDER BY p.priority, p.plan LIMIT +? OFFSET +?`,
    )
    .all(RUNNABLE_LIMIT, skip) as PlanRow[];
  return rows.map(planOf);
}

/** A newer program may have changed the meaning of rows while this one was running. */
function assertSchema({ db }: Context): void {
  const version = db.sql('PRAGMA user_version').pluck().get() as number;
  if (version <= SCHEMA_VERSION) return;
  throw new RegistryError(
    'DATABASE_NEWER',
    `Database ${db.path} has schema version ${version}, this program knows ${SCHEMA_VERSION}; upgrade it.`,
    { details: { path: db.path, version, known: SCHEMA_VERSION } },
  );
}

export function claim(context: Context, o: ClaimOptions): Claim {
  assertSchema(context);
  reclaim(context, o);
  markEmbedded(context, o);
  const row = findPlan(context, o.planId);
  if (row === undefined) return { kind: 'rest' };
  const leases = leasesOf(context, row.plan);
  if (row.status === 'rolling_back')
    return leases.length > 0 ? waitForLeases(leases) : grant(context, o, row, 'rollback', {});
  if (row.status !== 'pending' && row.status !== 'in_progress') return { kind: 'rest' };
  const now = context.clock.now();
  // A hold that begins in the future was written before the clock was set back: it is probed at once.
  if (row.held_until !== null && row.held_until > now && (row.held_at ?? 0) <= now)
    return { kind: 'wait', because: 'hold', until: row.held_until };
  if (leases.some((lease) => lease.kind === 'sweep')) return waitForLeases(leases);
  const batches = leases.filter((lease) => lease.kind === 'batch' || lease.kind === 'retry');
  if (areLanesTaken(row, batches)) return waitForLeases(leases);
  return claimBatch(context, o, row) ?? claimSweep(context, o, row, leases);
}

/**
 * A lane is a batch that is read or embedded, so that no more calls than lanes are under way over all processes.
 * As many again may wait to be written: a server that answers faster than we write is not asked for ever more.
 */
function areLanesTaken(row: PlanRow, batches: readonly LeaseRow[]): boolean {
  // While a hold is being probed, one batch is in flight and no more.
  if (row.held_since !== null) return batches.length >= 1;
  const embedding = batches.filter((lease) => lease.embedded === 0).length;
  return embedding >= row.lanes || batches.length >= 2 * row.lanes;
}

function markEmbedded({ db }: Context, { workerId, embedded = [] }: ClaimOptions): void {
  if (embedded.length === 0) return;
  db.sql(
    `UPDATE leases SET embedded = 1
     WHERE worker = ? AND embedded = 0 AND lease IN (SELECT value FROM json_each(?))`,
  ).run(workerId, JSON.stringify(embedded));
}

export function leasesOf({ db }: Context, plan: number): LeaseRow[] {
  return db.sql('SELECT * FROM leases WHERE plan = ?').all(plan) as LeaseRow[];
}

function waitForLeases(leases: readonly LeaseRow[]): Claim {
  return { kind: 'wait', because: 'lanes', until: Math.min(...leases.map((lease) => lease.deadline)) };
}

interface ReadyTask extends Pick<LeasedTask, 'attempts' | 'conflicts'> {
  node_id: string;
  requeues: number;
}

/** First what was returned unharmed or is due again, then fresh tasks, last what was lost with a worker. */
function claimBatch(context: Context, o: ClaimOptions, row: PlanRow): Claim | undefined {
  const { db } = context;
  makeDue(context, row.plan);
  const ready = readyTasks(context, row.plan, 0, row.batch_size);
  if (ready.length > 0) return grantList(context, o, row, ready);
  const fresh = db
    .sql('SELECT node_id FROM tasks WHERE plan = ? AND node_id > ? AND state = 0 ORDER BY node_id LIMIT +?')
    .pluck()
    .all(row.plan, row.cursor, row.batch_size) as string[];
  const first = fresh[0];
  const last = fresh.at(-1);
  if (first !== undefined && last !== undefined) {
    db.sql('UPDATE plans SET cursor = ? WHERE plan = ?').run(last, row.plan);
    const tasks = fresh.map((nodeId) => ({ nodeId, attempts: 0, conflicts: 0 }));
    return grant(context, o, row, 'batch', { first, last, tasks });
  }
  // Nothing fresh is added after the seal: what sweeps add beyond the cursor is not to be walked again.
  db.sql(
    'UPDATE plans SET cursor = last FROM (SELECT max(node_id) AS last FROM tasks WHERE plan = :plan) WHERE plan = :plan AND cursor < last',
  ).run({ plan: row.plan });
  const losses = db
    .sql(
      'SELECT losses FROM tasks WHERE plan = ? AND state = 1 AND not_before = 0 ORDER BY not_before, losses LIMIT 1',
    )
    .pluck()
    .get(row.plan) as number | undefined;
  if (losses === undefined) return undefined;
  const limit = Math.max(1, row.batch_size >> Math.min(losses, 30));
  return grantList(context, o, row, readyTasks(context, row.plan, losses, limit));
}

/**
 * Tasks whose time has come are moved to the front of the index, so that those still waiting are not read.
 * Nobody asks for more than {@link LONGEST_BACKOFF_MS}: a later time is from before the clock was set back.
 */
function makeDue({ db, clock }: Context, plan: number): void {
  const now = clock.now();
  for (const [from, to] of [[1, now] as const, [now + LONGEST_BACKOFF_MS, Number.MAX_SAFE_INTEGER] as const])
    db.sql(
      `UPDATE tasks SET not_before = 0 WHERE plan = :plan AND node_id IN (SELECT node_id FROM tasks
         WHERE plan = :plan AND state = 1 AND not_before BETWEEN :from AND :to LIMIT ${DUE_PAGE})`,
    ).run({ plan, from, to });
}

function readyTasks({ db }: Context, plan: number, losses: number, limit: number): ReadyTask[] {
  return db
    .sql(
      `SELECT node_id, attempts, conflicts, requeues FROM tasks INDEXED BY ready_tasks
       WHERE plan = ? AND state = 1 AND not_before = 0 AND losses = ? ORDER BY node_id LIMIT +?`,
    )
    .all(plan, losses, limit) as ReadyTask[];
}

function grantList(context: Context, o: ClaimOptions, row: PlanRow, ready: readonly ReadyTask[]): Claim {
  const nodes = JSON.stringify(ready.map((task) => task.node_id));
  context.db
    .sql(
      `UPDATE tasks SET state = ${state.leased} WHERE plan = ? AND node_id IN (SELECT value FROM json_each(?))`,
    )
    .run(row.plan, nodes);
  const isThere = (requeues: number) => row.strategy !== 'inPlace' && requeues > 0;
  const tasks = ready.map(({ node_id: nodeId, requeues, ...counts }) => {
    return { nodeId, ...counts, ...(isThere(requeues) && { wasThere: true as const }) };
  });
  return grant(context, o, row, 'retry', { nodes, tasks });
}

/** Nothing can be claimed: the plan waits for its leases, for a due time, or is looked through. */
function claimSweep(context: Context, o: ClaimOptions, row: PlanRow, leases: readonly LeaseRow[]): Claim {
  if (leases.length > 0) return waitForLeases(leases);
  const due = context.db
    .sql('SELECT min(not_before) FROM tasks WHERE plan = ? AND state = 1')
    .pluck()
    .get(row.plan) as number | null;
  if (due !== null) return { kind: 'wait', because: 'backoff', until: due };
  context.db.sql('UPDATE plans SET sweep_due = 0 WHERE plan = ?').run(row.plan);
  return grant(context, o, row, 'sweep', {});
}

interface Grant {
  readonly first?: string;
  readonly last?: string;
  readonly nodes?: string;
  readonly tasks?: readonly LeasedTask[];
}

function grant(context: Context, o: ClaimOptions, row: PlanRow, kind: LeaseRow['kind'], held: Grant): Claim {
  const { db, clock } = context;
  const takenAt = clock.now();
  const leaseId = clock.uuid();
  db.sql(
    'INSERT INTO leases (lease, plan, kind, worker, taken, deadline, first, last, nodes, size, held_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(
    leaseId,
    row.plan,
    kind,
    o.workerId,
    takenAt,
    takenAt + o.leaseMs,
    held.first ?? null,
    held.last ?? null,
    held.nodes ?? null,
    held.tasks?.length ?? 0,
    row.held_at,
  );
  let plan = planOf(row);
  if (row.status === 'pending') {
    setStatus(context, row, 'in_progress');
    plan = planOf(findPlan(context, row.plan_id) as PlanRow);
  }
  const lease: Lease = {
    leaseId,
    kind: kind === 'retry' || kind === 'create' ? 'batch' : kind,
    plan,
    tasks: held.tasks ?? [],
    takenAt,
    ...(row.held_since !== null && { heldSince: row.held_since }),
  };
  return { kind: 'lease', lease };
}

/**
 * Takes back what dead workers held. A deadline far ahead was written before the clock was set back. Where
 * the claiming worker's own heartbeat is old too, the machine slept: nobody died, and no loss is counted.
 */
export function reclaim(context: Context, o: Omit<ClaimOptions, 'planId'>): void {
  const { db, clock } = context;
  const now = clock.now();
  const expired = db
    .sql(
      `SELECT * FROM leases WHERE kind <> 'create' AND (deadline <= ? OR deadline > ?
         OR worker IN (SELECT value FROM json_each(?)))`,
    )
    .all(now, now + 2 * o.leaseMs, JSON.stringify(o.deadWorkers ?? [])) as LeaseRow[];
  if (expired.length === 0) return;
  const slept = hasSlept(context, o);
  for (const lease of expired) {
    const isLost = !slept && lease.worker !== o.workerId && lease.deadline <= now + 2 * o.leaseMs;
    giveBack(context, lease, isLost);
  }
}

/** The worker itself was not heard of for longer than a lease. */
function hasSlept({ db, clock }: Context, o: { workerId: string; leaseMs: number }): boolean {
  const heartbeat = db.sql('SELECT heartbeat FROM workers WHERE worker = ?').pluck().get(o.workerId) as
    | number
    | undefined;
  return heartbeat !== undefined && Math.abs(clock.now() - heartbeat) > o.leaseMs;
}

/**
 * Before nodes pass on to another plan: a batch that was in hand when its plan was cancelled would go on to
 * read what the new plan wrote, and take that to the old plan's target.
 */
export function endLeasesOfEndedPlans(context: Context): void {
  const left = context.db
    .sql(
      `SELECT l.* FROM leases l JOIN plans p ON p.plan = l.plan
       WHERE p.status IN ('completed', 'failed', 'cancelled', 'rolled_back')`,
    )
    .all() as LeaseRow[];
  for (const lease of left) giveBack(context, lease, false);
}

/**
 * Ends a lease: its unsettled tasks are ready again. Only a batch can be lost: whoever died while a sweep or
 * a rollback was in hand had no content to die of.
 */
export function giveBack(context: Context, lease: LeaseRow, isLost: boolean): void {
  const { db } = context;
  db.sql('DELETE FROM leases WHERE lease = ?').run(lease.lease);
  const isBatch = lease.kind === 'batch' || lease.kind === 'retry';
  const lost = isLost && isBatch ? 1 : 0;
  const lone = lease.size === 1 ? lost : 0;
  if (lease.kind === 'batch')
    db.sql(
      `UPDATE tasks SET state = 1, losses = losses + ?, lone_losses = lone_losses + ?
       WHERE plan = ? AND node_id BETWEEN ? AND ? AND state = 0`,
    ).run(lost, lone, lease.plan, lease.first, lease.last);
  if (lease.nodes !== null)
    db.sql(
      `UPDATE tasks SET state = 1, losses = losses + ?, lone_losses = lone_losses + ?
       WHERE plan = ? AND state = 2 AND node_id IN (SELECT value FROM json_each(?))`,
    ).run(lost, lone, lease.plan, lease.nodes);
  if (lone === 1) buryKiller(context, lease);
}

function buryKiller(context: Context, lease: LeaseRow): void {
  const { db, clock } = context;
  const nodes =
    lease.kind === 'batch' ? 'BETWEEN :first AND :last' : 'IN (SELECT value FROM json_each(:nodes))';
  const nodeId = db
    .sql(
      `UPDATE tasks SET state = ${state.failed}, ended = :now
       WHERE plan = :plan AND node_id ${nodes} AND state = 1 AND lone_losses >= ${LONE_LOSSES} RETURNING node_id`,
    )
    .pluck()
    .get({ ...lease, now: clock.now() }) as string | undefined;
  if (nodeId === undefined) return;
  const message = `Three workers died while this node was the only one in their hands; look at its content, then retry it.`;
  noteDeadLetter(context, lease.plan, nodeId, { code: 'WORKER_DIED', message });
  db.sql('UPDATE plans SET failed = failed + 1 WHERE plan = ?').run(lease.plan);
}

/** Records why a task failed for good, on the task and in the journal. */
export function noteDeadLetter(
  context: Context,
  plan: number,
  nodeId: string,
  error: { code: string; message: string },
): void {
  putTaskError(context, plan, nodeId, error);
  note(context, 'task:failed', { plan, details: { nodeId, ...error } });
}

export function putTaskError(
  { db, clock }: Context,
  plan: number,
  nodeId: string,
  error: { code: string; message: string },
): void {
  db.sql('INSERT OR REPLACE INTO task_errors (plan, node_id, code, message, at) VALUES (?, ?, ?, ?, ?)').run(
    plan,
    nodeId,
    error.code,
    error.message,
    clock.now(),
  );
}

/**
 * Where the machine slept, the others have not been able to renew theirs either: whoever wakes first gives each
 * expired lease the time to be renewed, or its batch would count as lost with a worker that lives.
 */
export function renew(context: Context, o: { workerId: string; leaseMs: number }): string[] {
  const { db, clock } = context;
  const now = clock.now();
  if (hasSlept(context, o))
    db.sql('UPDATE leases SET deadline = ? WHERE deadline <= ?').run(now + o.leaseMs, now);
  return db
    .sql('UPDATE leases SET deadline = ? WHERE worker = ? RETURNING lease')
    .pluck()
    .all(now + o.leaseMs, o.workerId) as string[];
}

/** The lease row, where it is still there. */
export function heldLease({ db }: Context, leaseId: string): LeaseRow | undefined {
  return db.sql('SELECT * FROM leases WHERE lease = ?').get(leaseId) as LeaseRow | undefined;
}

export function endLease(context: Context, leaseId: string): boolean {
  const lease = heldLease(context, leaseId);
  if (lease === undefined) return false;
  giveBack(context, lease, false);
  return true;
}

/** Says of a node whether it lies in a batch: in its key range, or in its list. */
export function holds({ first, last, nodes }: LeaseRow): (nodeId: string) => boolean {
  if (first !== null && last !== null)
    return (nodeId) => compareNodeIds(first, nodeId) <= 0 && compareNodeIds(nodeId, last) <= 0;
  const listed = new Set(JSON.parse(nodes ?? '[]') as string[]);
  return (nodeId) => listed.has(nodeId);
}

/** Nodes of other leases, and those that were given back before, stay as they are. */
export function release(context: Context, leaseId: string, nodeIds: readonly string[]): boolean {
  const { db } = context;
  const lease = heldLease(context, leaseId);
  if (lease === undefined) return false;
  if (lease.kind !== 'batch' && lease.kind !== 'retry') return true;
  const released = nodeIds.filter(holds(lease));
  const { changes } = db
    .sql(
      'UPDATE tasks SET state = 1 WHERE plan = ? AND state = ? AND node_id IN (SELECT value FROM json_each(?))',
    )
    .run(lease.plan, lease.kind === 'batch' ? state.fresh : state.leased, JSON.stringify(released));
  db.sql('UPDATE leases SET size = size - ? WHERE lease = ?').run(changes, leaseId);
  if (lease.nodes !== null) {
    const given = new Set(released);
    const kept = (JSON.parse(lease.nodes) as string[]).filter((nodeId) => !given.has(nodeId));
    db.sql('UPDATE leases SET nodes = ? WHERE lease = ?').run(JSON.stringify(kept), leaseId);
  }
  return true;
}
