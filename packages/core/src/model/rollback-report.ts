import type { MigrationPlan } from './plan.ts';

/** Ids that a report names at most. */
export const SAMPLE_SIZE = 10;

/** Counts of nodes; the samples hold at most ten ids. */
export interface RollbackReport {
  /** Nodes that are what their backup says. */
  readonly restored: number;
  /** Nodes that are gone, or that the application embedded anew with another model. */
  readonly skipped: number;
  /** Nodes at the target whose content changed since: left alone. */
  readonly conflicts: number;
  readonly failed: number;
  /** Nodes still at the target: conflicts, and nodes embedded with it by the application. */
  readonly remaining: number;
  readonly remainingSample: readonly string[];
  readonly conflictSample: readonly string[];
  /** The rollback is done, and conflicts + failed + remaining = 0. */
  readonly succeeded: boolean;
  /** The call that brings the remaining nodes back. */
  readonly wayBack?: {
    readonly call: 'createMigration';
    readonly targetModelId: string;
    readonly targetVersion: number;
  };
}

/** What has been counted of a rollback. */
export interface RollbackCounts {
  restored: number;
  skipped: number;
  conflict: number;
  failed: number;
  remaining: number;
  remainingSample: string[];
  conflictSample: string[];
}

export const noRollbackCounts = (): RollbackCounts => ({
  restored: 0,
  skipped: 0,
  conflict: 0,
  failed: 0,
  remaining: 0,
  remainingSample: [],
  conflictSample: [],
});

export function rollbackReport(plan: MigrationPlan, counts: RollbackCounts): RollbackReport {
  const { restored, skipped, conflict, failed, remaining, remainingSample, conflictSample } = counts;
  const back = plan.previousActive ?? plan.sourceSpec;
  return {
    restored,
    skipped,
    conflicts: conflict,
    failed,
    remaining,
    remainingSample: remainingSample.slice(0, SAMPLE_SIZE),
    conflictSample: conflictSample.slice(0, SAMPLE_SIZE),
    succeeded: conflict + failed + remaining === 0,
    // Side by side what remains was not lost, it stands on the new side: another plan would not bring it back.
    ...(remaining > 0 &&
      plan.strategy === 'inPlace' && {
        wayBack: { call: 'createMigration', targetModelId: back.modelId, targetVersion: back.version },
      }),
  };
}
