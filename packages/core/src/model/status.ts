/** Statuses of a plan; the strings are what the database holds. @enum */
export const MigrationStatus = {
  PENDING: 'pending',
  IN_PROGRESS: 'in_progress',
  PAUSED: 'paused',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  ROLLING_BACK: 'rolling_back',
  ROLLED_BACK: 'rolled_back',
} as const;
export type MigrationStatus = (typeof MigrationStatus)[keyof typeof MigrationStatus];

/** Statuses of a task. `failed` is the dead letter; `skipped`: the node is gone. @enum */
export const TaskStatus = {
  PENDING: 'pending',
  IN_PROGRESS: 'in_progress',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  ROLLED_BACK: 'rolled_back',
  SKIPPED: 'skipped',
} as const;
export type TaskStatus = (typeof TaskStatus)[keyof typeof TaskStatus];

/** Lower runs sooner. @enum */
export const Priority = { CRITICAL: 0, HIGH: 1, NORMAL: 2, LOW: 3 } as const;
export type Priority = (typeof Priority)[keyof typeof Priority];

/** How a store takes new vectors: on the node, as a second vector beside it, or in a second collection. */
export type Strategy = 'inPlace' | 'namedVector' | 'shadow';

const ended = ['completed', 'failed', 'cancelled'] as const;

/** Which statuses each status may follow. A repeated status is a no-op, everything else `PLAN_STATE`. */
export const allowedBefore: Readonly<Record<MigrationStatus, readonly MigrationStatus[]>> = {
  pending: [],
  in_progress: ['pending', 'paused', 'failed'],
  paused: ['pending', 'in_progress'],
  completed: ['in_progress'],
  failed: ['in_progress'],
  cancelled: ['pending', 'in_progress', 'paused'],
  rolling_back: ['pending', 'in_progress', 'paused', ...ended],
  rolled_back: ['rolling_back'],
};

export function mayFollow(from: MigrationStatus, to: MigrationStatus): boolean {
  return allowedBefore[to].includes(from);
}

/** Statuses in which a plan holds its nodes against other plans. */
export const unfinishedStatuses = ['pending', 'in_progress', 'paused', 'rolling_back'] as const;
/** Statuses in which a worker has something to do. */
export const runnableStatuses = ['pending', 'in_progress', 'rolling_back'] as const;
/** Statuses after which backups may be given up. */
export const finalizableStatuses = [...ended, 'rolled_back'] as const;
