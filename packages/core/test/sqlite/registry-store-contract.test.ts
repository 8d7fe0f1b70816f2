import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { registryStoreContract } from '../../src/testing/index.ts';
import { LEASE_MS } from '../../src/testing/registry-store/audit.ts';
import { nodeIds, Scene } from '../../src/testing/registry-store/scene.ts';
import { makeRegistryFile } from './registry-files.ts';

describe('the registry in SQLite keeps the contract of its port', () => {
  for (const { name, run } of registryStoreContract(makeRegistryFile)) it(name, run);
});

describe('any SQLite tool', () => {
  it('reads the statuses that the port tells', async () => {
    let path = '';
    const make = async (options: Parameters<typeof makeRegistryFile>[0]) => {
      const made = await makeRegistryFile(options);
      path = made.path;
      return made;
    };
    await Scene.play(make, async (scene) => {
      const { planId } = await scene.plan(nodeIds(20), { maxParallelWorkers: 9 });
      const outcomes = [
        { nodeId: 'node-001', status: 'skipped' },
        { nodeId: 'node-002', status: 'failed', error: { code: 'CONTENT_MISSING', message: 'it' } },
        { nodeId: 'node-003', status: 'pending', notBefore: scene.clock.now() + 5000, charge: 'retry' },
      ] as const;
      await scene.work(await scene.lease(planId), outcomes);
      await scene.store.endLease(await scene.lease(planId));
      await scene.lease(planId);
      const node = await scene.nodeLease(planId, 'node-020');
      await scene.store.settleNode(node, { nodeId: 'node-020', outcome: 'restored' });
      await scene.lease(planId);
      const db = new Database(path, { readonly: true });
      try {
        for (const to of [undefined, 'paused', 'cancelled'] as const) {
          if (to !== undefined) await scene.store.movePlan(planId, to);
          const rows = db
            .prepare('SELECT * FROM migration_tasks WHERE plan_id = ? ORDER BY node_id')
            .all(planId) as Record<string, unknown>[];
          const told = (await scene.store.tasks({ planId })).items;
          expect(rows.map((row) => [row.task_id, row.node_id, row.status, row.retry_count])).toEqual(
            told.map((task) => [task.taskId, task.nodeId, task.status, task.retryCount]),
          );
          expect(new Set(rows.map((row) => row.status)).size).toBe(6);
        }
        expect(db.prepare('SELECT status, total_nodes, completed_nodes FROM migration_plans').all()).toEqual([
          { status: 'cancelled', total_nodes: 20, completed_nodes: 1 },
        ]);
        expect(db.prepare('SELECT version FROM models WHERE is_active').all()).toEqual([{ version: 1 }]);
      } finally {
        db.close();
      }
    });
  });
});

describe('a registry that a newer program has upgraded', () => {
  it('gives no work to an older worker', async () => {
    let path = '';
    await Scene.play(
      async (options) => {
        const made = await makeRegistryFile(options);
        path = made.path;
        return made;
      },
      async (scene) => {
        const { planId } = await scene.plan(nodeIds(2));
        const db = new Database(path);
        db.pragma('user_version = 1000');
        const claim = scene.store.claim({ planId, workerId: 'w', leaseMs: LEASE_MS });
        await expect(claim).rejects.toMatchObject({ code: 'DATABASE_NEWER' });
        db.close();
      },
    );
  });
});

describe('backups whose plan somebody has deleted by hand', () => {
  it('are counted, apart from those of plans that there are', async () => {
    let path = '';
    await Scene.play(
      async (options) => {
        const made = await makeRegistryFile(options);
        path = made.path;
        return made;
      },
      async ({ store }) => {
        const before = new Database(path);
        before.exec(
          `INSERT INTO backups (backup, plan, node_id, content_hash) VALUES (7 << 32, 7, 'a', ''), ((7 << 32) + 1, 7, 'b', ''),
             (900 << 32, 900, 'c', '')`,
        );
        before.close();
        expect(await store.strayBackups()).toEqual([{ count: 2 }, { count: 1 }]);
      },
    );
  });
});
