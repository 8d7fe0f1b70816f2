import { ManualClock } from '@registry/core/testing';
import type { Fault } from '@registry/qdrant-double';
import { describe, expect, it } from 'vitest';
import { all, openScene, refusalOf, seen } from './scene.ts';

async function planned(clock = new ManualClock()) {
  const scene = await openScene({ clock });
  const plan = await scene.manager.createMigration({ ...scene.to, strategy: 'shadow' });
  return { ...scene, clock, planId: plan.planId };
}

/** Lets the store's pauses pass. */
const run = <T>(clock: ManualClock, promise: Promise<T>) => clock.runUntil(promise, { limitMs: 3_600_000 });

const writes = ['batch_update', 'batch_points', 'update_batch', 'upsert_points', 'batch'];

describe.each<[string, Fault]>([
  ['a reset before a write took effect', { kind: 'reset', when: 'before' }],
  ['a reset after it did', { kind: 'reset', when: 'after' }],
  ['a 503 after it did', { kind: 'status', status: 503, when: 'after' }],
  ['a 408', { kind: 'status', status: 408 }],
  ['a 429 that says how long to wait', { kind: 'status', status: 429, retryAfterSeconds: 37 }],
  ['a 202 that says nothing', { kind: 'accepted' }],
  ['a write that is still queued', { kind: 'waitTimeout' }],
])('%s', (_, fault) => {
  it('costs no node a retry, and nothing is written twice or lost', async () => {
    const scene = await planned();
    const { double, manager, clock, planId } = scene;
    const met = double.inject({
      on: ({ operation }) => /batch/.test(operation) || writes.includes(operation),
      skip: 1,
      times: 2,
      fault,
    });
    const plan = await run(clock, manager.runMigration(planId));
    expect(met.met).toBe(2);
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 10, failedNodes: 0 });
    await run(clock, manager.cutoverMigration({ planId }));
    expect(await run(clock, seen(scene))).toEqual(all('new-model'));
  });
});

describe('a read', () => {
  it('waits as long as Retry-After says, of which the client tells the first digit alone', async () => {
    const { double, store, clock } = await planned();
    const fault: Fault = { kind: 'status', status: 429, retryAfterSeconds: 37 };
    double.inject({ on: ({ operation }) => operation === 'get_points', fault });
    const before = clock.now();
    expect(await run(clock, store.read(['1']))).toHaveLength(1);
    expect(clock.now() - before).toBeGreaterThanOrEqual(37_000);
  });

  it('is asked again after resets, and ends with a coded error where they do not', async () => {
    const { double, store, clock } = await planned();
    const reset: Fault = { kind: 'reset' };
    double.inject({ on: ({ operation }) => operation === 'get_points', times: 3, fault: reset });
    expect(await run(clock, store.read(['1']))).toHaveLength(1);
    double.inject({ on: ({ operation }) => operation === 'get_points', times: 99, fault: reset });
    expect(await run(clock, refusalOf(store.read(['1'])))).toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });
});

describe('a quota that is used up', () => {
  it('pauses the plan with the reason, and the plan goes on when there is room', async () => {
    const { double, manager, clock, planId, ...rest } = await planned();
    const full = double.inject({
      on: ({ operation }) => /batch/.test(operation),
      times: 99,
      fault: { kind: 'status', status: 507, message: 'Quota exceeded' },
    });
    const plan = await run(clock, manager.runMigration(planId));
    expect(plan).toMatchObject({ status: 'paused', reason: { code: 'QUOTA_EXCEEDED' }, failedNodes: 0 });
    full.remove();
    await manager.resumeMigration(planId);
    expect(await run(clock, manager.runMigration(planId))).toMatchObject({ status: 'completed' });
    await run(clock, manager.cutoverMigration({ planId }));
    expect(await run(clock, seen(rest))).toEqual(all('new-model'));
  });
});

describe('two vectors of the same points', () => {
  it.each([
    ['prepare', 'create_vector_name'],
    ['prepare', 'update_collection'],
    ['discard', 'delete_vector_name'],
    ['discard', 'update_collection'],
    ['discard', 'delete_collection'],
    ['finalize', 'delete_vector_name'],
    ['finalize', 'delete_collection'],
  ] as const)('go on where %s died after %s', async (step, operation) => {
    const scene = await planned();
    const { double, store, clock, manager, to, client, planId } = scene;
    await manager.cancelMigration(planId);
    const plan = await manager.createMigration({ ...to, strategy: 'namedVector' });
    if (step !== 'prepare') await run(clock, manager.runMigration(plan.planId));
    if (step === 'finalize') await run(clock, manager.cutoverMigration({ planId: plan.planId }));
    const act = async () => {
      const sides = await store.sideBySide(plan);
      if (step === 'finalize') return sides.finalize('text');
      return step === 'prepare' ? sides.prepare() : sides.discard();
    };
    const fault = { kind: 'status', status: 400, when: 'after' } as const;
    const met = double.inject({ on: (request) => request.operation === operation, fault });
    await run(clock, refusalOf(act()));
    expect(met.met).toBe(1);
    await run(clock, act());
    expect((await run(clock, seen(scene)))['3']).toMatch(step === 'finalize' ? /^new/ : /^old/);
    if (step === 'prepare') return;
    const { collections } = await client.getCollections();
    expect(collections.map(({ name }) => name)).toEqual(['texts-2024']);
    const { metadata } = (await client.getCollection('texts')).config;
    expect(metadata).not.toHaveProperty('embedding_side_plan');
  });
});
