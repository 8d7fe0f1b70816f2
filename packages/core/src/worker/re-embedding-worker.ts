import { assertEnabled, type ManagerContext, nodeStoreOf, writeMark } from '../context.ts';
import { RegistryError } from '../errors.ts';
import type { WorkerStats } from '../events.ts';
import { activeModel, knownPlan } from '../lookups.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { RollbackReport } from '../model/rollback-report.ts';
import { previewRollback, rollBackNode } from '../rollback/rollback.ts';
import { assertMayGoBack, laterWritesLost } from '../rollback/side-rollback.ts';
import { Dispatcher } from './dispatcher.ts';
import { LEASE_MS } from './pace.ts';

const idleStats: Omit<WorkerStats, 'state'> = {
  isRunning: false,
  processedCount: 0,
  failedCount: 0,
  rolledBackCount: 0,
  waiting: [],
};

/** Which plan, or which node of it, and what becomes of later writes side by side. */
export interface RollbackOptions {
  planId: string;
  nodeId?: string;
  dryRun?: boolean;
  laterWrites?: 'carryBack' | 'lose';
  signal?: AbortSignal;
}

/** Re-embeds in the background, and puts back. Made by `EmbeddingVersionManager.open`. */
export class ReEmbeddingWorker {
  readonly #context: ManagerContext;
  readonly #service: Dispatcher;
  readonly #runs = new Set<Dispatcher>();
  /** Calls of this process that still have to answer from the registry. */
  readonly #calls = new Set<Promise<unknown>>();
  readonly #leaving = new AbortController();
  #isDisabled = false;

  constructor(context: ManagerContext) {
    this.#context = context;
    this.#service = new Dispatcher(context);
  }

