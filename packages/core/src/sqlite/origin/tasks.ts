import type { Context } from '../context.ts';
import { putTaskError } from '../leases.ts';
import { state } from '../schema.ts';
import { importSpec } from './models.ts';
import { type OriginTask, readTask } from './records.ts';
import { aside } from './schema.ts';

const MESSAGE_LIMIT = 500;

export interface TaskCounts {
  total: number;
  /** Pending, or left in progress by a worker that died. */
  open: number;
  completed: number;
  failed: number;
  rolledBack: number;
  duplicates: number;
  skipped: number;
  /** The most urgent of the tasks'. */
  priority: number;
  maxRetries: number;
  lastCompletedAt: number | undefined;
}

const settled = {
  completed: state.completed,
  failed: state.failed,
  rolled_back: state.rolledBack,
} as const;
const counted = { completed: 'completed', failed: 'failed', rolled_back: 'rolledBack' } as const;

/**
 * One task per node: of duplicates the first, the only one whose status the origin ever changes. Whatever
 * is neither completed nor failed nor rolled back starts afresh.
 */
export function importTasks(
  context: Context,
  plan: number,
  planSource: number,
  records: Iterable<unknown>,
): TaskCounts {
  const insert = context.db.sql(
    `INSERT OR IGNORE INTO tasks (plan, node_id, state, source, attempts, started, ended) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const counts: TaskCounts = {
    total: 0,
    open: 0,
    completed: 0,
    failed: 0,
    rolledBack: 0,
    duplicates: 0,
    skipped: 0,
    priority: 3,
    maxRetries: 0,
    lastCompletedAt: undefined,
  };
  const sources = new Map<string, number>();
  for (const record of records) {
    const task = readTask(record);
    if (task === undefined) {
      counts.skipped += 1;
      continue;
    }
    const settledState = settled[task.status as keyof typeof settled] as number | undefined;
    const isSettled = settledState !== undefined;
    const { changes } = insert.run(
      plan,
      task.nodeId,
      settledState ?? state.fresh,
      sourceOf(context, task, planSource, sources),
      task.retryCount,
      (isSettled ? task.startedAt : undefined) ?? null,
      (isSettled ? task.completedAt : undefined) ?? null,
    );
    if (changes === 0) counts.duplicates += 1;
    else count(context, plan, task, counts);
  }
  if (counts.total === 0) return { ...counts, priority: 2, maxRetries: 3 };
  return counts;
}

function count(context: Context, plan: number, task: OriginTask, counts: TaskCounts): void {
  counts.total += 1;
  counts[counted[task.status as keyof typeof counted] ?? 'open'] += 1;
  counts.priority = Math.min(counts.priority, task.priority);
  counts.maxRetries = Math.max(counts.maxRetries, task.maxRetries);
  if (task.completedAt !== undefined)
    counts.lastCompletedAt = Math.max(counts.lastCompletedAt ?? task.completedAt, task.completedAt);
  if (task.status !== 'failed') return;
  const message = task.errorMessage || 'The origin system noted no cause.';
  putTaskError(context, plan, task.nodeId, { code: 'ORIGIN_PLAN', message: message.slice(0, MESSAGE_LIMIT) });
}

/** The origin copies the specification into each task; most often they are all the plan's. */
function sourceOf(
  context: Context,
  { source }: OriginTask,
  planSource: number,
  known: Map<string, number>,
): number {
  if (source === undefined) return planSource;
  const key = `${source.modelId}\n${source.version}\n${source.checksum}`;
  let row = known.get(key);
  if (row === undefined) {
    row = importSpec(context, source) ?? planSource;
    known.set(key, row);
  }
  return row;
}

interface BackupSource {
  backup: Buffer;
  node_id: string;
  source: number;
  dimension: number;
  datatype: 'float32' | 'bit';
}

/**
 * Old vectors, which the origin itself never keeps: only another hand can have put them into its table. The
 * hash of the content they belong to is not known, so a rollback leaves a node alone that has a new vector.
 */
export function importBackups(context: Context, plan: number, { columnId }: { columnId: unknown }): number {
  const { db } = context;
  const found = db
    .sql(
      `SELECT CAST(o.old_vector_backup AS BLOB) AS backup, t.node_id, t.source, s.dimension, s.datatype
       FROM ${aside.tasks} o JOIN tasks t ON t.plan = ? AND t.node_id = o.node_id JOIN model_specs s ON s.model = t.source
       WHERE o.plan_id = ? AND length(o.old_vector_backup) > 0 ORDER BY t.node_id`,
    )
    .all(plan, columnId) as BackupSource[];
  const insert = db.sql(
    `INSERT INTO backups (backup, plan, node_id, stamp, encoding, content_hash, vector) VALUES ((:plan << 32) | :seq, :plan, :nodeId, :stamp, :encoding, '', :vector)`,
  );
  found.forEach((row, index) => {
    const isFloats = row.datatype === 'float32' && row.backup.length === row.dimension * 4;
    insert.run({
      plan,
      seq: index + 1,
      nodeId: row.node_id,
      stamp: row.source,
      encoding: isFloats ? 'float32' : 'bit',
      vector: row.backup,
    });
  });
  db.sql('UPDATE plans SET backup_seq = ? WHERE plan = ?').run(found.length, plan);
  return found.length;
}

/** Completed tasks without a backup: whatever the origin did, it is not this plan that can undo it. */
export function markAdopted({ db }: Context, plan: number): number {
  return db
    .sql(
      `UPDATE tasks SET adopted = 1 WHERE plan = ? AND state = ${state.completed}
         AND NOT EXISTS (SELECT 1 FROM backups b WHERE b.plan = tasks.plan AND b.node_id = tasks.node_id)`,
    )
    .run(plan).changes;
}
