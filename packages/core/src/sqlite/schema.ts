/**
 * The registry's tables. Readers use the views `models`, `migration_plans` and `migration_tasks`.
 *
 * A task row is written at creation and once more when it is settled. Claiming moves `plans.cursor` over
 * the tasks in key order and notes the key range in one `leases` row. So behind the cursor a task in state 0
 * lies in the range of a live lease; whatever else is waiting is in state 1 and found by an index.
 */
export const APPLICATION_ID = 0x45565247; // "EVRG"
export const SCHEMA_VERSION = 6;

/** States of a task row. 0 and 1 are pending, 2 is in progress. */
export const state = {
  fresh: 0,
  ready: 1,
  leased: 2,
  completed: 3,
  failed: 4,
  skipped: 5,
  rolledBack: 6,
} as const;

/** The indexes by state; the planner uses one only where its condition stands in the query as it is. */
const conditions: Partial<Record<keyof typeof state, string>> = {
  failed: 'state IN (4, 5)',
  skipped: 'state IN (4, 5)',
};

/** The condition that a task is in a state, so that the index of that state is found. */
export function isState(name: keyof typeof state): string {
  const condition = conditions[name];
  return `state = ${state[name]}${condition === undefined ? '' : ` AND ${condition}`}`;
}

const iso = (column: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`;

const tables = `
CREATE TABLE model_specs (
  model INTEGER PRIMARY KEY, model_id TEXT NOT NULL, version INTEGER NOT NULL, checksum TEXT NOT NULL,
  dimension INTEGER, datatype TEXT, distance TEXT, notes TEXT NOT NULL DEFAULT '{}', registered_at INTEGER,
  UNIQUE (model_id, version, checksum)
) STRICT;
CREATE UNIQUE INDEX registered_models ON model_specs (model_id, version) WHERE registered_at IS NOT NULL;

CREATE TABLE active_model (
  only INTEGER PRIMARY KEY CHECK (only = 1), model INTEGER NOT NULL REFERENCES model_specs,
  since INTEGER NOT NULL, plan INTEGER
) STRICT;

CREATE TABLE settings (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

CREATE TABLE plans (
  plan INTEGER PRIMARY KEY AUTOINCREMENT, plan_id TEXT NOT NULL UNIQUE, strategy TEXT NOT NULL,
  whole_store INTEGER NOT NULL, filter TEXT,
  source INTEGER NOT NULL REFERENCES model_specs, target INTEGER NOT NULL REFERENCES model_specs,
  status TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'paused', 'completed', 'failed', 'cancelled',
    'rolling_back', 'rolled_back')),
  reason_code TEXT, reason_message TEXT, priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
  created INTEGER NOT NULL, sealed INTEGER, started INTEGER, ended INTEGER, cut_over INTEGER, finalized INTEGER,
  activate INTEGER NOT NULL, previous_active INTEGER REFERENCES model_specs, sweep_due INTEGER NOT NULL DEFAULT 0,
  held_since INTEGER, held_at INTEGER, held_until INTEGER, held_code TEXT, held_message TEXT,
  cursor TEXT NOT NULL DEFAULT '', scan_cursor TEXT,
  backup_seq INTEGER NOT NULL DEFAULT 0, rollback_cursor INTEGER NOT NULL DEFAULT 0, rollback_report TEXT,
  batch_size INTEGER NOT NULL, throttle_ms INTEGER NOT NULL, lanes INTEGER NOT NULL, max_retries INTEGER NOT NULL,
  keep_backups INTEGER NOT NULL,
  total INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0, rolled_back INTEGER NOT NULL DEFAULT 0, adopted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runnable_plans ON plans (priority, plan)
  WHERE status IN ('pending', 'in_progress', 'rolling_back') AND sealed IS NOT NULL;
CREATE INDEX plans_by_status ON plans (status, plan);
CREATE INDEX unsealed_plans ON plans (plan) WHERE sealed IS NULL;

CREATE TABLE leases (
  lease TEXT PRIMARY KEY, plan INTEGER NOT NULL REFERENCES plans,
  kind TEXT NOT NULL CHECK (kind IN ('batch', 'retry', 'sweep', 'rollback', 'node', 'create')),
  worker TEXT NOT NULL, taken INTEGER NOT NULL, deadline INTEGER NOT NULL,
  first TEXT, last TEXT, nodes TEXT, size INTEGER NOT NULL, held_at INTEGER,
  embedded INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_of_plan ON leases (plan);

CREATE TABLE tasks (
  plan INTEGER NOT NULL, node_id TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0, source INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, losses INTEGER NOT NULL DEFAULT 0, lone_losses INTEGER NOT NULL DEFAULT 0,
  conflicts INTEGER NOT NULL DEFAULT 0, requeues INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0,
  adopted INTEGER NOT NULL DEFAULT 0, started INTEGER, ended INTEGER,
  PRIMARY KEY (plan, node_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ready_tasks ON tasks (plan, not_before, losses) WHERE state = 1;
CREATE INDEX odd_tasks ON tasks (plan, state) WHERE state IN (4, 5);

CREATE TABLE task_errors (
  plan INTEGER NOT NULL, node_id TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (plan, node_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_errors_by_code ON task_errors (plan, code);

CREATE TABLE backups (
  backup INTEGER PRIMARY KEY, plan INTEGER NOT NULL, node_id TEXT NOT NULL, stamp INTEGER REFERENCES model_specs,
  encoding TEXT, content_hash TEXT NOT NULL, embedded_hash TEXT, vector BLOB,
  UNIQUE (plan, node_id)
) STRICT;

CREATE TABLE workers (
  worker TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL, heartbeat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  entry INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  plan INTEGER, model INTEGER, details TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX journal_of_plan ON journal (plan, entry);
`;

const views = `
CREATE VIEW models AS
SELECT s.model_id, s.version, s.dimension, s.checksum, s.notes ->> 'name' AS name,
  s.notes ->> 'description' AS description, ${iso('s.registered_at')} AS created_at,
  EXISTS (SELECT 1 FROM active_model a WHERE a.model = s.model) AS is_active
FROM model_specs s WHERE s.registered_at IS NOT NULL;

CREATE VIEW migration_plans AS
SELECT p.plan_id, src.model_id AS source_model_id, src.version AS source_version, src.checksum AS source_checksum,
  tgt.model_id AS target_model_id, tgt.version AS target_version, tgt.checksum AS target_checksum, p.status,
  p.total AS total_nodes, p.completed AS completed_nodes, p.failed AS failed_nodes, ${iso('p.created')} AS created_at,
  ${iso('p.started')} AS started_at, ${iso('p.ended')} AS completed_at, p.batch_size,
  p.throttle_ms AS throttle_delay_ms, p.lanes AS max_parallel_workers,
  json_object('strategy', p.strategy, 'whole_store', json(iif(p.whole_store, 'true', 'false')),
    'where', json(p.filter), 'priority', p.priority, 'max_retries', p.max_retries,
    'backup_old_vectors', json(iif(p.keep_backups, 'true', 'false')), 'reason_code', p.reason_code,
    'reason_message', p.reason_message, 'cut_over_at', ${iso('p.cut_over')},
    'finalized_at', ${iso('p.finalized')}) AS plan_data
FROM plans p JOIN model_specs src ON src.model = p.source JOIN model_specs tgt ON tgt.model = p.target
WHERE p.sealed IS NOT NULL;

CREATE VIEW migration_tasks AS
SELECT p.plan_id || ':' || t.node_id AS task_id, p.plan_id, t.node_id, src.model_id AS source_model_id,
  src.version AS source_version, src.checksum AS source_checksum, tgt.model_id AS target_model_id,
  tgt.version AS target_version, tgt.checksum AS target_checksum,
  CASE
    WHEN t.state > 2 THEN CASE t.state WHEN 3 THEN 'completed' WHEN 4 THEN 'failed' WHEN 5 THEN 'skipped'
      ELSE 'rolled_back' END
    WHEN t.state = 2 OR t.state = 0 AND EXISTS (SELECT 1 FROM leases l
      WHERE l.plan = t.plan AND t.node_id BETWEEN l.first AND l.last) THEN 'in_progress'
    WHEN p.status IN ('cancelled', 'rolled_back') THEN 'cancelled'
    ELSE 'pending'
  END AS status,
  p.priority, ${iso('p.created')} AS created_at, ${iso('t.started')} AS started_at, ${iso('t.ended')} AS completed_at,
  e.message AS error_message, t.attempts AS retry_count, p.max_retries, b.vector AS old_vector_backup,
  b.backup IS NOT NULL AND p.finalized IS NULL AS can_rollback,
  e.code AS error_code, iif(t.state = 1 AND t.not_before > 0, ${iso('t.not_before')}, NULL) AS next_attempt_at
FROM tasks t JOIN plans p ON p.plan = t.plan JOIN model_specs tgt ON tgt.model = p.target
LEFT JOIN model_specs src ON src.model = t.source
LEFT JOIN task_errors e ON e.plan = t.plan AND e.node_id = t.node_id
LEFT JOIN backups b ON b.plan = t.plan AND b.node_id = t.node_id
WHERE p.sealed IS NOT NULL;
`;

/** Append-only: entry n brings a database from version n to n + 1. */
export const schemaSteps: readonly string[] = [
  tables + views,
  'ALTER TABLE plans ADD COLUMN strategy_reason TEXT',
  "ALTER TABLE workers ADD COLUMN waiting TEXT NOT NULL DEFAULT '[]'",
  `CREATE TABLE witnesses (
    model INTEGER NOT NULL REFERENCES model_specs, place INTEGER NOT NULL, text TEXT NOT NULL, vector BLOB NOT NULL,
    made INTEGER NOT NULL, PRIMARY KEY (model, place)
  ) STRICT`,
  `CREATE TABLE side_notes (
  plan INTEGER NOT NULL, node_id TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (plan, node_id)
) STRICT, WITHOUT ROWID`,
  `ALTER TABLE plans ADD COLUMN duty_cycle REAL NOT NULL DEFAULT 1;
   ALTER TABLE plans ADD COLUMN spend_cap REAL;
   ALTER TABLE plans ADD COLUMN spend_unit TEXT;
   ALTER TABLE plans ADD COLUMN spent INTEGER NOT NULL DEFAULT 0`,
];
