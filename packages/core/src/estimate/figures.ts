/** A figure that is not known for sure, with the range it most likely lies in. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** `exact`: counted. `sampled`: measured on a sample. `estimated`: worked out of what is known of such things. */
  readonly basis: 'exact' | 'sampled' | 'estimated';
}

export function exactly(value: number): Estimate {
  return { value, low: value, high: value, basis: 'exact' };
}

/** Both together; as sure as the less sure of them. */
export function product(a: Estimate, b: Estimate): Estimate {
  const basis = [a.basis, b.basis];
  return {
    value: a.value * b.value,
    low: a.low * b.low,
    high: a.high * b.high,
    basis: basis.includes('estimated') ? 'estimated' : basis.includes('sampled') ? 'sampled' : 'exact',
  };
}

/** 97.5 % of a normal distribution lie below this many standard deviations above the mean. */
const Z_95 = 1.959964;

/**
 * The ratio of two totals from a simple random sample of pairs, with its 95 % interval: Cochran, "Sampling
 * Techniques", 3rd ed. 1977, chapter 6, formulas 6.1 and 6.13, without the correction for a finite population.
 */
export function ratioOf(pairs: readonly (readonly [y: number, x: number])[]): Estimate {
  const count = pairs.length;
  const sumX = pairs.reduce((sum, [, x]) => sum + x, 0);
  const ratio = pairs.reduce((sum, [y]) => sum + y, 0) / sumX;
  if (count < 2) return { value: ratio, low: ratio / 2, high: ratio * 2, basis: 'sampled' };
  const squares = pairs.reduce((sum, [y, x]) => sum + (y - ratio * x) ** 2, 0);
  const error = Math.sqrt(squares / (count - 1) / count) / (sumX / count);
  return {
    value: ratio,
    low: Math.max(0, ratio - Z_95 * error),
    high: ratio + Z_95 * error,
    basis: 'sampled',
  };
}
