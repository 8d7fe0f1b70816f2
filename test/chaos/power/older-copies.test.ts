/** A registry and a node store of different times: somebody has put an older copy of one of them back. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atPoint, FaultyProcess } from '@registry/core/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assertSound } from '../../crash/invariants.ts';
import { planTo, seededWorld } from '../../crash/seeds.ts';
import type { Worker, World } from '../../crash/world.ts';

const LEASE_MS = 31_000;

interface Stage {
  readonly name: string;
  /** Goes on from the stage before. */
  readonly reach: (world: World, worker: Worker, planId: string) => Promise<unknown>;
}

const half = (name: string, act: (worker: Worker, planId: string) => Promise<unknown>): Stage['reach'] => {
  return async (world, _, planId) => {
    const process = new FaultyProcess();
    const { script, arrival } = atPoint(name, () => process.kill());
    const doomed = await world.open({ script, process });
    act(doomed, planId).catch(() => {});
    await world.run(arrival);
    await world.clock.advance(LEASE_MS);
  };
};

const stages: readonly Stage[] = [
  { name: 'planned', reach: async () => undefined },
  {
    name: 'half migrated',
    reach: half('registry.settle #1 before', ({ manager }, id) => manager.runMigration(id)),
  },
  { name: 'migrated', reach: (_, { manager }, id) => manager.runMigration(id) },
  {
    name: 'half rolled back',
    reach: half('nodes.write #0 after', ({ manager }, id) => manager.rollbackMigration({ planId: id })),
  },
  { name: 'rolled back', reach: (_, { manager }, planId) => manager.rollbackMigration({ planId }) },
  {
    name: 'migrated on',
    reach: async (_, worker) => worker.manager.runMigration(await planTo(worker, 'c')),
  },
];

/** Whether the store has heard of a seal, rollback or end that the registry has not. */
const marks = [1, 1, 1, 2, 3, 4];

let base: World;
let planId: string;
const copies = mkdtempSync(join(tmpdir(), 'stages-'));
const copyOf = (stage: number) => join(copies, String(stage));

beforeAll(async () => {
  base = await seededWorld();
  planId = await planTo(await base.open(), 'b');
  let world = await base.fork();
  for (const [index, { reach }] of stages.entries()) {
    await world.run(reach(world, await world.open(), planId));
    const next = await world.fork((folder) => cpSync(folder, copyOf(index), { recursive: true }));
    await world.close();
    world = next;
  }
  await world.close();
}, 60_000);
afterAll(async () => {
  await base.close();
  rmSync(copies, { recursive: true });
});

const pairs = stages.flatMap((registry, older) =>
  stages.map((nodes, newer) => ({ registry: registry.name, nodes: nodes.name, older, newer })),
);

it.each(pairs)('a registry $registry, a node store $nodes', async ({ older, newer }) => {
  const world = await base.fork((folder) => {
    cpSync(join(copyOf(older), 'registry.sqlite'), join(folder, 'registry.sqlite'));
    cpSync(join(copyOf(newer), 'nodes.sqlite'), join(folder, 'nodes.sqlite'));
  });
  try {
    world.start = await world.nodeStates();
    const worker = await world.open();
    const plans = async () => (await worker.manager.listMigrations()).items;
    await worker.manager.startWorker();
    await world.clock.advance(60_000);
    await world.run(worker.manager.stopWorker());
    // What is done by itself: nothing that was undone, or that later plans may have undone.
    if (marks[older]! < marks[newer]!) {
      expect(await world.nodeStates()).toEqual(world.start);
      for (const plan of await plans())
        assert.ok(!['pending', 'in_progress', 'rolling_back'].includes(plan.status));
    }
    for (const plan of await plans()) {
      if (plan.status === 'paused') await worker.manager.resumeMigration(plan.planId);
      await world.run(worker.manager.runMigration(plan.planId));
    }
    for (const plan of await plans()) {
      assert.ok(['completed', 'rolled_back'].includes(plan.status), plan.status);
      await assertSound(world, worker, plan.planId);
    }
  } finally {
    await world.close();
  }
});
