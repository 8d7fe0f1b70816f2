import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

interface Sleeper {
  /** On the monotonic scale, which `set` does not touch. */
  readonly dueAt: number;
  readonly wake: () => void;
}

interface Watcher {
  readonly count: number;
  readonly notify: () => void;
}

// Turns of the event loop that awaiting code gets before time moves on: enough for a chain of promises and
// for work that yields a few times; whatever waits longer is to be awaited by its own event.
const settlingTurns = 8;
const defaultLimitMs = 7 * 24 * 3_600_000;

/**
 * A clock that moves only when told. Timers follow the time that was advanced, as real ones do: `set`, a
 * machine's clock put right or wrong, changes what `now` says and neither fires nor delays one.
 */
export class ManualClock implements Clock {
  #elapsed = 0;
  #offset: number;
  #randomState: number;
  #sleepers: Sleeper[] = [];
  readonly #watchers = new Set<Watcher>();

  /** `now`: milliseconds since the Unix epoch, 2026-01-01T00:00:00Z unless told. `seed`: of `random` and `uuid`. */
  constructor(options: { now?: number; seed?: number } = {}) {
    this.#offset = options.now ?? Date.UTC(2026, 0, 1);
    this.#randomState = (options.seed ?? 1) >>> 0;
  }

  /** In whole milliseconds, as machines tell them; sleeps may be of fractions. */
  now(): number {
    return Math.floor(this.#offset + this.#elapsed);
  }

  /** The number of `sleep` calls that have not come back. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** What `now` will say when the next sleeper wakes; undefined while none sleeps. */
  get nextWakeAt(): number | undefined {
    const next = this.#sleepers[0];
    return next && this.#offset + next.dueAt;
  }

  /** Nothing to wait for (0 ms, or less) needs no advance: it comes back at the next turn of the event loop. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (!(ms > 0)) {
      await nextTurn();
      return;
    }
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { dueAt: this.#elapsed + ms, wake };
      signal?.addEventListener('abort', wake, { once: true });
      this.#add(sleeper);
    });
  }

  /** In [0, 1), the same sequence for the same seed (mulberry32). */
  random(): number {
    this.#randomState = (this.#randomState + 0x6d2b79f5) >>> 0;
    let bits = this.#randomState;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A version 4 UUID drawn from `random`. */
  uuid(): string {
    return '10000000-1000-4000-8000-100000000000'.replaceAll(/[018]/g, (digit) => {
      const drawn = Math.floor(this.random() * 16);
      return (digit === '8' ? 8 + (drawn & 3) : drawn).toString(16);
    });
  }

  /** Puts the wall clock to `now`, forwards or backwards; sleepers sleep on. */
  set(now: number): void {
    this.#offset = now - this.#elapsed;
  }

  /** Lets `ms` milliseconds pass: wakes each sleeper when it is due, in order, and lets it run before the next. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`Time advances by 0 ms or more, not ${ms}; use set to jump back.`);
    const until = this.#elapsed + ms;
    await this.#settle();
    for (let next = this.#sleepers[0]; next && next.dueAt <= until; next = this.#sleepers[0]) {
      this.#elapsed = Math.max(this.#elapsed, next.dueAt);
      next.wake();
      await this.#settle();
    }
    this.#elapsed = Math.max(this.#elapsed, until);
  }

  /** Advances to the next sleeper's time and wakes all that are due then; false where none sleeps. */
  async advanceToNext(): Promise<boolean> {
    await this.#settle();
    const next = this.#sleepers[0];
    if (next === undefined) return false;
    await this.advance(Math.max(0, next.dueAt - this.#elapsed));
    return true;
  }

  /** Resolves once at least `count` sleepers sleep, at once where they do already. */
  async untilSleeping(count = 1): Promise<void> {
    if (this.#sleepers.length >= count) return;
    await new Promise<void>((notify) => {
      this.#watchers.add({ count, notify });
    });
  }

  /**
   * Advances from sleeper to sleeper until the promise settles, and returns what it holds.
   * @throws RangeError where `limitMs` (7 days) of this clock were not enough.
   */
  async runUntil<T>(promise: Promise<T>, options: { limitMs?: number } = {}): Promise<T> {
    const limitMs = options.limitMs ?? defaultLimitMs;
    const startedAt = this.#elapsed;
    let isSettled = false;
    const settled = promise.then(
      () => {
        isSettled = true;
      },
      () => {
        isSettled = true;
      },
    );
    while (!isSettled) {
      await Promise.race([settled, this.untilSleeping()]);
      await this.#settle();
      if (isSettled) break;
      await this.advanceToNext();
      if (this.#elapsed - startedAt > limitMs)
        throw new RangeError(`Not settled after ${limitMs} ms of manual time.`);
    }
    return promise;
  }

  #add(sleeper: Sleeper): void {
    // Equal times keep the order of the calls.
    const behind = this.#sleepers.findIndex((other) => other.dueAt > sleeper.dueAt);
    this.#sleepers.splice(behind === -1 ? this.#sleepers.length : behind, 0, sleeper);
    for (const watcher of this.#watchers) {
      if (this.#sleepers.length < watcher.count) continue;
      this.#watchers.delete(watcher);
      watcher.notify();
    }
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < settlingTurns; turn++) await nextTurn();
  }
}
