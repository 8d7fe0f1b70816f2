import assert from 'node:assert/strict';
import { afterAll, describe, it } from 'vitest';
import { forgetBeginnings, freezeAt, LEASE_MS, pointsOf, type Story } from './interrupted.ts';
import { assertCompleted, assertRolledBack, assertSound } from './invariants.ts';
import { dealt, some } from './selection.ts';
import { back, forward, forwardInTwoLanes, sweep } from './stories.ts';
import type { Worker, World } from './world.ts';

type Deed = (world: World, other: Worker, planId: string) => Promise<void>;

interface Meanwhile {
  readonly name: string;
  readonly deed: Deed;
  readonly check: Deed;
}

const others: readonly Meanwhile[] = [
  {
    name: 'another worker finishes its work',
    async deed(world, { manager }, planId) {
      await world.clock.advance(LEASE_MS);
      await world.run(manager.runMigration(planId));
    },
    check: assertCompleted,
  },
  {
    name: 'the plan is cancelled, and a later one takes its nodes',
    async deed(world, { manager }, planId) {
      await cancel(world, { manager }, planId);
      const later = await manager.createMigration({ targetModelId: 'words', targetVersion: 2 });
      await world.run(manager.runMigration(later.planId));
    },
    async check(world, other) {
      const { items } = await other.manager.listMigrations();
      await assertCompleted(world, other, items[0]!.planId);
    },
  },
  {
    name: 'the plan is rolled back',
    deed: async (world, { manager }, planId) => {
      await world.run(manager.rollbackMigration({ planId }));
    },
    check: async (world, other, planId) =>
      assertRolledBack(world, other, planId, await other.manager.rollbackMigration({ planId })),
  },
  {
    name: 'the plan is cancelled and its backups are given up',
    async deed(world, other, planId) {
      await cancel(world, other, planId);
      await world.run(other.manager.finalizeMigration({ planId }));
    },
    async check(world, other, planId) {
      await assertSound(world, other, planId);
      assert.deepEqual(world.registry.all('SELECT * FROM backups'), []);
    },
  },
  {
    name: 'one node is rolled back',
    deed: async (world, { manager }, planId) => {
      await world.run(manager.rollbackMigration({ planId, nodeId: 'plain' }));
    },
    async check(world, other, planId) {
      await world.run(other.manager.runMigration(planId));
      await assertCompleted(world, other, planId);
      assert.equal((await world.nodeStates()).get('plain'), world.start.get('plain'));
    },
  },
];

/** It may have ended before it was frozen. */
async function cancel(world: World, { manager }: Pick<Worker, 'manager'>, planId: string): Promise<void> {
  const { status } = await manager.getMigration(planId);
  if (status === 'pending' || status === 'in_progress') await world.run(manager.cancelMigration(planId));
}

const migrations = [forward, forwardInTwoLanes, sweep];
const runs = await Promise.all(
  [...migrations, back].map(async (story) => ({ story, points: await pointsOf(story) })),
);
afterAll(() => forgetBeginnings(...migrations, back));

const pointsIn = (story: Story, kind: number) => {
  const points = runs.find((run) => run.story === story)?.points ?? [];
  return story === forwardInTwoLanes ? some(points) : dealt(points, kind);
};

describe.each(migrations)('$name is frozen', (story) => {
  describe.each(others)('while $name', (other) => {
    const points = pointsIn(story, others.indexOf(other));
    it.for(points)('%s', (name) => freezeAt(story, name, other.deed, other.check));
  });
});

describe('a rollback is frozen', () => {
  const finish: Deed = async (world, { manager }, planId) => {
    await world.clock.advance(LEASE_MS);
    await world.run(manager.rollbackMigration({ planId }));
  };

  describe('while another worker finishes it', () => {
    it.for(pointsIn(back, 0))('%s', (name) =>
      freezeAt(back, name, finish, async (world, other, planId) =>
        assertRolledBack(world, other, planId, await other.manager.rollbackMigration({ planId })),
      ),
    );
  });

  describe('while another one finishes it, and a later plan migrates anew', () => {
    const migrateAnew: Deed = async (world, other, planId) => {
      await finish(world, other, planId);
      const { targetSpec } = await other.manager.getMigration(planId);
      const later = await other.manager.createMigration({
        targetModelId: targetSpec.modelId,
        targetVersion: targetSpec.version,
      });
      await world.run(other.manager.runMigration(later.planId));
    };
    it.for(pointsIn(back, 1))('%s', (name) =>
      freezeAt(back, name, migrateAnew, async (world, other) => {
        const { items } = await other.manager.listMigrations();
        await assertCompleted(world, other, items[0]!.planId);
      }),
    );
  });
});
