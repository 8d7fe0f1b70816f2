import type { Clock } from '../clock.ts';
import type { HeldBackBy, MigrationProgress } from '../events.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { WorkerInfo } from '../ports/registry-store.ts';

/** What is this old has 1/e of the weight of now. */
const AVERAGED_OVER_MS = 5_000;
/** A gap this long is a pause or a sleeping machine, not a slow plan. */
const GAP_MS = 15_000;

interface Sample {
  at: number;
  settled: number;
  perSecond: number;
  /** Of `perSecond`, from 0 to 1: how much of the averaged time was seen. */
  weight: number;
}

/**
 * Turns snapshots of plans into rates: an exponential average over time, not over samples, since lanes that
 * settle together are a few milliseconds apart.
 */
export class Progress {
  readonly #clock: Clock;
  readonly #samples = new Map<string, Sample>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(plan: MigrationPlan, workers: readonly Pick<WorkerInfo, 'waiting'>[]): MigrationProgress {
    const isBack = plan.status === 'rolling_back';
    const settled = isBack
      ? plan.rolledBackNodes
      : plan.completedNodes + plan.failedNodes + plan.skippedNodes;
    const perSecond = this.#rate(`${plan.planId}:${isBack}`, settled);
    const open = isBack ? plan.completedNodes : plan.totalNodes - settled;
    // At a first look, what it did since it was started has to do.
    const seen = perSecond > 0 ? perSecond : settled / secondsSince(plan.startedAt, this.#clock);
    const heldBackBy = heldBack(plan, workers, seen);
    return {
      plan,
      nodesPerSecond: perSecond,
      ...(perSecond > 0 && open > 0 && { etaSeconds: open / perSecond }),
      workers: workers.length,
      ...(heldBackBy && { heldBackBy }),
    };
  }

  #rate(key: string, settled: number): number {
    const now = this.#clock.now();
    const last = this.#samples.get(key);
    const elapsedMs = last === undefined ? 0 : now - last.at;
    if (last === undefined || elapsedMs > GAP_MS || elapsedMs < 0 || settled < last.settled) {
      this.#samples.set(key, { at: now, settled, perSecond: last?.perSecond ?? 0, weight: 0 });
      return last?.perSecond ?? 0;
    }
    if (elapsedMs === 0) return last.perSecond;
    const current = ((settled - last.settled) / elapsedMs) * 1000;
    const fresh = 1 - Math.exp(-elapsedMs / AVERAGED_OVER_MS);
    const weight = fresh + (1 - fresh) * last.weight;
    const perSecond = last.perSecond + (fresh / weight) * (current - last.perSecond);
    this.#samples.set(key, { at: now, settled, perSecond, weight });
    return perSecond;
  }
}

function heldBack(
  plan: MigrationPlan,
  workers: readonly Pick<WorkerInfo, 'waiting'>[],
  perSecond: number,
): HeldBackBy | undefined {
  if (plan.status === 'paused') return plan.reason?.code === 'SPEND_CAP' ? 'spendCap' : undefined;
  if (plan.hold !== undefined) return plan.hold.code === 'RATE_LIMITED' ? 'rateLimit' : 'backoff';
  if (!['pending', 'in_progress', 'rolling_back'].includes(plan.status)) return undefined;
  if (workers.length === 0) return 'noWorker';
  if (workers.every(({ waiting }) => waiting.some((one) => lacksEmbedder(one, plan)))) return 'noEmbedder';
  if (workers.every(({ waiting }) => waiting.some((one) => isTroubled(one, plan)))) return 'trouble';
  if (plan.status === 'rolling_back') return undefined;
  return resting(plan, perSecond);
}

function secondsSince(at: string | undefined, clock: Clock): number {
  return at === undefined ? Number.POSITIVE_INFINITY : Math.max(0.001, (clock.now() - Date.parse(at)) / 1000);
}

/** A throttle is told where it takes more than half of a lane's time, a duty cycle always: it is what was asked for. */
function resting(plan: MigrationPlan, perSecond: number): HeldBackBy | undefined {
  const batchesPerLane = perSecond / plan.batchSize / plan.maxParallelWorkers;
  const throttled = (batchesPerLane * plan.throttleMs) / 1000;
  const byDuty = 1 - plan.dutyCycle;
  if (throttled > Math.max(0.5, byDuty)) return 'throttle';
  return byDuty > 0 ? 'dutyCycle' : undefined;
}

function lacksEmbedder({ planId, code }: WorkerInfo['waiting'][number], plan: MigrationPlan): boolean {
  return planId === plan.planId && (code === 'EMBEDDER_MISSING' || code === 'EMBEDDER_MISMATCH');
}

/** Without a plan it is the registry itself that cannot be worked on. A hold is told by the plan, and may have ended. */
function isTroubled({ planId, code }: WorkerInfo['waiting'][number], plan: MigrationPlan): boolean {
  const isHold = code === 'RATE_LIMITED' || code === 'EMBEDDER_FAILED';
  return (planId === plan.planId || planId === '') && !isHold;
}
