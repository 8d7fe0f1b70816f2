/**
 * The shortest traces that a model check of the protocol found where one of its guards is missing. Each test
 * names the guard it holds, and fails without it. The trace of a store that writes a node in three steps
 * (stamp in transit, vector, final stamp) belongs to the tests of such a store.
 */
import { atPoint, type FaultPoint, type FaultScript, FaultyProcess } from '@registry/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { LEASE_MS } from './interrupted.ts';
import { assertCompleted, assertRolledBack, tasksOf } from './invariants.ts';
import { models } from './models.ts';
import { stateOf } from './node-states.ts';
import { planTo, seededWorld } from './seeds.ts';
import type { Worker, WorkerOptions, World } from './world.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

/** A world with a plan to b over these nodes, or all. */
async function planned(nodeIds?: readonly string[]): Promise<{ world: World; planId: string }> {
  const world = await seededWorld();
  worlds.push(world);
  const planId = await planTo(await world.open(), 'b', nodeIds && { nodeIds });
  return { world, planId };
}

/** Runs a worker up to this point and leaves it there, frozen. `done` settles once it was thawed and has ended. */
async function frozenAt(
  world: World,
  name: string,
  act: (worker: Worker) => Promise<unknown>,
  options: WorkerOptions = {},
): Promise<{ process: FaultyProcess; thaw: () => Promise<unknown> }> {
  const process = new FaultyProcess();
  const { script, arrival } = atPoint(name, () => process.freeze());
  const worker = await world.open({ ...options, script, process });
  const done = act(worker);
  done.catch(() => {});
  await world.run(Promise.race([arrival, done.then(() => expect.unreachable(`never came to ${name}`))]));
  const thaw = () => {
    process.thaw();
    return world.run(done);
  };
  return { process, thaw };
}

async function stateIn(world: World, nodeId: string): Promise<string> {
  return stateOf((await world.nodes()).get(nodeId));
}

const isAt = async (world: World, nodeId: string) => (await world.nodes()).get(nodeId)?.embeddingModelId;

describe('while a plan is rolled back', () => {
  // Guard: rollBackPlan walks the plan's backups, whatever the task states say.
  it('puts back what was written and never settled', async () => {
    const { world, planId } = await planned();
    const frozen = await frozenAt(world, 'registry.settle #0 before', ({ manager }) =>
      manager.runMigration(planId),
    );
    const other = await world.open();
    const report = await world.run(other.manager.rollbackMigration({ planId }));
    await frozen.thaw();
    await assertRolledBack(world, other, planId, report);
    expect(report.restored).toBe(4);
  });

  // Guard: restoration() renews the fence of a node that is off the target.
  it('voids a write that is still under way', async () => {
    const { world, planId } = await planned();
    const frozen = await frozenAt(world, 'nodes.write #0 before', ({ manager }) =>
      manager.runMigration(planId),
    );
    const other = await world.open();
    const report = await world.run(other.manager.rollbackMigration({ planId }));
    await frozen.thaw();
    await assertRolledBack(world, other, planId, report);
  });

  // Guard: backUp answers false once the lease is gone, and then nothing is written.
  it('lets a batch write nothing that was read before and backed up after', async () => {
    const { world, planId } = await planned();
    const frozen = await frozenAt(world, 'registry.backUp #0 before', ({ manager }) =>
      manager.runMigration(planId),
    );
    const other = await world.open();
    const report = await world.run(other.manager.rollbackMigration({ planId }));
    await frozen.thaw();
    await assertRolledBack(world, other, planId, report);
    expect(report.restored).toBe(0);
  });

  // Guard: restoration() compares the content's hash with that of the backup.
  it('leaves a text alone that the application embedded with the target itself', async () => {
    const { world, planId } = await planned();
    const worker = await world.open();
    await world.run(worker.manager.runMigration(planId));
    await world.application.edit('plain', 'rewritten', 'b');
    const report = await world.run(worker.manager.rollbackMigration({ planId }));
    await assertRolledBack(world, worker, planId, report);
    expect(report.conflictSample).toEqual(['plain']);
    expect(await isAt(world, 'plain')).toBe(models.b.modelId);
  });

  // Guard: restorePage asks for the lease between reading nodes and writing them.
  it('does not put back what a later plan wrote', async () => {
    const { world, planId } = await planned();
    const worker = await world.open();
    await world.run(worker.manager.runMigration(planId));
    const frozen = await frozenAt(world, 'registry.backups #0 after', ({ manager }) =>
      manager.rollbackMigration({ planId }),
    );
    await world.run(worker.manager.rollbackMigration({ planId }));
    const later = await planTo(worker, 'b');
    await world.run(worker.manager.runMigration(later));
    await frozen.thaw();
    await assertCompleted(world, worker, later);
  });
});

