import assert from 'node:assert/strict';
import type { Lease } from '../../ports/registry-store.ts';
import { LEASE_MS } from './audit.ts';
import { nodeIds, nodesOf, refused, type SceneCase } from './scene.ts';

/** What is claimed next, by how many at once, and how a plan is steered while it runs. */
export const claimCases: Readonly<Record<string, SceneCase>> = {
  'claims batches in the order of node ids, and starts the plan': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(6), { maxParallelWorkers: 3 });
    await clock.advance(5000);
    const first = await scene.lease(planId);
    assert.deepEqual(nodesOf(first), nodeIds(4));
    assert.equal(first.takenAt, clock.now());
    assert.equal(first.heldSince, undefined);
    assert.deepEqual(first.tasks[0], { nodeId: 'node-001', attempts: 0, conflicts: 0 });
    assert.equal(first.plan.status, 'in_progress');
    assert.equal(first.plan.startedAt, new Date(clock.now()).toISOString());
    assert.deepEqual(nodesOf(await scene.lease(planId)), nodeIds(2, 5));
    assert.equal((await scene.claim(planId)).kind, 'wait');
    assert.equal((await scene.claim('no such plan')).kind, 'rest');
    assert.deepEqual(
      (await store.runnable()).map((plan) => plan.planId),
      [planId],
    );
  },

  'claims what was given back first, then what is fresh, then what was lost': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(12), { batchSize: 3, maxParallelWorkers: 9 });
    const kept = await scene.lease(planId, 'batch', 'survivor');
    const lost = await scene.lease(planId, 'batch', 'casualty');
    assert.deepEqual(nodesOf(lost), nodeIds(3, 4));
    await store.release(kept, ['node-002']);
    await clock.advance(LEASE_MS - 1);
    await store.renew({ workerId: 'survivor', leaseMs: LEASE_MS });
    await clock.advance(1);
    const order: string[][] = [];
    for (let batch = 0; batch < 6; batch++) order.push(nodesOf(await scene.lease(planId, 'batch', 'next')));
    // What was lost comes last and in halves.
    const halves = [['node-004'], ['node-005'], ['node-006']];
    assert.deepEqual(order, [['node-002'], nodeIds(3, 7), nodeIds(3, 10), ...halves]);
  },

  'has plans run by priority, then by age': async (scene) => {
    const { store } = scene;
    const made = new Map<string, string>();
    for (const [name, priority] of [
      ['low', 3],
      ['normal', 2],
      ['critical', 0],
      ['normal too', 2],
      ['high', 1],
    ] as const)
      made.set(name, (await scene.plan([name], { priority })).planId);
    const order = async () => (await store.runnable()).map((plan) => plan.planId);
    const ids = (...names: string[]) => names.map((name) => made.get(name));
    assert.deepEqual(await order(), ids('critical', 'high', 'normal', 'normal too', 'low'));
    await store.movePlan(made.get('critical') ?? '', 'paused');
    await store.movePlan(made.get('high') ?? '', 'cancelled');
    await scene.finish(made.get('normal') ?? '');
    await store.beginRollback(made.get('low') ?? '');
    assert.deepEqual(await order(), ids('normal too', 'low'));
  },

  'bounds the batches in flight over all workers and connections': async (scene) => {
    const { store, second, clock } = scene;
    const { planId } = await scene.plan(nodeIds(20));
    const first = await scene.lease(planId);
    await clock.advance(1000);
    const other = { planId, workerId: 'worker-2', leaseMs: LEASE_MS };
    const claim = await second.claim(other);
    assert.equal(claim.kind, 'lease');
    const until = first.takenAt + LEASE_MS;
    for (const connection of [store, second])
      assert.deepEqual(await connection.claim(other), { kind: 'wait', because: 'lanes', until });
    await scene.work(first);
    assert.equal((await second.claim(other)).kind, 'lease');
  },

  'takes no lane for what is embedded, for as many batches again': async (scene) => {
    const { second, clock } = scene;
    const { planId } = await scene.plan(nodeIds(40), { maxParallelWorkers: 2 });
    const held = [await scene.lease(planId), await scene.lease(planId)];
    const full = { kind: 'wait', because: 'lanes', until: clock.now() + LEASE_MS };
    const claim = async (workerId: string, embedded: readonly Lease[]) => {
      const leaseIds = embedded.map(({ leaseId }) => leaseId);
      const found = await second.claim({ planId, workerId, leaseMs: LEASE_MS, embedded: leaseIds });
      if (found.kind === 'lease') held.push(found.lease);
      return found;
    };
    assert.deepEqual(await claim('worker-2', held), full, 'a batch is known to its own worker alone');
    assert.equal((await claim('worker-1', held.slice(0, 1))).kind, 'lease');
    assert.deepEqual(await claim('worker-2', []), full);
    assert.equal((await claim('worker-1', held.slice(0, 2))).kind, 'lease');
    assert.deepEqual(await claim('worker-1', held), full, 'four batches of two lanes are in hand');
    await scene.work(held[0]!);
    assert.equal((await claim('worker-2', [])).kind, 'lease');
  },

  'obeys new settings at the next claim': async (scene) => {
    const { store, second } = scene;
    const { planId } = await scene.plan(nodeIds(30), { maxParallelWorkers: 1 });
    const first = await scene.lease(planId);
    const tuning = { batchSize: 7, maxParallelWorkers: 2, throttleMs: 40, maxRetries: 9 };
    const plan = await second.tune(planId, tuning);
    for (const [field, value] of Object.entries(tuning))
      assert.equal(plan[field as keyof typeof tuning], value);
    const next = await scene.lease(planId);
    assert.deepEqual([next.tasks.length, next.plan.throttleMs], [7, 40]);
    assert.equal((await second.tune(planId, { maxParallelWorkers: 1 })).batchSize, 7);
    await scene.work(first);
    assert.equal((await scene.claim(planId)).kind, 'wait', 'one batch is in flight still');
    await scene.work(next);
    assert.equal((await scene.claim(planId)).kind, 'lease');
    assert.ok((await scene.actions(planId)).includes('plan:tuned'));
    await refused(store.tune('no such plan', {}), 'PLAN_UNKNOWN');
  },

  'claims nothing of a paused plan, and settles what is in hand': async (scene) => {
    const { second } = scene;
    const { planId } = await scene.plan(nodeIds(8));
    const lease = await scene.lease(planId);
    const reason = { code: 'EMBEDDER_FAILED', message: 'The key was refused.' } as const;
    const moved = await second.movePlan(planId, 'paused', reason);
    assert.deepEqual([moved.from, moved.plan.status, moved.plan.reason], ['in_progress', 'paused', reason]);
    assert.deepEqual(await scene.claim(planId), { kind: 'rest' });
    await scene.work(lease);
    assert.equal((await scene.read(planId)).completedNodes, 4);
    assert.deepEqual((await second.movePlan(planId, 'paused')).plan.reason, reason, 'the reason stays');
    const resumed = await second.movePlan(planId, 'in_progress');
    assert.deepEqual([resumed.from, resumed.plan.reason], ['paused', undefined]);
    assert.equal((await scene.finish(planId)).status, 'completed');
  },

  'claims nothing of a cancelled plan, and settles what is in hand': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(9), { maxParallelWorkers: 3 });
    const [settled, returned] = [await scene.lease(planId), await scene.lease(planId)];
    await store.movePlan(planId, 'cancelled');
    assert.deepEqual(await scene.claim(planId), { kind: 'rest' });
    assert.deepEqual(Object.values(await scene.statuses(planId)), [
      ...Array(8).fill('in_progress'),
      'cancelled',
    ]);
    await scene.work(settled);
    await store.endLease(returned);
    const after = Object.values(await scene.statuses(planId));
    assert.deepEqual(after, [...Array(4).fill('completed'), ...Array(5).fill('cancelled')]);
    const plan = await scene.read(planId);
    assert.deepEqual([plan.completedNodes, plan.isComplete], [4, true]);
    assert.notEqual(plan.completedAt, undefined);
  },

  'waits for the earliest time at which something is due': async (scene) => {
    const { clock, store } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const lease = await scene.lease(planId);
    const now = clock.now();
    await scene.work(lease, [
      { nodeId: 'node-001', status: 'pending', notBefore: now + 2000 },
      { nodeId: 'node-002', status: 'pending', notBefore: now + 1000.4 },
      { nodeId: 'node-003', status: 'pending' },
    ]);
    const retry = await scene.lease(planId);
    assert.deepEqual(nodesOf(retry), ['node-003']);
    await scene.work(retry);
    const until = now + 1001;
    assert.deepEqual(await scene.claim(planId), { kind: 'wait', because: 'backoff', until });
    const [waiting] = (await store.tasks({ planId, nodeId: 'node-002' })).items;
    assert.equal(waiting?.nextAttemptAt, new Date(until).toISOString());
    await clock.advance(1000);
    assert.equal((await scene.claim(planId)).kind, 'wait');
    await clock.advance(1);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-002']);
    await clock.advance(1000);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-001']);
  },

  'claims fresh tasks while others wait': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(6), { batchSize: 3 });
    const notBefore = clock.now() + 60_000;
    const outcomes = nodeIds(3).map((nodeId) => ({ nodeId, status: 'pending', notBefore }) as const);
    await scene.work(await scene.lease(planId), outcomes);
    assert.deepEqual(nodesOf(await scene.lease(planId)), nodeIds(3, 4));
  },

  'makes nobody wait for a time written before the clock was set back': async (scene) => {
    const { clock } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const outcome = { nodeId: 'node-001', status: 'pending', notBefore: clock.now() + 300_000 } as const;
    await scene.work(await scene.lease(planId), [outcome]);
    clock.set(clock.now() - 3_600_000);
    assert.deepEqual(nodesOf(await scene.lease(planId)), ['node-001']);
  },
};
