/** Two processes on one registry, and what one of them orders while the other works. */
import { isRegistryError, type MigrationPlan, RegistryError } from '@registry/core';
import { atPoint, type FaultScript } from '@registry/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LEASE_MS } from './interrupted.ts';
import { assertCompleted, assertRolledBack, assertSound, tasksOf } from './invariants.ts';
import { models } from './models.ts';
import { planTo, seededWorld } from './seeds.ts';
import type { Worker, World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await seededWorld();
});
afterEach(() => world.close());

/** In the hands of all workers; of those, yet to be embedded. */
const batches = (planId: string) =>
  world.registry.all<{ all: number; embedding: number }>(
    `SELECT count(*) AS "all", count(*) FILTER (WHERE l.embedded = 0) AS embedding FROM leases l JOIN plans p ON p.plan = l.plan
     WHERE p.plan_id = ? AND l.kind IN ('batch', 'retry')`,
    planId,
  )[0] ?? { all: 0, embedding: 0 };

async function untilResting(planId: string, { manager }: Worker): Promise<MigrationPlan> {
  for (let second = 0; second < 3600; second++) {
    await world.clock.advance(1_000);
    const plan = await manager.getMigration(planId);
    if (!['pending', 'in_progress', 'rolling_back'].includes(plan.status)) return plan;
  }
  return expect.unreachable('the plan never comes to rest');
}

describe('two workers', () => {
  it('share a plan, embed no node twice, and keep to its lanes together', async () => {
    const most = { all: 0, embedding: 0 };
    let planId = '';
    const looks: FaultScript = () => {
      const now = batches(planId);
      most.all = Math.max(most.all, now.all);
      most.embedding = Math.max(most.embedding, now.embedding);
    };
    // Busy long enough for the others to come.
    const options = { script: looks, onEmbed: () => world.clock.sleep(100) };
    const workers = [await world.open(options), await world.open(options)] as const;
    planId = await planTo(workers[0], 'b', { batchSize: 1, maxParallelWorkers: 3 });
    for (const { manager } of workers) await manager.startWorker();
    expect(await workers[0].manager.listWorkers()).toHaveLength(2);
    await untilResting(planId, workers[0]);
    await assertCompleted(world, workers[0], planId);
    expect(most.embedding).toBe(3);
    expect(most.all).toBeLessThanOrEqual(6);
    const seen = workers.map(({ embedders }) => embedders.b.textsSeen.length);
    expect(Math.min(...seen)).toBeGreaterThan(0);
    expect(seen[0]! + seen[1]!).toBe(11);
    for (const { manager } of workers) await world.run(manager.stopWorker());
    expect(await workers[0].manager.listWorkers()).toEqual([]);
  });

  it('each take only what they can embed', async () => {
    const [one, two] = [await world.open({ embeds: ['b'] }), await world.open({ embeds: ['c'] })];
    const first = await planTo(one, 'c', { nodeIds: ['plain', 'tagged'] });
    const second = await planTo(one, 'b', { nodeIds: ['same-1', 'same-2'] });
    for (const { manager } of [one, two]) await manager.startWorker();
    await untilResting(first, one);
    await untilResting(second, one);
    for (const planId of [first, second]) await assertCompleted(world, one, planId);
    expect([one.embedders.c.calls.length, two.embedders.b.calls.length]).toEqual([0, 0]);
    for (const { manager } of [one, two]) await world.run(manager.stopWorker());
  });
});

