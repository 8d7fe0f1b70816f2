import type { ManagerContext } from './context.ts';
import type { MigrationProgress } from './events.ts';
import { knownPlan } from './lookups.ts';
import { runnableStatuses } from './model/status.ts';
import { parseOptions } from './options.ts';
import { planIdSchema } from './planner/migration-planner.ts';
import { Progress } from './worker/progress.ts';

const POLL_MS = 500;

/**
 * First the present state, then each change, whoever makes it; ends when nothing more will happen by itself
 * (completed, failed, cancelled, paused, rolled back) or the signal aborts.
 */
export async function* watchMigration(
  context: ManagerContext,
  planId: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<MigrationProgress> {
  parseOptions(planIdSchema, planId, 'plan id');
  const progress = new Progress(context.clock);
  let last = '';
  while (!signal?.aborted) {
    const plan = await knownPlan(context, planId);
    const workers = await context.registry.workers();
    const now = progress.of(plan, workers);
    const isResting = !(runnableStatuses as readonly string[]).includes(plan.status);
    const state = JSON.stringify([plan, workers.length, now.heldBackBy]);
    if (state !== last) yield now;
    last = state;
    if (isResting) return;
    await context.clock.sleep(POLL_MS, signal);
  }
}
