import type { TaskStatus } from '../model/status.ts';

/** Tasks that ended in the same way in a stretch of time from `at` (ms since the epoch) on. */
export interface EndedTasks {
  readonly at: number;
  readonly status: TaskStatus;
  readonly count: number;
}

/** How many backups there are and the bytes of their vectors; `next` where there may be more. */
export interface BackupTotals {
  readonly count: number;
  readonly bytes: number;
  readonly next?: string;
}

/** How many nodes a stamping went through; interrupted where it has to be called again. */
export interface StampingEnd {
  /** That were given their stamp, or lost it. */
  readonly stamped: number;
  readonly skipped: number;
  readonly interrupted: boolean;
}

/** How many nodes a page of a sweep added, put back to work, and gave up on. */
export interface SweepResult {
  readonly added: number;
  readonly requeued: number;
  readonly failed: number;
}
