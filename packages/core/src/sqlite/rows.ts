import type { RegistryErrorCode } from '../errors.ts';
import { EmbeddingModelSpec, RegisteredModel, type SpecFields } from '../model/model-spec.ts';
import { MigrationPlan } from '../model/plan.ts';
import type { SpendCap } from '../model/spend-cap.ts';
import type { MigrationStatus, Priority, Strategy, TaskStatus } from '../model/status.ts';
import { MigrationTask } from '../model/task.ts';
import { vectorBytes } from '../model/vector.ts';
import type { NodeBackup } from '../ports/registry-store.ts';
import { asDamage, assertPlanKinds, filterOf, isoTime, notesOf, storedVector } from './row-values.ts';

export interface ModelRow {
  model: number;
  model_id: string;
  version: number;
  checksum: string;
  dimension: number;
  datatype: SpecFields['datatype'];
  distance: SpecFields['distance'];
  notes: string;
  registered_at: number;
  is_active: number;
}

export const MODEL_ROWS = `SELECT s.*, EXISTS (SELECT 1 FROM active_model a WHERE a.model = s.model) AS is_active
  FROM model_specs s WHERE s.registered_at IS NOT NULL`;

export function modelOf(row: ModelRow): RegisteredModel {
  const spec = {
    modelId: row.model_id,
    version: row.version,
    checksum: row.checksum,
    dimension: row.dimension,
    datatype: row.datatype,
    distance: row.distance,
  };
  const state = { createdAt: isoTime(row.registered_at), isActive: row.is_active === 1 };
  return asDamage(() => new RegisteredModel(spec, notesOf(row.notes), state), 'a model');
}

export interface PlanRow {
  plan: number;
  plan_id: string;
  strategy: Strategy;
  /** Absent where an older file is read. */
  strategy_reason?: string | null;
  whole_store: number;
  filter: string | null;
  source: number;
  target: number;
  status: MigrationStatus;
  reason_code: RegistryErrorCode | null;
  reason_message: string | null;
  priority: Priority;
  created: number;
  sealed: number | null;
  started: number | null;
  ended: number | null;
  cut_over: number | null;
  finalized: number | null;
  activate: number;
  previous_active: number | null;
  sweep_due: number;
  held_since: number | null;
  held_at: number | null;
  held_until: number | null;
  held_code: RegistryErrorCode | null;
  held_message: string | null;
  cursor: string;
  scan_cursor: string | null;
  backup_seq: number;
  rollback_cursor: number;
  rollback_report: string | null;
  batch_size: number;
  throttle_ms: number;
  lanes: number;
  max_retries: number;
  /** These four are absent where an older file is read. */
  duty_cycle?: number;
  spend_cap?: number | null;
  spend_unit?: 'dollars' | 'tokens' | null;
  spent?: number;
  keep_backups: number;
  total: number;
  completed: number;
  failed: number;
  skipped: number;
  rolled_back: number;
  adopted: number;
  source_spec: string;
  target_spec: string;
  previous_id: string | null;
  previous_version: number | null;
}

const specJson = (alias: string) =>
  `json_object('modelId', ${alias}.model_id, 'version', ${alias}.version, 'dimension', ${alias}.dimension,
    'checksum', ${alias}.checksum, 'datatype', ${alias}.datatype, 'distance', ${alias}.distance)`;

const planRows = (
  plans: string,
) => `SELECT p.*, ${specJson('src')} AS source_spec, ${specJson('tgt')} AS target_spec,
  prev.model_id AS previous_id, prev.version AS previous_version
  FROM ${plans} JOIN model_specs src ON src.model = p.source JOIN model_specs tgt ON tgt.model = p.target
  LEFT JOIN model_specs prev ON prev.model = p.previous_active`;

export const PLAN_ROWS = planRows('plans p');
/** In the order in which they run, which the planner would rather sort. */
export const RUNNABLE_ROWS = planRows('plans p INDEXED BY runnable_plans');

const specs = new Map<string, EmbeddingModelSpec>();
const SPECS_KEPT = 100;

/** Specs are immutable values and plans name few of them: each is parsed and checked once. */
function specOf(json: string): EmbeddingModelSpec {
  let spec = specs.get(json);
  if (spec === undefined) {
    if (specs.size >= SPECS_KEPT) specs.clear();
    spec = asDamage(() => new EmbeddingModelSpec(JSON.parse(json) as SpecFields), 'a model');
    specs.set(json, spec);
  }
  return spec;
}

export function planOf(row: PlanRow): MigrationPlan {
  assertPlanKinds(row);
  return new MigrationPlan({
    planId: row.plan_id,
    sourceSpec: specOf(row.source_spec),
    targetSpec: specOf(row.target_spec),
    status: row.status,
    ...(row.reason_code !== null && { reason: { code: row.reason_code, message: row.reason_message ?? '' } }),
    ...(row.held_until !== null &&
      row.held_code !== null && {
        hold: { code: row.held_code, message: row.held_message ?? '', until: isoTime(row.held_until) },
      }),
    strategy: row.strategy,
    ...(row.strategy_reason && { strategyReason: row.strategy_reason }),
    priority: row.priority,
    wholeStore: row.whole_store === 1,
    ...(row.filter !== null && { where: filterOf(row.filter) }),
    backupOldVectors: row.keep_backups === 1,
    batchSize: row.batch_size,
    throttleMs: row.throttle_ms,
    maxParallelWorkers: row.lanes,
    maxRetries: row.max_retries,
    dutyCycle: row.duty_cycle ?? 1,
    ...spendingOf(row),
    totalNodes: row.total,
    completedNodes: row.completed,
    failedNodes: row.failed,
    skippedNodes: row.skipped,
    rolledBackNodes: row.rolled_back,
    adoptedNodes: row.adopted,
    createdAt: isoTime(row.created),
    ...(row.started !== null && { startedAt: isoTime(row.started) }),
    ...(row.ended !== null && { completedAt: isoTime(row.ended) }),
    ...(row.cut_over !== null && { cutOverAt: isoTime(row.cut_over) }),
    ...(row.finalized !== null && { finalizedAt: isoTime(row.finalized) }),
    ...(row.previous_id !== null &&
      row.previous_version !== null && {
        previousActive: { modelId: row.previous_id, version: row.previous_version },
      }),
  });
}

