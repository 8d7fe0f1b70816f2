import assert from 'node:assert/strict';
import { allPlans, everyItem, LEASE_MS } from './audit.ts';
import { nodeIds, nodesOf, refused, type SceneCase } from './scene.ts';

/** Seeing plans, tasks, journal and workers; the node store; the mark. */
export const companyCases: Readonly<Record<string, SceneCase>> = {
  'lists plans, newest first, in pages and by status': async (scene) => {
    const { store } = scene;
    const made: string[] = [];
    for (let index = 0; index < 7; index++) made.unshift((await scene.plan([`n${index}`])).planId);
    await store.movePlan(made[2]!, 'cancelled');
    assert.deepEqual(
      (await allPlans(store)).map((plan) => plan.planId),
      made,
    );
    const page = await store.plans({ limit: 3 });
    assert.deepEqual(
      page.items.map((plan) => plan.planId),
      made.slice(0, 3),
    );
    const pending = await everyItem((after) =>
      store.plans({ status: 'pending', limit: 2, ...(after !== undefined && { after }) }),
    );
    assert.equal(pending.length, 6);
    const last = await store.plans({ limit: 7 });
    assert.equal(last.next, undefined, 'a full last page has no next');
    assert.deepEqual((await store.plans({ status: 'rolled_back' })).items, []);
    assert.equal(await store.plan('no such plan'), undefined);
  },

  'lists tasks by status, code and node, in pages': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(12), { batchSize: 9 });
    const error = { code: 'VECTOR_INVALID', message: 'm' } as const;
    const other = { code: 'CONTENT_MISSING', message: 'm' } as const;
    const lease = await scene.lease(planId);
    await scene.work(lease, [
      { nodeId: 'node-001', status: 'failed', error },
      { nodeId: 'node-003', status: 'failed', error: other },
      { nodeId: 'node-005', status: 'failed', error },
      { nodeId: 'node-007', status: 'pending', error },
    ]);
    const list = async (o: object) =>
      (
        await everyItem((after) =>
          store.tasks({ planId, limit: 2, ...o, ...(after !== undefined && { after }) }),
        )
      ).map((task) => task.nodeId);
    assert.deepEqual(await list({ status: 'failed' }), ['node-001', 'node-003', 'node-005']);
    assert.deepEqual(await list({ errorCode: 'VECTOR_INVALID' }), ['node-001', 'node-005', 'node-007']);
    assert.deepEqual(await list({ errorCode: 'VECTOR_INVALID', status: 'failed' }), ['node-001', 'node-005']);
    assert.deepEqual(await list({ errorCode: 'WORKER_DIED' }), []);
    assert.deepEqual(await list({ status: 'pending' }), ['node-007', ...nodeIds(3, 10)]);
    assert.deepEqual(
      await list({ status: 'completed' }),
      [2, 4, 6, 8, 9].map((n) => `node-00${n}`),
    );
    assert.deepEqual(await list({ status: 'cancelled' }), []);
    assert.deepEqual(await list({}), nodeIds(12));
    for (const [o, found] of [
      [{ nodeId: 'node-003' }, ['node-003']],
      [{ nodeId: 'node-003', status: 'failed' }, ['node-003']],
      [{ nodeId: 'node-003', status: 'completed' }, []],
      [{ nodeId: 'node-003', errorCode: 'VECTOR_INVALID' }, []],
      [{ nodeId: 'nobody' }, []],
    ] as const)
      assert.deepEqual(await list(o), found);
    await refused(store.tasks({ planId: 'no such plan' }), 'PLAN_UNKNOWN');
    assert.deepEqual(await store.failures(planId), [
      { code: 'VECTOR_INVALID', count: 2, message: 'm' },
      { code: 'CONTENT_MISSING', count: 1, message: 'm' },
    ]);
    await refused(store.failures('no such plan'), 'PLAN_UNKNOWN');
    const exact = await store.tasks({ planId, limit: 12 });
    assert.deepEqual([exact.items.length, exact.next], [12, undefined]);
  },

  'keeps a journal, newest first, in pages and by plan': async (scene) => {
    const { store, clock, target } = scene;
    const a = await scene.plan(['a']);
    await clock.advance(1000);
    const b = await scene.plan(['b']);
    await store.movePlan(b.planId, 'paused', { code: 'EMBEDDER_FAILED', message: 'why' });
    const all = await everyItem((after) =>
      store.journal({ limit: 2, ...(after !== undefined && { after }) }),
    );
    assert.deepEqual(all.map((entry) => entry.action).slice(0, 3), [
      'plan:paused',
      'plan:created',
      'plan:created',
    ]);
    const [paused, created] = (await store.journal({ planId: b.planId })).items;
    assert.equal(paused?.at, new Date(clock.now()).toISOString());
    assert.equal(paused?.planId, b.planId);
    assert.equal(paused?.details.code, 'EMBEDDER_FAILED');
    assert.deepEqual(created?.model, { modelId: target.modelId, version: target.version });
    assert.equal((await store.journal({ planId: a.planId })).items.length, 1);
    assert.ok(all.every((entry) => typeof entry.actor === 'string' && /^\w+:\w+$/.test(entry.action)));
    assert.deepEqual((await store.journal({ planId: 'no such plan' })).items, []);
  },

  'notes what others found about a plan, and finds it by its name': async (scene) => {
    const { store } = scene;
    const plan = await scene.plan(['a']);
    await store.noteOfPlan({ planId: plan.planId, action: 'plan:looked', details: { found: [1, 'é'] } });
    await store.movePlan(plan.planId, 'paused');
    const query = { planId: plan.planId, action: 'plan:looked' };
    const { items } = await store.journal(query);
    assert.equal(items.length, 1);
    assert.deepEqual(items[0]!.details, { found: [1, 'é'] });
    assert.equal(items[0]!.planId, plan.planId);
    assert.equal((await store.journal({ ...query, action: 'plan:unheard' })).items.length, 0);
    const nobody = { planId: 'no such plan', action: 'plan:looked', details: {} };
    await refused(store.noteOfPlan(nobody), 'PLAN_UNKNOWN');
  },
  'journals no batch': async (scene) => {
    const { planId } = await scene.plan(nodeIds(20), { batchSize: 2 });
    await scene.finish(planId);
    assert.deepEqual(await scene.actions(planId), ['plan:created', 'plan:in_progress', 'plan:completed']);
  },

  'knows the workers that were heard of lately, and what they work on': async (scene) => {
    const { store, second, clock } = scene;
    const { planId } = await scene.plan(nodeIds(8));
    const waiting = [{ planId, code: 'EMBEDDER_MISSING' as const, message: 'No embedder.' }];
    await store.beat({ workerId: 'a', host: 'here', pid: 7, waiting });
    assert.deepEqual((await store.workers())[0]?.waiting, waiting);
    await clock.advance(1000);
    await second.beat({ workerId: 'b', host: 'there', pid: 8 });
    await scene.lease(planId, 'batch', 'b');
    await scene.lease(planId, 'batch', 'b');
    const heartbeatAt = new Date(clock.now()).toISOString();
    await store.beat({ workerId: 'a', host: 'here', pid: 7 });
    assert.deepEqual(await store.workers(), [
      { workerId: 'a', host: 'here', pid: 7, heartbeatAt, planIds: [], waiting: [] },
      { workerId: 'b', host: 'there', pid: 8, heartbeatAt, planIds: [planId], waiting: [] },
    ]);
    await store.dropWorker('a');
    await store.dropWorker('a');
    assert.deepEqual(
      (await store.workers()).map(({ workerId }) => workerId),
      ['b'],
    );
    await clock.advance(2 * LEASE_MS);
    assert.deepEqual(await store.workers(), []);
  },

  'belongs to one node store': async ({ store, second }) => {
    assert.equal(await store.nodeStoreId(), undefined);
    await store.bindNodeStore('store-1');
    await second.bindNodeStore('store-1');
    assert.equal(await second.nodeStoreId(), 'store-1');
    const error = await refused(second.bindNodeStore('store-2'), 'NODE_STORE_MISMATCH');
    assert.deepEqual(error.details, { registered: 'store-1', received: 'store-2' });
    await store.bindNodeStore('store-1');
  },

  'pauses what is unfinished when the node store knows a later registry': async (scene) => {
    const { store } = scene;
    const made: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) made.push((await scene.plan([name])).planId);
    const [pending, running, paused, rolling, done] = made as [string, string, string, string, string];
    const lease = await scene.lease(running);
    await store.movePlan(paused, 'paused', { code: 'DISK_FULL', message: 'full' });
    await store.beginRollback(rolling);
    await scene.finish(done);
    const mark = await store.mark();
    for (const known of [0, mark]) assert.equal(await store.catchUpMark(known), 0);
    assert.equal(await store.catchUpMark(mark + 5), 3);
    assert.equal(await store.mark(), mark + 5);
    for (const planId of [pending, running, rolling]) {
      const plan = await scene.read(planId);
      assert.deepEqual([plan.status, plan.reason?.code], ['paused', 'REGISTRY_OLDER']);
      assert.deepEqual(await scene.claim(planId), { kind: 'rest' });
    }
    assert.equal((await scene.read(paused)).reason?.code, 'DISK_FULL');
    assert.equal((await scene.read(done)).status, 'completed');
    await scene.work(lease);
    assert.equal(await store.catchUpMark(mark + 5), 0);
    await store.beginRollback(rolling);
    assert.equal((await scene.read(rolling)).status, 'rolling_back');
    await store.movePlan(running, 'in_progress');
    assert.equal((await scene.finish(running)).status, 'completed');
  },

  'goes on with no creation of an older registry': async (scene) => {
    const { store, clock } = scene;
    const creation = await store.createPlan(scene.draft({ wholeStore: true }));
    await scene.addNodes(creation, nodeIds(2), 'page-2');
    await store.catchUpMark((await store.mark()) + 1);
    await refused(store.sealPlan(creation), 'PLAN_UNKNOWN');
    await clock.advance(LEASE_MS);
    assert.equal(await store.adoptCreation(), undefined);
    assert.deepEqual(nodesOf(await scene.lease((await scene.plan(nodeIds(1))).planId)), nodeIds(1));
  },

  'adds up, in pages, when and how tasks ended, and the size of backups': async (scene) => {
    const { store, clock } = scene;
    const bucketMs = 60_000;
    const { planId } = await scene.plan(nodeIds(10), { batchSize: 4 });
    const endedAt: number[] = [];
    for (const failing of [['node-001'], [], []]) {
      await clock.advance(bucketMs + 7);
      await scene.workExcept(await scene.lease(planId), failing);
      endedAt.push(Math.floor(clock.now() / bucketMs) * bucketMs);
    }
    const expected = [
      { at: endedAt[0], status: 'completed', count: 3 },
      { at: endedAt[0], status: 'failed', count: 1 },
      { at: endedAt[1], status: 'completed', count: 4 },
      { at: endedAt[2], status: 'completed', count: 2 },
    ];
    assert.deepEqual((await store.endedTasks({ planId, bucketMs })).items, expected);
    for (const limit of [1, 3, 10, 11]) {
      const pieces = await everyItem((after) =>
        store.endedTasks({ planId, bucketMs, limit, ...(after !== undefined && { after }) }),
      );
      const sums = new Map<string, number>();
      for (const { at, status, count } of pieces)
        sums.set(`${at} ${status}`, (sums.get(`${at} ${status}`) ?? 0) + count);
      assert.deepEqual(
        [...sums].sort(),
        expected.map(({ at, status, count }) => [`${at} ${status}`, count]).sort(),
      );
    }
    assert.deepEqual(await store.backupTotals({ planId }), { count: 9, bytes: 9 * 4 * 4 });
    const first = await store.backupTotals({ planId, limit: 5 });
    assert.deepEqual([first.count, first.bytes], [5, 80]);
    assert.deepEqual(await store.backupTotals({ planId, limit: 5, after: first.next! }), {
      count: 4,
      bytes: 64,
    });
    const other = await scene.plan(['elsewhere']);
    assert.deepEqual(await store.backupTotals({ planId: other.planId }), { count: 0, bytes: 0 });
    assert.deepEqual(await store.endedTasks({ planId: other.planId, bucketMs }), { items: [] });
    await refused(store.endedTasks({ planId: 'no such plan', bucketMs }), 'PLAN_UNKNOWN');
    await refused(store.backupTotals({ planId: 'no such plan' }), 'PLAN_UNKNOWN');
  },
};
