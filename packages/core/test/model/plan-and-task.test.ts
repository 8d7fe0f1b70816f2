import { describe, expect, test } from 'vitest';
import {
  EmbeddingModelSpec,
  MigrationPlan,
  type MigrationStatus,
  MigrationTask,
  type PlanFields,
  type TaskFields,
} from '../../src/index.ts';

const source = new EmbeddingModelSpec({ modelId: 'old', version: 1, dimension: 2, checksum: 'a' });
const target = new EmbeddingModelSpec({ modelId: 'new', version: 1, dimension: 4, checksum: 'b' });

function plan(change: Partial<PlanFields>): MigrationPlan {
  return new MigrationPlan({
    planId: 'plan',
    sourceSpec: source,
    targetSpec: target,
    status: 'in_progress',
    strategy: 'inPlace',
    priority: 2,
    wholeStore: true,
    backupOldVectors: true,
    batchSize: 100,
    throttleMs: 10,
    maxParallelWorkers: 2,
    maxRetries: 3,
    dutyCycle: 1,
    totalNodes: 10,
    completedNodes: 0,
    failedNodes: 0,
    skippedNodes: 0,
    rolledBackNodes: 0,
    adoptedNodes: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    ...change,
  });
}

describe('MigrationPlan', () => {
  test.each<[Partial<PlanFields>, number]>([
    [{}, 0],
    [{ completedNodes: 3 }, 30],
    [{ completedNodes: 3, skippedNodes: 2 }, 50],
    [{ completedNodes: 8, failedNodes: 2 }, 80],
    [{ completedNodes: 10, status: 'completed' }, 100],
    [{ totalNodes: 3, completedNodes: 2, failedNodes: 1, status: 'failed' }, (2 / 3) * 100],
    [{ totalNodes: 0, status: 'pending' }, 0],
    [{ totalNodes: 0, status: 'completed' }, 100],
  ])('with %j has made %d percent', (change, percent) => {
    expect(plan(change).progressPercent).toBeCloseTo(percent, 10);
  });

  test.each<[Partial<PlanFields>, boolean]>([
    [{}, false],
    [{ completedNodes: 9 }, false],
    [{ completedNodes: 10 }, true],
    [{ completedNodes: 5, failedNodes: 2, skippedNodes: 2, rolledBackNodes: 1 }, true],
    [{ status: 'cancelled' as MigrationStatus, completedNodes: 1 }, true],
    [{ status: 'rolled_back' as MigrationStatus }, true],
    [{ status: 'paused' as MigrationStatus }, false],
    [{ totalNodes: 0 }, true],
  ])('with %j is complete: %s', (change, expected) => {
    expect(plan(change).isComplete).toBe(expected);
  });

  test('is a frozen snapshot that becomes plain JSON', () => {
    const snapshot = plan({ completedNodes: 5 });
    expect(() => Object.assign(snapshot, { status: 'completed' })).toThrow(TypeError);
    expect(JSON.parse(JSON.stringify(snapshot))).toMatchObject({
      planId: 'plan',
      sourceSpec: source.toJSON(),
      targetSpec: target.toJSON(),
      progressPercent: 50,
      isComplete: false,
    });
  });
});

describe('MigrationTask', () => {
  const task = (change: Partial<TaskFields>) =>
    new MigrationTask({
      planId: 'plan',
      nodeId: 'a:b',
      target: target.info,
      status: 'pending',
      priority: 2,
      retryCount: 0,
      maxRetries: 3,
      canRollback: false,
      createdAt: '2026-01-01T00:00:00.000Z',
      ...change,
    });

  test('is named by its plan and its node', () => {
    expect(task({}).taskId).toBe('plan:a:b');
  });

  test('lasts from start to end', () => {
    const startedAt = '2026-01-01T00:00:01.000Z';
    expect(task({}).durationSeconds).toBeUndefined();
    expect(task({ startedAt }).durationSeconds).toBeUndefined();
    expect(task({ startedAt, completedAt: '2026-01-01T00:00:03.500Z' }).durationSeconds).toBe(2.5);
  });

  test('is a frozen snapshot that becomes plain JSON', () => {
    const snapshot = task({});
    expect(() => Object.assign(snapshot, { status: 'completed' })).toThrow(TypeError);
    const json = JSON.parse(JSON.stringify(snapshot));
    expect(json).toMatchObject({ taskId: 'plan:a:b', status: 'pending' });
    expect(Object.keys(json)).not.toContain('durationSeconds');
  });
});
