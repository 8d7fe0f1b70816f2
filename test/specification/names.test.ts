/** Everything the specification names exists: in the packages, in the configuration and in the database. */
import * as core from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { MemoryNode } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { nodeId, openScene, type Scene } from '../scene.ts';

/** A plan of which one node is done, one failed and one is gone. */
async function openMixedScene(): Promise<Scene & { planId: string }> {
  const target = testEmbedder({
    modelId: 'new-model',
    dimension: 12,
    onCall: (texts) => {
      if (texts.some((text) => text.includes('number 1.')))
        throw new core.EmbedderError('refused', 'Not this one.');
    },
  });
  const scene = await openScene({ nodes: 3, target });
  const { planId } = await scene.manager.createMigration({
    ...scene.to,
    priority: core.Priority.LOW,
    maxRetries: 0,
  });
  await scene.store.delete(nodeId(2));
  await scene.manager.runMigration(planId);
  return { ...scene, planId };
}

function readAll(path: string, sql: string): Record<string, unknown>[] {
  const raw = new Database(path, { readonly: true });
  try {
    return raw.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    raw.close();
  }
}

describe('the eleven exports', () => {
  it.each([
    'EmbeddingModelSpec',
    'MigrationTask',
    'MigrationPlan',
    'MigrationStatus',
    'Priority',
    'EmbeddingRegistry',
    'MigrationPlanner',
    'ReEmbeddingWorker',
    'EmbeddingVersionManager',
    'createVectorMetadata',
    'verifyVectorCompatibility',
  ])('%s exists at run time', (name) => {
    expect(Object.entries(core)).toContainEqual([name, expect.anything()]);
  });

  it('hang together: a manager holds the three others, and answers plans and tasks of these classes', async () => {
    const { manager, planId } = await openMixedScene();
    expect(manager.registry).toBeInstanceOf(core.EmbeddingRegistry);
    expect(manager.planner).toBeInstanceOf(core.MigrationPlanner);
    expect(manager.worker).toBeInstanceOf(core.ReEmbeddingWorker);
    expect(await manager.getMigration(planId)).toBeInstanceOf(core.MigrationPlan);
    const { items } = await manager.listTasks({ planId });
    for (const task of items) expect(task).toBeInstanceOf(core.MigrationTask);
    expect(await manager.getActiveModel()).toBeInstanceOf(core.EmbeddingModelSpec);
  });
});

describe('statuses and priorities', () => {
  it('have the values of the specification, and those of the design', () => {
    expect(core.MigrationStatus).toMatchObject({
      PENDING: 'pending',
      IN_PROGRESS: 'in_progress',
      COMPLETED: 'completed',
      FAILED: 'failed',
      ROLLED_BACK: 'rolled_back',
      PAUSED: 'paused',
    });
    expect(core.TaskStatus).toMatchObject({
      PENDING: 'pending',
      IN_PROGRESS: 'in_progress',
      COMPLETED: 'completed',
      FAILED: 'failed',
      ROLLED_BACK: 'rolled_back',
    });
    expect(core.Priority).toEqual({ CRITICAL: 0, HIGH: 1, NORMAL: 2, LOW: 3 });
  });
});

describe('properties and methods', () => {
  it('stand on a specification', () => {
    const { spec } = testEmbedder();
    expect(spec.toJSON()).toEqual({
      modelId: 'test-model',
      version: 1,
      dimension: 16,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      datatype: 'float32',
      distance: 'cosine',
    });
    expect(spec.qualifiedId).toBe(`test-model:v1:${spec.checksum.slice(0, 8)}`);
  });

  it('stand on a plan', async () => {
    const { manager, planId, old, target } = await openMixedScene();
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const plan = await manager.getMigration(planId);
    expect(JSON.parse(JSON.stringify(plan))).toMatchObject({
      planId,
      sourceSpec: old.spec.toJSON(),
      targetSpec: target.spec.toJSON(),
      status: 'failed',
      totalNodes: 3,
      completedNodes: 1,
      failedNodes: 1,
      skippedNodes: 1,
      createdAt: iso,
      startedAt: iso,
      completedAt: iso,
      batchSize: 100,
      throttleMs: 10,
      maxParallelWorkers: 2,
      priority: 3,
      backupOldVectors: true,
      isComplete: true,
    });
    expect(plan.progressPercent).toBeCloseTo(66.67, 1);
  });

  it('stand on a task', async () => {
    const { manager, planId, old, target } = await openMixedScene();
    const { items } = await manager.listTasks({ planId });
    const shared = { planId, source: old.spec.info, target: target.spec.info, priority: 3, maxRetries: 0 };
    expect(items.map((task) => task.toJSON())).toMatchObject([
      { ...shared, nodeId: nodeId(0), status: 'completed', retryCount: 0, canRollback: true },
      {
        ...shared,
        nodeId: nodeId(1),
        status: 'failed',
        retryCount: 0,
        canRollback: false,
        errorMessage: 'Not this one.',
      },
      { ...shared, nodeId: nodeId(2), status: 'skipped', canRollback: false },
    ]);
    expect(items[0]?.durationSeconds).toBeGreaterThanOrEqual(0);
    const backup = await manager.getBackup({ planId, nodeId: nodeId(0) });
    expect(backup).toMatchObject({ ...old.spec.info, vector: expect.any(Float32Array) });
  });

  it.each(['getEmbeddingInfo', 'isEmbeddingCompatible', 'needsMigration', 'updateEmbeddingInfo'] as const)(
    'stand on a node: %s()',
    (name) => {
      expect(new MemoryNode({ id: 'a', content: 'b' })[name]).toBeTypeOf('function');
    },
  );

  it.each([
    ['registry', ['registerModel', 'getModel', 'getActiveModel', 'listModels', 'updateModel', 'removeModel']],
    ['planner', ['createMigration', 'getMigration', 'listMigrations', 'listTasks']],
    ['worker', ['startWorker', 'stopWorker', 'getWorkerStats', 'runMigration', 'rollbackMigration']],
  ] as const)('stand on the %s, and the manager hands them on', async (part, names) => {
    const { manager } = await openScene({ nodes: 0 });
    for (const name of names) {
      expect(Reflect.get(manager[part], name), name).toBeTypeOf('function');
      expect(Reflect.get(manager, name), name).toBeTypeOf('function');
    }
    expect(await manager.worker.getWorkerStats()).toEqual(await manager.getWorkerStats());
    expect(await manager.registry.listModels()).toEqual(await manager.listModels());
    expect(await manager.planner.listMigrations()).toEqual(await manager.listMigrations());
  });
});

