import type { ManagerContext } from '../context.ts';
import type { MigrationPlan } from '../model/plan.ts';

/** A rest longer than this looks at the plan's settings again meanwhile: whoever turns them need not wait for its end. */
const LOOK_AGAIN_MS = 1_000;
/** A batch that seems to have taken longer was in hand while the machine slept. */
const LONGEST_WORK_MS = 600_000;

/**
 * How long a lane rests after its batch: `throttleMs`, or what makes its work the plan's share of its time, whichever
 * is longer. Made when the batch begins.
 */
export class LaneRest {
  readonly #context: ManagerContext;
  readonly #startedAt: number;
  #plan: MigrationPlan;

  constructor(context: ManagerContext, plan: MigrationPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#startedAt = context.clock.now();
  }

  /** Such a lane takes no next batch before this one is written and it has rested. */
  get isDue(): boolean {
    return this.#plan.throttleMs > 0 || this.#plan.dutyCycle < 1;
  }

  /** To be called when the batch has ended. */
  async take(stopping: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    // The clock may have been set meanwhile, either way.
    const workedMs = Math.min(Math.max(0, clock.now() - this.#startedAt), LONGEST_WORK_MS);
    for (let restedMs = 0; !stopping.aborted; ) {
      const leftMs = restMs(this.#plan, workedMs) - restedMs;
      if (leftMs <= 0) return;
      const napMs = Math.min(leftMs, LOOK_AGAIN_MS);
      await clock.sleep(napMs, stopping);
      restedMs += napMs;
      if (leftMs > napMs) await this.#lookAgain();
    }
  }

  async #lookAgain(): Promise<void> {
    try {
      this.#plan = (await this.#context.registry.plan(this.#plan.planId)) ?? this.#plan;
    } catch {
      // It rests as it was told last; the loop says what is wrong with the registry.
    }
  }
}

/** The pause that follows so much work. */
export function restMs(
  { throttleMs, dutyCycle }: Pick<MigrationPlan, 'throttleMs' | 'dutyCycle'>,
  workedMs: number,
): number {
  return Math.max(throttleMs, workedMs * (1 / dutyCycle - 1));
}
