/**
 * The time of a whole chaos run, told to every process by one file. The driver lets it pass, so that leases of
 * 30 s run out within a moment, and so that no living process misses a heartbeat only because the machine is busy.
 */
import { openSync, readSync, writeSync } from 'node:fs';
import { type Clock, systemClock } from '@registry/core';

/** Sleepers look this often whether time was moved on. */
const SLICE_MS = 10;

/** The driver's side: the machine's time and what was added to it. */
export class SteeredTime {
  readonly #file: number;
  #aheadMs = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    this.advance(0);
  }

  now(): number {
    return Math.floor(Date.now() + this.#aheadMs);
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
    writeSync(this.#file, Float64Array.of(this.#aheadMs), 0, 8, 0);
  }
}

/** What runs within a call of the clock: in `uuid` the registry is in the middle of a transaction. */
export interface ClockHooks {
  readonly onUuid?: () => void;
}

/** The clock of one process: right at once after it was frozen, as a machine's is. */
export function steeredClock(path: string, hooks: ClockHooks = {}): Clock {
  const file = openSync(path, 'r');
  const ahead = new Float64Array(1);
  const now = () => {
    readSync(file, ahead, 0, 8, 0);
    return Math.floor(Date.now() + ahead[0]!);
  };
  return {
    now,
    random: systemClock.random,
    uuid() {
      hooks.onUuid?.();
      return systemClock.uuid();
    },
    async sleep(ms, signal) {
      const dueAt = now() + ms;
      do {
        await systemClock.sleep(Math.max(0, Math.min(SLICE_MS, dueAt - now())), signal);
      } while (!signal?.aborted && now() < dueAt);
    },
  };
}
