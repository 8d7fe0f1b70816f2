/** Intervals and quantiles of samples. Pure; each function names the definition it follows. */
import { type Chance, drawIndex } from '../chance.ts';

/** A figure of a sample with the interval that its population's lies in. */
export interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Observations it is made of. */
  readonly count: number;
}

/**
 * The standard normal quantile for a two-sided interval: P(|Z| ≤ z) = confidence. Acklam's rational
 * approximation of the inverse normal distribution (2003), relative error below 1.15e-9.
 */
export function normalQuantile(confidence: number): number {
  const p = (1 + confidence) / 2;
  const central = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
    2.506628277459239,
  ];
  const centralBelow = [
    -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1,
  ];
  const tail = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const tailBelow = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  const polynomial = (terms: readonly number[], x: number) => terms.reduce((sum, term) => sum * x + term, 0);
  if (p > 0.97575) {
    const q = Math.sqrt(-2 * Math.log(1 - p));
    return -polynomial(tail, q) / polynomial(tailBelow, q);
  }
  const q = p - 0.5;
  return (q * polynomial(central, q * q)) / polynomial(centralBelow, q * q);
}

/**
 * Wilson's score interval of a proportion (Wilson, "Probable Inference, the Law of Succession, and Statistical
 * Inference", JASA 22, 1927). No observation says nothing: 0 to 1.
 */
export function wilson(successes: number, count: number, confidence: number): Figure {
  if (count === 0) return { value: 0, low: 0, high: 1, count };
  const z = normalQuantile(confidence);
  const share = successes / count;
  const square = (z * z) / count;
  const middle = share + square / 2;
  const reach = z * Math.sqrt((share * (1 - share)) / count + square / (4 * count));
  const low = successes === 0 ? 0 : (middle - reach) / (1 + square);
  const high = successes === count ? 1 : (middle + reach) / (1 + square);
  return { value: share, low, high, count };
}

/** Paired yes-or-no outcomes: both yes, only the first, only the second, neither. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/**
 * The first proportion less the second, of paired outcomes: the square-and-add interval of Wilson's limits, with
 * the correlation of the pairs (Newcombe, "Improved confidence intervals for the difference between binomial
 * proportions based on paired data", Statistics in Medicine 17, 1998, method 10).
 */
export function pairedDifference(counts: PairedCounts, confidence: number): Figure {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const count = both + onlyFirst + onlySecond + neither;
  if (count === 0) return { value: 0, low: -1, high: 1, count };
  const first = wilson(both + onlyFirst, count, confidence);
  const second = wilson(both + onlySecond, count, confidence);
  const value = (onlyFirst - onlySecond) / count;
  const correlation = phi(counts, count);
  const side = (a: number, b: number) => Math.sqrt(Math.max(0, a * a - 2 * correlation * a * b + b * b));
  return {
    value,
    low: value - side(first.value - first.low, second.high - second.value),
    high: value + side(first.high - first.value, second.value - second.low),
    count,
  };
}

/** Newcombe's phi: the correlation of the pairs, with a continuity correction where it is positive. */
function phi({ both, onlyFirst, onlySecond, neither }: PairedCounts, count: number): number {
  const margins = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  if (margins === 0) return 0;
  const product = both * neither - onlyFirst * onlySecond;
  const corrected = product > count / 2 ? product - count / 2 : Math.min(product, 0);
  return corrected / Math.sqrt(margins);
}

const RESAMPLES = 1_000;

/**
 * The mean of values, drawn again with replacement: the percentile interval of the bootstrap (Efron and
 * Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). Pass differences for a paired comparison.
 */
export function bootstrapMean(values: readonly number[], confidence: number, chance: Chance): Figure {
  return bootstrap(values.length, confidence, chance, (draw) => {
    let sum = 0;
    for (let index = 0; index < values.length; index++) sum += values[draw(index)]!;
    return sum / values.length;
  });
}

/**
 * The same of any figure of `count` observations: `figure` is given which observation stands in each place, the
 * observations as they are first.
 */
export function bootstrap(
  count: number,
  confidence: number,
  chance: Chance,
  figure: (place: (index: number) => number) => number,
): Figure {
  if (count === 0) return { value: 0, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, count };
  const value = figure((index) => index);
  const drawn = new Int32Array(count);
  const found = new Float64Array(RESAMPLES);
  for (let round = 0; round < RESAMPLES; round++) {
    for (let index = 0; index < count; index++) drawn[index] = drawIndex(chance, count);
    found[round] = figure((index) => drawn[index]!);
  }
  found.sort();
  return {
    value,
    low: quantile(found, (1 - confidence) / 2),
    high: quantile(found, (1 + confidence) / 2),
    count,
  };
}

/**
 * A quantile of sorted values, linear between the two nearest (definition 7 of Hyndman and Fan, "Sample Quantiles
 * in Statistical Packages", The American Statistician 50, 1996); NaN of nothing.
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = (sorted.length - 1) * Math.min(1, Math.max(0, share));
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * How many more observations would settle whether `figure` stays within `limit`, were it to stay as it is: an
 * interval narrows with the square root of their number. Undefined where no number would.
 */
export function moreNeeded({ value, high, count }: Figure, limit: number): number | undefined {
  const room = limit - value;
  const reach = high - value;
  if (room <= 0 || !Number.isFinite(reach)) return undefined;
  return Math.max(1, Math.ceil(count * (reach / room) ** 2) - count);
}
