/** Workers that stand still (SIGSTOP) while the world goes on, and then go on themselves. */
import { describe, expect, it } from 'vitest';
import { Stage } from './stage.ts';
import { assertCompleted, assertRolledBack, assertSound } from './verdict.ts';

/** Windows stops no process. */
const canFreeze = process.platform !== 'win32';

/** A lease and a little more. */
const LEASE_MS = 31_000;
const HOUR_MS = 3_600_000;

describe
  .runIf(canFreeze)
  .each(['registry.claim after', 'nodes.read after', 'registry.backUp after', 'nodes.write after'])(
  'a worker that is frozen at %s',
  (place) => {
    async function frozen() {
      const stage = await Stage.open();
      const planId = await stage.plan('b', { lanes: 2, batchSize: 6 });
      // The second time: something has been done already.
      const worker = await stage.worker({ embedMs: 1, stopAt: { place, time: 1 } });
      await worker.heard('stops');
      return { ...stage, stage, planId, worker };
    }

    it('past its lease harms nothing that its successor did', async () => {
      const { stage, world, manager, planId, worker } = await frozen();
      world.time.advance(LEASE_MS);
      const plan = await manager.runMigration(planId);
      assertCompleted(world, plan, 'b', 'a');
      await worker.rest();
      assertCompleted(world, await stage.resting(planId), 'b', 'a');
    });

    it('across a cancel and the plan after it harms neither', async () => {
      const { world, manager, planId, worker } = await frozen();
      await manager.cancelMigration(planId);
      await manager.rollbackMigration({ planId });
      world.witness.begin('c');
      const next = await (async () => {
        const { planId: made } = await manager.createMigration({ targetModelId: 'words', targetVersion: 2 });
        return manager.runMigration(made);
      })();
      await worker.rest();
      assertCompleted(world, next, 'c', 'a');
    });

    it('across a whole rollback harms nothing that was put back', async () => {
      const { world, manager, planId, worker } = await frozen();
      const report = await manager.rollbackMigration({ planId });
      await worker.rest();
      assertRolledBack(world, await manager.getMigration(planId), report, 'a');
    });
  },
);

it.runIf(canFreeze)('who waits for a lock that somebody frozen holds says so, and goes on', async () => {
  const stage = await Stage.open();
  const { world, flow } = stage;
  const successor = await stage.worker();
  // It finds nothing to claim before the other one has stopped in the middle of its first claim.
  await successor.freeze();
  const planId = await stage.plan('b', { lanes: 2, batchSize: 6 });
  const holder = await stage.worker({ stopInside: 0 });
  await holder.heard('stops');
  successor.thaw();
  // Nobody can tell any more that he lives.
  flow.isForced = true;
  flow.start();
  const said = await successor.heard('says');
  expect(said.message).toMatch(/locked|busy|another/i);
  flow.isForced = false;
  holder.thaw();
  const plan = await stage.resting(planId);
  assertCompleted(world, plan, 'b', 'a');
});

it.runIf(canFreeze)(
  'a machine that slept for an hour goes on by itself: nothing is lost, and no rate is wrong',
  async () => {
    const stage = await Stage.open({ nodes: 60 });
    const { world, flow } = stage;
    const workers = [await stage.worker({ embedMs: 300 }), await stage.worker({ embedMs: 300 })];
    const planId = await stage.plan('b', { lanes: 2, batchSize: 4, throttleMs: 5_000 });
    flow.start();
    await Promise.any(workers.map((worker) => worker.heard('settled')));
    // While the lanes rest, and no time passes but our own, there is enough of it to stop them in.
    await flow.stop();
    for (const worker of workers) await worker.freeze();
    const told = workers.map(({ messages }) => messages.length);
    world.time.advance(HOUR_MS);
    for (const worker of workers) worker.thaw();
    flow.start();
    const plan = await stage.resting(planId);
    assertCompleted(world, plan, 'b', 'a');
    expect(world.registry.all('SELECT node_id FROM tasks WHERE losses + attempts > 0')).toEqual([]);
    const after = workers.flatMap(({ messages }, index) => messages.slice(told[index]));
    const times = after.flatMap(({ etaSeconds }) => (typeof etaSeconds === 'number' ? [etaSeconds] : []));
    expect(times.length).toBeGreaterThan(0);
    // With the hour in it the rate would be a node in minutes.
    expect(Math.max(...times)).toBeLessThan(600);
    assertSound(world, planId);
  },
);

describe.runIf(canFreeze)('three workers', () => {
  it('share a plan: each task is settled once, each text embedded once', async () => {
    const stage = await Stage.open({ nodes: 60 });
    const { world, flow } = stage;
    const workers = [await stage.worker(), await stage.worker(), await stage.worker()];
    const planId = await stage.plan('b', { lanes: 3, batchSize: 2, throttleMs: 2_000 });
    flow.start();
    const plan = await stage.resting(planId);
    await Promise.all(workers.map((worker) => worker.rest()));
    assertCompleted(world, plan, 'b', 'a');
    world.witness.look(planId, 0);
    expect(world.registry.all('SELECT node_id FROM tasks WHERE losses + attempts + requeues > 0')).toEqual(
      [],
    );
    const texts = workers.map(({ messages }) =>
      Number(messages.find(({ kind }) => kind === 'rested')?.texts),
    );
    expect(texts.filter((count) => count > 0).length).toBeGreaterThan(1);
    expect(texts.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(plan.totalNodes);
  });
});