  /**
   * Serves all plans until stopped; idempotent. With `workerEnabled: false` it rests in state `disabled`.
   * @throws RegistryError `REGISTRY_DISABLED`, `NODE_STORE_MISSING`, `DATABASE_*`
   */
  async startWorker(): Promise<void> {
    const { config, logger } = this.#context;
    assertEnabled(this.#context);
    this.#leaving.signal.throwIfAborted();
    if (!config.workerEnabled) {
      this.#isDisabled = true;
      logger.info('The worker is disabled by workerEnabled: false and rests');
      return;
    }
    nodeStoreOf(this.#context, 'A worker');
    await this.#service.start();
  }

  /** Claims nothing more and waits for the batches in hand; idempotent. */
  async stopWorker(): Promise<void> {
    assertEnabled(this.#context);
    this.#isDisabled = false;
    await this.#service.stop();
  }

  async getWorkerStats(): Promise<WorkerStats> {
    assertEnabled(this.#context);
    return this.#isDisabled ? { ...idleStats, state: 'disabled' } : this.#service.stats;
  }

  /** The plan was resumed: its embedder shows once more that it still is the model. */
  lookAgain(planId: string): void {
    for (const run of [this.#service, ...this.#runs]) run.lookAgain(planId);
  }

  /** Lets a napping worker of this process look for work now. */
  nudge(): void {
    this.#service.nudge();
    for (const run of this.#runs) run.nudge();
  }

  /** Ends everything that runs in this process, for good, and lets the calls that wait for it answer. */
  async stopAll(): Promise<void> {
    this.#leaving.abort(
      new RegistryError('DATABASE_UNAVAILABLE', 'The manager was closed; open another one to go on.'),
    );
    await Promise.all([this.#service.stop(), ...[...this.#runs].map((run) => run.stop())]);
    await Promise.allSettled(this.#calls);
  }

  async #tracked<T>(begin: () => Promise<T>): Promise<T> {
    this.#leaving.signal.throwIfAborted();
    const call = begin();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Aborts with the caller's signal, or when the manager is closed. */
  #until(signal: AbortSignal | undefined): AbortSignal {
    const { signal: leaving } = this.#leaving;
    return signal === undefined ? leaving : AbortSignal.any([signal, leaving]);
  }

  /**
   * Works on one plan until it rests (completed, failed, paused, cancelled, rolled back) or the signal stops
   * it cleanly after the batches in hand.
   * @throws RegistryError `PLAN_UNKNOWN`, `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `NODE_STORE_MISSING`,
   * `REGISTRY_DISABLED` with `workerEnabled: false`
   */
  runMigration(planId: string, options: { signal?: AbortSignal } = {}): Promise<MigrationPlan> {
    return this.#tracked(() => this.#run(planId, options.signal));
  }

  async #run(planId: string, signal: AbortSignal | undefined): Promise<MigrationPlan> {
    const plan = await knownPlan(this.#context, planId);
    if (!this.#context.config.workerEnabled)
      throw new RegistryError(
        'REGISTRY_DISABLED',
        'The configuration says workerEnabled: false; enable it to run plans here.',
      );
    nodeStoreOf(this.#context, 'Running a plan');
    const isForward = plan.status === 'pending' || plan.status === 'in_progress';
    const lack = isForward ? this.#context.embedders.lacks(plan.targetSpec) : undefined;
    if (lack !== undefined) throw lack;
    await this.#work(planId, this.#until(signal));
    return knownPlan(this.#context, planId);
  }

  async #work(planId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const run = new Dispatcher(this.#context, { planId });
    const onAbort = () => void run.stop();
    this.#runs.add(run);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await run.start();
      if (signal.aborted) onAbort();
      await run.finished();
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#runs.delete(run);
    }
  }

  /**
   * Puts the backups of a plan, or of one node, back. A plan that is being rolled back stays so until it is
   * done: any worker goes on with it.
   *
   * Side by side, readers move back to the old vectors. What was written since the cutover is carried back first
   * with the old model's embedder, unless `laterWrites` is `lose`.
   * @throws RegistryError `PLAN_UNKNOWN`, `NODE_UNKNOWN`, `PLAN_STATE`, `PLAN_FINALIZED`, `PLAN_OVERLAP`,
   * `BACKUP_MISSING`, `NODE_STORE_MISSING`, `LATER_WRITES`, `ROLLBACK_UNSUPPORTED` (one node, after a cutover)
   */
  rollbackMigration(o: RollbackOptions): Promise<RollbackReport> {
    return this.#tracked(() => this.#rollBack(o));
  }

  async #rollBack(o: RollbackOptions): Promise<RollbackReport> {
    const { registry, events } = this.#context;
    const plan = await knownPlan(this.#context, o.planId);
    nodeStoreOf(this.#context, 'Rolling back');
    if (o.nodeId !== undefined) {
      return rollBackNode(this.#context, {
        plan,
        nodeId: o.nodeId,
        leaseMs: LEASE_MS,
        dryRun: o.dryRun ?? false,
        signal: this.#until(o.signal),
      });
    }
    const activeBefore = await activeModel(this.#context);
    const isLost = o.laterWrites === 'lose';
    if (plan.strategy !== 'inPlace' && !isLost && !o.dryRun) {
      await registry.beginRollback(o.planId, { dryRun: true });
      await assertMayGoBack(this.#context, plan);
    }
    const begun = await registry.beginRollback(o.planId, {
      dryRun: o.dryRun ?? false,
      ...(plan.strategy !== 'inPlace' && isLost && { reason: laterWritesLost }),
    });
    if (o.dryRun)
      return begun.status === 'rolled_back'
        ? registry.rollbackReport(o.planId)
        : previewRollback(this.#context, begun, o.signal);
    if (plan.status !== begun.status) {
      await writeMark(this.#context);
      events.emit('plan:changed', { plan: begun, from: plan.status });
      const active = await activeModel(this.#context);
      if (active !== undefined && !active.equals(activeBefore ?? plan.targetSpec))
        events.emit('model:activated', active);
    }
    if (begun.status === 'rolling_back') await this.#work(o.planId, this.#until(o.signal));
    return registry.rollbackReport(o.planId);
  }
}