describe('another process orders, in the middle of a batch', () => {
  // By then the next batch is in hand too: it is embedded while this one is written.
  const point = 'registry.backUp #0 after';

  async function ordering(order: (other: Worker, planId: string) => Promise<unknown>) {
    const other = await world.open();
    const planId = await planTo(other, 'b');
    const { script } = atPoint(point, () => order(other, planId));
    const worker = await world.open({ script });
    const plan = await world.run(worker.manager.runMigration(planId));
    return { worker, other, plan, planId };
  }

  it('a pause: the batches in hand settle, no other begins, and resume goes on', async () => {
    const { worker, other, plan, planId } = await ordering(({ manager }, id) => manager.pauseMigration(id));
    expect([plan.status, plan.completedNodes]).toEqual(['paused', 8]);
    expect(await world.run(worker.manager.runMigration(planId))).toMatchObject({ completedNodes: 8 });
    await other.manager.resumeMigration(planId);
    await world.run(worker.manager.runMigration(planId));
    await assertCompleted(world, worker, planId);
  });

  it('a cancel: done nodes stay at the target, the others are as they were, and a rollback undoes it', async () => {
    const { worker, other, plan, planId } = await ordering(({ manager }, id) => manager.cancelMigration(id));
    expect([plan.status, plan.completedNodes]).toEqual(['cancelled', 8]);
    await assertSound(world, worker, planId);
    const tasks = await tasksOf(worker, planId);
    expect(tasks.filter(({ status }) => status === 'cancelled')).toHaveLength(3);
    const now = await world.nodeStates();
    for (const { nodeId, status } of tasks)
      if (status === 'cancelled') expect(now.get(nodeId)).toBe(world.start.get(nodeId));
    const report = await world.run(other.manager.rollbackMigration({ planId }));
    await assertRolledBack(world, other, planId, report);
  });

  it('another pace: the next batch keeps to it', async () => {
    const { worker, planId } = await ordering(({ manager }, id) =>
      manager.tuneMigration({ planId: id, batchSize: 1 }),
    );
    await assertCompleted(world, worker, planId);
    // Two nodes of the second batch hold the same text.
    expect(worker.embedders.b.calls.map(({ texts }) => texts.length)).toEqual([4, 3, 1, 1, 1]);
  });

  it('a rollback: the batches in hand write nothing that stays', async () => {
    const { other, plan, planId } = await ordering(({ manager }, id) =>
      // Begun, and left to whoever works.
      manager.rollbackMigration({ planId: id, signal: AbortSignal.abort() }),
    );
    expect(plan.status).toBe('rolled_back');
    await assertRolledBack(world, other, planId, await other.manager.rollbackMigration({ planId }));
  });
});

