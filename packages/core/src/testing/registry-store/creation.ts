import assert from 'node:assert/strict';
import { compareNodeIds } from '../../model/node-id.ts';
import { allTasks } from './audit.ts';
import { nodeIds, nodesOf, refused, type SceneCase } from './scene.ts';

const strangeIds = [
  'plain',
  '"quoted" and \'so\'',
  'back\\slash',
  'a\u0000b',
  'a\u0000c',
  '\u0001',
  'line\nbreak',
  'é',
  'e\u0301',
  '100%_',
  '[1,"2"]',
  '{"a":1}',
  '007',
  '7',
  '7.0',
  'null',
  ' ',
  '\uff5e',
  '😀',
  '\u{10ffff}',
  'x'.repeat(2000),
];

/** Making a plan: pages, the create lease, what overlaps, and what becomes of an interrupted creation. */
export const creationCases: Readonly<Record<string, SceneCase>> = {
  'takes nodes in pages and ignores duplicates': async (scene) => {
    const creation = await scene.store.createPlan(scene.draft());
    assert.equal(await scene.addNodes(creation, ['b', 'a', 'b']), 2);
    assert.equal(await scene.addNodes(creation, ['c', 'a']), 1);
    assert.equal(await scene.addNodes(creation, []), 0);
    const plan = await scene.store.sealPlan(creation);
    assert.equal(plan.planId, creation.planId);
    assert.equal(plan.totalNodes, 3);
    assert.deepEqual(await scene.statuses(plan.planId), { a: 'pending', b: 'pending', c: 'pending' });
  },

  'keeps every well-formed node id, in the order of code points': async (scene) => {
    const { planId } = await scene.plan(strangeIds, { batchSize: 5 });
    const inOrder = [...strangeIds].sort(compareNodeIds);
    const listed = await allTasks(scene.store, { planId, limit: 4 });
    assert.deepEqual(
      listed.map((task) => task.nodeId),
      inOrder,
    );
    for (const nodeId of strangeIds) {
      const { items } = await scene.store.tasks({ planId, nodeId });
      assert.deepEqual(
        items.map((task) => [task.nodeId, task.taskId]),
        [[nodeId, `${planId}:${nodeId}`]],
      );
    }
    const first = await scene.lease(planId);
    assert.equal(await scene.store.release(first, nodesOf(first).slice(1)), true);
    await scene.work(first);
    const seen: string[] = [];
    assert.equal((await scene.finish(planId, seen)).completedNodes, strangeIds.length);
    assert.deepEqual([...seen, ...nodesOf(first).slice(0, 1)].sort(compareNodeIds), inOrder);
    for (const nodeId of strangeIds)
      assert.equal((await scene.store.backup({ planId, nodeId }))?.contentHash, `hash of ${nodeId}`);
    await scene.rollBack(planId);
    assert.equal((await scene.read(planId)).rolledBackNodes, strangeIds.length);
  },

  'keeps what each node is stamped with': async (scene) => {
    const { store } = scene;
    const stranger = { embeddingModelId: 'elsewhere', embeddingVersion: 4, embeddingChecksum: '' };
    const creation = await store.createPlan(scene.draft());
    await store.addTasks(creation, [
      { nodeId: 'a', source: stranger },
      { nodeId: 'b' },
      { nodeId: 'c', source: { ...stranger, embeddingChecksum: 'known' } },
      { nodeId: 'd', source: stranger },
    ]);
    const { planId } = await store.sealPlan(creation);
    const sources = (await allTasks(store, { planId })).map((task) => task.source);
    assert.deepEqual(sources, [stranger, undefined, { ...stranger, embeddingChecksum: 'known' }, stranger]);
    assert.equal(
      (await store.models()).some(({ modelId }) => modelId === 'elsewhere'),
      false,
      'a stamp that was seen is no registered model',
    );
  },

  'keeps the plan as it was asked for': async (scene) => {
    const changes = {
      priority: 0,
      wholeStore: true,
      where: { kind: 'a"b', year: 7, open: true },
      backupOldVectors: false,
      batchSize: 7,
      throttleMs: 11,
      maxParallelWorkers: 3,
      maxRetries: 0,
    } as const;
    const plan = await scene.plan(nodeIds(1), changes);
    for (const [field, value] of Object.entries(changes))
      assert.deepEqual(plan[field as keyof typeof changes], value, field);
    assert.equal(plan.status, 'pending');
    assert.equal(plan.createdAt, new Date(scene.clock.now()).toISOString());
    assert.deepEqual([plan.sourceSpec, plan.targetSpec], [scene.old, scene.target]);
    assert.equal(plan.progressPercent, 0);
    assert.equal(plan.startedAt, undefined);
    const task = (await allTasks(scene.store, { planId: plan.planId }))[0];
    assert.deepEqual([task?.priority, task?.maxRetries, task?.target], [0, 0, scene.target.info]);
  },

  'shows a plan only once it is sealed': async (scene) => {
    const { store, second } = scene;
    const creation = await store.createPlan(scene.draft());
    await scene.addNodes(creation, nodeIds(3));
    assert.equal(await second.plan(creation.planId), undefined);
    assert.deepEqual((await second.plans()).items, []);
    assert.deepEqual(await second.runnable(), []);
    assert.deepEqual(await scene.claim(creation.planId), { kind: 'rest' });
    for (const call of [
      store.tasks({ planId: creation.planId }),
      store.movePlan(creation.planId, 'paused'),
      store.beginRollback(creation.planId),
      store.takeNode({ planId: creation.planId, nodeId: 'node-001', workerId: 'w', leaseMs: 1, force: true }),
    ])
      await refused(call, 'PLAN_UNKNOWN');
    const sealed = await store.sealPlan(creation);
    assert.deepEqual(await second.plan(creation.planId), sealed);
    assert.deepEqual(await second.runnable(), [sealed]);
    await refused(store.sealPlan(creation), 'PLAN_UNKNOWN');
    await refused(scene.addNodes(creation, ['late']), 'PLAN_UNKNOWN');
    assert.equal(await store.discardPlan(creation), true);
    assert.notEqual(await store.plan(creation.planId), undefined, 'a sealed plan is not discarded');
  },

  'completes an empty selection': async (scene) => {
    for (const wholeStore of [false, true]) {
      const plan = await scene.plan([], { wholeStore });
      assert.equal(plan.status, 'completed');
      assert.equal(plan.progressPercent, 100);
      assert.equal(plan.isComplete, true);
      assert.notEqual(plan.completedAt, undefined);
      assert.deepEqual(await scene.claim(plan.planId), { kind: 'rest' });
    }
  },

  'activates the target in the seal, and then looks once more for nodes behind': async (scene) => {
    const { store, old, target } = scene;
    const creation = await store.createPlan(scene.draft({ activate: true }));
    await scene.addNodes(creation, nodeIds(1));
    assert.equal((await scene.activeModel())?.version, old.version);
    const plan = await store.sealPlan(creation);
    assert.equal((await scene.activeModel())?.version, target.version);
    assert.deepEqual(plan.previousActive, { modelId: old.modelId, version: old.version });
    assert.notEqual(plan.cutOverAt, undefined);
    await scene.work(await scene.lease(plan.planId));
    const sweep = await scene.lease(plan.planId, 'sweep');
    assert.equal((await store.endSweep(sweep, false)).status, 'completed');
    const empty = await scene.plan([], { activate: true, target: old, source: target, wholeStore: true });
    assert.equal((await scene.finish(empty.planId)).status, 'completed');
    assert.equal((await scene.activeModel())?.version, old.version);
  },

  'raises the mark with each seal': async (scene) => {
    const before = await scene.store.mark();
    await scene.plan(nodeIds(1));
    assert.ok((await scene.store.mark()) > before);
  },

  'refuses models that are not registered, and leaves nothing behind': async (scene) => {
    for (const side of ['source', 'target'] as const) {
      const draft = scene.draft({ [side]: { modelId: 'nobody', version: 1 } });
      await refused(scene.store.createPlan(draft), 'MODEL_UNKNOWN');
    }
    assert.equal((await scene.plan(nodeIds(1))).totalNodes, 1);
  },
};
