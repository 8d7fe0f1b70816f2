import type { MigrationStatus } from '@registry/core';
import type { PlanData } from '../registry-process/messages.ts';

const oneOf =
  (...statuses: readonly MigrationStatus[]) =>
  ({ status }: PlanData) =>
    statuses.includes(status);

/** What a plan allows, by the words that the conditions of menus ask for; core has the last word. */
const allowed: Readonly<Record<string, (plan: PlanData) => boolean>> = {
  startable: oneOf('pending', 'in_progress', 'rolling_back'),
  pausable: oneOf('pending', 'in_progress'),
  resumable: oneOf('paused'),
  cancellable: oneOf('pending', 'in_progress', 'paused'),
  retryable: (plan) =>
    plan.failedNodes > 0 && oneOf('pending', 'in_progress', 'paused', 'failed')(plan) && !isFinal(plan),
  cuttable: (plan) =>
    plan.cutOverAt === undefined && oneOf('pending', 'in_progress', 'paused', 'completed', 'failed')(plan),
  tunable: oneOf('pending', 'in_progress', 'paused', 'failed', 'rolling_back'),
  reversible: (plan) =>
    plan.backupOldVectors &&
    !isFinal(plan) &&
    oneOf('pending', 'in_progress', 'paused', 'completed', 'failed', 'cancelled')(plan),
  finalizable: (plan) => !isFinal(plan) && oneOf('completed', 'failed', 'cancelled', 'rolled_back')(plan),
};

const isFinal = (plan: PlanData) => plan.finalizedAt !== undefined;

/** The words of what this plan allows. */
export function capabilities(plan: PlanData): readonly string[] {
  return Object.keys(allowed).filter((word) => allowed[word]?.(plan));
}