describe('fences', () => {
  // Guard: the store makes a new fence with every write, also of equal bytes (node-memory, sqlite/write.ts).
  it('let no write land that was prepared before the same bytes came back', async () => {
    const { world, planId } = await planned();
    const frozen = await frozenAt(world, 'nodes.write #0 before', ({ manager }) =>
      manager.runMigration(planId),
    );
    const other = await world.open();
    await world.clock.advance(LEASE_MS);
    await world.run(other.manager.runMigration(planId));
    await world.run(other.manager.rollbackMigration({ planId }));
    const before = await world.nodeStates();
    await frozen.thaw();
    expect(await world.nodeStates()).toEqual(before);
    await assertRolledBack(world, other, planId);
  });

  // The same guard, across a later plan over the same nodes.
  it('let no write land that was prepared before a later plan was rolled back', async () => {
    const { world, planId } = await planned();
    const frozen = await frozenAt(world, 'nodes.write #0 before', ({ manager }) =>
      manager.runMigration(planId),
    );
    const other = await world.open();
    await world.run(other.manager.cancelMigration(planId));
    const later = await planTo(other, 'c');
    await world.run(other.manager.runMigration(later));
    await world.run(other.manager.rollbackMigration({ planId: later }));
    await frozen.thaw();
    await assertRolledBack(world, other, later);
  });
});

describe('backups', () => {
  // Guard: backUp replaces the backup of a node that was read off the target.
  it('hold what the application wrote since the first attempt', async () => {
    const { world, planId } = await planned();
    const process = new FaultyProcess();
    const { script, arrival } = atPoint('nodes.write #0 before', () => process.kill());
    const doomed = await world.open({ script, process });
    void doomed.manager.runMigration(planId);
    await world.run(arrival);
    for (const id of world.application.contents.keys())
      await world.application.edit(id, `rewritten ${id}`, 'a');
    const rewritten = await world.nodeStates();
    await world.clock.advance(LEASE_MS);
    const worker = await world.open();
    await world.run(worker.manager.runMigration(planId));
    const report = await world.run(worker.manager.rollbackMigration({ planId }));
    await assertRolledBack(world, worker, planId, report);
    expect(await world.nodeStates()).toEqual(rewritten);
  });
});

describe('the sweep', () => {
  // Guard: sweep re-queues completed tasks whose nodes are off the target.
  it('finds a node that was at the target when it was read, and is not when the batch is settled', async () => {
    const { world, planId } = await planned();
    const script: FaultScript = async ({ method, call, when }: FaultPoint) => {
      if (method !== 'read' || call !== 0) return;
      if (when === 'before') await world.application.edit('edited', 'with the new model', 'b');
      else await world.application.edit('edited', 'with the old one', 'a');
    };
    const worker = await world.open({ script });
    await world.run(worker.manager.runMigration(planId));
    await assertCompleted(world, worker, planId);
    expect(await isAt(world, 'edited')).toBe(models.b.modelId);
  });
});

describe('the rollback of one node', () => {
  // Guard: takeNode ends the lease that holds the node, once it has waited for it.
  it('stays, although a batch had claimed the node before', async () => {
    const { world, planId } = await planned();
    const before = await stateIn(world, 'edited');
    const answered = Promise.withResolvers<void>();
    const { script, arrival } = atPoint('nodes.read #0 before', () => answered.promise);
    // Slow, and alive: its lease is renewed.
    const slow = await world.open({ script });
    const running = slow.manager.runMigration(planId);
    await world.run(arrival);
    const other = await world.open();
    await world.run(other.manager.rollbackMigration({ planId, nodeId: 'edited' }));
    answered.resolve();
    await world.run(running);
    await assertCompleted(world, other, planId);
    expect(await stateIn(world, 'edited')).toBe(before);
    const task = (await tasksOf(other, planId)).find(({ nodeId }) => nodeId === 'edited');
    expect(task?.status).toBe('rolled_back');
  });

  // Guard: a task whose node is being rolled back is claimed by no batch (takeNode leases it).
  it('stays, although a batch claims the rest meanwhile', async () => {
    const { world, planId } = await planned();
    const before = await stateIn(world, 'edited');
    const frozen = await frozenAt(world, 'registry.takeNode #0 after', ({ manager }) =>
      manager.rollbackMigration({ planId, nodeId: 'edited' }),
    );
    const process = new FaultyProcess();
    const halfway = await frozenAt(
      world,
      'registry.backUp #0 before',
      ({ manager }) => manager.runMigration(planId),
      { process },
    );
    await frozen.thaw();
    await halfway.thaw();
    const worker = await world.open();
    await assertCompleted(world, worker, planId);
    expect(await stateIn(world, 'edited')).toBe(before);
  });
});
