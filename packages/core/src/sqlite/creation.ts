import { RegistryError } from '../errors.ts';
import { sameStamp } from '../model/compatibility.ts';
import type { EmbeddingInfo } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { Lease, PlanCreation, PlanDraft, ProcessIdentity, TaskSeed } from '../ports/registry-store.ts';
import { type Context, internStamp, note, raiseMark } from './context.ts';
import {
  assertFree,
  CREATE_LEASE_MS,
  holderOf,
  holderOfTasks,
  liveCreation,
  otherHolder,
  wholeStoreHolder,
} from './holding.ts';
import { endLeasesOfEndedPlans } from './leases.ts';
import { knownModel, label, setActive } from './models.ts';
import { planSnapshot, setStatus } from './plans.ts';
import { filterOf } from './row-values.ts';
import { PLAN_ROWS, type PlanRow, planOf, spendColumns } from './rows.ts';

const DISCARD_PAGE = 10_000;

/** A creation that was begun or taken over, and interrupted ones that are to be removed. */
interface Creations<C> {
  readonly creation: C;
  readonly abandoned: readonly string[];
}

/** Undefined while another creation is under way. */
export function createPlan(
  context: Context,
  draft: PlanDraft,
  creator?: ProcessIdentity,
): Creations<PlanCreation> | undefined {
  if (liveCreation(context) !== undefined) return undefined;
  const rows = unsealed(context);
  const interrupted = rows.find((row) => row.whole_store === 1 && sameDraft(draftOf(row), draft));
  const abandoned = rows.filter((row) => row !== interrupted).map((row) => row.plan_id);
  if (interrupted === undefined) return { creation: beginCreation(context, draft, creator), abandoned };
  assertFree(holderOfTasks(context, interrupted));
  // The nodes it has so far are right; how to work on them is what was asked for now.
  context.db
    .sql(
      `UPDATE plans SET source = :source, priority = :priority, batch_size = :batchSize, throttle_ms = :throttleMs,
         lanes = :maxParallelWorkers, max_retries = :maxRetries, duty_cycle = :dutyCycle, spend_cap = :spendCap,
         spend_unit = :spendUnit, keep_backups = :keepBackups WHERE plan = :plan`,
    )
    .run({ ...columnsOf(context, draft), plan: interrupted.plan });
  return { creation: takeCreation(context, anyPlan(context, interrupted.plan), creator), abandoned };
}

function columnsOf(context: Context, draft: PlanDraft) {
  return {
    source: knownModel(context, draft.source),
    target: knownModel(context, draft.target),
    priority: draft.priority,
    batchSize: draft.batchSize,
    throttleMs: draft.throttleMs,
    maxParallelWorkers: draft.maxParallelWorkers,
    maxRetries: draft.maxRetries,
    dutyCycle: draft.dutyCycle,
    ...spendColumns(draft.spendCap),
    keepBackups: draft.backupOldVectors ? 1 : 0,
  };
}

function beginCreation(context: Context, draft: PlanDraft, creator?: ProcessIdentity): PlanCreation {
  const isWhole = draft.wholeStore && draft.where === undefined;
  if (isWhole) assertFree(otherHolder(context, 0));
  const { db, clock } = context;
  const added = db
    .sql(
      `INSERT INTO plans (plan_id, strategy, strategy_reason, whole_store, filter, source, target, status, priority, created, activate,
         batch_size, throttle_ms, lanes, max_retries, duty_cycle, spend_cap, spend_unit, keep_backups)
       VALUES (:planId, :strategy, :strategyReason, :wholeStore, :filter, :source, :target, 'pending', :priority, :created, :activate,
         :batchSize, :throttleMs, :maxParallelWorkers, :maxRetries, :dutyCycle, :spendCap, :spendUnit, :keepBackups)`,
    )
    .run({
      ...columnsOf(context, draft),
      planId: clock.uuid(),
      strategy: draft.strategy,
      strategyReason: draft.strategyReason ?? null,
      wholeStore: draft.wholeStore ? 1 : 0,
      filter: draft.where === undefined ? null : JSON.stringify(draft.where),
      created: clock.now(),
      activate: draft.activate ? 1 : 0,
    });
  return takeCreation(context, anyPlan(context, Number(added.lastInsertRowid)), creator);
}

