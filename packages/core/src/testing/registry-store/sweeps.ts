import assert from 'node:assert/strict';
import type { Lease } from '../../ports/registry-store.ts';
import { nodeIds, nodesOf, refused, type Scene, type SceneCase } from './scene.ts';

const heads = (ids: readonly string[]) => ids.map((nodeId) => ({ nodeId }));

/** A plan whose nodes are all settled, and the lease of its sweep. */
async function swept(scene: Scene, ids: readonly string[], changes = {}): Promise<Lease> {
  const { planId } = await scene.plan(ids, { wholeStore: true, batchSize: 100, ...changes });
  await scene.work(await scene.lease(planId));
  return scene.lease(planId, 'sweep');
}

/** The sweep: what it takes in, what it re-queues, and when a plan ends. */
export const sweepCases: Readonly<Record<string, SceneCase>> = {
  'sweeps once nothing is pending or in hand, by one worker': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(6), { batchSize: 3 });
    const [a, b] = [await scene.lease(planId), await scene.lease(planId)];
    await scene.work(a);
    assert.equal((await scene.claim(planId)).kind, 'wait');
    const notBefore = clock.now() + 1000;
    await scene.work(b, [{ nodeId: 'node-004', status: 'pending', notBefore }]);
    assert.equal((await scene.claim(planId)).kind, 'wait');
    await clock.advance(1000);
    await scene.work(await scene.lease(planId));
    const sweep = await scene.lease(planId, 'sweep');
    const second = await scene.claim(planId, 'worker-2');
    assert.deepEqual([second.kind, second.kind === 'wait' && second.because], ['wait', 'lanes']);
    assert.deepEqual(sweep.tasks, []);
    const ended = await store.endSweep(sweep, false);
    assert.equal(ended.status, 'completed');
    assert.equal(ended.completedAt, new Date(clock.now()).toISOString());
    assert.deepEqual(await scene.claim(planId), { kind: 'rest' });
    assert.equal((await store.endSweep(sweep, false)).status, 'completed', 'again changes nothing');
  },

  'ends failed when a task failed, and says with what most did': async (scene) => {
    const { planId } = await scene.plan(nodeIds(6), { batchSize: 9 });
    const codes = ['CONTENT_MISSING', 'VECTOR_INVALID', 'VECTOR_INVALID'] as const;
    const lease = await scene.lease(planId);
    const failed = codes.map(
      (code, index) =>
        ({ nodeId: `node-00${index + 1}`, status: 'failed', error: { code, message: 'm' } }) as const,
    );
    const error = { code: 'EMBEDDER_FAILED', message: 'Not for good.' } as const;
    const later = nodeIds(3, 4).map((nodeId) => ({ nodeId, status: 'pending', error }) as const);
    await scene.work(lease, [...failed, ...later]);
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.status, plan.reason?.code, plan.isComplete], ['failed', 'VECTOR_INVALID', true]);
    assert.ok(plan.reason?.message.startsWith('3 of 6 nodes failed'));
  },

  'takes in nodes that appeared, and ends after a whole sweep without any': async (scene) => {
    const { store } = scene;
    const sweep = await swept(scene, nodeIds(2));
    const { planId } = sweep.plan;
    const found = [{ nodeId: 'new-2', source: scene.other.info }, { nodeId: 'new-1' }, { nodeId: 'new-1' }];
    assert.deepEqual(await store.sweep(sweep, found), { added: 2, requeued: 0, failed: 0 });
    assert.deepEqual(await store.sweep(sweep, found), { added: 0, requeued: 0, failed: 0 });
    assert.equal((await scene.read(planId)).totalNodes, 4);
    assert.equal((await store.endSweep(sweep, true)).status, 'in_progress');
    const lease = await scene.lease(planId);
    assert.deepEqual(nodesOf(lease), ['new-1', 'new-2']);
    await scene.work(lease);
    const next = await scene.lease(planId, 'sweep');
    assert.equal((await store.endSweep(next, true)).status, 'in_progress', 'something was still found');
    assert.equal((await store.endSweep(await scene.lease(planId, 'sweep'), false)).status, 'completed');
    const { items } = await store.tasks({ planId, nodeId: 'new-2' });
    assert.deepEqual(items[0]?.source, scene.other.info);
  },

  'claims nothing beside a sweep': async (scene) => {
    const { store } = scene;
    const sweep = await swept(scene, nodeIds(2));
    const { planId } = sweep.plan;
    await store.sweep(sweep, heads(['new-1', 'node-002']));
    const claim = await scene.claim(planId, 'worker-2');
    assert.deepEqual([claim.kind, claim.kind === 'wait' && claim.because], ['wait', 'lanes']);
    await store.endSweep(sweep, true);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['new-1', 'node-002']);
  },

  're-queues nodes that left the target, three times, and then gives them up': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(3), { wholeStore: true });
    await scene.work(await scene.lease(planId), [
      { nodeId: 'node-001', status: 'completed' },
      { nodeId: 'node-002', status: 'skipped' },
    ]);
    const found = heads(['node-001', 'node-002', 'node-002']);
    for (let round = 0; round < 3; round++) {
      const sweep = await scene.lease(planId, 'sweep');
      assert.deepEqual(await store.sweep(sweep, found), { added: 0, requeued: 2, failed: 0 });
      assert.deepEqual(await store.sweep(sweep, found), { added: 0, requeued: 0, failed: 0 });
      await store.endSweep(sweep, true);
      const lease = await scene.lease(planId);
      assert.deepEqual(nodesOf(lease), ['node-001', 'node-002']);
      if (round === 0) await scene.work(lease, [{ nodeId: 'node-001', status: 'completed' }]);
      else await scene.work(lease);
    }
    const sweep = await scene.lease(planId, 'sweep');
    assert.deepEqual(await store.sweep(sweep, found), { added: 0, requeued: 0, failed: 2 });
    assert.equal((await store.endSweep(sweep, true)).status, 'in_progress');
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.status, plan.reason?.code, plan.failedNodes], ['failed', 'KEEPS_REVERTING', 2]);
    assert.equal(await store.retryFailed(planId), 2);
    assert.equal((await scene.finish(planId)).status, 'completed');
  },

  'leaves failed, rolled-back and pending tasks as they are': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(3), { wholeStore: true });
    await scene.workExcept(await scene.lease(planId), ['node-001']);
    await store.settleNode(await scene.nodeLease(planId, 'node-001'), {
      nodeId: 'node-001',
      outcome: 'failed',
    });
    const sweep = await scene.lease(planId, 'sweep');
    await store.sweep(sweep, heads(['node-002']));
    await store.endSweep(sweep, true);
    const lease = await scene.lease(planId);
    await scene.work(lease);
    const rescue = await scene.nodeLease(planId, 'node-002');
    await store.settleNode(rescue, { nodeId: 'node-002', outcome: 'restored' });
    const again = await scene.lease(planId, 'sweep');
    assert.deepEqual(await store.sweep(again, heads(['node-001', 'node-002', 'node-003'])), {
      added: 0,
      requeued: 1,
      failed: 0,
    });
    assert.deepEqual(await store.sweep(again, heads(['node-003'])), { added: 0, requeued: 0, failed: 0 });
    assert.deepEqual(Object.values(await scene.statuses(planId)), ['failed', 'rolled_back', 'pending']);
  },

  'takes nothing new into a plan from a list': async (scene) => {
    const sweep = await swept(scene, nodeIds(2), { wholeStore: false });
    const found = heads(['stranger', 'node-001']);
    assert.deepEqual(await scene.store.sweep(sweep, found), { added: 0, requeued: 1, failed: 0 });
    assert.equal((await scene.read(sweep.plan.planId)).totalNodes, 2);
  },

  'takes no node that another unfinished plan holds': async (scene) => {
    const { store } = scene;
    const sweep = await swept(scene, nodeIds(2), { where: { kind: 'a' } });
    const other = await scene.plan(['theirs', 'done'], { wholeStore: true, where: { kind: 'b' } });
    const found = heads(['theirs', 'ours', 'done']);
    assert.deepEqual(await store.sweep(sweep, found), { added: 1, requeued: 0, failed: 0 });
    await store.movePlan(other.planId, 'cancelled');
    assert.deepEqual(await store.sweep(sweep, found), { added: 2, requeued: 0, failed: 0 });
  },

  'takes in no node that a plan under creation holds': async (scene) => {
    const { store } = scene;
    const sweep = await swept(scene, nodeIds(2), { where: { kind: 'a' } });
    const creation = await store.createPlan(scene.draft());
    await scene.addNodes(creation, ['theirs']);
    assert.deepEqual(await store.sweep(sweep, heads(['theirs'])), { added: 0, requeued: 0, failed: 0 });
    await store.sealPlan(creation);
  },

  'does not end a plan that was paused or cancelled meanwhile': async (scene) => {
    const { store } = scene;
    const sweep = await swept(scene, nodeIds(2));
    const { planId } = sweep.plan;
    await store.movePlan(planId, 'paused');
    assert.equal((await store.endSweep(sweep, false)).status, 'paused');
    await store.movePlan(planId, 'in_progress');
    const again = await scene.lease(planId, 'sweep');
    await store.movePlan(planId, 'cancelled');
    assert.equal((await store.endSweep(again, false)).status, 'cancelled');
  },

  'does not end a plan whose target was activated during the sweep': async (scene) => {
    const { store } = scene;
    const sweep = await swept(scene, nodeIds(2));
    await store.cutOver(sweep.plan.planId, false);
    assert.equal((await store.endSweep(sweep, false)).status, 'in_progress');
    const again = await scene.lease(sweep.plan.planId, 'sweep');
    assert.equal((await store.endSweep(again, false)).status, 'completed');
  },

  'does not end a plan while a retry is pending': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.workExcept(await scene.lease(planId), ['node-002']);
    const sweep = await scene.lease(planId, 'sweep');
    assert.equal(await store.retryFailed(planId), 1);
    assert.equal((await store.endSweep(sweep, false)).status, 'in_progress');
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-002']);
  },

  'retries dead letters: all, or those that are named': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    await scene.workExcept(await scene.lease(planId), nodeIds(3));
    assert.equal((await scene.finish(planId)).status, 'failed');
    assert.equal(await store.retryFailed(planId, ['node-004', 'nobody']), 0);
    assert.equal((await scene.read(planId)).status, 'failed');
    assert.equal(await store.retryFailed(planId, ['node-002', 'node-002']), 1);
    const plan = await scene.read(planId);
    assert.deepEqual([plan.status, plan.reason, plan.completedAt], ['in_progress', undefined, undefined]);
    const { items } = await store.tasks({ planId, nodeId: 'node-002' });
    assert.deepEqual(
      [items[0]?.status, items[0]?.errorCode, items[0]?.retryCount],
      ['pending', undefined, 0],
    );
    assert.equal(await store.retryFailed(planId), 2);
    assert.equal(await store.retryFailed(planId), 0);
    assert.equal((await scene.finish(planId)).status, 'completed');
    await refused(store.retryFailed(planId), 'PLAN_STATE');
    await refused(store.retryFailed('no such plan'), 'PLAN_UNKNOWN');
  },

  'retries nothing of a finalized plan': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(1));
    await scene.workExcept(await scene.lease(planId), nodeIds(1));
    await scene.finish(planId);
    await store.markFinalized(planId);
    await refused(store.retryFailed(planId), 'PLAN_FINALIZED');
  },
};
