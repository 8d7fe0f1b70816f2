import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** The only source of time, chance and ids. Times are milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as the signal aborts: an abort is not a failure. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
  uuid(): string;
}

/**
 * Lets timers, signals and sockets have their turn. Work on local files alone never leaves the event loop: its
 * promises are resolved when they are made.
 */
export async function nextTurn(): Promise<void> {
  await setImmediate();
}

/** Answers the seconds since it was made, for measuring alone: it runs on while a manual clock stands still. */
export function stopwatch(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1_000;
}

// A longer timer would fire at once. Nothing here sleeps for weeks without looking again.
const longestTimerMs = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  random: () => Math.random(),
  uuid: () => randomUUID(),
  sleep(ms: number, signal?: AbortSignal) {
    return new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, longestTimerMs));
      signal?.addEventListener('abort', done, { once: true });
    });
  },
});
