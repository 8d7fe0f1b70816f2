import { describe, expect, test } from 'vitest';
import { MigrationStatus, Priority, TaskStatus } from '../../src/index.ts';
import {
  allowedBefore,
  finalizableStatuses,
  mayFollow,
  runnableStatuses,
  unfinishedStatuses,
} from '../../src/model/status.ts';

const statuses = Object.values(MigrationStatus);

test('statuses and priorities are what databases hold', () => {
  expect(MigrationStatus).toEqual({
    PENDING: 'pending',
    IN_PROGRESS: 'in_progress',
    PAUSED: 'paused',
    COMPLETED: 'completed',
    FAILED: 'failed',
    CANCELLED: 'cancelled',
    ROLLING_BACK: 'rolling_back',
    ROLLED_BACK: 'rolled_back',
  });
  expect(TaskStatus).toEqual({
    PENDING: 'pending',
    IN_PROGRESS: 'in_progress',
    COMPLETED: 'completed',
    FAILED: 'failed',
    CANCELLED: 'cancelled',
    ROLLED_BACK: 'rolled_back',
    SKIPPED: 'skipped',
  });
  expect(Priority).toEqual({ CRITICAL: 0, HIGH: 1, NORMAL: 2, LOW: 3 });
});

describe('mayFollow', () => {
  const allowed: Record<MigrationStatus, readonly MigrationStatus[]> = {
    pending: ['in_progress', 'paused', 'cancelled', 'rolling_back'],
    in_progress: ['paused', 'completed', 'failed', 'cancelled', 'rolling_back'],
    paused: ['in_progress', 'cancelled', 'rolling_back'],
    completed: ['rolling_back'],
    failed: ['in_progress', 'rolling_back'],
    cancelled: ['rolling_back'],
    rolling_back: ['rolled_back'],
    rolled_back: [],
  };
  const transitions = statuses.flatMap((from) =>
    statuses.map((to) => [from, to, allowed[from].includes(to)] as const),
  );

  test.each(transitions)('%s → %s: %s', (from, to, expected) => {
    expect(mayFollow(from, to)).toBe(expected);
  });
});

test('every status is reached from pending, and every end can be rolled back', () => {
  const reached = new Set<MigrationStatus>(['pending']);
  for (let size = 0; size !== reached.size; ) {
    size = reached.size;
    for (const to of statuses) if (allowedBefore[to].some((from) => reached.has(from))) reached.add(to);
  }
  expect([...reached].sort()).toEqual([...statuses].sort());
  for (const status of finalizableStatuses)
    expect(mayFollow(status, 'rolling_back')).toBe(status !== 'rolled_back');
});

test('a plan is unfinished or finalizable, never both', () => {
  expect([...unfinishedStatuses, ...finalizableStatuses].sort()).toEqual([...statuses].sort());
  for (const status of runnableStatuses) expect(unfinishedStatuses).toContain(status);
});