describe('a worker that is told to stop', () => {
  it('finishes the batches in hand, and picks up where it was', async () => {
    const other = await world.open();
    const planId = await planTo(other, 'b');
    let stopped: Promise<void> | undefined;
    const { script, arrival } = atPoint('nodes.write #0 before', () => {
      stopped = worker.manager.stopWorker();
    });
    const worker = await world.open({ script });
    await worker.manager.startWorker();
    await world.run(arrival);
    await world.run(stopped!);
    expect((await other.manager.getMigration(planId)).completedNodes).toBe(8);
    expect(world.registry.all('SELECT * FROM leases')).toEqual([]);
    expect((await worker.manager.getWorkerStats()).state).toBe('idle');
    await worker.manager.startWorker();
    await untilResting(planId, other);
    await assertCompleted(world, other, planId);
    expect(worker.embedders.b.textsSeen).toHaveLength(10);
    await world.run(worker.manager.stopWorker());
  });

  it('is started again by whoever does not wait for the stop', async () => {
    const { manager } = await world.open();
    await manager.startWorker();
    await world.run(Promise.all([manager.stopWorker(), manager.startWorker()]));
    expect((await manager.getWorkerStats()).state).toBe('running');
    await world.run(manager.stopWorker());
  });

  it('before it could begin says so to everyone who started it, and lets the stop end', async () => {
    const { script } = atPoint('registry.beat #0 before', () => {
      throw new RegistryError('DATABASE_LOCKED', 'Somebody else writes.');
    });
    const { manager } = await world.open({ script });
    const starts = Promise.allSettled([manager.startWorker(), manager.startWorker()]);
    const stopping = manager.stopWorker();
    expect((await starts).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await world.run(stopping);
  });

  it('by a signal: the run resolves with the plan as it is', async () => {
    const stop = new AbortController();
    // The first call is the one for the witness.
    const { script } = atPoint('embedder.embed #1 before', () => stop.abort());
    const worker = await world.open({ script });
    const planId = await planTo(worker, 'b');
    const plan = await world.run(worker.manager.runMigration(planId, { signal: stop.signal }));
    expect([plan.status, plan.completedNodes]).toEqual(['in_progress', 4]);
    await world.run(worker.manager.runMigration(planId));
    await assertCompleted(world, worker, planId);
  });

  it('in the middle of a rollback: any other one goes on with it', async () => {
    const worker = await world.open();
    const planId = await planTo(worker, 'b');
    await world.run(worker.manager.runMigration(planId));
    const stop = new AbortController();
    const { script } = atPoint('registry.settleRollback #0 after', () => stop.abort());
    const first = await world.open({ script });
    await world.run(first.manager.rollbackMigration({ planId, signal: stop.signal }));
    expect((await worker.manager.getMigration(planId)).status).toBe('rolling_back');
    await worker.manager.startWorker();
    await untilResting(planId, worker);
    await assertRolledBack(world, worker, planId, await worker.manager.rollbackMigration({ planId }));
    expect(worker.embedders.a.calls).toEqual([]);
    await world.run(worker.manager.stopWorker());
  });
});

describe('a worker whose registry is broken', () => {
  const broken = new RegistryError('DATABASE_INVALID', 'The file is damaged.');

  it('gave up: the run says so, and does not pass for one that came to rest', async () => {
    const { script } = atPoint('registry.claim #1 before', () => {
      throw broken;
    });
    const worker = await world.open({ script });
    const planId = await planTo(worker, 'b');
    await expect(world.run(worker.manager.runMigration(planId))).rejects.toBe(broken);
    expect((await worker.manager.getMigration(planId)).completedNodes).toBe(4);
    await world.run(worker.manager.runMigration(planId));
    await assertCompleted(world, worker, planId);
  });

  it('tells what it waits for while others write, and goes on', async () => {
    let isBusy = true;
    const worker = await world.open({
      script({ method, when }) {
        if (method === 'claim' && when === 'before' && isBusy)
          throw new RegistryError('DATABASE_LOCKED', 'Somebody else writes.');
      },
    });
    const planId = await planTo(worker, 'b');
    await worker.manager.startWorker();
    await world.clock.advance(300_000);
    const { state, waiting } = await worker.manager.getWorkerStats();
    expect([state, waiting.map(({ code }) => code)]).toEqual(['running', ['DATABASE_LOCKED']]);
    isBusy = false;
    await untilResting(planId, worker);
    await assertCompleted(world, worker, planId);
    await world.run(worker.manager.stopWorker());
  });
});

describe('a chain of plans', () => {
  it('is rolled back last first, and ends byte for byte where it began', async () => {
    const worker = await world.open();
    const first = await planTo(worker, 'b');
    await world.run(worker.manager.runMigration(first));
    const between = await world.nodeStates();
    const second = await planTo(worker, 'c');
    await world.run(worker.manager.runMigration(second));
    await assertCompleted(world, worker, second);
    const refusal = worker.manager.rollbackMigration({ planId: first });
    await expect(refusal).rejects.toSatisfy(
      (error) => isRegistryError(error, 'PLAN_OVERLAP') && error.message.includes(second),
    );
    await expect(worker.manager.rollbackMigration({ planId: first, nodeId: 'plain' })).rejects.toThrow(
      second,
    );
    await world.run(worker.manager.rollbackMigration({ planId: second }));
    expect(await world.nodeStates()).toEqual(between);
    await world.run(worker.manager.rollbackMigration({ planId: first }));
    expect(await world.nodeStates()).toEqual(world.start);
    const calls = Object.values(worker.embedders).map(({ calls }) => calls.length);
    expect(calls).toEqual([0, 3, 3]);
  });
});

describe('a clock that is put right or wrong', () => {
  const names = [
    'registry.claim #0 after',
    'registry.backUp #1 after',
    'nodes.write #0 after',
    'nodes.scan #0 after',
  ];
  it.each(names.flatMap((name) => [3_600_000, -3_600_000].map((by) => ({ name, by }))))(
    'by $by ms at $name',
    async ({ name, by }) => {
      const { script } = atPoint(name, () => world.clock.set(world.clock.now() + by));
      const worker = await world.open({ script });
      const other = await world.open();
      const planId = await planTo(worker, 'b', { maxParallelWorkers: 2 });
      const runs = [worker, other].map(({ manager }) => manager.runMigration(planId));
      await world.run(Promise.all(runs), 3 * LEASE_MS);
      await assertCompleted(world, worker, planId);
    },
  );
});

it('a clock that is set back makes nobody wait longer for a node that is to be rolled back alone', async () => {
  const answered = Promise.withResolvers<void>();
  const { script, arrival } = atPoint('nodes.read #0 before', () => answered.promise);
  const slow = await world.open({ script });
  const planId = await planTo(slow, 'b');
  const running = slow.manager.runMigration(planId);
  await world.run(arrival);
  const other = await world.open();
  const rolling = other.manager.rollbackMigration({ planId, nodeId: 'edited' });
  await world.clock.advance(1_000);
  world.clock.set(world.clock.now() - 3_600_000);
  expect(await world.run(rolling, 2 * LEASE_MS)).toMatchObject({ succeeded: true });
  answered.resolve();
  await world.run(running);
  await assertCompleted(world, other, planId);
});

it('a run asks nobody but the embedder of its target', async () => {
  const worker = await world.open();
  const planId = await planTo(worker, 'c');
  await world.run(worker.manager.runMigration(planId));
  expect(worker.embedders.c.calls.every(({ purpose }) => purpose === 'document')).toBe(true);
  expect([worker.embedders.a.calls, worker.embedders.b.calls]).toEqual([[], []]);
  expect((await worker.manager.getMigration(planId)).targetSpec.equals(models.c)).toBe(true);
});
