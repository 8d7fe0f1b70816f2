import type { ManagerContext } from '../context.ts';
import { collapseReason, driftReason } from '../model/witness.ts';
import type { Lease } from '../ports/registry-store.ts';
import { Budget } from '../worker/budget.ts';
import type { Interruption } from '../worker/embed-batch.ts';
import { lookAtWitness } from './look.ts';

/**
 * Lets a plan embed only with the model that it was made for: the witness of its target is looked at before the
 * first batch that a worker embeds of it, and again after a pause, or when an embedder that had failed is back (an
 * update restarts its server). What was found wrong is never remembered.
 */
export class PlanGuard {
  readonly #context: ManagerContext;
  readonly #looks = new Map<string, Promise<Interruption | undefined>>();

  constructor(context: ManagerContext) {
    this.#context = context;
  }

  /** Why nothing of the plan is to be embedded now; undefined where nothing speaks against it. */
  async bar(lease: Lease, stopping: AbortSignal): Promise<Interruption | undefined> {
    const { planId, hold } = lease.plan;
    const isProbe = lease.heldSince !== undefined;
    if (isProbe && hold?.code !== 'RATE_LIMITED') this.forget(planId);
    // Lanes that start at once share one look.
    const known = this.#looks.get(planId);
    if (known !== undefined) return known;
    const look = this.#look(lease, isProbe, stopping);
    this.#looks.set(planId, look);
    const forget = () => this.#looks.get(planId) === look && this.forget(planId);
    look.then((bar) => bar !== undefined && forget(), forget);
    return look;
  }

  /** The plan was paused, or the worker stopped: its embedder may be another one now. */
  forget(planId: string): void {
    this.#looks.delete(planId);
  }

  /** As `forget`, of every plan that is not named. */
  keepOnly(planIds: ReadonlySet<string>): void {
    for (const planId of this.#looks.keys()) if (!planIds.has(planId)) this.forget(planId);
  }

  /** The plan pays for it. */
  async #look(lease: Lease, isProbe: boolean, stopping: AbortSignal): Promise<Interruption | undefined> {
    const { planId, targetSpec } = lease.plan;
    const budget = Budget.of(this.#context, lease, 'witness');
    const look = await lookAtWitness(this.#context, targetSpec, { isProbe, stopping, budget });
    if (look.kind === 'interrupted') return look.interruption;
    if (look.kind === 'collapsed') return { kind: 'pause', reason: collapseReason(targetSpec) };
    if (look.kind === 'drifted')
      return { kind: 'pause', reason: driftReason(targetSpec, look.witness, look.comparison) };
    if (look.kind === 'unchecked')
      this.#context.logger.warn(
        `Plan ${planId} goes on without a witness: ${targetSpec.qualifiedId} embeds none of its texts`,
        { planId },
      );
    return stopping.aborted ? { kind: 'stop' } : undefined;
  }
}
