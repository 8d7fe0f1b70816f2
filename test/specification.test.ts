/** The seven test areas of the specification, and its usage examples as they are written in TypeScript. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  computeChecksum,
  createVectorMetadata,
  EmbeddingModelSpec,
  EmbeddingVersionManager,
  MigrationStatus,
  Priority,
  qualifiedId,
  TaskStatus,
  verifyVectorCompatibility,
} from '@registry/core';
import { expectedVector, testEmbedder } from '@registry/core/testing';
import { MemoryNode, needsMigration } from '@registry/node-memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, temporaryFolder, vectorsOf } from './scene.ts';

const minilm = {
  modelId: 'sentence_transformer_all-MiniLM-L6-v2',
  version: 1,
  dimension: 384,
  checksum: 'abc123...',
  name: 'All-MiniLM-L6-v2',
  description: 'Sentence Transformer multilingual model',
};

async function openRegistryOnly(): Promise<EmbeddingVersionManager> {
  const manager = await EmbeddingVersionManager.open({ dbPath: join(temporaryFolder(), 'registry.sqlite') });
  onTestFinished(() => manager.close());
  return manager;
}

describe('Model spec creation and validation', () => {
  const fields = { modelId: 'model', version: 1, dimension: 1024, checksum: 'hash' };

  it('makes an immutable specification with a label', () => {
    const spec = new EmbeddingModelSpec(fields);
    expect(spec).toMatchObject({
      ...fields,
      datatype: 'float32',
      distance: 'cosine',
      qualifiedId: 'model:v1:hash',
    });
    expect(() => Object.assign(spec, { version: 2 })).toThrow(TypeError);
  });

  it.each([
    ['modelId', ''],
    ['modelId', ' '],
    ['modelId', 'a\nb'],
    ['version', 0],
    ['version', true],
    ['version', 1.5],
    ['dimension', 2.5],
    ['dimension', 0],
    ['checksum', ''],
    ['checksum', 'two words'],
    ['checksum', 'a\u0007b'],
  ])('refuses %s %j and names both', async (field, value) => {
    const error = await refusalOf(() => new EmbeddingModelSpec({ ...fields, [field]: value }));
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toContain(field);
    expect(error.message).toContain(JSON.stringify(value).slice(0, 8));
  });

  it('allows a colon, as in nomic-embed-text:latest', () => {
    expect(new EmbeddingModelSpec({ ...fields, modelId: 'nomic-embed-text:latest' }).modelId).toBe(
      'nomic-embed-text:latest',
    );
  });

  it('computes a checksum as the SHA-256 of canonical JSON', () => {
    const expected = createHash('sha256').update('{"dimension":384,"normalize":true}').digest('hex');
    expect(computeChecksum({ normalize: true, dimension: 384 })).toBe(expected);
  });
});

describe('Migration plan and task management', () => {
  it('makes a plan with priority HIGH over node ids and prints its progress', async () => {
    const manager = await openRegistryOnly();
    await manager.registerModel({ ...minilm, modelId: 'target_model' });
    const plan = await manager.createMigration({
      nodeIds: ['node1', 'node2', 'node3'],
      targetModelId: 'target_model',
      targetVersion: 1,
      priority: Priority.HIGH,
    });
    const printed = [`Migration plan: ${plan.planId}`, `Progress: ${plan.progressPercent.toFixed(1)}%`];
    expect(printed[0]).toMatch(/^Migration plan: [0-9a-f-]{36}$/);
    expect(printed[1]).toBe('Progress: 0.0%');
    expect(plan).toMatchObject({
      status: MigrationStatus.PENDING,
      priority: 1,
      totalNodes: 3,
      isComplete: false,
    });
  });

  it('tracks each node as a task with its source and target', async () => {
    const { manager, old, target, to } = await openScene({ nodes: 2 });
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0), nodeId(1)] });
    const { items } = await manager.listTasks({ planId });
    expect(items.map((task) => task.toJSON())).toEqual(
      [nodeId(0), nodeId(1)].map((id) =>
        expect.objectContaining({
          taskId: `${planId}:${id}`,
          source: old.spec.info,
          target: target.spec.info,
          status: TaskStatus.PENDING,
          priority: Priority.NORMAL,
          retryCount: 0,
          maxRetries: 3,
          canRollback: false,
        }),
      ),
    );
  });

  it('pauses, resumes and cancels', async () => {
    const { manager, to } = await openScene({ nodes: 2 });
    const { planId } = await manager.createMigration({ ...to });
    expect((await manager.pauseMigration(planId)).status).toBe('paused');
    expect((await manager.resumeMigration(planId)).status).toBe('in_progress');
    expect((await manager.cancelMigration(planId)).status).toBe('cancelled');
    expect((await manager.listTasks({ planId })).items.map(({ status }) => status)).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect((await manager.listMigrations({ status: 'cancelled' })).items).toHaveLength(1);
  });
});

describe('Registry operations', () => {
  it('registers a new embedding model', async () => {
    const manager = await openRegistryOnly();
    const spec = await manager.registerModel(minilm);
    expect(spec.qualifiedId).toBe('sentence_transformer_all-MiniLM-L6-v2:v1:abc123..');
    expect(await manager.getModel(spec)).toMatchObject({ ...minilm, isActive: false });
  });

  it('holds binary_hdv v1 of dimension 16384, active, with the checksum of the origin, when it is new', async () => {
    const manager = await openRegistryOnly();
    expect(await manager.listModels()).toHaveLength(1);
    expect((await manager.getActiveModel()).toJSON()).toMatchObject({
      modelId: 'binary_hdv',
      version: 1,
      dimension: 16384,
      datatype: 'bit',
      checksum: '52bdb6e983fc401dc35967b1d25c36409adc295f879793700b2907dbcf838071',
      isActive: true,
    });
    expect((await manager.getActiveModel()).qualifiedId).toBe('binary_hdv:v1:52bdb6e9');
  });

  it('keeps what it was told when it is opened again', async () => {
    const dbPath = join(temporaryFolder(), 'registry.sqlite');
    const first = await EmbeddingVersionManager.open({ dbPath });
    await first.registerModel({ ...minilm, setActive: true });
    await first.close();
    const second = await EmbeddingVersionManager.open({ dbPath });
    onTestFinished(() => second.close());
    expect((await second.listModels()).map((model) => [model.modelId, model.isActive])).toEqual([
      ['binary_hdv', false],
      [minilm.modelId, true],
    ]);
  });
});

describe('Planner functionality', () => {
  it('switches the active model with migration, and the worker does the rest', async () => {
    const { manager, store, to, target } = await openScene({ nodes: 25 });
    const finished = new Promise<void>((resolve) => {
      manager.on('plan:changed', ({ plan }) => plan.status === 'completed' && resolve());
    });
    const plan = await manager.switchActiveModel({
      ...to,
      migrateExisting: true,
      batchSize: 10,
      throttleMs: 0,
    });
    await manager.startWorker();
    await finished;
    await manager.stopWorker();
    expect(await manager.getMigration(plan?.planId ?? '')).toMatchObject({
      completedNodes: 25,
      progressPercent: 100,
    });
    expect((await manager.getActiveModel()).modelId).toBe(target.spec.modelId);
    expect(await store.countByModel()).toEqual([{ info: target.spec.info, count: 25 }]);
    expect((await store.get(nodeId(7)))?.vector).toEqual(
      expectedVector(target.spec, 'The text of node number 7.'),
    );
  });

  it('takes the source of a task from its node, the source of a plan from the active model', async () => {
    const { manager, store, old, to } = await openScene({ nodes: 1 });
    await store.insert({ id: 'unstamped', content: 'no vector yet' });
    const plan = await manager.createMigration(to);
    const { items } = await manager.listTasks({ planId: plan.planId });
    expect(plan.sourceSpec.equals(old.spec)).toBe(true);
    expect(items.map(({ nodeId: id, source }) => [id, source])).toEqual([
      [nodeId(0), old.spec.info],
      ['unstamped', undefined],
    ]);
  });

  it('plans by metadata', async () => {
    const { manager, to } = await openScene({ nodes: 9 });
    expect((await manager.createMigration({ ...to, where: { parity: 'odd' } })).totalNodes).toBe(4);
  });
});

describe('Worker lifecycle', () => {
  it('starts and stops, again and again, and tells its state', async () => {
    const { manager } = await openScene({ nodes: 0 });
    const states: string[] = [];
    manager.on('worker:changed', ({ state }) => states.push(state));
    for (const _ of [1, 2]) {
      await Promise.all([manager.startWorker(), manager.startWorker()]);
      expect(await manager.getWorkerStats()).toMatchObject({ state: 'running', isRunning: true });
      expect(await manager.listWorkers()).toHaveLength(1);
      await Promise.all([manager.stopWorker(), manager.stopWorker()]);
    }
    expect(await manager.getWorkerStats()).toMatchObject({
      state: 'idle',
      isRunning: false,
      processedCount: 0,
    });
    expect(states).toEqual(['running', 'draining', 'idle', 'running', 'draining', 'idle']);
    expect(await manager.listWorkers()).toEqual([]);
  });

  it('finishes the batch in hand when it is stopped, and picks up the rest when it is started again', async () => {
    const called = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const target = testEmbedder({
      modelId: 'new-model',
      dimension: 12,
      onCall: () => {
        called.resolve();
        return go.promise;
      },
    });
    const { manager, to } = await openScene({ nodes: 20, target });
    const { planId } = await manager.createMigration({
      ...to,
      batchSize: 5,
      maxParallelWorkers: 1,
      throttleMs: 0,
    });
    await manager.startWorker();
    await called.promise;
    const stopped = manager.stopWorker();
    go.resolve();
    await stopped;
    expect(await manager.getMigration(planId)).toMatchObject({ completedNodes: 5, status: 'in_progress' });
    expect(await manager.runMigration(planId)).toMatchObject({ completedNodes: 20, status: 'completed' });
    expect(target.textsSeen).toHaveLength(20);
  });

  it('puts a plan back, or one node of it', async () => {
    const { manager, store, old, target, to } = await openScene({ nodes: 6 });
    const before = await vectorsOf(store);
    const plan = await manager.switchActiveModel({ ...to, migrateExisting: true });
    const planId = plan?.planId ?? '';
    await manager.runMigration(planId);
    expect(await manager.rollbackMigration({ planId, nodeId: nodeId(3) })).toMatchObject({
      restored: 1,
      succeeded: true,
    });
    const counts = await store.countByModel();
    expect(counts).toHaveLength(2);
    expect(counts).toContainEqual({ info: target.spec.info, count: 5 });
    expect(counts).toContainEqual({ info: old.spec.info, count: 1 });
    const success = await manager.rollbackMigration({ planId });
    expect(success.succeeded).toBe(true);
    expect(await vectorsOf(store)).toEqual(before);
    expect((await manager.getMigration(planId)).status).toBe('rolled_back');
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
  });
});

describe('MemoryNode integration', () => {
  const targetSpec = new EmbeddingModelSpec({
    modelId: 'model',
    version: 1,
    dimension: 1024,
    checksum: 'hash',
  });
  const hdv = new Uint8Array(2048).fill(1);

  it('says whether a node needs migration', () => {
    const node = new MemoryNode({ id: 'test', vector: hdv, content: 'test' });
    expect(node.needsMigration(targetSpec)).toBe(true);
    expect(node.isEmbeddingCompatible(targetSpec)).toBe(false);
  });

  it('has the three fields with their defaults, and the label', () => {
    const node = new MemoryNode({ id: 'test', content: 'test' });
    expect(node.getEmbeddingInfo()).toEqual({
      embeddingModelId: 'binary_hdv',
      embeddingVersion: 1,
      embeddingChecksum: '',
    });
    expect(node.embeddingQualifiedId).toBe('binary_hdv:v1:unknown');
  });

  it('is compatible once it was embedded anew', () => {
    const node = new MemoryNode({ id: 'test', content: 'test', vector: hdv });
    node.vector = new Float32Array(1024).fill(0.5);
    node.updateEmbeddingInfo(targetSpec);
    expect(node.needsMigration(targetSpec)).toBe(false);
    expect(node.embeddingQualifiedId).toBe('model:v1:hash');
    node.vector = new Float32Array(3).fill(0.5);
    expect(node.needsMigration(targetSpec)).toBe(true);
  });

  it('goes into a store as it is, and is migrated there', async () => {
    const { manager, store, to, target } = await openScene({ nodes: 0 });
    const node = new MemoryNode({ id: 'kept', content: 'some content' });
    node.vector = hdv;
    await store.insert(node);
    const plan = await manager.createMigration(to);
    await manager.runMigration(plan.planId);
    const after = await store.get('kept');
    expect(needsMigration(after ?? {}, target.spec)).toBe(false);
    expect(after?.content).toBe('some content');
  });
});

describe('Utility functions', () => {
  const spec = new EmbeddingModelSpec({ modelId: 'model', version: 2, dimension: 4, checksum: 'hash' });

  it('makes the payload of a vector with an integer version, as the indexes want it', () => {
    expect(createVectorMetadata(spec)).toStrictEqual({
      embedding_model_id: 'model',
      embedding_version: 2,
      embedding_checksum: 'hash',
    });
  });

  it.each([
    [{ embedding_model_id: 'model', embedding_version: 2, embedding_checksum: 'hash' }, true],
    [{ embedding_model_id: 'model', embedding_version: ' 2 ', embedding_checksum: '' }, true],
    [{ embedding_model_id: 'model', embedding_version: 3, embedding_checksum: 'hash' }, false],
    [{ embedding_model_id: 'model', embedding_version: 'v2', embedding_checksum: 'hash' }, false],
    [{ embedding_model_id: 'model', embedding_version: 2, embedding_checksum: 'has' }, false],
    [{ embedding_model_id: 'other', embedding_version: 2, embedding_checksum: 'hash' }, false],
    [{}, false],
    [undefined, false],
  ])('compares %j', (metadata, expected) => {
    expect(verifyVectorCompatibility(metadata, spec)).toBe(expected);
  });

  it('says the same as the nodes', () => {
    const [node] = embeddedNodes(testEmbedder({ dimension: 4 }).spec, 1);
    expect(verifyVectorCompatibility(node, testEmbedder({ dimension: 4 }).spec, node?.vector)).toBe(true);
    expect(verifyVectorCompatibility(node, spec, node?.vector)).toBe(false);
  });

  it('labels a model for people', () => {
    expect(qualifiedId('model', 2, '0123456789')).toBe('model:v2:01234567');
    expect(qualifiedId('model', 2, '')).toBe('model:v2:unknown');
  });
});
