/**
 * Finds work, hands it to lanes, and rests while there is none.
 *
 * idle ──start()──▶ running ──stop()──▶ draining ──last lane done──▶ idle
 * Draining claims nothing new and lets every batch in hand finish. Only `#enter` changes the state.
 *
 * One loop claims; each claimed lease takes a lane. Its place is free once its texts are embedded, so that the
 * next batch is read and its call under way while this one is written; in a plan with a throttle, once it is
 * written and has rested. The loop naps until a lane is free, a nudge, the time the registry named, or the poll
 * interval, whatever comes first.
 */
import { nextTurn } from '../clock.ts';
import type { ManagerContext } from '../context.ts';
import { isRegistryError, type Reason, reasonOf } from '../errors.ts';
import type { WorkerStats } from '../events.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { runnableStatuses } from '../model/status.ts';
import { continueCreation, endDeadCreation } from '../planner/create-plan.ts';
import type { Lease, WorkerInfo } from '../ports/registry-store.ts';
import { Lane } from './lane.ts';
import { LaneRest } from './lane-rest.ts';
import { type LeaseEnd, LeaseRunner } from './lease-runner.ts';
import { LEASE_MS } from './pace.ts';

const POLL_MS = 1_000;
/** As many plans as the registry tells at once. */
const RUNNABLE_PAGE = 100;
const BEAT_MS = 10_000;
const TROUBLE_PAUSE_MS = 1_000;
const LONGEST_TROUBLE_PAUSE_MS = 60_000;

export interface DispatcherOptions {
  /** Work on this plan alone, and end when it rests. */
  readonly planId?: string;
}

type Waiting = WorkerInfo['waiting'][number];

export class Dispatcher {
  readonly #context: ManagerContext;
  readonly #options: DispatcherOptions;
  readonly #runner: LeaseRunner;
  readonly workerId: string;
  #state: 'idle' | 'running' | 'draining' = 'idle';
  #run:
    | { readonly stopping: AbortController; readonly leaving: AbortController; readonly done: Promise<void> }
    | undefined;
  /** Calls of `start` share it. */
  #starting: Promise<void> | undefined;
  #nap: AbortController | undefined;
  /** Resolves when the loop has claimed what it may for now. */
  #claimed = Promise.withResolvers<void>();
  #isNudged = false;
  /** Lanes taken or at rest, by plan. */
  readonly #lanes = new Map<string, number>();
  readonly #inHand = new Set<Promise<void>>();
  /** Leases that are being carried out; `#strays`: others of ours that the registry held at the last heartbeat. */
  readonly #leases = new Set<string>();
  /** Those of them that are yet to be written, and take no lane any more. */
  readonly #embedded = new Set<string>();
  #strays: ReadonlySet<string> = new Set();
  /** Why the last lane of a plan came to nothing. */
  readonly #troubles = new Map<string, Reason>();
  /** Why the loop gave up. */
  #fault: { readonly error: unknown } | undefined;
  #waiting: readonly Waiting[] = [];
  #processed = 0;
  #failed = 0;
  #rolledBack = 0;

  constructor(context: ManagerContext, options: DispatcherOptions = {}) {
    this.#context = context;
    this.#options = options;
    this.#runner = new LeaseRunner(context);
    this.workerId = context.clock.uuid();
  }

  get stats(): WorkerStats {
    return {
      state: this.#state,
      isRunning: this.#state === 'running',
      processedCount: this.#processed,
      failedCount: this.#failed,
      rolledBackCount: this.#rolledBack,
      waiting: this.#waiting,
    };
  }

