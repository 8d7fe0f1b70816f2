import assert from 'node:assert/strict';
import type { Lease } from '../../ports/registry-store.ts';
import { nodeIds, refused, type Scene, type SceneCase } from './scene.ts';

const beside = { strategy: 'shadow', wholeStore: true, strategyReason: 'It was asked for.' } as const;

async function ended(scene: Scene, changes = {}): Promise<string> {
  const { planId } = await scene.plan(nodeIds(3), { ...beside, ...changes });
  assert.equal((await scene.finish(planId)).status, 'completed');
  return planId;
}

/** Plans side by side, and writes that take several steps. */
export const sideCases: Readonly<Record<string, SceneCase>> = {
  'keeps the strategy of a plan, and why': async (scene) => {
    const plan = await scene.plan(nodeIds(1), beside);
    assert.deepEqual([plan.strategy, plan.strategyReason], ['shadow', 'It was asked for.']);
    await scene.finish(plan.planId);
    const { planId } = await scene.plan(nodeIds(1, 9));
    assert.equal((await scene.read(planId)).strategyReason, undefined);
  },

  'lets a plan side by side that has ended look once more, and no other': async (scene) => {
    const { store } = scene;
    const planId = await ended(scene);
    assert.equal((await store.movePlan(planId, 'in_progress')).from, 'completed');
    for (let round = 0; round < 6; round++) {
      const sweep = await scene.lease(planId, 'sweep');
      // Writers of the old side go on by right: nothing of that is a dead letter.
      const found = await store.sweep(sweep, [{ nodeId: 'node-001' }]);
      assert.deepEqual(found, { added: 0, requeued: 1, failed: 0 });
      await store.endSweep(sweep, true);
      await scene.work(await scene.lease(planId));
    }
    assert.equal((await scene.finish(planId)).status, 'completed');
    const { planId: other } = await scene.plan(nodeIds(2, 20));
    await scene.finish(other);
    await refused(store.movePlan(other, 'in_progress'), 'PLAN_STATE');
    await store.cutOver(planId, false);
    await scene.finish(planId);
    await store.markFinalized(planId);
    await refused(store.movePlan(planId, 'in_progress'), 'PLAN_STATE');
    await refused(scene.store.cutOver(await finalizedBefore(scene), false), 'PLAN_FINALIZED');
  },

  'tells of a node put back to work whether the new side had it, also where it failed meanwhile': async (
    scene,
  ) => {
    const { store } = scene;
    const planId = await ended(scene);
    await store.movePlan(planId, 'in_progress');
    const wasThere = (lease: Lease) => lease.tasks.map((task) => [task.nodeId, task.wasThere]);
    const sweep = await scene.lease(planId, 'sweep');
    await store.sweep(sweep, [{ nodeId: 'node-001', isThere: true }, { nodeId: 'node-002' }]);
    await store.endSweep(sweep, true);
    const lease = await scene.lease(planId);
    assert.deepEqual(wasThere(lease), [
      ['node-001', true],
      ['node-002', undefined],
    ]);
    await scene.workExcept(lease, ['node-001']);
    const second = await scene.lease(planId, 'sweep');
    await store.sweep(second, [{ nodeId: 'node-001' }, { nodeId: 'node-002', isThere: true }]);
    await store.endSweep(second, true);
    await scene.work(await scene.lease(planId));
    const third = await scene.lease(planId, 'sweep');
    await store.sweep(third, [{ nodeId: 'node-002' }]);
    await store.endSweep(third, true);
    assert.equal(await store.retryFailed(planId), 1);
    assert.deepEqual(wasThere(await scene.lease(planId)).toSorted(), [
      ['node-001', true],
      ['node-002', undefined],
    ]);
  },

  'goes on with a plan side by side at its cutover instead of a follow-up': async (scene) => {
    const { store, target, old } = scene;
    const planId = await ended(scene);
    const before = await scene.read(planId);
    assert.deepEqual((await store.cutOver(planId, false, { dryRun: true })).plan, before);
    assert.deepEqual(await scene.read(planId), before);
    const { plan, followUp } = await store.cutOver(planId, false);
    assert.equal(followUp, undefined);
    assert.equal(plan.status, 'in_progress');
    assert.equal((await scene.activeModel())?.version, target.version);
    assert.deepEqual(plan.previousActive, { modelId: old.modelId, version: old.version });
    await store.endSweep(await scene.lease(planId, 'sweep'), false);
    assert.equal((await scene.read(planId)).status, 'completed');
  },

  'keeps the target active until a rollback side by side has ended': async (scene) => {
    const { store, target, old } = scene;
    const planId = await ended(scene, { backupOldVectors: false });
    await store.cutOver(planId, false);
    await scene.finish(planId);
    const reason = { code: 'LATER_WRITES', message: 'They are lost.' } as const;
    assert.equal((await store.beginRollback(planId)).reason, undefined);
    assert.equal((await store.beginRollback(planId, { reason, dryRun: true })).reason, undefined);
    const plan = await store.beginRollback(planId, { reason });
    assert.deepEqual([plan.status, plan.reason], ['rolling_back', reason]);
    assert.equal((await scene.activeModel())?.version, target.version);
    await scene.rollBackRest(await scene.lease(planId, 'rollback'));
    assert.equal((await scene.activeModel())?.version, old.version);
    assert.deepEqual((await scene.read(planId)).reason, reason);
    assert.deepEqual(await store.rollbackReport(planId).then(({ wayBack }) => wayBack), undefined);
  },

  'keeps notes of nodes while a plan is rolled back, and forgets them after it': async (scene) => {
    const { store } = scene;
    const planId = await ended(scene);
    const note = (nodeId: string, said: string) => ({ nodeId, note: said });
    await store.keepNotes(planId, [note('node-001', 'too early')]);
    assert.deepEqual([...(await store.notes(planId, ['node-001']))], []);
    await store.beginRollback(planId);
    await store.keepNotes(planId, [
      note('node-001', 'first'),
      note('node-002', 'second'),
      note('x', 'third'),
    ]);
    await store.keepNotes(planId, [note('node-001', 'newer')]);
    const found = await store.notes(planId, ['node-001', 'node-002', 'node-001', 'absent']);
    const byId = [...found].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    assert.deepEqual(byId, [note('node-001', 'newer'), note('node-002', 'second')]);
    assert.equal(await store.dropNotes(planId, 10), true);
    assert.equal((await store.notes(planId, ['x'])).length, 1, 'dropped while they are needed');
    await scene.rollBackRest(await scene.lease(planId, 'rollback'));
    await store.keepNotes(planId, [note('late', 'nobody forgets it')]);
    assert.equal(await store.dropNotes(planId, 2), false);
    assert.equal(await store.dropNotes(planId, 2), true);
    assert.deepEqual([...(await store.notes(planId, ['node-001', 'node-002', 'x', 'late']))], []);
    await refused(store.notes('no such plan', []), 'PLAN_UNKNOWN');
  },

  'replaces no backup by half a write, and keeps neither vector nor stamp of one': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const lease = await scene.lease(planId);
    const original = scene.backupOf('node-001');
    assert.equal(await store.backUp(lease, [original]), true);
    const half = (nodeId: string) => ({
      ...scene.backupOf(nodeId),
      contentHash: 'of now',
      inTransit: true as const,
    });
    assert.equal(await store.backUp(lease, [half('node-001'), half('node-002')]), true);
    const { nodeId: _, ...kept } = original;
    assert.deepEqual(await store.backup({ planId, nodeId: 'node-001' }), kept);
    assert.deepEqual(await store.backup({ planId, nodeId: 'node-002' }), { contentHash: 'of now' });
  },
};

async function finalizedBefore(scene: Scene): Promise<string> {
  const { planId } = await scene.plan(nodeIds(2, 40), { ...beside, target: scene.other });
  await scene.finish(planId);
  await scene.store.markFinalized(planId);
  return planId;
}
