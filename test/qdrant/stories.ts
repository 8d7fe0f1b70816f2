import assert from 'node:assert/strict';
import type { RollbackReport, Strategy } from '@registry/core';
import {
  assertAccount,
  assertAsBefore,
  assertNoFault,
  assertOwnVectors,
  assertServed,
  targetModel,
} from './invariants.ts';
import { models } from './models.ts';
import { planOf, seededWorld } from './seeds.ts';
import type { Worker, World } from './world.ts';

/** Something that can be interrupted at every request: where it begins, what is done, what holds afterwards. */
export interface Story {
  readonly name: string;
  readonly begin: () => Promise<{ world: World; planId: string }>;
  /** May be done again by somebody who does not know how far it came. */
  readonly act: (worker: Worker, planId: string) => Promise<unknown>;
  /** `isDisturbed`: the application wrote meanwhile. */
  readonly check: (world: World, worker: Worker, planId: string, outcome: Outcome) => Promise<void>;
}

export interface Outcome {
  readonly answer: unknown;
  readonly isDisturbed: boolean;
}

async function planned(strategy: Strategy) {
  const world = await seededWorld(strategy);
  return { world, planId: await planOf(world, strategy) };
}

/** The plan is completed; `cutOver`: and readers use the target. */
async function migrated(strategy: Strategy, cutOver: boolean) {
  const { world, planId } = await planned(strategy);
  const { manager } = await world.open();
  await manager.runMigration(planId);
  if (cutOver) await manager.cutoverMigration({ planId });
  return { world, planId };
}

const isSideBySide = (strategy: Strategy) => strategy !== 'inPlace';

function forward(strategy: Strategy): Story {
  return {
    name: `${strategy}: a migration`,
    begin: () => planned(strategy),
    act: ({ manager }, planId) => manager.runMigration(planId),
    async check(world, worker, planId, { isDisturbed }) {
      const plan = await worker.manager.getMigration(planId);
      assert.equal(plan.status, 'completed', plan.reason?.message);
      await assertNoFault(worker, planId);
      assertAccount(world);
      if (isSideBySide(strategy)) {
        if (!isDisturbed) assertAsBefore(world);
        // What the application wrote after the last look is brought over now.
        await worker.manager.cutoverMigration({ planId });
      } else if (isDisturbed) await worker.manager.cutoverMigration({ planId });
      await settle(worker);
      await assertServed(world, worker, targetModel(strategy));
      if (!isDisturbed) return;
      await rollBackAll(worker);
      assertAccount(world);
      assertAsBefore(world);
      assertOwnVectors(world);
    },
  };
}

/** Plans that follow a cutover in place look through the store once more. */
async function settle({ manager }: Worker): Promise<void> {
  const { items } = await manager.listMigrations();
  for (const { planId, status } of items)
    if (status === 'pending' || status === 'in_progress') await manager.runMigration(planId);
}

/** The newest plan first. */
async function rollBackAll({ manager }: Worker): Promise<void> {
  const { items } = await manager.listMigrations();
  for (const { planId } of items.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1)))
    await manager.rollbackMigration({ planId });
}

function cutover(strategy: Strategy): Story {
  return {
    name: `${strategy}: a cutover`,
    begin: () => migrated(strategy, false),
    act: ({ manager }, planId) => manager.cutoverMigration({ planId }),
    async check(world, worker, planId, { isDisturbed }) {
      assert.ok((await worker.manager.getMigration(planId)).cutOverAt);
      const { modelId } = await worker.manager.getActiveModel();
      assert.equal(modelId, targetModel(strategy).modelId);
      if (isDisturbed) await worker.manager.cutoverMigration({ planId });
      await assertServed(world, worker, targetModel(strategy));
    },
  };
}

function rollback(strategy: Strategy, isCutOver: boolean): Story {
  return {
    name: `${strategy}: a rollback ${isCutOver ? 'after' : 'before'} the cutover`,
    begin: () => migrated(strategy, isCutOver),
    act: ({ manager }, planId) => manager.rollbackMigration({ planId }),
    async check(world, worker, planId, { answer, isDisturbed }) {
      const plan = await worker.manager.getMigration(planId);
      assert.equal(plan.status, 'rolled_back');
      assertAccount(world);
      assertAsBefore(world);
      assertOwnVectors(world);
      assert.equal((await worker.manager.getActiveModel()).modelId, models.a.modelId);
      if (!isDisturbed) assert.equal((answer as RollbackReport).succeeded, true);
    },
  };
}

function finalize(strategy: Strategy): Story {
  return {
    name: `${strategy}: giving the old side up`,
    begin: () => migrated(strategy, true),
    async act({ manager, store }, planId) {
      const plan = await manager.getMigration(planId);
      const drop = await (await store.sideBySide(plan)).leftover();
      return manager.finalizeMigration({ planId, ...(drop !== undefined && { drop }) });
    },
    async check(world, worker, planId) {
      assert.ok((await worker.manager.getMigration(planId)).finalizedAt);
      await assertServed(world, worker, targetModel(strategy));
    },
  };
}

/** What is interrupted. In place has no cutover of its own: readers filter by the stamp. */
export function storiesOf(strategy: Strategy): readonly Story[] {
  if (!isSideBySide(strategy)) return [forward(strategy), rollback(strategy, false)];
  return [
    forward(strategy),
    cutover(strategy),
    rollback(strategy, false),
    rollback(strategy, true),
    finalize(strategy),
  ];
}
