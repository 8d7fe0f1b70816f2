import assert from 'node:assert/strict';
import { EmbedderError, isRegistryError, type MigrationPlan, type RollbackReport } from '@registry/core';
import { atPoint, FaultyProcess } from '@registry/core/testing';
import { LEASE_MS, type Story } from './interrupted.ts';
import { assertCompleted, assertRolledBack, assertSound, tasksOf } from './invariants.ts';
import { embedded, models } from './models.ts';
import { planTo, seededWorld } from './seeds.ts';
import type { Worker, World } from './world.ts';

interface Beginning {
  readonly world: World;
  readonly planId: string;
}

/** A world with a plan to b that nobody has begun. */
async function planned(tuning: Parameters<typeof planTo>[2] = {}): Promise<Beginning> {
  const world = await seededWorld();
  const planId = await planTo(await world.open(), 'b', tuning);
  return { world, planId };
}

/** A world in which the plan is completed. */
async function migrated(): Promise<Beginning> {
  const { world, planId } = await planned();
  const { manager } = await world.open();
  await world.run(manager.runMigration(planId));
  return { world, planId };
}

/** A migration whose sweep will find nodes that came, or came back, since its batches were settled. */
async function aboutToSweep(): Promise<Beginning> {
  const { world, planId } = await planned();
  const process = new FaultyProcess();
  const { script, arrival } = atPoint('registry.claim #3 before', () => process.kill());
  const doomed = await world.open({ script, process });
  void doomed.manager.runMigration(planId);
  await world.run(arrival);
  await world.application.put([{ id: 'newcomer', content: 'born late', ...embedded('a', 'born late') }]);
  await world.application.edit('same-1', 'changed its mind', 'a');
  // What was written since is what a rollback has to leave.
  const states = await world.nodeStates();
  for (const id of ['newcomer', 'same-1']) world.start.set(id, states.get(id) ?? '');
  await world.clock.advance(LEASE_MS);
  return { world, planId };
}

export const forward: Story = {
  name: 'a migration',
  begin: () => planned(),
  act: ({ manager }, planId) => manager.runMigration(planId),
  finish: ({ manager }, planId) => manager.runMigration(planId),
  check: (world, worker, planId) => assertCompleted(world, worker, planId),
};

export const forwardInTwoLanes: Story = {
  ...forward,
  name: 'a migration in two lanes',
  begin: () => planned({ maxParallelWorkers: 2, batchSize: 3 }),
};

const poison = 'nobody knows who embedded this';

/** One text is refused: its batch is split until it is alone. */
export const splitting: Story = {
  ...forward,
  name: 'a migration that splits a batch',
  options: {
    onEmbed(texts) {
      if (texts.includes(poison)) throw new EmbedderError('refused', 'One of the texts is not accepted.');
    },
  },
  async check(world, worker, planId) {
    const plan = await assertSound(world, worker, planId, { mayFail: ['unknown'] });
    const tasks = await tasksOf(worker, planId);
    const failed = tasks.filter(({ status }) => status !== 'completed');
    assert.deepEqual(
      failed.map(({ nodeId, status }) => [nodeId, status]),
      [['unknown', 'failed']],
    );
    assert.equal(plan.status, 'failed');
    assert.equal((await world.nodeStates()).get('unknown'), world.start.get('unknown'));
  },
};

export const sweep: Story = { ...forward, name: 'a sweep that finds nodes', begin: aboutToSweep };

export const back: Story = {
  name: 'a rollback',
  lastLook: 'countByModel',
  begin: migrated,
  act: ({ manager }, planId) => manager.rollbackMigration({ planId }),
  finish: ({ manager }, planId) => manager.rollbackMigration({ planId }),
  check: (world, worker, planId, answer) => assertRolledBack(world, worker, planId, answer as RollbackReport),
};

export const oneBack: Story = {
  name: 'the rollback of one node',
  begin: migrated,
  act: ({ manager }, planId) => manager.rollbackMigration({ planId, nodeId: 'plain' }),
  finish: ({ manager }, planId) => manager.rollbackMigration({ planId, nodeId: 'plain' }),
  async check(world, worker, planId, answer) {
    await assertCompleted(world, worker, planId);
    assert.equal((answer as RollbackReport).succeeded, true);
    assert.equal((await world.nodeStates()).get('plain'), world.start.get('plain'));
    const task = (await tasksOf(worker, planId)).find(({ nodeId }) => nodeId === 'plain');
    assert.equal(task?.status, 'rolled_back');
  },
};

const finalized: Story = {
  name: 'giving backups up',
  begin: migrated,
  act: ({ manager }, planId) => manager.finalizeMigration({ planId }),
  finish: ({ manager }, planId) => manager.finalizeMigration({ planId }),
  async check(world, worker, planId) {
    await assertCompleted(world, worker, planId);
    assert.deepEqual(world.registry.all('SELECT * FROM backups'), []);
    assert.ok((await tasksOf(worker, planId)).every(({ canRollback }) => !canRollback));
    await assert.rejects(worker.manager.rollbackMigration({ planId }), isRefusal('PLAN_FINALIZED'));
  },
};

const isRefusal = (code: string) => (error: unknown) => isRegistryError(error) && error.code === code;

const target = { targetModelId: models.b.modelId, targetVersion: models.b.version };

/** What was asked for again by somebody who cannot know whether it was done. */
async function onceMore({ manager }: Worker, ask: () => Promise<unknown>): Promise<string> {
  const { items } = await manager.listMigrations();
  if (items.length === 0) await ask();
  const [plan] = (await manager.listMigrations()).items as [MigrationPlan];
  await manager.runMigration(plan.planId);
  return plan.planId;
}

async function checkOnlyPlan(world: World, worker: Worker): Promise<void> {
  const { items } = await worker.manager.listMigrations();
  assert.equal(items.length, 1, 'plans');
  assert.deepEqual(world.registry.all('SELECT plan FROM plans WHERE sealed IS NULL'), []);
  const [plan] = items as [MigrationPlan];
  if (plan.status === 'pending') await assertSound(world, worker, plan.planId);
  else await assertCompleted(world, worker, plan.planId);
  assert.equal(plan.totalNodes, 11);
}

export const creation: Story = {
  name: 'making a plan over the store',
  begin: async () => ({ world: await seededWorld(), planId: '' }),
  act: ({ manager }) => manager.createMigration(target),
  finish: (worker) => onceMore(worker, () => worker.manager.createMigration(target)),
  async check(world, worker) {
    await checkOnlyPlan(world, worker);
    assert.equal((await worker.manager.getActiveModel()).modelId, models.a.modelId);
  },
};

export const activation: Story = {
  name: 'switching the active model',
  begin: async () => ({ world: await seededWorld(), planId: '' }),
  act: ({ manager }) => manager.switchActiveModel({ ...target, migrateExisting: true }),
  finish: (worker) =>
    onceMore(worker, () => worker.manager.switchActiveModel({ ...target, migrateExisting: true })),
  async check(world, worker) {
    await checkOnlyPlan(world, worker);
    assert.equal((await worker.manager.getActiveModel()).modelId, models.b.modelId);
  },
};

export const stories: readonly Story[] = [
  forward,
  forwardInTwoLanes,
  splitting,
  sweep,
  back,
  oneBack,
  finalized,
  creation,
  activation,
];