/** The cap of a row; undefined where there is none, or an older file is read. */
export function spendCapOf({
  spend_cap,
  spend_unit,
}: Pick<PlanRow, 'spend_cap' | 'spend_unit'>): SpendCap | undefined {
  if (spend_cap === null || spend_cap === undefined) return undefined;
  return spend_unit === 'dollars' ? { dollars: spend_cap } : { tokens: spend_cap };
}

/** The two columns of a cap. */
export function spendColumns(cap: SpendCap | null | undefined): {
  spendCap: number | null;
  spendUnit: string | null;
} {
  if (cap === null || cap === undefined) return { spendCap: null, spendUnit: null };
  return 'dollars' in cap
    ? { spendCap: cap.dollars, spendUnit: 'dollars' }
    : { spendCap: cap.tokens, spendUnit: 'tokens' };
}

function spendingOf(row: PlanRow): { spendCap?: SpendCap; spentTokens?: number } {
  const spendCap = spendCapOf(row);
  const spentTokens = row.spent ?? 0;
  return { ...(spendCap && { spendCap }), ...((spendCap || spentTokens > 0) && { spentTokens }) };
}

export interface TaskRow {
  plan_id: string;
  node_id: string;
  source_model_id: string | null;
  source_version: number | null;
  source_checksum: string | null;
  target_model_id: string;
  target_version: number;
  target_checksum: string;
  status: TaskStatus;
  priority: Priority;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  error_message: string | null;
  error_code: RegistryErrorCode | null;
  retry_count: number;
  max_retries: number;
  can_rollback: number;
  next_attempt_at: string | null;
}

/** All of a task but the bytes of its backup. */
export const TASK_ROWS = `SELECT plan_id, node_id, source_model_id, source_version, source_checksum, target_model_id,
  target_version, target_checksum, status, priority, created_at, started_at, completed_at, error_message, error_code,
  retry_count, max_retries, can_rollback, next_attempt_at FROM migration_tasks`;

export function taskOf(row: TaskRow): MigrationTask {
  return new MigrationTask({
    planId: row.plan_id,
    nodeId: row.node_id,
    ...(row.source_model_id !== null && {
      source: {
        embeddingModelId: row.source_model_id,
        embeddingVersion: row.source_version ?? 0,
        embeddingChecksum: row.source_checksum ?? '',
      },
    }),
    target: {
      embeddingModelId: row.target_model_id,
      embeddingVersion: row.target_version,
      embeddingChecksum: row.target_checksum,
    },
    status: row.status,
    priority: row.priority,
    retryCount: row.retry_count,
    maxRetries: row.max_retries,
    ...(row.next_attempt_at !== null && { nextAttemptAt: row.next_attempt_at }),
    ...(row.error_code !== null && { errorCode: row.error_code, errorMessage: row.error_message ?? '' }),
    canRollback: row.can_rollback === 1,
    createdAt: row.created_at,
    ...(row.started_at !== null && { startedAt: row.started_at }),
    ...(row.completed_at !== null && { completedAt: row.completed_at }),
  });
}

export interface BackupRow {
  seq: number;
  node_id: string;
  model_id: string | null;
  version: number | null;
  checksum: string | null;
  encoding: 'float32' | 'bit' | null;
  content_hash: string;
  embedded_hash: string | null;
  vector: Buffer | null;
}

export const BACKUP_ROWS = `SELECT b.backup & 0xffffffff AS seq, b.node_id, s.model_id, s.version, s.checksum, b.encoding,
  b.content_hash, b.embedded_hash, b.vector FROM backups b LEFT JOIN model_specs s ON s.model = b.stamp`;

export function backupOf(row: BackupRow): NodeBackup {
  return {
    ...(row.model_id !== null && {
      embeddingModelId: row.model_id,
      embeddingVersion: row.version ?? 0,
      embeddingChecksum: row.checksum ?? '',
    }),
    ...(row.vector !== null && { vector: storedVector(row.vector, row.encoding ?? 'bit') }),
    contentHash: row.content_hash,
    ...(row.embedded_hash !== null && { embeddedHash: row.embedded_hash }),
  };
}

/** What a backup row holds of stamp, encoding, content hash, embedded hash and vector, in this order. */
export function backupColumns(
  { contentHash, embeddedHash, vector }: NodeBackup,
  stamp: number | null,
): readonly unknown[] {
  if (vector === undefined) return [stamp, null, contentHash, embeddedHash ?? null, null];
  const encoding = vector instanceof Uint8Array ? 'bit' : 'float32';
  return [stamp, encoding, contentHash, embeddedHash ?? null, vectorBytes(vector)];
}
