import assert from 'node:assert/strict';
import type { Lease } from '../../ports/registry-store.ts';
import { nodeIds, nodesOf, type Scene, type SceneCase } from './scene.ts';

const overloaded = { code: 'EMBEDDER_FAILED', message: 'The server answered 503.' } as const;

/** Every task of the batch goes back, and the plan is held for `ms`. */
async function hold(scene: Scene, lease: Lease, ms: number): Promise<void> {
  const outcomes = nodesOf(lease).map((nodeId) => ({ nodeId, status: 'pending' }) as const);
  const until = scene.clock.now() + ms;
  await scene.store.settle(lease, { outcomes, embedderAnswered: false, hold: { ...overloaded, until } });
}

async function heldPlan(scene: Scene, ms: number) {
  const { planId } = await scene.plan(nodeIds(40), { maxParallelWorkers: 3 });
  await hold(scene, await scene.lease(planId), ms);
  return planId;
}

/** The hold: what concerns no node makes the whole plan wait, and one batch finds out whether it is over. */
export const holdCases: Readonly<Record<string, SceneCase>> = {
  'holds a plan until a time, for every worker': async (scene) => {
    const { clock, second } = scene;
    const began = clock.now();
    const planId = await heldPlan(scene, 5000.5);
    const until = began + 5001;
    const plan = await scene.read(planId);
    assert.deepEqual(plan.hold, { ...overloaded, until: new Date(until).toISOString() });
    assert.equal(plan.status, 'in_progress');
    const claim = await second.claim({ planId, workerId: 'another', leaseMs: 30_000 });
    assert.deepEqual(claim, { kind: 'wait', because: 'hold', until });
    assert.ok((await scene.actions(planId)).includes('plan:held'));
    const { items } = await scene.store.tasks({ planId, limit: 1 });
    assert.deepEqual([items[0]?.status, items[0]?.retryCount], ['pending', 0]);
  },

  'probes with one batch, and lets the others in once it succeeds': async (scene) => {
    const { clock } = scene;
    const began = clock.now();
    const planId = await heldPlan(scene, 5000);
    await clock.advance(5000);
    const probe = await scene.lease(planId);
    assert.equal(probe.heldSince, began);
    const second = await scene.claim(planId);
    assert.deepEqual([second.kind, second.kind === 'wait' && second.because], ['wait', 'lanes']);
    await scene.work(probe);
    assert.equal((await scene.read(planId)).hold, undefined);
    for (let lane = 0; lane < 3; lane++) assert.equal((await scene.lease(planId)).heldSince, undefined);
  },

  'waits longer when the probe fails': async (scene) => {
    const { clock } = scene;
    const began = clock.now();
    const planId = await heldPlan(scene, 1000);
    await clock.advance(1000);
    const probe = await scene.lease(planId);
    await clock.advance(500);
    await hold(scene, probe, 2000);
    const until = clock.now() + 2000;
    assert.deepEqual(await scene.claim(planId), { kind: 'wait', because: 'hold', until });
    await clock.advance(2000);
    assert.equal((await scene.lease(planId)).heldSince, began, 'held since the first failure');
    const held = (await scene.actions(planId)).filter((action) => action === 'plan:held');
    assert.equal(held.length, 1, 'one entry in the journal for one hold');
  },

  'keeps the hold when a batch succeeds that was claimed before it': async (scene) => {
    for (const ms of [0, 10]) {
      const ids = nodeIds(12, 100 * (ms + 1));
      const { planId } = await scene.plan(ids, { maxParallelWorkers: 3 });
      const early = await scene.lease(planId);
      const failing = await scene.lease(planId);
      await scene.clock.advance(ms);
      await hold(scene, failing, 1000);
      await scene.work(early);
      assert.notEqual((await scene.read(planId)).hold, undefined);
      assert.equal((await scene.claim(planId)).kind, 'wait');
      await scene.store.movePlan(planId, 'cancelled');
    }
  },

  'keeps the hold when the probe did not reach the embedder': async (scene) => {
    const planId = await heldPlan(scene, 1000);
    await scene.clock.advance(1000);
    const probe = await scene.lease(planId);
    const outcomes = nodesOf(probe).map((nodeId) => ({ nodeId, status: 'skipped' }) as const);
    await scene.store.settle(probe, { outcomes, embedderAnswered: false });
    assert.notEqual((await scene.lease(planId)).heldSince, undefined);
  },

  'never shortens a hold that another batch began': async (scene) => {
    const { planId } = await scene.plan(nodeIds(12), { maxParallelWorkers: 3 });
    const [a, b] = [await scene.lease(planId), await scene.lease(planId)];
    await hold(scene, a, 60_000);
    const until = scene.clock.now() + 60_000;
    await hold(scene, b, 1000);
    assert.deepEqual(await scene.claim(planId), { kind: 'wait', because: 'hold', until });
  },

  'pauses a plan that was held for an hour without a success': async (scene) => {
    const { clock, store } = scene;
    const planId = await heldPlan(scene, 1000);
    await clock.advance(3_599_000);
    await hold(scene, await scene.lease(planId), 1000);
    assert.equal((await scene.read(planId)).status, 'in_progress');
    await clock.advance(1000);
    await hold(scene, await scene.lease(planId), 1000);
    const plan = await scene.read(planId);
    assert.deepEqual([plan.status, plan.reason?.code, plan.hold], ['paused', overloaded.code, undefined]);
    assert.ok((plan.reason?.message ?? '').includes(overloaded.message));
    assert.deepEqual(await scene.claim(planId), { kind: 'rest' });
    await store.movePlan(planId, 'in_progress');
    assert.equal(
      (await scene.lease(planId)).heldSince,
      undefined,
      'resume confirms that the cause is mended',
    );
    assert.equal((await scene.finish(planId)).status, 'completed');
  },

  'shows no hold on a plan that rests': async (scene) => {
    for (const to of ['paused', 'cancelled'] as const) {
      const { planId } = await scene.plan(nodeIds(4));
      const lease = await scene.lease(planId);
      await scene.store.movePlan(planId, to);
      await hold(scene, lease, 1000);
      const plan = await scene.read(planId);
      assert.deepEqual([plan.status, plan.hold], [to, undefined]);
      if (to === 'paused') await scene.store.movePlan(planId, 'cancelled');
    }
  },

  'lets other plans run': async (scene) => {
    await heldPlan(scene, 60_000);
    const other = await scene.plan(['elsewhere']);
    assert.deepEqual(nodesOf(await scene.lease(other.planId)), ['elsewhere']);
  },

  'does not wait for a hold from before the clock was set back': async (scene) => {
    const planId = await heldPlan(scene, 60_000);
    scene.clock.set(scene.clock.now() - 3_600_000);
    const failing = await scene.lease(planId);
    await hold(scene, failing, 1000);
    const until = scene.clock.now() + 1000;
    assert.deepEqual(await scene.claim(planId), { kind: 'wait', because: 'hold', until });
    scene.clock.set(scene.clock.now() - 3_600_000);
    const probe = await scene.lease(planId);
    assert.notEqual(probe.heldSince, undefined);
    await scene.work(probe);
    assert.equal((await scene.read(planId)).hold, undefined);
  },
};
