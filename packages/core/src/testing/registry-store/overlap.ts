import assert from 'node:assert/strict';
import type { PlanCreation } from '../../ports/registry-store.ts';
import { LEASE_MS } from './audit.ts';
import { nodeIds, nodesOf, refused, type Scene, type SceneCase } from './scene.ts';

/** A creation over the store whose maker died after a page of two nodes. */
async function interrupted(scene: Scene, changes = {}): Promise<PlanCreation> {
  const creation = await scene.store.createPlan(scene.draft({ wholeStore: true, ...changes }));
  await scene.addNodes(creation, nodeIds(2), 'page-2');
  await scene.clock.advance(LEASE_MS);
  return creation;
}

/** A plan that has ended: these nodes are dead letters of it, `done` is written. */
async function fail(scene: Scene, ids: readonly string[], done: readonly string[] = []): Promise<string> {
  const { planId } = await scene.plan([...ids, ...done], { batchSize: 100 });
  const lease = await scene.lease(planId);
  await scene.store.backUp(
    lease,
    done.map((nodeId) => scene.backupOf(nodeId)),
  );
  await scene.workExcept(lease, ids);
  assert.equal((await scene.finish(planId)).status, 'failed');
  return planId;
}

/** Which plans may share nodes, one creation at a time, and what becomes of an interrupted one. */
export const overlapCases: Readonly<Record<string, SceneCase>> = {
  'refuses nodes of an unfinished plan, and says how many and whose': async (scene) => {
    const { store } = scene;
    const first = await scene.plan(nodeIds(5));
    const creation = await store.createPlan(scene.draft());
    await scene.addNodes(creation, nodeIds(3, 10));
    const error = await refused(scene.addNodes(creation, nodeIds(4, 4)), 'PLAN_OVERLAP');
    assert.deepEqual(error.details, { planId: first.planId, count: 2 });
    assert.equal(await scene.addNodes(creation, nodeIds(1, 20)), 1, 'the creation goes on after a refusal');
    assert.equal((await store.sealPlan(creation)).totalNodes, 4);
  },

  'holds nodes while a plan is paused or rolling back, and no longer': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const attempt = async () => {
      const creation = await store.createPlan(scene.draft());
      try {
        return await scene.addNodes(creation, ['node-001']);
      } finally {
        assert.equal(await store.discardPlan(creation), true);
      }
    };
    await store.movePlan(planId, 'paused');
    await refused(attempt(), 'PLAN_OVERLAP');
    await store.movePlan(planId, 'cancelled');
    assert.equal(await attempt(), 1);
    await store.beginRollback(planId);
    await refused(attempt(), 'PLAN_OVERLAP');
    await scene.finish(planId);
    assert.equal(await attempt(), 1);
  },

  'lets a plan over the whole store run alone': async (scene) => {
    const { store } = scene;
    const list = await scene.plan(nodeIds(2));
    await refused(store.createPlan(scene.draft({ wholeStore: true })), 'PLAN_OVERLAP');
    await store.movePlan(list.planId, 'cancelled');
    const whole = await scene.plan(nodeIds(2), { wholeStore: true });
    for (const changes of [{}, { wholeStore: true, where: { kind: 'a' } }]) {
      const creation = await store.createPlan(scene.draft(changes));
      const error = await refused(scene.addNodes(creation, ['elsewhere']), 'PLAN_OVERLAP');
      assert.equal(error.details.planId, whole.planId);
      await store.discardPlan(creation);
    }
    await refused(store.createPlan(scene.draft({ wholeStore: true })), 'PLAN_OVERLAP');
  },

  'lets plans over parts of the store run side by side': async (scene) => {
    const a = await scene.plan(nodeIds(2), { wholeStore: true, where: { kind: 'a' } });
    const b = await scene.plan(nodeIds(2, 3), { wholeStore: true, where: { kind: 'b' } });
    assert.deepEqual(
      (await scene.store.runnable()).map((plan) => plan.planId),
      [a.planId, b.planId],
    );
  },

  'makes one plan at a time': async (scene) => {
    const { store, second, clock } = scene;
    const first = await store.createPlan(scene.draft());
    await refused(clock.runUntil(second.createPlan(scene.draft())), 'PLAN_OVERLAP');
    const waiting = second.createPlan(scene.draft());
    await clock.untilSleeping();
    await store.sealPlan(first);
    const next = await clock.runUntil(waiting);
    assert.notEqual(next.planId, first.planId);
    await second.sealPlan(next);
  },

  'keeps the creation of whoever adds pages': async (scene) => {
    const { store, clock } = scene;
    const creation = await store.createPlan(scene.draft({ wholeStore: true }));
    for (const page of [1, 2, 3]) {
      await clock.advance(LEASE_MS - 1000);
      await scene.addNodes(creation, nodeIds(2, page * 2), `page-${page}`);
      assert.equal(await store.adoptCreation(), undefined);
    }
    assert.equal((await store.sealPlan(creation)).totalNodes, 6);
  },

  'goes on with an interrupted creation over the store': async (scene) => {
    const { store } = scene;
    const creation = await interrupted(scene);
    const adopted = await scene.second.adoptCreation();
    assert.ok(adopted !== undefined);
    const { planId, scanCursor, draft } = adopted;
    assert.deepEqual([planId, scanCursor, draft.batchSize], [creation.planId, 'page-2', 4]);
    await refused(scene.addNodes(creation, ['late']), 'PLAN_UNKNOWN');
    await refused(store.sealPlan(creation), 'PLAN_UNKNOWN');
    assert.equal(await store.adoptCreation(), undefined, 'it is adopted once');
    await scene.addNodes(adopted, nodeIds(2, 2));
    assert.equal((await store.sealPlan(adopted)).totalNodes, 3);
  },

  'says who makes a plan, so that nobody waits for the dead': async (scene) => {
    const { store } = scene;
    assert.equal(await store.creator(), undefined);
    const creation = await store.createPlan(scene.draft({ wholeStore: true }), { host: 'here', pid: 7 });
    const { leaseId } = creation;
    await scene.addNodes(creation, nodeIds(2), 'page-2');
    assert.deepEqual(await scene.second.creator(), { host: 'here', pid: 7, leaseId });
    assert.equal(await scene.second.adoptCreation({ host: 'there', pid: 8 }), undefined);
    assert.equal(await scene.second.endLease({ leaseId }), true);
    const adopted = await scene.second.adoptCreation({ host: 'there', pid: 8 });
    assert.deepEqual([adopted?.planId, adopted?.scanCursor], [creation.planId, 'page-2']);
    const { host, pid } = (await store.creator()) ?? {};
    assert.deepEqual([host, pid], ['there', 8]);
    await refused(store.sealPlan(creation), 'PLAN_UNKNOWN');
    await store.sealPlan(adopted!);
    assert.equal(await store.creator(), undefined);
  },

  'takes no lease of another kind for a creation': async (scene) => {
    const { store } = scene;
    const plan = await scene.plan(nodeIds(4));
    const { leaseId } = await scene.lease(plan.planId);
    const creation = await store.createPlan(scene.draft());
    await refused(scene.addNodes({ ...creation, leaseId }, ['late']), 'PLAN_UNKNOWN');
    await refused(store.sealPlan({ ...creation, leaseId }), 'PLAN_UNKNOWN');
    assert.equal((await scene.read(plan.planId)).totalNodes, 4);
  },

  'goes on with an interrupted creation when the same plan is asked for again': async (scene) => {
    const { store } = scene;
    const { planId } = await interrupted(scene, { where: { a: 1, b: 2 } });
    const again = scene.draft({ wholeStore: true, where: { b: 2, a: 1 }, batchSize: 9, priority: 1 });
    const creation = await store.createPlan(again);
    assert.deepEqual([creation.planId, creation.scanCursor], [planId, 'page-2']);
    assert.deepEqual([creation.draft.batchSize, creation.draft.priority], [9, 1], 'with the settings of now');
    assert.equal((await store.sealPlan(creation)).batchSize, 9);
  },

  'removes an interrupted creation when another plan is asked for': async (scene) => {
    const { store } = scene;
    const { planId } = await interrupted(scene);
    const creation = await store.createPlan(scene.draft());
    assert.notEqual(creation.planId, planId);
    assert.equal(await scene.addNodes(creation, nodeIds(2)), 2);
    await store.sealPlan(creation);
    assert.equal(await store.adoptCreation(), undefined);
    assert.ok((await scene.actions()).includes('plan:discarded'));
  },

  'removes an interrupted creation from a list': async (scene) => {
    const { store } = scene;
    const creation = await interrupted(scene, { wholeStore: false });
    assert.equal(await store.adoptCreation(), undefined);
    await refused(scene.addNodes(creation, ['late']), 'PLAN_UNKNOWN');
    assert.ok((await scene.actions()).includes('plan:discarded'));
    assert.equal((await scene.plan(nodeIds(2))).totalNodes, 2);
  },

  'lets nobody discard a creation that another one has taken over': async (scene) => {
    const { store } = scene;
    const creation = await interrupted(scene);
    const adopted = await scene.second.adoptCreation();
    assert.ok(adopted !== undefined);
    assert.equal(await store.discardPlan(creation), true);
    assert.equal(await store.discardPlan({ planId: creation.planId }), true);
    assert.equal((await store.sealPlan(adopted)).totalNodes, 2);
  },

  'ends what is in hand of an ended plan before its nodes pass on': async (scene) => {
    const { store } = scene;
    const cancelled = await scene.plan(nodeIds(4));
    const batch = await scene.lease(cancelled.planId);
    await store.movePlan(cancelled.planId, 'cancelled');
    const next = await scene.plan(nodeIds(4));
    assert.equal(await store.backUp(batch, [scene.backupOf('node-001')]), false);
    assert.deepEqual(nodesOf(await scene.lease(next.planId)), nodeIds(4));
    const failed = await fail(scene, ['a'], ['b']);
    const other = await scene.plan(['c']);
    const late = await scene.lease(other.planId);
    await store.movePlan(other.planId, 'cancelled');
    await store.retryFailed(failed);
    assert.equal(await store.endLease(late), false);
  },

  'discards a creation in pages': async (scene) => {
    const { store } = scene;
    const creation = await store.createPlan(scene.draft());
    for (const page of [0, 1, 2]) await scene.addNodes(creation, nodeIds(8000, page * 8000));
    let calls = 1;
    while (!(await store.discardPlan(creation))) calls += 1;
    assert.ok(calls > 1, 'in one page');
    await refused(scene.addNodes(creation, ['late']), 'PLAN_UNKNOWN');
    assert.equal(await store.discardPlan(creation), true);
  },

  'lets no ended plan take its nodes back while another plan over them is made': async (scene) => {
    const { store } = scene;
    const planId = await fail(scene, nodeIds(3), ['done']);
    const creation = await store.createPlan(scene.draft());
    await scene.addNodes(creation, [...nodeIds(2), 'done']);
    const attempts = async () => {
      await refused(store.retryFailed(planId), 'PLAN_OVERLAP');
      await refused(store.cutOver(planId, true), 'PLAN_OVERLAP');
      await refused(store.beginRollback(planId), 'PLAN_OVERLAP');
      await refused(scene.takeNode(planId, 'done'), 'PLAN_OVERLAP');
    };
    await attempts();
    const { planId: later } = await store.sealPlan(creation);
    await attempts();
    await store.movePlan(later, 'cancelled');
    assert.equal(await store.retryFailed(planId), 3);
  },

  'lets no interrupted creation go on beside a plan that took its nodes back': async (scene) => {
    const { store } = scene;
    const planId = await fail(scene, nodeIds(2));
    await interrupted(scene, { where: { kind: 'a' } });
    assert.equal(await store.retryFailed(planId), 2);
    assert.equal(await store.adoptCreation(), undefined);
    const draft = scene.draft({ wholeStore: true, where: { kind: 'a' } });
    await refused(store.createPlan(draft), 'PLAN_OVERLAP');
    await scene.finish(planId);
    const creation = await store.adoptCreation();
    assert.equal(creation?.scanCursor, 'page-2');
  },
};
