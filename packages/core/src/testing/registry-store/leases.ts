import assert from 'node:assert/strict';
import { LEASE_MS } from './audit.ts';
import { batchResult, nodeIds, nodesOf, type Scene, type SceneCase } from './scene.ts';

const beat = (scene: Scene, workerId: string) => scene.store.beat({ workerId, host: 'host', pid: 1 });

/** The lease is gone: whatever its worker still does changes nothing. */
async function assertLost(scene: Scene, lease: Awaited<ReturnType<Scene['lease']>>): Promise<void> {
  const { store } = scene;
  const before = await scene.statuses(lease.plan.planId);
  const nodeId = nodesOf(lease)[0] ?? '';
  assert.equal(await store.backUp(lease, [scene.backupOf(nodeId)]), false);
  assert.equal(await store.release(lease, [nodeId]), false);
  assert.equal(await store.settle(lease, batchResult()), false);
  assert.equal(await store.endLease(lease), false);
  assert.equal(await store.backup({ planId: lease.plan.planId, nodeId }), undefined);
  assert.deepEqual(await scene.statuses(lease.plan.planId), before);
}

/** Leases that are lost, taken back, given back in part or whole, and renewed. */
export const leaseCases: Readonly<Record<string, SceneCase>> = {
  'takes back what a silent worker held, and refuses what it still does': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const lost = await scene.lease(planId, 'batch', 'casualty');
    await clock.advance(LEASE_MS - 1);
    assert.equal((await scene.claim(planId)).kind, 'wait');
    await clock.advance(1);
    const next = await scene.lease(planId);
    assert.deepEqual(nodesOf(next), nodeIds(2), 'half of what was lost');
    await assertLost(scene, lost);
    await scene.work(next);
    assert.equal((await scene.finish(planId)).completedNodes, 4);
  },

  'leaves a lease alone until another worker takes it, however late': async (scene) => {
    const { planId } = await scene.plan(nodeIds(4));
    const lease = await scene.lease(planId);
    await scene.clock.advance(10 * LEASE_MS);
    await scene.work(lease);
    assert.equal((await scene.read(planId)).completedNodes, 4);
  },

  'renews the leases of one worker': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(40), { maxParallelWorkers: 9 });
    const own = [await scene.lease(planId, 'batch', 'a'), await scene.lease(planId, 'batch', 'a')];
    const other = await scene.lease(planId, 'batch', 'b');
    await clock.advance(LEASE_MS - 1);
    const held = await store.renew({ workerId: 'a', leaseMs: LEASE_MS });
    assert.deepEqual([...held].sort(), own.map((lease) => lease.leaseId).sort());
    await clock.advance(LEASE_MS - 1);
    await scene.lease(planId, 'batch', 'c');
    assert.deepEqual(await store.renew({ workerId: 'b', leaseMs: LEASE_MS }), []);
    await assertLost(scene, other);
    for (const lease of own) await scene.work(lease);
  },

  'takes a lease whose deadline lies too far ahead, and counts no loss': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const lost = await scene.lease(planId, 'batch', 'casualty');
    clock.set(clock.now() - LEASE_MS);
    assert.equal((await scene.claim(planId)).kind, 'wait', 'up to two lease lengths may be honest');
    clock.set(clock.now() - 3_600_000);
    assert.deepEqual(nodesOf(await scene.lease(planId)), nodeIds(4));
    await assertLost(scene, lost);
  },

  'takes the leases of workers known to be dead at once': async (scene) => {
    const { planId } = await scene.plan(nodeIds(8), { maxParallelWorkers: 4 });
    const dead = await scene.lease(planId, 'batch', 'dead');
    const alive = await scene.lease(planId, 'batch', 'alive');
    const claim = await scene.claim(planId, 'worker-1', ['dead', 'unknown']);
    assert.ok(claim.kind === 'lease');
    assert.deepEqual(nodesOf(claim.lease), nodeIds(2));
    await assertLost(scene, dead);
    await scene.work(alive);
  },

  'lets everybody wake up where the machine slept': async (scene) => {
    const { clock, store } = scene;
    const { planId } = await scene.plan(nodeIds(8));
    for (const workerId of ['early', 'late']) await beat(scene, workerId);
    const early = await scene.lease(planId, 'batch', 'early');
    const late = await scene.lease(planId, 'batch', 'late');
    await clock.advance(3_600_000);
    assert.deepEqual(await store.renew({ workerId: 'early', leaseMs: LEASE_MS }), [early.leaseId]);
    await beat(scene, 'early');
    assert.equal((await scene.claim(planId, 'early')).kind, 'wait', 'the other one has just woken as well');
    await clock.advance(LEASE_MS / 2);
    assert.deepEqual(await store.renew({ workerId: 'late', leaseMs: LEASE_MS }), [late.leaseId]);
    for (const lease of [early, late]) await scene.work(lease);
    assert.equal((await scene.finish(planId)).completedNodes, 8);
  },

  'counts no loss when the claiming worker itself has slept': async (scene) => {
    const { clock } = scene;
    await beat(scene, 'sleeper');
    const { planId } = await scene.plan(nodeIds(4));
    await scene.lease(planId, 'batch', 'other');
    await clock.advance(3_600_000);
    assert.deepEqual(nodesOf(await scene.lease(planId, 'batch', 'sleeper')), nodeIds(4));
  },

  'counts a loss when the claiming worker was awake': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    await scene.lease(planId, 'batch', 'other');
    await clock.advance(LEASE_MS);
    await beat(scene, 'awake');
    assert.deepEqual(nodesOf(await scene.lease(planId, 'batch', 'awake')), nodeIds(2));
  },

  'makes a dead letter of the node that three workers died with alone': async (scene) => {
    const { clock, store } = scene;
    const { planId } = await scene.plan(nodeIds(2), { batchSize: 2, maxRetries: 0 });
    await scene.lease(planId, 'batch', 'victim-0');
    for (const victim of ['victim-1', 'victim-2', 'victim-3']) {
      await clock.advance(LEASE_MS);
      assert.deepEqual(nodesOf(await scene.lease(planId, 'batch', victim)), ['node-001']);
      const other = await scene.lease(planId, 'batch', 'survivor').catch(() => undefined);
      if (other) await scene.work(other);
    }
    await clock.advance(LEASE_MS);
    assert.equal((await scene.finish(planId)).status, 'failed');
    const { items } = await store.tasks({ planId });
    assert.deepEqual(
      items.map((task) => [task.status, task.errorCode, task.retryCount]),
      [
        ['failed', 'WORKER_DIED', 0],
        ['completed', undefined, 0],
      ],
    );
    assert.ok((await scene.actions(planId)).includes('task:failed'));
    assert.equal(await store.retryFailed(planId), 1);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-001'], 'a retry starts afresh');
    await clock.advance(LEASE_MS);
    assert.deepEqual(nodesOf(await scene.lease(planId, 'batch', 'w')), ['node-001']);
  },

  'calls a node alone that was left alone in its batch': async (scene) => {
    const { clock, store } = scene;
    const { planId } = await scene.plan(nodeIds(2), { batchSize: 2 });
    await store.release(await scene.lease(planId, 'batch', 'victim-1'), ['node-002']);
    await scene.work(await scene.lease(planId));
    for (const victim of ['victim-2', 'victim-3']) {
      await clock.advance(LEASE_MS);
      assert.deepEqual(nodesOf(await scene.lease(planId, 'batch', victim)), ['node-001']);
    }
    await clock.advance(LEASE_MS);
    assert.equal((await scene.finish(planId)).failedNodes, 1);
  },

  'blames no node for losses it shared': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(3), { batchSize: 64 });
    for (let crash = 0; crash < 5; crash++) {
      await scene.lease(planId, 'batch', `victim-${crash}`);
      await clock.advance(LEASE_MS);
    }
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.status, plan.completedNodes], ['completed', 3]);
  },

  'gives tasks of a batch back, unharmed, while the rest is in hand': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(4), { maxParallelWorkers: 4 });
    const lease = await scene.lease(planId);
    assert.equal(await store.release(lease, ['node-002', 'node-003']), true);
    const other = await scene.lease(planId);
    assert.deepEqual(nodesOf(other), ['node-002', 'node-003']);
    assert.equal(await store.release(other, ['node-003']), true);
    await scene.work(lease);
    assert.deepEqual(Object.values(await scene.statuses(planId)), [
      'completed',
      'in_progress',
      'pending',
      'completed',
    ]);
    const last = await scene.lease(planId);
    assert.deepEqual(last.tasks, [{ nodeId: 'node-003', attempts: 0, conflicts: 0 }]);
    await scene.work(other);
    await scene.work(last);
    assert.equal((await scene.finish(planId)).completedNodes, 4);
  },

  'gives back nothing that the lease does not hold': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(12), { maxParallelWorkers: 4 });
    const first = await scene.lease(planId);
    await store.release(first, ['node-001', 'node-002']);
    const retry = await scene.lease(planId);
    const second = await scene.lease(planId);
    // All of these are in other hands, or in none.
    await store.release(first, ['node-001', ...nodesOf(second), 'node-012', 'nobody']);
    await store.release(retry, ['node-003', 'node-005']);
    const error = { code: 'CONTENT_MISSING', message: '' } as const;
    const strays = ['node-001', 'node-005', 'node-012'] as const;
    for (const nodeId of ['node-003', 'node-004']) await store.backUp(first, [scene.backupOf(nodeId)]);
    await store.settle(first, batchResult(strays.map((nodeId) => ({ nodeId, status: 'failed', error }))));
    const after = await scene.statuses(planId);
    assert.deepEqual(
      [after['node-001'], after['node-003'], after['node-005'], after['node-012']],
      ['in_progress', 'completed', 'in_progress', 'pending'],
    );
    await scene.work(second);
    await scene.work(retry);
  },

  'gives a whole lease back, unharmed and first in line': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(8));
    const lease = await scene.lease(planId);
    await store.release(lease, ['node-002']);
    const partial = await scene.lease(planId);
    assert.equal(await store.endLease(lease), true);
    assert.equal(await store.endLease(lease), false);
    assert.deepEqual(nodesOf(partial), ['node-002']);
    assert.equal((await scene.statuses(planId))['node-002'], 'in_progress', 'it is in another lease');
    const again = await scene.lease(planId);
    assert.deepEqual(nodesOf(again), ['node-001', 'node-003', 'node-004']);
    await scene.work(partial);
    await scene.work(again);
    const sweeping = await scene.finish(planId);
    assert.equal(sweeping.completedNodes, 8);
  },

  'gives sweeps and rollbacks back': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.work(await scene.lease(planId));
    const sweep = await scene.lease(planId, 'sweep');
    assert.equal(await store.endLease(sweep), true);
    await scene.lease(planId, 'sweep');
    await store.beginRollback(planId);
    const rollback = await scene.lease(planId, 'rollback');
    assert.equal(await store.endLease(rollback), true);
    await scene.rollBackRest(await scene.lease(planId, 'rollback'));
  },

  'takes back sweeps and rollbacks of silent workers': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.work(await scene.lease(planId));
    const sweep = await scene.lease(planId, 'sweep', 'casualty');
    assert.equal((await scene.claim(planId)).kind, 'wait');
    await clock.advance(LEASE_MS);
    await scene.lease(planId, 'sweep');
    assert.equal(await store.sweep(sweep, [{ nodeId: 'x' }]), undefined);
    assert.equal((await store.endSweep(sweep, false)).status, 'in_progress');
    await store.beginRollback(planId);
    const rollback = await scene.lease(planId, 'rollback', 'casualty');
    assert.equal((await scene.claim(planId)).kind, 'wait');
    await clock.advance(LEASE_MS);
    const next = await scene.lease(planId, 'rollback');
    assert.equal(await store.settleRollback(rollback, 9, []), false);
    assert.equal(await store.endRollback(rollback, { count: 1, sample: ['x'] }), false);
    await scene.rollBackRest(next);
  },
};
