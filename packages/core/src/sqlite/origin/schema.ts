import type { SqliteDatabase } from '../database.ts';

/** The columns that MnemoCore Phase 6.0 gives its three tables. It sets neither user_version nor application_id. */
const originTables: Readonly<Record<string, readonly string[]>> = {
  models: ['model_id', 'version', 'dimension', 'checksum', 'name', 'description', 'created_at', 'is_active'],
  migration_plans: [
    'plan_id',
    'source_model_id',
    'source_version',
    'source_checksum',
    'target_model_id',
    'target_version',
    'target_checksum',
    'status',
    'created_at',
    'started_at',
    'completed_at',
    'batch_size',
    'throttle_delay_ms',
    'max_parallel_workers',
    'plan_data',
  ],
  migration_tasks: [
    'plan_id',
    'node_id',
    'source_model_id',
    'source_version',
    'source_checksum',
    'status',
    'priority',
    'created_at',
    'started_at',
    'completed_at',
    'error_message',
    'retry_count',
    'max_retries',
    'old_vector_backup',
  ],
};

/** Names that are the origin's own in a database of it. */
export const originNames = Object.keys(originTables);

/** Says whether the three tables of the origin are there with their columns, and are tables, not our views. */
export function isOrigin(db: SqliteDatabase): boolean {
  const columns = db.sql(
    `SELECT lower(c.name) FROM sqlite_schema s JOIN pragma_table_info(s.name) c WHERE s.type = 'table' AND s.name = ?`,
  );
  return Object.entries(originTables).every(([table, wanted]) => {
    const found = columns.pluck().all(table);
    return wanted.every((column) => found.includes(column));
  });
}

/** Where the origin's tables wait, while the views take their names, until they are dropped. */
export const aside = {
  models: 'origin_phase_6_models',
  plans: 'origin_phase_6_migration_plans',
  tasks: 'origin_phase_6_migration_tasks',
} as const;