/** A creation has no worker: its lease names the process, for whoever asks whether that is dead. */
function takeCreation({ db, clock }: Context, row: PlanRow, creator?: ProcessIdentity): PlanCreation {
  const leaseId = clock.uuid();
  const now = clock.now();
  const holder = creator === undefined ? '' : JSON.stringify({ host: creator.host, pid: creator.pid });
  db.sql(
    `INSERT INTO leases (lease, plan, kind, worker, taken, deadline, size) VALUES (?, ?, 'create', ?, ?, ?, 0)`,
  ).run(leaseId, row.plan, holder, now, now + CREATE_LEASE_MS);
  return {
    leaseId,
    planId: row.plan_id,
    draft: draftOf(row),
    ...(row.scan_cursor !== null && { scanCursor: row.scan_cursor }),
  };
}

export function unsealed({ db }: Context): PlanRow[] {
  return db.sql(`${PLAN_ROWS} WHERE p.sealed IS NULL ORDER BY p.plan`).all() as PlanRow[];
}

function anyPlan({ db }: Context, plan: number): PlanRow {
  return db.sql(`${PLAN_ROWS} WHERE p.plan = +?`).get(plan) as PlanRow;
}

function draftOf(row: PlanRow): PlanDraft {
  const plan = planOf(row);
  return {
    source: plan.sourceSpec,
    target: plan.targetSpec,
    strategy: plan.strategy,
    ...(plan.strategyReason !== undefined && { strategyReason: plan.strategyReason }),
    priority: plan.priority,
    wholeStore: plan.wholeStore,
    ...(row.filter !== null && { where: filterOf(row.filter) }),
    backupOldVectors: plan.backupOldVectors,
    activate: row.activate === 1,
    batchSize: plan.batchSize,
    throttleMs: plan.throttleMs,
    maxParallelWorkers: plan.maxParallelWorkers,
    maxRetries: plan.maxRetries,
    dutyCycle: plan.dutyCycle,
    ...(plan.spendCap && { spendCap: plan.spendCap }),
  };
}

function sameDraft(a: PlanDraft, b: PlanDraft): boolean {
  const key = (draft: PlanDraft) =>
    JSON.stringify([
      draft.target.modelId,
      draft.target.version,
      draft.strategy,
      draft.activate,
      draft.wholeStore,
      Object.entries(draft.where ?? {}).sort(),
    ]);
  return key(a) === key(b);
}

/** An interrupted creation over the store, taken over; the ids of interrupted lists, to be removed. */
export function adoptCreation(
  context: Context,
  creator?: ProcessIdentity,
): Creations<PlanCreation | undefined> {
  if (liveCreation(context) !== undefined) return { creation: undefined, abandoned: [] };
  const rows = unsealed(context);
  // Since it was interrupted, a plan that had ended may have taken its nodes back: then it waits for that one.
  const interrupted = rows.find((row) => row.whole_store === 1 && holderOfTasks(context, row) === undefined);
  return {
    creation: interrupted && takeCreation(context, interrupted, creator),
    abandoned: rows.filter((row) => row.whole_store === 0).map((row) => row.plan_id),
  };
}

export function creator({ db }: Context): (ProcessIdentity & Pick<Lease, 'leaseId'>) | undefined {
  const held = db.sql(`SELECT lease, worker FROM leases WHERE kind = 'create'`).get() as
    | { lease: string; worker: string }
    | undefined;
  if (held === undefined || held.worker === '') return undefined;
  return { ...(JSON.parse(held.worker) as ProcessIdentity), leaseId: held.lease };
}

/** @throws RegistryError `PLAN_UNKNOWN` where someone else holds or has ended this creation. */
function ownCreation(context: Context, creation: PlanCreation): PlanRow {
  const { db, clock } = context;
  const now = clock.now();
  const held = db
    .sql(`UPDATE leases SET deadline = ? WHERE lease = ? AND kind = 'create' RETURNING plan`)
    .get(now + CREATE_LEASE_MS, creation.leaseId) as { plan: number } | undefined;
  if (held !== undefined) return anyPlan(context, held.plan);
  throw new RegistryError(
    'PLAN_UNKNOWN',
    `The creation of plan ${creation.planId} was interrupted for too long and taken over; look for the plan in listMigrations, or create it again.`,
    { details: { planId: creation.planId } },
  );
}

export function addTasks(
  context: Context,
  creation: PlanCreation,
  seeds: readonly TaskSeed[],
  scanCursor?: string,
): number {
  const { db } = context;
  const row = ownCreation(context, creation);
  const nodeIds = seeds.map((seed) => seed.nodeId);
  assertFree(wholeStoreHolder(context, row.plan) ?? holderOf(context, row.plan, nodeIds));
  const added = insertTasks(context, row.plan, seeds, 0);
  db.sql('UPDATE plans SET total = total + ?, scan_cursor = ? WHERE plan = ?').run(
    added,
    scanCursor ?? null,
    row.plan,
  );
  return added;
}

