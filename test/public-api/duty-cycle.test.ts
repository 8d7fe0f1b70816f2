/** Lanes that work for a share of their time, which can be turned while they rest. */
import type { MigrationProgress } from '@registry/core';
import { ManualClock, testEmbedder } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { openScene, refusalOf } from '../scene.ts';

const CALL_MS = 1_000;

/** A plan of one lane whose every batch of two takes a second; `calls` tells when each was sent. */
async function scene(nodes: number, settings: object = {}) {
  const clock = new ManualClock();
  const began = clock.now();
  const calls: number[] = [];
  const target = testEmbedder({ modelId: 'new-model', dimension: 12 });
  target.onCall = async () => {
    calls.push(clock.now() - began);
    await clock.sleep(CALL_MS);
  };
  const opened = await openScene({ nodes, target, clock });
  const { planId } = await opened.manager.createMigration({
    ...opened.to,
    batchSize: 2,
    throttleMs: 0,
    maxParallelWorkers: 1,
    ...settings,
  });
  return { ...opened, clock, calls, planId };
}

it('rests so that its work is that share of its time', async () => {
  const { manager, clock, calls, planId } = await scene(8, { dutyCycle: 0.25 });
  const plan = await clock.runUntil(manager.runMigration(planId));
  expect(plan).toMatchObject({ status: 'completed', completedNodes: 8, dutyCycle: 0.25 });
  expect(calls).toEqual([0, 4_000, 8_000, 12_000]);
});

it('rests for the throttle where that is longer, and not for both', async () => {
  const short = await scene(4, { dutyCycle: 0.5, throttleMs: 400 });
  await short.clock.runUntil(short.manager.runMigration(short.planId));
  expect(short.calls).toEqual([0, 2_000]);
  const long = await scene(4, { dutyCycle: 0.5, throttleMs: 5_500 });
  await long.clock.runUntil(long.manager.runMigration(long.planId));
  expect(long.calls).toEqual([0, 6_500]);
});

it('heeds within a second what is turned while it rests, by another process too', async () => {
  const { manager, open, clock, calls, planId } = await scene(6, { dutyCycle: 0.1 });
  const other = await open();
  const running = manager.runMigration(planId);
  await clock.advance(3_200);
  expect(calls).toEqual([0]);
  await other.tuneMigration({ planId, dutyCycle: 1 });
  await clock.runUntil(running);
  expect(calls).toHaveLength(3);
  expect(calls[1]).toBeLessThanOrEqual(4_200);
  expect((calls[2] ?? 0) - (calls[1] ?? 0)).toBeLessThanOrEqual(1_100);
});

it('takes no machine that slept, and no clock that was set, for work', async () => {
  const { manager, clock, calls, planId } = await scene(4, { dutyCycle: 0.5 });
  const running = manager.runMigration(planId);
  await clock.untilSleeping(2);
  clock.set(clock.now() - 3_600_000);
  await clock.runUntil(running);
  expect(calls).toHaveLength(2);
  // Worked 0 ms by that clock: it rests not at all, rather than an hour.
  expect(calls[1]).toBe(1_000 - 3_600_000);
});

it('is what holds the plan back, wherever it is looked at', async () => {
  const { open, manager, clock, planId } = await scene(12, { dutyCycle: 0.4 });
  const watcher = await open({ embedders: [] });
  const seen: MigrationProgress[] = [];
  const watching = (async () => {
    for await (const progress of watcher.watchMigration(planId)) seen.push(progress);
  })();
  await clock.runUntil(Promise.all([manager.runMigration(planId), watching]));
  expect(
    seen.filter(({ plan }) => plan.status === 'in_progress').map(({ heldBackBy }) => heldBackBy),
  ).toContain('dutyCycle');
});

it.each([0, 0.05, 1.01, '0.5'])('of %j is refused', async (dutyCycle) => {
  const { manager, to } = await openScene({ nodes: 1 });
  const { planId } = await manager.createMigration(to);
  for (const call of [
    manager.createMigration({ ...to, dutyCycle: dutyCycle as never }),
    manager.tuneMigration({ planId, dutyCycle: dutyCycle as never }),
  ]) {
    const error = await refusalOf(call);
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toContain(`(was ${JSON.stringify(dutyCycle)})`);
  }
});
