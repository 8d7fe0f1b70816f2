/** Making a plan, interrupted by others who make one. */
import { EmbedderError, isRegistryError, RegistryError } from '@registry/core';
import { atPoint, FaultyProcess } from '@registry/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LEASE_MS } from './interrupted.ts';
import { assertCompleted } from './invariants.ts';
import { models } from './models.ts';
import { seededWorld } from './seeds.ts';
import type { World } from './world.ts';

const toB = { targetModelId: models.b.modelId, targetVersion: models.b.version };
const toC = { targetModelId: models.c.modelId, targetVersion: models.c.version };

let world: World;
beforeEach(async () => {
  world = await seededWorld();
});
afterEach(() => world.close());

/** Begins a plan over the store and leaves its process at this point. */
async function stoppedAt(name: string, stop: (process: FaultyProcess) => Promise<unknown>) {
  const process = new FaultyProcess();
  const { script, arrival } = atPoint(name, () => stop(process));
  const { manager } = await world.open({ script, process });
  const made = manager.createMigration(toB);
  made.catch(() => {});
  await world.run(arrival);
  return { process, made };
}

const frozen = (name: string) => stoppedAt(name, (process) => process.freeze());
const killed = (name: string) => stoppedAt(name, (process) => process.kill());

// Guard: discardPlan removes no creation that another lease holds.
it('who wakes up late leaves the creation alone that another one took over', async () => {
  const { process, made } = await frozen('nodes.scan #0 after');
  await world.clock.advance(LEASE_MS);
  const successor = new FaultyProcess();
  const { script, arrival } = atPoint('registry.addTasks #0 after', () => successor.freeze());
  const other = await world.open({ script, process: successor });
  const taken = other.manager.createMigration(toB);
  await world.run(arrival);
  process.thaw();
  await expect(world.run(made)).rejects.toSatisfy((error) => isRegistryError(error, 'PLAN_UNKNOWN'));
  successor.thaw();
  const plan = await world.run(taken);
  await world.run(other.manager.runMigration(plan.planId));
  await assertCompleted(world, other, plan.planId);
});

// Guard: adoptCreation takes up nothing that cannot be sealed now.
it('an interrupted plan whose nodes another one holds again keeps nobody from planning', async () => {
  const refusing = await world.open({
    onEmbed(texts) {
      if (texts.includes('a plain text')) throw new EmbedderError('refused', 'Not this text.');
    },
  });
  const { manager } = refusing;
  const failed = await manager.createMigration({ ...toB, nodeIds: ['plain'], maxRetries: 0 });
  expect((await world.run(manager.runMigration(failed.planId))).status).toBe('failed');
  await killed('registry.addTasks #0 after');
  await world.clock.advance(LEASE_MS);
  expect(await manager.retryFailed({ planId: failed.planId })).toBe(1);
  await manager.pauseMigration(failed.planId);
  await manager.startWorker();
  await world.clock.advance(5_000);
  const other = await world.open();
  const { planId } = await world.run(other.manager.createMigration({ ...toC, nodeIds: ['tagged'] }));
  await world.run(other.manager.runMigration(planId));
  await assertCompleted(world, other, planId);
  await world.run(manager.stopWorker());
});

it('a worker finishes what a dead process began to plan', async () => {
  await killed('registry.sealPlan #0 before');
  await world.clock.advance(LEASE_MS);
  const worker = await world.open();
  await worker.manager.startWorker();
  await world.clock.advance(10_000);
  await world.run(worker.manager.stopWorker());
  const { items } = await worker.manager.listMigrations();
  expect(items).toHaveLength(1);
  await assertCompleted(world, worker, items[0]!.planId);
});

// Guard: a creation that belongs to a dead process is not waited for.
it.each(['the same plan', 'a worker'])('%s goes on at once with what a dead process began', async (who) => {
  await killed('registry.addTasks #0 after');
  const worker = await world.open({ isDead: () => true });
  const before = world.clock.now();
  if (who === 'a worker') {
    await worker.manager.startWorker();
    await world.clock.advance(10_000);
    await world.run(worker.manager.stopWorker());
  } else {
    const plan = await world.run(worker.manager.createMigration(toB));
    await world.run(worker.manager.runMigration(plan.planId));
  }
  expect(world.clock.now() - before).toBeLessThan(LEASE_MS / 2);
  const { items } = await worker.manager.listMigrations();
  expect(items).toHaveLength(1);
  await assertCompleted(world, worker, items[0]!.planId);
});

// Guard: the mark of the node store is a note, and what it stands for is done.
it.each(['registry.mark #0 before', 'nodes.mark.write #0 before'])(
  'a plan is made although the node store does not take its mark (%s)',
  async (name) => {
    const { script } = atPoint(name, () => {
      throw new RegistryError('DATABASE_LOCKED', 'Somebody else writes.');
    });
    const worker = await world.open({ script });
    const plan = await world.run(worker.manager.createMigration(toB));
    expect(plan.totalNodes).toBe(11);
  },
);

// Guard: lookOnce is a courtesy of a switch that has happened.
it('an empty switch is done although nobody could look through the store at once', async () => {
  for (const id of world.application.contents.keys()) await world.application.remove(id);
  const { script } = atPoint('registry.claim #0 before', () => {
    throw new RegistryError('DATABASE_LOCKED', 'Somebody else writes.');
  });
  const worker = await world.open({ script });
  const plan = await world.run(worker.manager.switchActiveModel({ ...toB, migrateExisting: true }));
  expect((await worker.manager.getActiveModel()).modelId).toBe(models.b.modelId);
  await world.run(worker.manager.runMigration(plan!.planId));
  await assertCompleted(world, worker, plan!.planId);
});

// A refused switch has changed nothing.
it.each(['embedder.embed #0 before', 'nodes.scan #1 before', 'registry.addTasks #0 before'])(
  'a switch that fails at %s activates nothing and leaves no plan',
  async (name) => {
    const { script, arrival } = atPoint(name, () => {
      throw new RegistryError('DISK_FULL', 'The disk is full.');
    });
    const worker = await world.open({ script });
    const before = await world.nodeStates();
    await expect(
      world.run(worker.manager.switchActiveModel({ ...toB, migrateExisting: true })),
    ).rejects.toThrow();
    await arrival;
    expect((await worker.manager.getActiveModel()).modelId).toBe(models.a.modelId);
    expect((await worker.manager.listMigrations()).items).toEqual([]);
    expect(world.registry.all('SELECT plan FROM plans')).toEqual([]);
    expect(await world.nodeStates()).toEqual(before);
  },
);
