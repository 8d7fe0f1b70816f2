import type { Clock } from '@registry/core';
import type { Reader } from '../model/branches.ts';
import { movingStatuses } from '../model/plan-text.ts';
import type { ProgressData, Summary } from '../registry-process/messages.ts';
import type { RegistryProcess } from './registry-process.ts';

/** A file that changes a hundred times a second is looked at twice. */
const SHORTEST_LOOK_MS = 500;
/** More running plans than this are updated by what the file tells alone. */
const MOST_WATCHED = 20;

/** What is told of a registry that somebody looks at. */
export interface LiveEvents {
  /** Models, plans or settings are others than before, or the registry cannot be read any more. */
  onChange(): void;
  /** What the last look found; again with each look. */
  onSummary?(summary: Summary): void;
  onProgress(progress: ProgressData): void;
  /** A plan that was running rests, or has no worker any more. */
  onRest(planId: string): void;
}

/**
 * Follows one registry while somebody looks.
 *
 * hidden ──show──▶ resting ──hint──▶ looking ──nothing runs──▶ resting
 *                                      └──a worker has plans──▶ also watching each, until it rests
 *
 * Resting, it has no timer and asks nothing: the file system tells when the file changes.
 */
export class LiveRegistry {
  readonly #process: RegistryProcess;
  readonly #reader: Reader;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #events: LiveEvents;
  readonly #planId: string | undefined;
  readonly #watched = new Set<string>();
  #hiding: AbortController | undefined;
  #revision: string | undefined;
  #isLooking = false;
  #isHinted = false;

  /** `planId`: no other plan is watched. */
  constructor(o: {
    process: RegistryProcess;
    reader: Reader;
    path: string;
    clock: Clock;
    events: LiveEvents;
    planId?: string;
  }) {
    this.#planId = o.planId;
    this.#process = o.process;
    this.#reader = o.reader;
    this.#path = o.path;
    this.#clock = o.clock;
    this.#events = o.events;
  }

  /** How many plans are being watched now. */
  get watched(): number {
    return this.#watched.size;
  }

  show(): void {
    if (this.#hiding !== undefined) return;
    this.#hiding = new AbortController();
    this.hint();
  }

  hide(): void {
    this.#hiding?.abort();
    this.#hiding = undefined;
  }

  /** The file changed, or may have. */
  hint(): void {
    this.#isHinted = true;
    if (!this.#isLooking && this.#hiding !== undefined) void this.#lookWhileHinted(this.#hiding.signal);
  }

  async #lookWhileHinted(hiding: AbortSignal): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#isHinted && !hiding.aborted) {
        this.#isHinted = false;
        const release = this.#process.hold();
        await this.#look(hiding).finally(release);
        if (this.#isHinted) await this.#clock.sleep(SHORTEST_LOOK_MS, hiding);
      }
    } finally {
      this.#isLooking = false;
    }
    // Shown again while the last look was on its way.
    if (this.#isHinted && this.#hiding !== undefined) this.hint();
  }

  async #look(hiding: AbortSignal): Promise<void> {
    const revision = await this.#reader.read(this.#path, 'summary').then(
      async (summary) => {
        if (!hiding.aborted) this.#events.onSummary?.(summary);
        if (summary.workers.length > 0) await this.#watchMoving(summary, hiding);
        return summary.revision;
      },
      (error: Error) => `fault ${error.message}`,
    );
    if (hiding.aborted) return;
    const isNew = this.#revision !== undefined && this.#revision !== revision;
    this.#revision = revision;
    if (isNew) this.#events.onChange();
  }

  async #watchMoving({ statuses }: Summary, hiding: AbortSignal): Promise<void> {
    for (const status of movingStatuses.filter((each) => statuses.includes(each))) {
      const { items } = await this.#reader.read(this.#path, 'plans', { status, limit: MOST_WATCHED });
      for (const { planId } of items) {
        const isWanted = this.#planId === undefined || this.#planId === planId;
        if (isWanted && this.#watched.size < MOST_WATCHED && !this.#watched.has(planId))
          void this.#watch(planId, hiding);
      }
    }
  }

  async #watch(planId: string, hiding: AbortSignal): Promise<void> {
    this.#watched.add(planId);
    try {
      await this.#process.watch(this.#path, planId, (progress) => this.#events.onProgress(progress), hiding);
    } catch {
      // The next look tells what is wrong with the registry.
    } finally {
      this.#watched.delete(planId);
    }
    if (hiding.aborted) return;
    this.#events.onRest(planId);
    this.hint();
  }
}