describe('the database', () => {
  const columns = {
    models: [
      'model_id',
      'version',
      'dimension',
      'checksum',
      'name',
      'description',
      'created_at',
      'is_active',
    ],
    migration_plans: [
      'plan_id',
      'source_model_id',
      'source_version',
      'source_checksum',
      'target_model_id',
      'target_version',
      'target_checksum',
      'status',
      'total_nodes',
      'completed_nodes',
      'failed_nodes',
      'created_at',
      'started_at',
      'completed_at',
      'batch_size',
      'throttle_delay_ms',
      'max_parallel_workers',
      'plan_data',
    ],
    migration_tasks: [
      'task_id',
      'plan_id',
      'node_id',
      'source_model_id',
      'source_version',
      'source_checksum',
      'target_model_id',
      'target_version',
      'target_checksum',
      'status',
      'priority',
      'created_at',
      'started_at',
      'completed_at',
      'error_message',
      'retry_count',
      'max_retries',
      'old_vector_backup',
      'can_rollback',
    ],
  };

  it.each(Object.entries(columns))(
    'has %s with the documented columns for any SQLite tool',
    async (table, names) => {
      const { dbPath } = await openMixedScene();
      const rows = readAll(dbPath, `SELECT ${names.join(', ')} FROM ${table}`);
      expect(rows).not.toEqual([]);
      expect(Object.keys(rows[0] ?? {})).toEqual(names);
    },
  );

  it('tells what the API tells', async () => {
    const { dbPath, manager, planId, old } = await openMixedScene();
    await manager.registerModel({
      modelId: 'm',
      version: 1,
      dimension: 3,
      checksum: 'c',
      name: 'Name',
      description: 'Words',
    });
    expect(
      readAll(dbPath, `SELECT name, description, is_active, created_at FROM models WHERE model_id = 'm'`),
    ).toEqual([
      {
        name: 'Name',
        description: 'Words',
        is_active: 0,
        created_at: (await manager.getModel({ modelId: 'm', version: 1 }))?.createdAt,
      },
    ]);
    const plan = await manager.getMigration(planId);
    expect(readAll(dbPath, 'SELECT * FROM migration_plans')).toMatchObject([
      {
        plan_id: planId,
        source_checksum: old.spec.checksum,
        status: 'failed',
        total_nodes: 3,
        completed_nodes: 1,
        failed_nodes: 1,
        created_at: plan.createdAt,
        started_at: plan.startedAt,
        completed_at: plan.completedAt,
        throttle_delay_ms: 10,
      },
    ]);
    expect(
      JSON.parse(String(readAll(dbPath, 'SELECT plan_data FROM migration_plans')[0]?.plan_data)),
    ).toMatchObject({
      strategy: 'inPlace',
      whole_store: true,
      priority: 3,
      max_retries: 0,
      backup_old_vectors: true,
    });
    const [done, failed, gone] = readAll(dbPath, 'SELECT * FROM migration_tasks ORDER BY node_id');
    const backup = await manager.getBackup({ planId, nodeId: nodeId(0) });
    expect(done).toMatchObject({
      task_id: `${planId}:${nodeId(0)}`,
      status: 'completed',
      can_rollback: 1,
      priority: 3,
    });
    expect(done?.old_vector_backup).toEqual(Buffer.from(backup?.vector?.buffer ?? new ArrayBuffer(0)));
    expect(failed).toMatchObject({
      status: 'failed',
      error_message: 'Not this one.',
      retry_count: 0,
      can_rollback: 0,
    });
    expect(gone).toMatchObject({ status: 'skipped', old_vector_backup: null });
  });

  it('keeps several versions of a model, and one active model', async () => {
    const { dbPath, manager } = await openScene({ nodes: 0 });
    for (const version of [1, 2, 3])
      await manager.registerModel({
        modelId: 'm',
        version,
        dimension: 3,
        checksum: `c${version}`,
        setActive: true,
      });
    expect(
      readAll(dbPath, `SELECT version, is_active FROM models WHERE model_id = 'm' ORDER BY version`),
    ).toEqual([
      { version: 1, is_active: 0 },
      { version: 2, is_active: 0 },
      { version: 3, is_active: 1 },
    ]);
    expect(readAll(dbPath, 'SELECT * FROM models WHERE is_active')).toHaveLength(1);
  });
});
