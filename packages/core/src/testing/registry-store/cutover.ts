import assert from 'node:assert/strict';
import { nodeIds, nodesOf, refused, type SceneCase } from './scene.ts';

/** Cutover by hand: readers move to the target at any time after sealing. */
export const cutoverCases: Readonly<Record<string, SceneCase>> = {
  'activates the target of a running plan, which then looks once more': async (scene) => {
    const { store, old, target } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const mark = await store.journal({ planId });
    const { plan, followUp } = await store.cutOver(planId, false);
    assert.equal(followUp, undefined);
    assert.deepEqual(plan.previousActive, { modelId: old.modelId, version: old.version });
    assert.equal(plan.cutOverAt, new Date(scene.clock.now()).toISOString());
    assert.equal((await scene.activeModel())?.version, target.version);
    assert.ok((await scene.actions(planId)).includes('plan:cutover'));
    assert.ok(mark.items.length > 0);
    const known = await scene.actions(planId);
    assert.deepEqual((await store.cutOver(planId, false)).plan, plan, 'again is a no-op');
    assert.deepEqual(await scene.actions(planId), known);
    assert.equal((await scene.finish(planId)).status, 'completed');
    assert.equal((await store.cutOver(planId, false)).followUp, undefined);
  },

  'follows an ended plan from a list up with one over what it wrote': async (scene) => {
    const { store, target } = scene;
    const { planId } = await scene.plan(nodeIds(4), { priority: 1, batchSize: 3 });
    const lease = await scene.lease(planId);
    await scene.work(lease, [{ nodeId: 'node-002', status: 'skipped' }]);
    await scene.finish(planId);
    const { plan, followUp } = await store.cutOver(planId, false);
    assert.equal(plan.status, 'completed');
    assert.ok(followUp !== undefined);
    assert.deepEqual(
      [followUp.status, followUp.totalNodes, followUp.priority, followUp.batchSize, followUp.wholeStore],
      ['pending', 3, 1, 3, false],
    );
    assert.deepEqual([followUp.sourceSpec, followUp.targetSpec], [plan.sourceSpec, target]);
    assert.deepEqual(nodesOf(await scene.lease(followUp.planId)), ['node-001', 'node-003', 'node-004']);
    await refused(store.beginRollback(planId), 'PLAN_OVERLAP');
    await scene.rollBack(followUp.planId);
    await scene.rollBack(planId);
    assert.equal((await scene.activeModel())?.version, scene.old.version);
  },

  'follows an ended plan over the store up with another look': async (scene) => {
    const { store } = scene;
    for (const where of [undefined, { kind: 'a' }]) {
      const filter = where === undefined ? {} : { where };
      const { planId } = await scene.plan(nodeIds(2), { wholeStore: true, ...filter });
      await scene.finish(planId);
      const { followUp } = await store.cutOver(planId, false);
      assert.ok(followUp !== undefined);
      assert.deepEqual([followUp.wholeStore, followUp.where, followUp.totalNodes], [true, where, 0]);
      const sweep = await scene.lease(followUp.planId, 'sweep');
      assert.equal((await store.sweep(sweep, [{ nodeId: 'late' }]))?.added, 1);
      await store.endSweep(sweep, true);
      assert.equal((await scene.finish(followUp.planId)).status, 'completed');
      await store.activate(scene.old);
    }
  },

  'leaves failed nodes behind only where that was said': async (scene) => {
    const { store, old } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.workExcept(await scene.lease(planId), nodeIds(1));
    await scene.finish(planId);
    const error = await refused(store.cutOver(planId, false), 'PLAN_STATE');
    assert.ok(error.message.includes('1'), error.message);
    assert.equal((await scene.activeModel())?.version, old.version);
    const { followUp } = await store.cutOver(planId, true);
    assert.equal(followUp?.totalNodes, 1);
  },

  'makes no follow-up over nodes that another unfinished plan holds': async (scene) => {
    const { store, old } = scene;
    const { planId } = await scene.plan(nodeIds(3));
    await scene.finish(planId);
    const other = await scene.plan(['node-002'], { target: scene.other });
    const error = await refused(store.cutOver(planId, false), 'PLAN_OVERLAP');
    assert.equal(error.details.planId, other.planId);
    assert.equal((await scene.activeModel())?.version, old.version);
    await store.movePlan(other.planId, 'cancelled');
    assert.notEqual((await store.cutOver(planId, false)).followUp, undefined);
  },

  'remembers what was active before the last activation': async (scene) => {
    const { store, old, other } = scene;
    const { planId } = await scene.plan(nodeIds(2), { activate: true });
    await store.activate(other);
    const { plan } = await store.cutOver(planId, false);
    assert.deepEqual(plan.previousActive, { modelId: other.modelId, version: other.version });
    await store.beginRollback(planId);
    assert.equal((await scene.activeModel())?.modelId, other.modelId);
    assert.notEqual((await scene.activeModel())?.modelId, old.modelId);
  },

  'keeps what was active before when the target was active already': async (scene) => {
    const { store, target } = scene;
    await store.activate(target);
    const { planId } = await scene.plan(nodeIds(2), { activate: true });
    const { plan } = await store.cutOver(planId, false);
    assert.equal(plan.previousActive, undefined);
    await store.beginRollback(planId);
    assert.equal((await scene.activeModel())?.version, target.version);
  },

  'refuses a plan that does not exist': async ({ store }) => {
    await refused(store.cutOver('no such plan', true), 'PLAN_UNKNOWN');
  },
};
