import { ManualClock } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { EmbeddingModelSpec, MigrationPlan, type PlanFields } from '../../src/index.ts';
import { Progress } from '../../src/worker/progress.ts';

/** A worker that waits for nothing. */
const one = { waiting: [] };

const spec = new EmbeddingModelSpec({ modelId: 'm', version: 1, dimension: 2, checksum: 'a' });

function plan(fields: Partial<PlanFields>): MigrationPlan {
  return new MigrationPlan({
    planId: 'plan',
    sourceSpec: spec,
    targetSpec: spec,
    status: 'in_progress',
    strategy: 'inPlace',
    priority: 2,
    wholeStore: true,
    backupOldVectors: true,
    batchSize: 20,
    throttleMs: 0,
    maxParallelWorkers: 2,
    maxRetries: 3,
    dutyCycle: 1,
    totalNodes: 4_000,
    completedNodes: 0,
    failedNodes: 0,
    skippedNodes: 0,
    rolledBackNodes: 0,
    adoptedNodes: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  });
}

it('is not taken in by two lanes that settle a few milliseconds apart', async () => {
  const clock = new ManualClock();
  const progress = new Progress(clock);
  let completedNodes = 0;
  const settle = () => {
    completedNodes += 20;
    return progress.of(plan({ completedNodes }), [one]);
  };
  settle();
  for (let round = 0; round < 10; round++) {
    await clock.advance(5);
    settle();
    await clock.advance(395);
    const { nodesPerSecond, etaSeconds } = settle();
    expect(nodesPerSecond).toBeCloseTo(100, -1);
    expect(etaSeconds).toBeCloseTo((4_000 - completedNodes) / nodesPerSecond, 6);
  }
});

it('follows a change of pace within seconds', async () => {
  const clock = new ManualClock();
  const progress = new Progress(clock);
  let completedNodes = 0;
  let rate = 0;
  const run = async (seconds: number, perSecond: number) => {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1_000);
      completedNodes += perSecond;
      rate = progress.of(plan({ completedNodes }), [one]).nodesPerSecond;
    }
  };
  await run(10, 20);
  expect(rate).toBeCloseTo(20, 6);
  await run(10, 100);
  expect(rate).toBeGreaterThan(85);
});

it('knows no rate before it has seen two states, and none of the time of a pause', async () => {
  const clock = new ManualClock();
  const progress = new Progress(clock);
  expect(progress.of(plan({ completedNodes: 0 }), [one])).toMatchObject({ nodesPerSecond: 0 });
  await clock.advance(1_000);
  expect(progress.of(plan({ completedNodes: 50 }), [one]).nodesPerSecond).toBe(50);
  await clock.advance(3_600_000);
  expect(progress.of(plan({ completedNodes: 60 }), [one]).nodesPerSecond).toBe(50);
});

it('knows at a first look, from what was done since the start, that a throttle holds a plan back', async () => {
  const clock = new ManualClock();
  const startedAt = new Date(clock.now()).toISOString();
  await clock.advance(60_000);
  const lookAt = (fields: Partial<PlanFields>) =>
    new Progress(clock).of(plan({ startedAt, completedNodes: 1_200, ...fields }), [one]).heldBackBy;
  // A batch of each lane in two seconds.
  expect(lookAt({ throttleMs: 1_500 })).toBe('throttle');
  expect(lookAt({ throttleMs: 500 })).toBeUndefined();
  expect(lookAt({ throttleMs: 1_500, completedNodes: 0 })).toBeUndefined();
});
