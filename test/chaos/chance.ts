import { ManualClock } from '@registry/core/testing';

/** Draws that are the same for the same seed. */
export class Chance {
  readonly #source: ManualClock;

  constructor(seed: number) {
    this.#source = new ManualClock({ seed });
  }

  /** From 0 to below 1. */
  draw(): number {
    return this.#source.random();
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.draw() * (high - low + 1));
  }

  /** True in this share of all cases. */
  is(share: number): boolean {
    return this.draw() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.draw() * items.length)];
    if (item === undefined) throw new RangeError('There is nothing to pick from.');
    return item;
  }

  /** Another seed, for somebody who draws for himself. */
  seed(): number {
    return Math.floor(this.draw() * 2 ** 31);
  }
}
