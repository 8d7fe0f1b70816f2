import { stopwatch } from '../clock.ts';
import { reasonOf } from '../errors.ts';
import type { WriteOutcome } from '../ports/node-store.ts';
import type { BatchResult, Lease, RollbackResult } from '../ports/registry-store.ts';
import { measure } from './meters.ts';
import { attribute } from './names.ts';
import { inSpan, noteOnSpan, planAttributes } from './spans.ts';

type Step = 'read' | 'embed' | 'backup' | 'write' | 'settle';

/** Runs a body of a batch in a span of its own. */
export type InStep = <T>(step: Step, body: () => Promise<T>) => Promise<T>;

/** Carries a batch out in its span and measures it. */
export function observeBatch<T extends { readonly settled: boolean }>(
  lease: Lease,
  body: (inStep: InStep) => Promise<T>,
): Promise<T> {
  const { plan, tasks } = lease;
  const { targetSpec } = plan;
  const attributes = { ...planAttributes(plan), [attribute.batchSize]: tasks.length };
  return inSpan('embedding_registry.batch', attributes, async (within) => {
    const elapsed = stopwatch();
    measure('embedding_registry.batch.size', tasks.length, targetSpec);
    try {
      const end = await body((step, run) => inSpan(`embedding_registry.batch.${step}`, {}, run, within));
      measure('embedding_registry.batch.duration', elapsed(), targetSpec);
      if (!end.settled) measure('embedding_registry.lease.losses', 1, targetSpec);
      noteOnSpan(within, { [attribute.isLeaseLost]: !end.settled });
      return end;
    } catch (error) {
      const errorType = reasonOf(error, 'DATABASE_UNAVAILABLE').code;
      measure('embedding_registry.batch.duration', elapsed(), targetSpec, {
        [attribute.errorType]: errorType,
      });
      throw error;
    }
  });
}

/** Counts what was written of a batch, whether or not it is settled after it. */
export function measureWrites({ plan: { targetSpec } }: Lease, written: readonly WriteOutcome[]): void {
  const of = (wanted: WriteOutcome) => written.filter((outcome) => outcome === wanted).length;
  for (const [name, count] of [
    ['embedding_registry.node.writes', of('written')],
    ['embedding_registry.node.conflicts', of('conflict')],
  ] as const)
    if (count > 0) measure(name, count, targetSpec);
}

/** Counts what a settled batch says of its nodes and its plan. */
export function measureSettled({ plan: { targetSpec } }: Lease, { outcomes, hold }: BatchResult): void {
  for (const outcome of outcomes) {
    const isRetry = outcome.status === 'pending' && outcome.charge === 'retry';
    if (outcome.status !== 'failed' && !isRetry) continue;
    const name = isRetry ? 'embedding_registry.node.retries' : 'embedding_registry.node.failures';
    measure(name, 1, targetSpec, outcome.error && { [attribute.errorType]: outcome.error.code });
  }
  if (hold !== undefined)
    measure('embedding_registry.plan.holds', 1, targetSpec, { [attribute.errorType]: hold.code });
}

/** Counts nodes that a rollback is through with. */
export function measureRollback({ plan }: Lease, results: readonly RollbackResult[]): void {
  for (const { outcome } of results)
    measure('embedding_registry.node.rollbacks', 1, plan.targetSpec, { [attribute.outcome]: outcome });
}
