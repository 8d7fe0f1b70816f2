import assert from 'node:assert/strict';
import type { RegistryErrorCode } from '../../errors.ts';
import { LEASE_MS } from './audit.ts';
import { batchResult, nodeIds, nodesOf, refused, type Scene, type SceneCase } from './scene.ts';

/** Whoever asks is told what whoever takes it is told. */
async function refusedNode(
  scene: Scene,
  planId: string,
  nodeId: string,
  code: RegistryErrorCode,
): Promise<void> {
  await refused(scene.store.checkNode({ planId, nodeId }), code);
  await refused(scene.takeNode(planId, nodeId), code);
}

/** Rollback of one node, under a lease of its own. */
export const nodeCases: Readonly<Record<string, SceneCase>> = {
  'puts one node of a running plan back, and keeps it there': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(6), { wholeStore: true });
    await scene.work(await scene.lease(planId));
    await store.checkNode({ planId, nodeId: 'node-002' });
    const lease = await scene.nodeLease(planId, 'node-002');
    assert.deepEqual([lease.kind, nodesOf(lease), lease.plan.planId], ['node', ['node-002'], planId]);
    assert.equal(await store.settleNode(lease, { nodeId: 'node-002', outcome: 'restored' }), true);
    assert.equal(await store.settleNode(lease, { nodeId: 'node-002', outcome: 'restored' }), false);
    const seen: string[] = [];
    const plan = await scene.finish(planId, seen);
    assert.deepEqual(seen, ['node-005', 'node-006']);
    assert.deepEqual([plan.status, plan.completedNodes, plan.rolledBackNodes], ['completed', 5, 1]);
    assert.ok((await scene.actions(planId)).includes('node:rolled_back'));
    const again = await scene.nodeLease(planId, 'node-002');
    await store.settleNode(again, { nodeId: 'node-002', outcome: 'restored' });
    assert.equal((await scene.read(planId)).rolledBackNodes, 1, 'a second run counts nothing');
  },

  'refuses a node that has nothing to go back to': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const found = [{ nodeId: 'node-001', status: 'completed' } as const];
    await scene.work(await scene.lease(planId), found);
    await refusedNode(scene, 'no such plan', 'node-001', 'PLAN_UNKNOWN');
    await refusedNode(scene, planId, 'nobody', 'NODE_UNKNOWN');
    await refusedNode(scene, planId, 'node-001', 'BACKUP_MISSING');
    const bare = await scene.plan(['x'], { backupOldVectors: false });
    await refusedNode(scene, bare.planId, 'x', 'BACKUP_MISSING');
    await store.beginRollback(planId);
    await refusedNode(scene, planId, 'node-002', 'PLAN_STATE');
  },

  'refuses a node that another unfinished plan holds, written or not': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(8));
    await scene.work(await scene.lease(planId));
    await store.movePlan(planId, 'cancelled');
    const other = await scene.plan(['node-001', 'node-008']);
    await scene.lease(other.planId);
    for (const nodeId of ['node-001', 'node-008']) await refusedNode(scene, planId, nodeId, 'PLAN_OVERLAP');
    await refused(store.beginRollback(planId), 'PLAN_OVERLAP');
    await store.endLease(await scene.nodeLease(planId, 'node-002'));
  },

  'waits for the batch that has the node, and no other': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(8), { maxParallelWorkers: 4 });
    const batch = await scene.lease(planId);
    const until = clock.now() + LEASE_MS;
    await clock.advance(1000);
    const wait = { kind: 'wait', because: 'lanes', until };
    assert.deepEqual(await scene.takeNode(planId, 'node-003'), wait);
    const outside = await scene.nodeLease(planId, 'node-007');
    assert.equal((await scene.takeNode(planId, 'node-007')).kind, 'wait', 'one rollback of a node at a time');
    await scene.store.endLease(outside);
    await scene.work(batch);
    await scene.nodeLease(planId, 'node-003');
  },

  'does not wait for a batch that has given the node back': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const batch = await scene.lease(planId);
    await store.release(batch, ['node-002']);
    for (const force of [false, true]) await store.endLease(await scene.nodeLease(planId, 'node-002', force));
    await scene.work(batch);
    assert.equal((await scene.read(planId)).completedNodes, 3);
  },

  'waits for a batch of returned tasks, and for a sweep': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await store.endLease(await scene.lease(planId));
    const batch = await scene.lease(planId);
    assert.equal((await scene.takeNode(planId, 'node-002')).kind, 'wait');
    await scene.work(batch);
    const sweep = await scene.lease(planId, 'sweep');
    assert.equal((await scene.takeNode(planId, 'node-002')).kind, 'wait');
    await store.endSweep(sweep, false);
    await scene.nodeLease(planId, 'node-002');
  },

  'ends the lease in its way by force, without a loss': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const batch = await scene.lease(planId);
    const node = await scene.nodeLease(planId, 'node-002', true);
    assert.equal(await store.settle(batch, batchResult()), false);
    const rest = await scene.lease(planId);
    assert.deepEqual(nodesOf(rest), ['node-001', 'node-003', 'node-004'], 'unharmed, and without the node');
    await store.settleNode(node, { nodeId: 'node-002', outcome: 'restored' });
    await scene.work(rest);
    const sweep = await scene.lease(planId, 'sweep');
    const again = await scene.nodeLease(planId, 'node-001', true);
    assert.equal(await store.sweep(sweep, [{ nodeId: 'node-001' }]), undefined);
    await store.settleNode(again, { nodeId: 'node-001', outcome: 'restored' });
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.status, plan.completedNodes, plan.rolledBackNodes], ['completed', 2, 2]);
  },

  'takes a node out of the hands of a silent worker': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const lost = await scene.lease(planId, 'batch', 'casualty');
    await clock.advance(LEASE_MS);
    await scene.nodeLease(planId, 'node-001');
    assert.equal(await scene.store.backUp(lost, [scene.backupOf('node-001')]), false);
  },

  'has no other worker claim the node meanwhile': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(6), { batchSize: 3, maxParallelWorkers: 9 });
    await store.endLease(await scene.lease(planId));
    const nodes = [await scene.nodeLease(planId, 'node-002'), await scene.nodeLease(planId, 'node-005')];
    const batches = [await scene.lease(planId), await scene.lease(planId)];
    assert.deepEqual(batches.map(nodesOf), [
      ['node-001', 'node-003'],
      ['node-004', 'node-006'],
    ]);
    for (const batch of batches) await scene.work(batch);
    assert.equal((await scene.claim(planId)).kind, 'wait', 'no sweep meanwhile');
    const [first, second] = nodes;
    await store.settleNode(first!, { nodeId: 'node-002', outcome: 'restored' });
    assert.equal(await store.endLease(second!), true);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-005'], 'given back, it is claimed again');
  },

  'has no retry claim the node meanwhile': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.workExcept(await scene.lease(planId), nodeIds(2));
    const node = await scene.nodeLease(planId, 'node-001');
    assert.equal(await store.retryFailed(planId), 1);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-002']);
    await store.settleNode(node, { nodeId: 'node-001', outcome: 'skipped' });
    assert.equal((await scene.statuses(planId))['node-001'], 'rolled_back');
  },

  'stays out of the ranges of batches around it': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(5), { batchSize: 4 });
    const node = await scene.nodeLease(planId, 'node-003');
    const batch = await scene.lease(planId);
    assert.deepEqual(nodesOf(batch), ['node-001', 'node-002', 'node-004', 'node-005']);
    await store.settleNode(node, { nodeId: 'node-003', outcome: 'restored' });
    await store.release(batch, ['node-003']);
    await store.endLease(batch);
    assert.equal((await scene.statuses(planId))['node-003'], 'rolled_back');
    await scene.work(await scene.lease(planId));
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.completedNodes, plan.rolledBackNodes], [4, 1]);
  },

  'counts no loss against a node whose rollback was interrupted': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    for (let crash = 0; crash < 4; crash++) {
      await scene.nodeLease(planId, 'node-001');
      await clock.advance(LEASE_MS);
    }
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-001']);
  },

  'leaves the task as it was where the node could not be put back': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(8), { maxParallelWorkers: 4 });
    await scene.work(await scene.lease(planId));
    const error = { code: 'ROLLBACK_CONFLICT', message: 'Edited since.' } as const;
    for (const [nodeId, outcome] of [
      ['node-001', 'conflict'],
      ['node-005', 'failed'],
    ] as const)
      await store.settleNode(await scene.nodeLease(planId, nodeId), { nodeId, outcome, error });
    const statuses = await scene.statuses(planId);
    assert.deepEqual([statuses['node-001'], statuses['node-005']], ['completed', 'pending']);
    const { items } = await store.tasks({ planId, nodeId: 'node-001' });
    assert.deepEqual([items[0]?.errorCode, items[0]?.errorMessage], [error.code, error.message]);
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.status, plan.completedNodes], ['completed', 8]);
  },

  'gives way to the rollback of the whole plan': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.work(await scene.lease(planId));
    const node = await scene.nodeLease(planId, 'node-001');
    await store.beginRollback(planId);
    assert.equal(await store.settleNode(node, { nodeId: 'node-001', outcome: 'restored' }), false);
    assert.equal((await scene.finish(planId)).rolledBackNodes, 2);
  },

  'counts a node that was rolled back alone once': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(3));
    await scene.work(await scene.lease(planId));
    const outcome = { nodeId: 'node-001', outcome: 'restored' } as const;
    await store.settleNode(await scene.nodeLease(planId, 'node-001'), outcome);
    const plan = await scene.rollBack(planId);
    assert.equal(plan.rolledBackNodes, 3);
    assert.equal((await store.rollbackReport(planId)).restored, 3);
  },
};
