import assert from 'node:assert/strict';
import { MigrationStatus, mayFollow } from '../../model/status.ts';
import { nodeIds, nodesOf, refused, type Scene, type SceneCase } from './scene.ts';

/** Brings a plan of four nodes into each status. */
const reach: Readonly<Record<MigrationStatus, (scene: Scene, planId: string) => Promise<unknown>>> = {
  pending: async () => undefined,
  in_progress: async (scene, planId) => scene.work(await scene.lease(planId)),
  paused: (scene, planId) => scene.store.movePlan(planId, 'paused'),
  completed: (scene, planId) => scene.finish(planId),
  failed: async (scene, planId) => {
    await scene.workExcept(await scene.lease(planId), nodeIds(1));
    await scene.finish(planId);
  },
  cancelled: (scene, planId) => scene.store.movePlan(planId, 'cancelled'),
  rolling_back: (scene, planId) => scene.store.beginRollback(planId),
  rolled_back: (scene, planId) => scene.rollBack(planId),
};

type Move = 'in_progress' | 'paused' | 'cancelled' | 'rolling_back';

function move(scene: Scene, planId: string, to: Move) {
  return to === 'rolling_back' ? scene.store.beginRollback(planId) : scene.store.movePlan(planId, to);
}

interface OtherCall {
  readonly call: (scene: Scene, planId: string) => Promise<unknown>;
  readonly accepts: readonly MigrationStatus[];
}

/** The calls that are no change of status, and where they are accepted. */
const others: Readonly<Record<string, OtherCall>> = {
  retryFailed: {
    call: ({ store }, planId) => store.retryFailed(planId),
    accepts: ['pending', 'in_progress', 'paused', 'failed'],
  },
  cutOver: {
    call: ({ store }, planId) => store.cutOver(planId, true),
    accepts: ['pending', 'in_progress', 'paused', 'completed', 'failed'],
  },
  tune: {
    call: ({ store }, planId) => store.tune(planId, { batchSize: 5 }),
    accepts: ['pending', 'in_progress', 'paused', 'failed', 'rolling_back'],
  },
  markFinalized: {
    call: ({ store }, planId) => store.markFinalized(planId),
    accepts: ['completed', 'failed', 'cancelled', 'rolled_back'],
  },
};

/** Every status against every change of it, and what each state of a task is called. */
export const statusCases: Readonly<Record<string, SceneCase>> = {
  ...Object.fromEntries(
    Object.values(MigrationStatus).map((from): [string, SceneCase] => [
      `changes the status of a plan that is ${from} as allowed, and not otherwise`,
      async (scene) => {
        for (const to of ['in_progress', 'paused', 'cancelled', 'rolling_back'] as const) {
          const { planId } = await scene.plan(nodeIds(4));
          await reach[from](scene, planId);
          const before = await scene.read(planId);
          assert.equal(before.status, from);
          const known = (await scene.actions(planId)).length;
          // A failed plan goes back to work by a retry, which knows which nodes.
          const mayMove = mayFollow(from, to) && !(from === 'failed' && to === 'in_progress');
          // The rollback that has ended already is not begun again.
          const isNothing = from === to || (from === 'rolled_back' && to === 'rolling_back');
          if (mayMove || isNothing) await move(scene, planId, to);
          else await refused(move(scene, planId, to), 'PLAN_STATE');
          const after = await scene.read(planId);
          if (mayMove && !isNothing) assert.equal(after.status, to);
          else assert.deepEqual(after, before);
          const noted = (await scene.actions(planId)).length - known;
          assert.equal(noted > 0, mayMove && !isNothing, 'every change is journalled, and nothing else');
          await settle(scene, planId);
        }
      },
    ]),
  ),

  ...Object.fromEntries(
    Object.entries(others).map(([name, { call, accepts }]): [string, SceneCase] => [
      `refuses ${name} in the statuses that do not allow it`,
      async (scene) => {
        for (const from of Object.values(MigrationStatus)) {
          const { planId } = await scene.plan(nodeIds(4));
          await reach[from](scene, planId);
          if (accepts.includes(from)) await call(scene, planId);
          else await refused(call(scene, planId), 'PLAN_STATE');
          await settle(scene, planId);
        }
      },
    ]),
  ),

  'refuses to move a plan that does not exist': async ({ store }) => {
    for (const to of ['in_progress', 'paused', 'cancelled'] as const)
      await refused(store.movePlan('no such plan', to), 'PLAN_UNKNOWN');
  },

  'calls every state of a task by its name': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(12), { batchSize: 4, maxParallelWorkers: 3 });
    const error = { code: 'CONTENT_MISSING', message: 'm' } as const;
    await scene.work(await scene.lease(planId), [
      { nodeId: 'node-001', status: 'skipped' },
      { nodeId: 'node-002', status: 'failed', error },
      { nodeId: 'node-003', status: 'pending', notBefore: clock.now() + 1000 },
    ]);
    await store.settleNode(await scene.nodeLease(planId, 'node-008'), {
      nodeId: 'node-008',
      outcome: 'restored',
    });
    const inHand = await scene.lease(planId);
    assert.deepEqual(nodesOf(inHand), ['node-005', 'node-006', 'node-007', 'node-009']);
    await store.release(inHand, ['node-006']);
    const retried = await scene.lease(planId);
    assert.deepEqual(nodesOf(retried), ['node-006']);
    const names = async () => Object.values(await scene.statuses(planId));
    const settled = ['skipped', 'failed'];
    const hand = ['in_progress', 'in_progress', 'in_progress', 'rolled_back', 'in_progress'];
    const rest = (name: string) => [name, name, name];
    assert.deepEqual(await names(), [...settled, 'pending', 'completed', ...hand, ...rest('pending')]);
    await store.movePlan(planId, 'paused');
    assert.deepEqual(await names(), [...settled, 'pending', 'completed', ...hand, ...rest('pending')]);
    await store.movePlan(planId, 'cancelled');
    assert.deepEqual(await names(), [...settled, 'cancelled', 'completed', ...hand, ...rest('cancelled')]);
    await scene.rollBack(planId);
    const over = ['cancelled', 'cancelled', 'cancelled', 'rolled_back', 'cancelled'];
    assert.deepEqual(await names(), [...settled, 'cancelled', 'rolled_back', ...over, ...rest('cancelled')]);
  },
};

/** Leaves the nodes free for the next plan. */
async function settle(scene: Scene, planId: string): Promise<void> {
  const { status } = await scene.read(planId);
  if (status === 'rolling_back') await scene.finish(planId);
  else if (['pending', 'in_progress', 'paused'].includes(status))
    await scene.store.movePlan(planId, 'cancelled');
  for (const plan of await scene.store.runnable()) await scene.store.movePlan(plan.planId, 'cancelled');
}
