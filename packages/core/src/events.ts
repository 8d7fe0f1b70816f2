import type { Logger } from './logger.ts';
import type { RegisteredModel } from './model/model-spec.ts';
import type { MigrationPlan } from './model/plan.ts';
import type { MigrationStatus } from './model/status.ts';
import type { MigrationTask } from './model/task.ts';

/**
 * Why a plan is not faster. `noEmbedder`: workers run, and none of them has the embedder of its target. `trouble`:
 * each of them is kept from it by something else, which `listWorkers` names. `throttle` and `dutyCycle`: its lanes
 * rest as they were told to. `spendCap`: it is paused, since it would spend more than it may.
 */
export type HeldBackBy =
  | 'throttle'
  | 'dutyCycle'
  | 'rateLimit'
  | 'backoff'
  | 'noWorker'
  | 'noEmbedder'
  | 'trouble'
  | 'spendCap';

/** A plan and its pace. */
export interface MigrationProgress {
  readonly plan: MigrationPlan;
  readonly nodesPerSecond: number;
  readonly etaSeconds?: number;
  /** Workers of all processes that were heard of in the last 30 seconds. */
  readonly workers: number;
  readonly heldBackBy?: HeldBackBy;
}

/** What a worker of this process has done since it was made, and what its plans wait for. */
export interface WorkerStats {
  readonly state: 'idle' | 'running' | 'draining' | 'disabled';
  readonly isRunning: boolean;
  readonly processedCount: number;
  readonly failedCount: number;
  readonly rolledBackCount: number;
  readonly waiting: readonly { readonly planId: string; readonly code: string; readonly message: string }[];
}

/** Events of this process; `watchMigration` also sees what others do. */
export interface RegistryEvents {
  /** A model was registered that was not before. */
  'model:registered': RegisteredModel;
  /** A model became the active one. */
  'model:activated': RegisteredModel;
  /** A plan was made. */
  'plan:created': MigrationPlan;
  /** A plan went from one status to another. */
  'plan:changed': { readonly plan: MigrationPlan; readonly from: MigrationStatus };
  /** Readers and writers were moved to the target of a plan. */
  'plan:cutover': MigrationPlan;
  /** A batch was counted. */
  'batch:settled': MigrationProgress;
  /** A node failed for good. */
  'task:failed': MigrationTask;
  /** The worker changed its state. */
  'worker:changed': WorkerStats;
}

type Listener<E extends keyof RegistryEvents> = (event: RegistryEvents[E]) => void;

/** Typed listeners. One that throws, or whose promise rejects, is logged and stops nothing. */
export class Events {
  readonly #listeners = new Map<keyof RegistryEvents, Set<Listener<never>>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Answers the function that ends it. */
  on<E extends keyof RegistryEvents>(event: E, listener: Listener<E>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  hears(event: keyof RegistryEvents): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0;
  }

  emit<E extends keyof RegistryEvents>(event: E, value: RegistryEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      const failed = (error: unknown) => this.#logger.error(`A listener of ${event} threw`, { error });
      try {
        // Listeners are often async; a rejection that nobody hears would end the process.
        const answer: unknown = (listener as Listener<E>)(value);
        if (answer instanceof Promise) answer.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
