import type { Reason } from '../errors.ts';
import { sameStamp } from '../model/compatibility.ts';
import type { BackedUpNode, BatchResult, Lease, NodeBackup, TaskOutcome } from '../ports/registry-store.ts';
import { type Context, internStamp, note } from './context.ts';
import { heldLease, holds, type LeaseRow, noteDeadLetter, putTaskError } from './leases.ts';
import { setStatus } from './plans.ts';
import { backupColumns, PLAN_ROWS, type PlanRow } from './rows.ts';
import { state } from './schema.ts';

/** A plan held this long without one success is paused. */
const LONGEST_HOLD_MS = 3_600_000;

/**
 * Backups of one plan lie side by side, so that giving them up gives whole pages back. A vector under the
 * target's stamp (its text was edited since) was most likely written by this plan: the backup that is there
 * is the original, and stays; so it does where the node is in transit.
 */
export function backUp(context: Context, lease: Lease, backups: readonly BackedUpNode[]): boolean {
  const { db } = context;
  const held = heldLease(context, lease.leaseId);
  if (held === undefined) return false;
  const { backup_seq, target } = db
    .sql('SELECT backup_seq, target FROM plans WHERE plan = ?')
    .get(held.plan) as PlanRow;
  let seq = backup_seq;
  // Two statements, since an upsert would save every page it touches to be able to undo itself.
  const insert = db.sql(
    `INSERT INTO backups (backup, plan, node_id, stamp, encoding, content_hash, embedded_hash, vector)
     VALUES ((? << 32) | ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (plan, node_id) DO NOTHING`,
  );
  const replace = db.sql(
    `UPDATE backups SET stamp = ?, encoding = ?, content_hash = ?, embedded_hash = ?, vector = ?
     WHERE plan = ? AND node_id = ?`,
  );
  let last: { readonly of: NodeBackup; readonly stamp: number | null } | undefined;
  for (const backup of backups) {
    seq += 1;
    const kept: NodeBackup = backup.inTransit ? { contentHash: backup.contentHash } : backup;
    // Nodes of one stamp mostly follow each other: only where it changes its row is looked up.
    if (last === undefined || !sameStamp(last.of, kept)) last = { of: kept, stamp: stampOf(context, kept) };
    const { stamp } = last;
    const columns = backupColumns(kept, stamp);
    const { changes } = insert.run(held.plan, seq, held.plan, backup.nodeId, ...columns);
    if (changes === 0 && stamp !== target && !backup.inTransit)
      replace.run(...columns, held.plan, backup.nodeId);
  }
  db.sql('UPDATE plans SET backup_seq = ? WHERE plan = ?').run(seq, held.plan);
  return true;
}

function stampOf(context: Context, backup: NodeBackup): number | null {
  const { embeddingModelId, embeddingVersion, embeddingChecksum = '' } = backup;
  if (embeddingModelId === undefined || embeddingVersion === undefined) return null;
  return internStamp(context, { embeddingModelId, embeddingVersion, embeddingChecksum });
}

export function settle(context: Context, lease: Lease, result: BatchResult): boolean {
  const { db } = context;
  const held = heldLease(context, lease.leaseId);
  if (held === undefined) return false;
  db.sql('DELETE FROM leases WHERE lease = ?').run(held.lease);
  const counts = { completed: 0, failed: 0, skipped: 0, adopted: 0 };
  const isHeld = holds(held);
  for (const outcome of result.outcomes)
    if (isHeld(outcome.nodeId)) settleTask(context, held, outcome, counts);
  counts.completed += settleRest(context, held);
  db.sql(
    `UPDATE plans SET completed = completed + :completed, failed = failed + :failed, skipped = skipped + :skipped,
       adopted = adopted + :adopted WHERE plan = :plan`,
  ).run({ ...counts, plan: held.plan });
  settleHold(context, held, result);
  return true;
}