  /** Announces the worker, then works; waits for a stop that is under way. Rejects where the registry cannot be written. */
  async start(): Promise<void> {
    while (this.#run?.stopping.signal.aborted) await this.#run.done;
    this.#starting ??= this.#announce().finally(() => {
      this.#starting = undefined;
    });
    await this.#starting;
  }

  async #announce(): Promise<void> {
    if (this.#run !== undefined) return;
    const stopping = new AbortController();
    const done = Promise.withResolvers<void>();
    const leaving = new AbortController();
    this.#run = { stopping, leaving, done: done.promise };
    this.#runner.guard.keepOnly(new Set());
    this.#fault = undefined;
    try {
      await this.#beat();
    } catch (error) {
      this.#run = undefined;
      done.resolve();
      throw error;
    }
    this.#enter('running');
    void Promise.all([this.#loop(stopping.signal), this.#heartbeat(leaving.signal)]).then(() => {
      this.#run = undefined;
      this.#enter('idle');
      done.resolve();
    });
  }

  /** Claims nothing more and waits for what is in hand. Callers share one drain. */
  async stop(): Promise<void> {
    if (this.#run === undefined) return;
    if (this.#state === 'running') this.#enter('draining');
    this.#run.stopping.abort();
    this.#nap?.abort();
    await this.#run.done;
  }

  /** Resolves when the loop has ended by itself or by `stop`; rejects with what made it give up. */
  async finished(): Promise<void> {
    await this.#run?.done;
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  /** Something may be there to do: look now. */
  nudge(): void {
    this.#isNudged = true;
    this.#nap?.abort();
  }

  lookAgain(planId: string): void {
    this.#runner.guard.forget(planId);
  }

  #enter(state: 'idle' | 'running' | 'draining'): void {
    this.#state = state;
    this.#context.events.emit('worker:changed', this.stats);
  }

  async #loop(stopping: AbortSignal): Promise<void> {
    let troublePauseMs = TROUBLE_PAUSE_MS;
    while (!stopping.aborted) {
      this.#isNudged = false;
      let napMs = POLL_MS;
      try {
        await nextTurn();
        const next = await this.#claimNext(stopping);
        troublePauseMs = TROUBLE_PAUSE_MS;
        if (next === 'rest') break;
        if (typeof next === 'object') {
          this.#startLane(next, stopping);
          continue;
        }
        napMs = next;
      } catch (error) {
        if (!this.#mayGoOn(error)) {
          this.#fault = { error };
          break;
        }
        napMs = troublePauseMs;
        troublePauseMs = Math.min(LONGEST_TROUBLE_PAUSE_MS, troublePauseMs * 2);
      }
      await this.#rest(napMs, stopping);
    }
    this.#claimed.resolve();
    // Lanes that only rest from their batch need not do so any longer.
    this.#run?.stopping.abort();
    await Promise.all(this.#inHand);
    await this.#leave();
  }

  /** A busy or full database passes; a newer schema or a damaged file does not. */
  #mayGoOn(error: unknown): boolean {
    const reason = reasonOf(error, 'DATABASE_UNAVAILABLE');
    const lasting = ['DATABASE_NEWER', 'DATABASE_INVALID', 'DATABASE_UNAVAILABLE', 'REGISTRY_DISABLED'];
    const isLasting = !isRegistryError(error) || lasting.includes(reason.code);
    this.#waiting = [{ planId: this.#options.planId ?? '', ...reason }];
    this.#context.logger[isLasting ? 'error' : 'warn'](
      `The worker ${isLasting ? 'stops' : 'waits'}: ${reason.message}`,
      { error },
    );
    return !isLasting;
  }

  async #rest(napMs: number, stopping: AbortSignal): Promise<void> {
    this.#claimed.resolve();
    this.#claimed = Promise.withResolvers<void>();
    const nap = new AbortController();
    this.#nap = nap;
    // A stop or nudge between the claim and here would find no nap to end.
    if (!stopping.aborted && !this.#isNudged) await this.#context.clock.sleep(napMs, nap.signal);
    this.#nap = undefined;
  }

  /** A lease, how long to nap, or `rest` where the one plan of this run needs no more work. */
  async #claimNext(stopping: AbortSignal): Promise<Lease | number | 'rest'> {
    const { registry, clock } = this.#context;
    let isOver = this.#options.planId !== undefined;
    const waiting: Waiting[] = [];
    const seen = new Set<string>();
    let until = clock.now() + POLL_MS;
    const deadWorkers = await this.#deadWorkers();
    for await (const plan of this.#plans()) {
      isOver = false;
      seen.add(plan.planId);
      if (stopping.aborted) break;
      const trouble = this.#troubles.get(plan.planId);
      if (trouble !== undefined) waiting.push({ planId: plan.planId, ...trouble });
      const lack =
        plan.status === 'rolling_back' ? undefined : this.#context.embedders.lacks(plan.targetSpec);
      if (lack !== undefined) waiting.push({ planId: plan.planId, code: lack.code, message: lack.message });
      if (lack !== undefined || (this.#lanes.get(plan.planId) ?? 0) >= plan.maxParallelWorkers) continue;
      const claim = await registry.claim({
        planId: plan.planId,
        workerId: this.workerId,
        leaseMs: LEASE_MS,
        deadWorkers,
        embedded: [...this.#embedded],
      });
      if (claim.kind === 'lease') {
        if (claim.lease.plan.status !== plan.status)
          this.#context.events.emit('plan:changed', { plan: claim.lease.plan, from: plan.status });
        return claim.lease;
      }
      if (claim.kind !== 'wait') continue;
      until = Math.min(until, claim.until ?? until);
      if (claim.because === 'hold' && plan.hold) waiting.push({ planId: plan.planId, ...plan.hold });
    }
    // Another process paused what is missing here.
    this.#runner.guard.keepOnly(seen);
    if (isOver) return this.#leases.size > 0 ? POLL_MS : 'rest';
    await this.#waitFor(waiting);
    if (await this.#goOnCreating(stopping)) return 0;
    // The clock may have been set back since `until` was made of it.
    return Math.min(POLL_MS, Math.max(1, until - clock.now()));
  }

  /** Told at once: whoever looks at a plan that does not move must see why. */
  async #waitFor(waiting: readonly Waiting[]): Promise<void> {
    const told = (list: readonly Waiting[]) => list.map(({ planId, code }) => `${planId} ${code}`).join();
    const isNews = told(waiting) !== told(this.#waiting);
    this.#waiting = waiting;
    if (isNews) await this.#beat();
  }

  /** Page by page: any number of plans that wait must not keep the next one from running. */
  async *#plans(): AsyncGenerator<MigrationPlan> {
    const { registry } = this.#context;
    const { planId } = this.#options;
    if (planId !== undefined) {
      const plan = await registry.plan(planId);
      if (plan && (runnableStatuses as readonly string[]).includes(plan.status)) yield plan;
      return;
    }
    for (let skip = 0; ; ) {
      const page = await registry.runnable({ skip });
      yield* page;
      skip += page.length;
      if (page.length < RUNNABLE_PAGE) return;
    }
  }

  async #deadWorkers(): Promise<string[]> {
    const { registry, isDead } = this.#context;
    if (isDead === undefined) return [];
    const others = (await registry.workers()).filter(({ workerId }) => workerId !== this.workerId);
    return others
      .filter((worker) => worker.planIds.length > 0 && isDead(worker))
      .map(({ workerId }) => workerId);
  }

  /** A plan whose creation died half-way is finished, so that what was asked for happens. */
  async #goOnCreating(signal: AbortSignal): Promise<boolean> {
    if (this.#options.planId !== undefined) return false;
    await endDeadCreation(this.#context);
    const creation = await this.#context.registry.adoptCreation(this.#context);
    if (creation === undefined) return false;
    try {
      const plan = await continueCreation(this.#context, creation, signal);
      this.#context.events.emit('plan:created', plan);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return true;
  }

  #startLane(lease: Lease, stopping: AbortSignal): void {
    const { leaseId, plan } = lease;
    const lane = new Lane(this.#lanes, plan.planId);
    const rest = new LaneRest(this.#context, plan);
    this.#leases.add(leaseId);
    const onEmbedded = async () => {
      if (!rest.isDue && !stopping.aborted) {
        this.#embedded.add(leaseId);
        lane.leave();
        this.nudge();
        // Every lane that is free has its next call under way before this batch is written.
        await this.#claimed.promise;
      }
      await nextTurn();
    };
    const run = this.#runner.run(lease, { stopping, onEmbedded }).then(async (end) => {
      this.#leases.delete(leaseId);
      this.#embedded.delete(leaseId);
      this.#count(end);
      this.#noteTrouble(plan.planId, end.trouble);
      this.nudge();
      if (end.pauseMs !== undefined || (lease.kind === 'batch' && rest.isDue)) {
        lane.enter();
        await (end.pauseMs === undefined
          ? rest.take(stopping)
          : this.#context.clock.sleep(end.pauseMs, stopping));
      }
      lane.leave();
      this.#inHand.delete(run);
      this.nudge();
    });
    this.#inHand.add(run);
  }

  /** Who serves all plans tries again and says why it has to; who was called for this one alone says it now. */
  #noteTrouble(planId: string, trouble: LeaseEnd['trouble']): void {
    if (trouble === undefined) this.#troubles.delete(planId);
    else this.#troubles.set(planId, trouble.reason);
    if (!trouble?.isStuck || this.#options.planId === undefined) return;
    this.#fault = { error: trouble.error };
    this.#run?.stopping.abort();
  }

  #count(end: LeaseEnd): void {
    this.#processed += end.completed;
    this.#failed += end.failed;
    this.#rolledBack += end.rolledBack;
  }

  /** Goes on while batches drain: their leases must not run out. */
  async #heartbeat(leaving: AbortSignal): Promise<void> {
    const { clock, registry, logger } = this.#context;
    for (;;) {
      await clock.sleep(BEAT_MS, leaving);
      if (leaving.aborted) return;
      try {
        const held = await registry.renew({ workerId: this.workerId, leaseMs: LEASE_MS });
        await this.#endStrays(held);
        await this.#beat();
      } catch (error) {
        logger.warn('The worker could not renew its leases; it tries again in 10 s', { error });
      }
    }
  }

  /**
   * A lease that nobody carries out (its claim failed after it was made, or it could not be given back) would
   * be renewed for ever and its tasks never done. One that is met twice is no claim still on its way here.
   */
  async #endStrays(held: readonly string[]): Promise<void> {
    const strays = held.filter((leaseId) => !this.#leases.has(leaseId));
    for (const leaseId of strays)
      if (this.#strays.has(leaseId)) await this.#context.registry.endLease({ leaseId });
    this.#strays = new Set(strays);
  }

  #beat(): Promise<void> {
    const { registry, host, pid } = this.#context;
    return registry.beat({ workerId: this.workerId, host, pid, waiting: this.#waiting });
  }

  async #leave(): Promise<void> {
    const { registry } = this.#context;
    this.#run?.leaving.abort();
    try {
      for (const leaseId of await registry.renew({ workerId: this.workerId, leaseMs: LEASE_MS }))
        await registry.endLease({ leaseId });
      await registry.dropWorker(this.workerId);
    } catch (error) {
      this.#context.logger.warn('The worker could not sign off; it leaves the list when it is not heard of', {
        error,
      });
    }
  }
}
