import type { ManagerContext } from '../context.ts';
import { type Reason, reasonOf } from '../errors.ts';
import { sweepPlan } from '../planner/sweep.ts';
import type { Lease } from '../ports/registry-store.ts';
import { rollBackPlan } from '../rollback/rollback.ts';
import { inSpan, planAttributes } from '../telemetry/spans.ts';
import { PlanGuard } from '../witness/plan-guard.ts';
import { type BatchEnd, type BatchOptions, runBatch, storeFailure } from './batch.ts';
import { backoffMs } from './pace.ts';
import { Progress } from './progress.ts';

export interface LeaseEnd {
  readonly completed: number;
  readonly failed: number;
  readonly rolledBack: number;
  /** After trouble: how long this lane rests before it claims again. */
  readonly pauseMs?: number;
  readonly trouble?: Trouble;
}

/** A store or the registry failed under a lease. */
export interface Trouble {
  readonly reason: Reason;
  readonly error: unknown;
  /** It does not pass by itself, and the plan could not be paused for it: a rollback stays begun. */
  readonly isStuck: boolean;
}

const nothing: LeaseEnd = { completed: 0, failed: 0, rolledBack: 0 };

/** Carries one lease to its end, whatever happens: it does not throw. */
export class LeaseRunner {
  readonly #context: ManagerContext;
  readonly #progress: Progress;
  readonly guard: PlanGuard;
  #troubles = 0;

  constructor(context: ManagerContext) {
    this.#context = context;
    this.#progress = new Progress(context.clock);
    this.guard = new PlanGuard(context);
  }

  async run(lease: Lease, options: Omit<BatchOptions, 'guard'>): Promise<LeaseEnd> {
    try {
      const end = await this.#carryOut(lease, options);
      this.#troubles = 0;
      return end;
    } catch (error) {
      return this.#recover(lease, error);
    }
  }

  async #carryOut(lease: Lease, options: Omit<BatchOptions, 'guard'>): Promise<LeaseEnd> {
    const { guard } = this;
    if (lease.kind === 'batch')
      return this.#endBatch(lease, await runBatch(this.#context, lease, { ...options, guard }));
    const { stopping } = options;
    const attributes = planAttributes(lease.plan);
    if (lease.kind === 'rollback') {
      await inSpan('embedding_registry.rollback', attributes, () =>
        rollBackPlan(this.#context, lease, stopping),
      );
      const plan = await this.#context.registry.plan(lease.plan.planId);
      return { ...nothing, rolledBack: (plan?.rolledBackNodes ?? 0) - lease.plan.rolledBackNodes };
    }
    const plan = await inSpan('embedding_registry.sweep', attributes, () =>
      sweepPlan(this.#context, lease, stopping),
    );
    if (plan.status !== lease.plan.status)
      this.#context.events.emit('plan:changed', { plan, from: lease.plan.status });
    return nothing;
  }

  async #endBatch(lease: Lease, end: BatchEnd): Promise<LeaseEnd> {
    const { planId } = lease.plan;
    if (end.pause !== undefined) await this.#pause(planId, end.pause);
    if (!end.settled)
      this.#context.logger.debug('A batch lost its lease; nothing of it was counted', { planId });
    try {
      await this.#announce(planId, end);
    } catch (error) {
      // The batch is settled: what listeners miss is no reason to do anything about it.
      this.#context.logger.warn('A settled batch could not be announced', { planId, error });
    }
    return { completed: end.completed, failed: end.failedIds.length, rolledBack: 0 };
  }

  async #announce(planId: string, end: BatchEnd): Promise<void> {
    const { events, registry } = this.#context;
    if (events.hears('task:failed'))
      for (const nodeId of end.failedIds) {
        const { items } = await registry.tasks({ planId, nodeId });
        for (const task of items) events.emit('task:failed', task);
      }
    if (!events.hears('batch:settled')) return;
    const plan = await registry.plan(planId);
    if (plan !== undefined) events.emit('batch:settled', this.#progress.of(plan, await registry.workers()));
  }

  async #pause(planId: string, reason: Reason): Promise<void> {
    const { registry, logger, events } = this.#context;
    const plan = await registry.plan(planId);
    // Cancelled, paused or rolled back meanwhile: there is nothing left to pause.
    if (plan?.status !== 'in_progress') return;
    const moved = await registry.movePlan(planId, 'paused', reason);
    logger.warn(`Plan ${planId} is paused: ${reason.message}`, { planId, code: reason.code });
    events.emit('plan:changed', moved);
  }

  /** A step outside the embedder failed. The lease is given back unharmed; the plan waits or is paused. */
  async #recover(lease: Lease, error: unknown): Promise<LeaseEnd> {
    const { registry, logger, clock } = this.#context;
    const { planId } = lease.plan;
    const { kind, reason } = storeFailure(error);
    logger.warn(`Work on plan ${planId} failed: ${reason.message}`, { planId, kind: lease.kind, error });
    this.#troubles += 1;
    try {
      await registry.endLease(lease);
      if (kind === 'pause') await this.#pause(planId, reason);
    } catch (second) {
      // The registry itself is in trouble; the lease is given back by its deadline.
      logger.warn(`The registry could not note that: ${reasonOf(second, 'DATABASE_UNAVAILABLE').message}`, {
        planId,
      });
    }
    const isStuck = kind === 'pause' && lease.kind === 'rollback';
    return { ...nothing, pauseMs: backoffMs(this.#troubles, clock), trouble: { reason, error, isStuck } };
  }
}