function settleTask(
  context: Context,
  held: LeaseRow,
  outcome: TaskOutcome,
  counts: { completed: number; failed: number; skipped: number; adopted: number },
): void {
  const { db, clock } = context;
  const isPending = outcome.status === 'pending';
  const charge = outcome.status === 'pending' ? outcome.charge : undefined;
  const isAdopted = outcome.status === 'completed' && !hasBackup(context, held.plan, outcome.nodeId);
  const { changes } = db
    .sql(
      `UPDATE tasks SET state = ?, not_before = ?, attempts = attempts + ?, conflicts = conflicts + ?, adopted = ?,
         started = ?, ended = ? WHERE plan = ? AND node_id = ? AND state = ?`,
    )
    .run(
      isPending ? state.ready : state[outcome.status],
      isPending ? Math.ceil(outcome.notBefore ?? 0) : 0,
      charge === 'retry' ? 1 : 0,
      charge === 'conflict' ? 1 : 0,
      isAdopted ? 1 : 0,
      held.taken,
      isPending ? null : clock.now(),
      held.plan,
      outcome.nodeId,
      held.kind === 'batch' ? state.fresh : state.leased,
    );
  if (changes === 0) return;
  if (outcome.status !== 'pending') counts[outcome.status] += 1;
  if (isAdopted) counts.adopted += 1;
  if (outcome.status === 'failed') noteDeadLetter(context, held.plan, outcome.nodeId, outcome.error);
  else if (isPending && outcome.error !== undefined)
    putTaskError(context, held.plan, outcome.nodeId, outcome.error);
  else if (!isPending && held.kind === 'retry')
    db.sql('DELETE FROM task_errors WHERE plan = ? AND node_id = ?').run(held.plan, outcome.nodeId);
}

function hasBackup({ db }: Context, plan: number, nodeId: string): boolean {
  return db.sql('SELECT 1 FROM backups WHERE plan = ? AND node_id = ?').get(plan, nodeId) !== undefined;
}

/** Whatever was not named is completed; of a key range in one statement. */
function settleRest({ db, clock }: Context, held: LeaseRow): number {
  if (held.kind === 'batch')
    return db
      .sql(
        `UPDATE tasks SET state = 3, started = ?, ended = ? WHERE plan = ? AND node_id BETWEEN ? AND ? AND state = 0`,
      )
      .run(held.taken, clock.now(), held.plan, held.first, held.last).changes;
  const { changes } = db
    .sql(
      `UPDATE tasks SET state = 3, started = ?, ended = ? WHERE plan = ? AND state = 2
         AND node_id IN (SELECT value FROM json_each(?))`,
    )
    .run(held.taken, clock.now(), held.plan, held.nodes);
  db.sql(
    `DELETE FROM task_errors WHERE plan = :plan AND node_id IN (SELECT t.node_id FROM json_each(:nodes) n CROSS
       JOIN tasks t ON t.plan = :plan AND t.node_id = n.value WHERE t.state = 3)`,
  ).run({ plan: held.plan, nodes: held.nodes });
  return changes;
}

/**
 * A success ends the hold that its batch was claimed to probe, and no other. Which hold that was is told by
 * the time it was noted, compared for equality alone: clocks are set back.
 */
function settleHold(context: Context, held: LeaseRow, { hold, embedderAnswered }: BatchResult): void {
  if (embedderAnswered)
    context.db
      .sql(
        `UPDATE plans SET held_since = NULL, held_at = NULL, held_until = NULL, held_code = NULL, held_message = NULL
         WHERE plan = ? AND held_at = ?`,
      )
      .run(held.plan, held.held_at);
  // Some texts were answered and then no more: a new hold, not the old one gone on.
  if (hold !== undefined) holdPlan(context, held.plan, hold);
}

function holdPlan(context: Context, plan: number, hold: Reason & { until: number }): void {
  const { db, clock } = context;
  const now = clock.now();
  const row = db.sql(`${PLAN_ROWS} WHERE p.plan = +?`).get(plan) as PlanRow;
  // Whoever resumes a plan confirms that the cause is mended; one that has ended waits for nothing.
  if (row.status !== 'in_progress') return;
  if (row.held_since !== null && now - row.held_since >= LONGEST_HOLD_MS) {
    setStatus(context, row, 'paused', {
      code: hold.code,
      message: `Held for an hour without a success (${hold.message}); mend the cause, then resume.`.slice(
        0,
        500,
      ),
    });
    return;
  }
  // Times that lie ahead are from before the clock was set back, and say nothing.
  db.sql(
    `UPDATE plans SET held_since = min(coalesce(held_since, :now), :now), held_at = :now,
       held_until = iif(held_at > :now, :until, max(coalesce(held_until, 0), :until)), held_code = :code,
       held_message = :message WHERE plan = :plan`,
  ).run({ now, until: Math.ceil(hold.until), code: hold.code, message: hold.message, plan });
  if (row.held_since === null) note(context, 'plan:held', { plan, details: { ...hold } });
}
