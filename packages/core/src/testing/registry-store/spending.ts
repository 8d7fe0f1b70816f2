import assert from 'node:assert/strict';
import { nodeIds, refused, type Scene, type SceneCase } from './scene.ts';

const capOf = (tokens: number) => ({ spendCap: { tokens }, batchSize: 1 });
const spentOf = async (scene: Scene, planId: string) => (await scene.read(planId)).spentTokens;

/** The spend cap: what may be sent is counted before it is, and only what is known to be unbilled is given back. */
export const spendingCases: Readonly<Record<string, SceneCase>> = {
  'counts as many texts as the cap allows, from the first one on': async (scene) => {
    const { planId } = await scene.plan(nodeIds(2), capOf(100));
    assert.equal(await spentOf(scene, planId), 0);
    const lease = await scene.lease(planId);
    assert.deepEqual(await scene.store.reserveTokens(lease, [40, 30, 31, 1]), {
      granted: 2,
      spending: { cap: { tokens: 100 }, spentTokens: 0 },
    });
    assert.equal(await spentOf(scene, planId), 70);
    assert.equal((await scene.store.reserveTokens(lease, [31]))?.granted, 0);
    assert.equal(await spentOf(scene, planId), 70);
    assert.equal((await scene.store.reserveTokens(lease, [30]))?.granted, 1, 'to the last token');
    assert.equal((await scene.store.reserveTokens(lease, [0, 0]))?.granted, 2, 'what costs nothing may pass');
    assert.equal((await scene.store.reserveTokens(lease, [0, 1, 0]))?.granted, 1);
    assert.equal(await spentOf(scene, planId), 100);
  },

  'holds over all workers and lanes': async (scene) => {
    const { planId } = await scene.plan(nodeIds(4), capOf(100));
    const first = await scene.lease(planId);
    const second = await scene.lease(planId, 'batch', 'worker-2');
    assert.equal((await scene.store.reserveTokens(first, [60]))?.granted, 1);
    assert.equal((await scene.second.reserveTokens(second, [60]))?.granted, 0);
    assert.equal((await scene.second.reserveTokens(second, [40]))?.granted, 1);
    assert.equal(await spentOf(scene, planId), 100);
  },

  'puts right what a call cost, more or less, whatever cap and lease': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2), capOf(100));
    const lease = await scene.lease(planId);
    await store.reserveTokens(lease, [50, 30]);
    await store.settleTokens(lease, { reserved: 80, billed: 50 });
    assert.equal(await spentOf(scene, planId), 50);
    await store.reserveTokens(lease, [50]);
    await store.endLease(lease);
    await store.settleTokens(lease, { reserved: 50, billed: 90 });
    assert.equal(await spentOf(scene, planId), 140);
    const again = await scene.lease(planId);
    assert.equal((await store.reserveTokens(again, [1]))?.granted, 0);
  },

  'keeps counted what was lost with its worker': async (scene) => {
    const { planId } = await scene.plan(nodeIds(2), capOf(100));
    const lease = await scene.lease(planId);
    await scene.store.reserveTokens(lease, [80]);
    await scene.store.endLease(lease);
    assert.equal(await spentOf(scene, planId), 80);
    assert.equal(
      await scene.store.reserveTokens(lease, [1]),
      undefined,
      'nothing more for a batch that is gone',
    );
    const again = await scene.lease(planId);
    assert.equal((await scene.store.reserveTokens(again, [21]))?.granted, 0);
    assert.equal(await spentOf(scene, planId), 80);
  },

  'heeds a cap that is raised, lowered or taken away at once': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(1), capOf(10));
    const lease = await scene.lease(planId);
    assert.equal((await store.reserveTokens(lease, [8, 8]))?.granted, 1);
    assert.deepEqual((await store.tune(planId, { spendCap: { tokens: 16 } })).spendCap, { tokens: 16 });
    assert.equal((await store.reserveTokens(lease, [8]))?.granted, 1);
    await store.tune(planId, { spendCap: { tokens: 5 } });
    assert.equal((await store.reserveTokens(lease, [1]))?.granted, 0);
    const free = await store.tune(planId, { spendCap: null });
    assert.equal(free.spendCap, undefined);
    assert.equal(free.spentTokens, 16, 'what was spent is not forgotten');
    assert.deepEqual(await store.reserveTokens(lease, [1000]), { granted: 1 });
    assert.equal(
      (await store.tune(planId, { batchSize: 2 })).spendCap,
      undefined,
      'tuning else leaves it alone',
    );
  },

  'tells money in tokens by the price that is noted now': async (scene) => {
    const { store, target } = scene;
    await store.putNotes(target, { pricePerMillionTokens: 2 });
    const { planId } = await scene.plan(nodeIds(1), { spendCap: { dollars: 0.0002 } });
    const lease = await scene.lease(planId);
    assert.deepEqual(await store.reserveTokens(lease, [60, 40, 1]), {
      granted: 2,
      spending: { cap: { dollars: 0.0002 }, spentTokens: 0, price: 2 },
    });
    await store.putNotes(target, { pricePerMillionTokens: 1 });
    assert.equal((await store.reserveTokens(lease, [100, 1]))?.granted, 1);
    await store.putNotes(target, { pricePerMillionTokens: 0 });
    assert.equal((await store.reserveTokens(lease, [1_000_000]))?.granted, 1, 'what is free costs nothing');
  },

  'grants no paid text where a cap of money has lost its price': async (scene) => {
    const { planId } = await scene.plan(nodeIds(1), { spendCap: { dollars: 5 } });
    const lease = await scene.lease(planId);
    assert.deepEqual(await scene.store.reserveTokens(lease, [0, 1]), {
      granted: 1,
      spending: { cap: { dollars: 5 }, spentTokens: 0 },
    });
  },

  'keeps duty cycle and cap through creation, tuning and a follow-up': async (scene) => {
    const { store } = scene;
    const cap = { tokens: 50 };
    const plan = await scene.plan(nodeIds(2), { dutyCycle: 0.25, spendCap: cap });
    assert.deepEqual([plan.dutyCycle, plan.spendCap], [0.25, cap]);
    assert.equal((await store.tune(plan.planId, { dutyCycle: 0.5 })).dutyCycle, 0.5);
    const lease = await scene.lease(plan.planId);
    assert.equal(lease.plan.dutyCycle, 0.5);
    await store.reserveTokens(lease, [20]);
    await scene.work(lease);
    await scene.finish(plan.planId);
    const { followUp } = await store.cutOver(plan.planId, false);
    assert.deepEqual([followUp?.dutyCycle, followUp?.spendCap, followUp?.spentTokens], [0.5, cap, 20]);
    await refused(store.tune(plan.planId, { spendCap: { tokens: 60 } }), 'PLAN_STATE');
  },

  'says nothing of spending where there never was a cap': async (scene) => {
    const { planId } = await scene.plan(nodeIds(1));
    const plan = await scene.read(planId);
    assert.deepEqual([plan.dutyCycle, 'spendCap' in plan, 'spentTokens' in plan], [1, false, false]);
  },
};
