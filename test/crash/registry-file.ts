import assert from 'node:assert/strict';
import { vectorOfBytes } from '@registry/core';
import Database from 'better-sqlite3';
import { stateOf } from './node-states.ts';

interface PlanCounters {
  plan: number;
  status: string;
  lanes: number;
  cursor: string;
  total: number;
  completed: number;
  failed: number;
  skipped: number;
  rolled_back: number;
}

const unfinished = `('pending', 'in_progress', 'paused', 'rolling_back')`;

/** The registry's file as a second connection sees it, asked by SQL of its own. */
export class RegistryFile {
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  /** What was committed when all was last seen to be consistent. */
  #seen = '';

  constructor(path: string) {
    this.#db = new Database(path, { readonly: true });
  }

  all<T>(sql: string, ...values: unknown[]): T[] {
    const statement = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement.all(...values) as T[];
  }

  close(): void {
    this.#db.close();
  }

  /**
   * What must hold at every commit: counters, no orphan, exclusive leases, one active model. `mostLanes`: where
   * the lanes of a plan are changed while batches are in hand, their highest number.
   */
  assertConsistent({ mostLanes = 0 }: { mostLanes?: number } = {}): void {
    // Changes with each commit of another connection; most calls of a worker make none.
    const [commit] = this.all<{ data_version: number }>('PRAGMA data_version');
    const seen = `${commit!.data_version} ${mostLanes}`;
    if (seen === this.#seen) return;
    this.#db.transaction(() => {
      for (const plan of this.all<PlanCounters>('SELECT * FROM plans')) {
        this.#assertCounters(plan);
        this.#assertNoOrphan(plan);
      }
      this.#assertExclusive(mostLanes);
      const active = this.all<{ registered: unknown }>(
        'SELECT s.registered_at AS registered FROM active_model a JOIN model_specs s ON s.model = a.model',
      );
      assert.equal(active.length, 1, 'models that are active');
      assert.notEqual(active[0]?.registered, null, 'the active model is registered');
    })();
    this.#seen = seen;
  }

  #assertCounters(plan: PlanCounters): void {
    const groups = this.all<{ state: number; count: number }>(
      'SELECT state, count(*) AS count FROM tasks WHERE plan = ? GROUP BY state',
      plan.plan,
    );
    const count = (state: number) => groups.find((group) => group.state === state)?.count ?? 0;
    const total = groups.reduce((sum, group) => sum + group.count, 0);
    assert.deepEqual(
      [plan.total, plan.completed, plan.failed, plan.skipped, plan.rolled_back],
      [total, count(3), count(4), count(5), count(6)],
      `counters of plan ${plan.plan} (${plan.status}): total, completed, failed, skipped, rolled back`,
    );
  }

  #assertNoOrphan({ plan, status, cursor }: PlanCounters): void {
    const orphans = this.all<{ node_id: string; state: number }>(
      `SELECT t.node_id, t.state FROM tasks t WHERE t.plan = ? AND (
         t.state = 0 AND t.node_id <= ? AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.plan = t.plan
           AND l.kind = 'batch' AND t.node_id BETWEEN l.first AND l.last)
         OR t.state = 2 AND NOT EXISTS (SELECT 1 FROM leases l, json_each(l.nodes) n WHERE l.plan = t.plan
           AND n.value = t.node_id))`,
      plan,
      cursor,
    );
    assert.deepEqual(orphans, [], `tasks of plan ${plan} that nobody will ever claim`);
    if (!['completed', 'failed', 'rolled_back'].includes(status)) return;
    const leases = this.all(`SELECT * FROM leases WHERE plan = ? AND kind <> 'node'`, plan);
    assert.deepEqual(leases, [], `leases of plan ${plan}, which is ${status}`);
  }

  #assertExclusive(mostLanes: number): void {
    const twice = this.all(
      `SELECT t.plan, t.node_id FROM tasks t JOIN leases l ON l.plan = t.plan AND (
         l.kind = 'batch' AND t.state = 0 AND t.node_id BETWEEN l.first AND l.last
         OR l.kind IN ('retry', 'node') AND EXISTS (SELECT 1 FROM json_each(l.nodes) n WHERE n.value = t.node_id))
       GROUP BY t.plan, t.node_id HAVING count(*) > 1`,
    );
    assert.deepEqual(twice, [], 'nodes in two leases');
    const crowded = this.all(
      `SELECT p.plan_id, count(*) AS batches, sum(l.embedded) AS embedded, p.lanes
       FROM leases l JOIN plans p ON p.plan = l.plan WHERE l.kind IN ('batch', 'retry') GROUP BY p.plan
       HAVING count(*) - sum(l.embedded) > max(p.lanes, :most) OR count(*) > 2 * max(p.lanes, :most)`,
      { most: mostLanes },
    );
    assert.deepEqual(crowded, [], 'plans with more batches in flight than their lanes hold');
    const shared = this.all(
      `SELECT t.node_id FROM tasks t JOIN plans p ON p.plan = t.plan AND p.sealed IS NOT NULL
       WHERE p.status IN ${unfinished} GROUP BY t.node_id HAVING count(*) > 1`,
    );
    assert.deepEqual(shared, [], 'nodes in two unfinished plans');
  }

  /** Says whether the newest plan to this model has given its backups up. */
  isFinalized(modelId: string, version: number): boolean {
    const [plan] = this.all<{ finalized: number | null }>(
      `SELECT p.finalized FROM plans p JOIN model_specs t ON t.model = p.target
       WHERE t.model_id = ? AND t.version = ? ORDER BY p.plan DESC LIMIT 1`,
      modelId,
      version,
    );
    return plan?.finalized != null;
  }

  /** The backups of the newest plan to this model that has one of the node. */
  backupState(nodeId: string, modelId: string, version: number): string | undefined {
    const [row] = this.all<BackupRow>(
      `${BACKUP_ROWS} JOIN model_specs t ON t.model = p.target
       WHERE b.node_id = ? AND t.model_id = ? AND t.version = ? ORDER BY b.plan DESC LIMIT 1`,
      nodeId,
      modelId,
      version,
    );
    return row && stateOf(nodeOf(row));
  }

  /** Everything that a plan has kept, by node. */
  backups(planId: string): Map<string, string> {
    const rows = this.all<BackupRow>(`${BACKUP_ROWS} WHERE p.plan_id = ?`, planId);
    return new Map(rows.map((row) => [row.node_id, stateOf(nodeOf(row))]));
  }
}

const BACKUP_ROWS = `SELECT b.node_id, s.model_id, s.version, s.checksum, b.encoding, b.content_hash, b.embedded_hash, b.vector
  FROM backups b JOIN plans p ON p.plan = b.plan LEFT JOIN model_specs s ON s.model = b.stamp`;

interface BackupRow {
  node_id: string;
  model_id: string | null;
  version: number | null;
  checksum: string | null;
  encoding: 'float32' | 'bit' | null;
  content_hash: string;
  embedded_hash: string | null;
  vector: Buffer | null;
}

function nodeOf(row: BackupRow): Parameters<typeof stateOf>[0] {
  const { model_id, version, checksum, encoding, content_hash, embedded_hash, vector } = row;
  return {
    contentHash: content_hash,
    ...(embedded_hash !== null && { embeddedHash: embedded_hash }),
    ...(model_id !== null &&
      version !== null &&
      checksum !== null && {
        embeddingModelId: model_id,
        embeddingVersion: version,
        embeddingChecksum: checksum,
      }),
    ...(vector !== null && encoding !== null && { vector: vectorOfBytes(vector, encoding) }),
  };
}
