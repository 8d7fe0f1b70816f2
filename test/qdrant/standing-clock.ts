import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '@registry/core';
import { type FaultyProcess, ManualClock } from '@registry/core/testing';
import type { QdrantApiClient } from '@registry/qdrant';

interface Sleeper {
  readonly dueAt: number;
  readonly wake: () => void;
}

type Operation = (...args: unknown[]) => unknown;

/** Turns of the event loop in which nothing happens before time goes on: what works on local files yields less often. */
const STILL_TURNS = 8;

/**
 * Time that stands still while anybody works or a request is under way, and then goes on to the next who waits.
 * However slow the machine is, no lease ends and nothing is renewed for that.
 */
export class StandingClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  #stirred = 0;
  #isMoving = false;
  readonly #underWay = new Set<{ readonly process: FaultyProcess }>();
  readonly #chance = new ManualClock();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** Each look is later than the one before, as on a machine whose steps take time. */
  now(): number {
    this.#now += 1;
    return Math.floor(this.#now);
  }

  random(): number {
    return this.#chance.random();
  }

  /** Of all worlds different ones: what was written before a world was copied is not written again. */
  uuid(): string {
    return systemClock.uuid();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener('abort', wake);
        this.#stirred += 1;
        resolve();
      };
      const sleeper: Sleeper = { dueAt: this.#now + Math.max(0, ms), wake };
      signal?.addEventListener('abort', wake, { once: true });
      this.#sleepers.push(sleeper);
      void this.#stir();
    });
  }

  /** The client as this process uses it. Of a killed one no answer is awaited. */
  client(inner: { api(): object }, process: FaultyProcess): QdrantApiClient {
    const api = inner.api() as Readonly<Record<string, Operation>>;
    const counted = new Proxy(api, {
      get:
        (operations, name) =>
        (...args: unknown[]) =>
          this.#during(process, () => operations[name as string]!(...args)),
    });
    return { api: () => counted };
  }

  /** Nobody is woken any more. */
  stop(): void {
    this.#sleepers = [];
  }

  async #during(process: FaultyProcess, request: () => unknown): Promise<unknown> {
    const one = { process };
    this.#underWay.add(one);
    this.#stirred += 1;
    try {
      return await request();
    } finally {
      this.#underWay.delete(one);
      void this.#stir();
    }
  }

  get #isAwaited(): boolean {
    return [...this.#underWay].some(({ process }) => process.state !== 'killed');
  }

  async #stir(): Promise<void> {
    this.#stirred += 1;
    if (this.#isMoving) return;
    this.#isMoving = true;
    while (this.#sleepers.length > 0 && !this.#isAwaited)
      if (await this.#isStill()) {
        const next = this.#sleepers.reduce((a, b) => (b.dueAt < a.dueAt ? b : a));
        this.#now = Math.max(this.#now, next.dueAt);
        next.wake();
      }
    this.#isMoving = false;
  }

  async #isStill(): Promise<boolean> {
    const before = this.#stirred;
    for (let turn = 0; turn < STILL_TURNS; turn++) {
      await nextTurn();
      if (this.#stirred !== before) return false;
    }
    return this.#sleepers.length > 0 && !this.#isAwaited;
  }
}
