import { systemClock } from '@registry/core';
import type { RegistryFile } from '../crash/registry-file.ts';
import type { SteeredTime } from './steered-clock.ts';

const TICK_MS = 10;
/** Time that passes with each tick: some twenty times as fast as outside. */
const STEP_MS = 250;
/** A heartbeat comes every 10 s; time does not run away from who is alive and only slow. */
const OLDEST_BEAT_MS = 15_000;

/** A process that runs; `isReady` once it has begun to work. */
export interface Living {
  readonly pid: number;
  readonly isReady: boolean;
}

/** Lets time pass quickly, but waits for the workers that live. */
export class Flow {
  readonly #time: SteeredTime;
  readonly #registry: RegistryFile;
  readonly #living: () => readonly Living[];
  /** Somebody frozen holds a lock, so that the living cannot tell that they live. */
  isForced = false;
  #isOver = false;
  #running: Promise<void> | undefined;

  constructor(time: SteeredTime, registry: RegistryFile, living: () => readonly Living[]) {
    this.#time = time;
    this.#registry = registry;
    this.#living = living;
  }

  start(): void {
    this.#isOver = false;
    this.#running = this.#pass();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #pass(): Promise<void> {
    while (!this.#isOver) {
      await systemClock.sleep(TICK_MS);
      if (this.isForced || this.#mayPass()) this.#time.advance(STEP_MS);
    }
  }

  #mayPass(): boolean {
    const living = this.#living();
    // Whoever is just starting has no heartbeat yet.
    if (living.some(({ isReady }) => !isReady)) return false;
    const beats = this.#registry.all<{ pid: number; heartbeat: number }>(
      'SELECT pid, heartbeat FROM workers',
    );
    const oldest = this.#time.now() - OLDEST_BEAT_MS;
    return beats.every(({ pid, heartbeat }) => heartbeat > oldest || living.every((one) => one.pid !== pid));
  }
}
