import type { Clock } from './clock.ts';

/** Numbers in [0, 1) that a seed determines: the same sample, the same queries and the same intervals again. */
export interface Chance {
  next(): number;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for drawing samples. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** The seed that was asked for, or one by chance. */
export function seedOf(
  given: number | undefined,
  { clock }: { readonly clock: Pick<Clock, 'random'> },
): number {
  return given ?? Math.floor(clock.random() * 2 ** 32);
}

/** An integer from 0 up to and without `count`. */
export function drawIndex(chance: Chance, count: number): number {
  return Math.floor(chance.next() * count);
}

/**
 * A uniform sample of a stream of unknown length, in memory of its own size alone: the k-th item takes a place
 * with probability size / k (Vitter, "Random Sampling with a Reservoir", ACM TOMS 11, 1985, Algorithm R).
 */
export class Reservoir<T> {
  readonly items: T[] = [];
  /** Items that were offered. */
  seen = 0;
  readonly #size: number;
  readonly #chance: Chance;

  constructor(size: number, chance: Chance) {
    this.#size = size;
    this.#chance = chance;
  }

  offer(item: T): void {
    this.seen += 1;
    if (this.items.length < this.#size) this.items.push(item);
    else {
      const place = drawIndex(this.#chance, this.seen);
      if (place < this.#size) this.items[place] = item;
    }
  }
}