/**
 * One statement inserts a page of rows with one source: a row costs a third of a statement of its own. Pages
 * of a store come with few sources, most often one.
 */
export function insertTasks(
  context: Context,
  plan: number,
  seeds: readonly TaskSeed[],
  state: 0 | 1,
): number {
  let added = 0;
  for (const { source, ids } of bySource(seeds))
    added += context.db
      .sql(
        'INSERT OR IGNORE INTO tasks (plan, node_id, state, source) SELECT ?, value, ?, ? FROM json_each(?)',
      )
      .run(plan, state, source ? internStamp(context, source) : null, JSON.stringify(ids)).changes;
  return added;
}

interface SeedGroup {
  readonly source: EmbeddingInfo | undefined;
  readonly ids: string[];
}

/** Seeds of one source mostly follow each other: only where it changes its group is looked up. */
function bySource(seeds: readonly TaskSeed[]): readonly SeedGroup[] {
  const groups = new Map<string, SeedGroup>();
  let group: SeedGroup | undefined;
  for (const { nodeId, source } of seeds) {
    if (group === undefined || !sameStamp(group.source, source)) {
      const key = `${source?.embeddingModelId}\n${source?.embeddingVersion}\n${source?.embeddingChecksum}`;
      group = groups.get(key) ?? { source, ids: [] };
      groups.set(key, group);
    }
    group.ids.push(nodeId);
  }
  return [...groups.values()];
}

export function sealPlan(context: Context, creation: PlanCreation): MigrationPlan {
  const { db, clock } = context;
  const row = ownCreation(context, creation);
  endLeasesOfEndedPlans(context);
  db.sql('UPDATE plans SET sealed = ?, scan_cursor = NULL WHERE plan = ?').run(clock.now(), row.plan);
  db.sql('DELETE FROM leases WHERE lease = ?').run(creation.leaseId);
  note(context, 'plan:created', {
    plan: row.plan,
    model: row.target,
    details: { totalNodes: row.total, ...draftNote(row), source: label(context, row.source) },
  });
  if (row.activate === 1) activateTarget(context, row);
  // Writers of the old model may have been busy until just now: an activated plan is looked through once more.
  else if (row.total === 0) setStatus(context, row, 'completed');
  raiseMark(context);
  return planSnapshot(context, row.plan_id);
}

function draftNote(row: PlanRow) {
  return {
    wholeStore: row.whole_store === 1,
    where: row.filter,
    priority: row.priority,
    strategy: row.strategy,
    ...(row.strategy_reason && { why: row.strategy_reason }),
  };
}

/** Readers move: the target becomes active, what was active before is kept, and one more sweep is due. */
export function activateTarget(context: Context, row: PlanRow): void {
  const previous = setActive(context, row.target, row.plan);
  context.db
    .sql(
      `UPDATE plans SET cut_over = :now, sweep_due = 1,
         previous_active = CASE WHEN :previous = target THEN previous_active ELSE :previous END WHERE plan = :plan`,
    )
    .run({ now: context.clock.now(), previous: previous ?? null, plan: row.plan });
}

/**
 * Removes a page of an unsealed plan's tasks; true once the plan itself is gone, or somebody else has taken
 * its creation over.
 */
export function discardPlan(
  context: Context,
  { planId, leaseId }: Pick<PlanCreation, 'planId'> & Partial<Pick<PlanCreation, 'leaseId'>>,
): boolean {
  const { db } = context;
  const row = db.sql('SELECT plan FROM plans WHERE plan_id = ? AND sealed IS NULL').get(planId) as
    | { plan: number }
    | undefined;
  if (row === undefined) return true;
  const isOthers = db.sql(`SELECT 1 FROM leases WHERE plan = ? AND kind = 'create' AND lease IS NOT ?`);
  if (isOthers.get(row.plan, leaseId ?? null) !== undefined) return true;
  const removed = db
    .sql(
      'DELETE FROM tasks WHERE plan = :plan AND node_id IN (SELECT node_id FROM tasks WHERE plan = :plan LIMIT +:page)',
    )
    .run({ plan: row.plan, page: DISCARD_PAGE }).changes;
  if (removed === DISCARD_PAGE) return false;
  db.sql('DELETE FROM leases WHERE plan = ?').run(row.plan);
  db.sql('DELETE FROM plans WHERE plan = ?').run(row.plan);
  note(context, 'plan:discarded', { details: { planId } });
  return true;
}
