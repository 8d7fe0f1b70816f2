/** The statistics of the gate against figures that other programs and papers give. */
import { describe, expect, it } from 'vitest';
import { drawIndex, Reservoir, seededChance } from '../../src/chance.ts';
import {
  bootstrapMean,
  moreNeeded,
  normalQuantile,
  pairedDifference,
  quantile,
  wilson,
} from '../../src/gate/intervals.ts';

describe('intervals', () => {
  // scipy.stats.norm.ppf
  it.each([
    [0.8, 1.2815515655446004],
    [0.9, 1.6448536269514722],
    [0.95, 1.959963984540054],
    [0.99, 2.5758293035489004],
    [0.999, 3.2905267314919255],
  ])('normal quantile of %d', (confidence, expected) => {
    expect(normalQuantile(confidence)).toBeCloseTo(expected, 8);
  });

  // scipy.stats.binomtest(k, n).proportion_ci(method='wilson'); the third and fourth also in Newcombe, "Two-sided
  // confidence intervals for the single proportion", Statistics in Medicine 17, 1998, table I.
  it.each([
    [0, 120, 0.95, 0, 0.031019166418703482],
    [3, 60, 0.95, 0.017149502164395668, 0.13700516476348518],
    [81, 263, 0.95, 0.2552885198782742, 0.36620957698280004],
    [15, 148, 0.95, 0.06238639953073629, 0.16048724172330803],
    [60, 60, 0.95, 0.9398281478579101, 1],
    [7, 40, 0.99, 0.07064423503673017, 0.37183335374319976],
  ])('Wilson: %d of %d at %d', (successes, count, confidence, low, high) => {
    const found = wilson(successes, count, confidence);
    expect(found.value).toBe(successes / count);
    expect(found.low).toBeCloseTo(low, 9);
    expect(found.high).toBeCloseTo(high, 9);
  });

  // Computed apart from the closed form, with Wilson's limits as roots of |p - t| = z √(t(1 - t)/n). The first is
  // the worked example of Altman et al., "Statistics with Confidence", 2000, table 6.2.
  it.each([
    [14, 5, 0, 22, 0.95, 0.12195121951219512, 0.011483241383033263, 0.22649268435120895],
    [36, 12, 2, 0, 0.95, 0.2, 0.056929584003109324, 0.34042760297493524],
    [97, 1, 2, 0, 0.95, -0.01, -0.06080135071208767, 0.036986539821486475],
    [50, 30, 4, 16, 0.95, 0.26, 0.15275694143041887, 0.3590829024321566],
    [0, 6, 6, 0, 0.9, 0, -0.428930291244949, 0.428930291244949],
    [10, 0, 0, 10, 0.95, 0, -0.0897566593776796, 0.0897566593776796],
  ])('paired difference of %d %d %d %d', (both, onlyFirst, onlySecond, neither, level, value, low, high) => {
    const found = pairedDifference({ both, onlyFirst, onlySecond, neither }, level);
    expect(found.value).toBeCloseTo(value, 9);
    expect(found.low).toBeCloseTo(low, 8);
    expect(found.high).toBeCloseTo(high, 8);
  });

  it('says nothing of nothing', () => {
    expect(wilson(0, 0, 0.95)).toMatchObject({ low: 0, high: 1 });
    const none = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
    expect(pairedDifference(none, 0.95)).toMatchObject({ low: -1, high: 1 });
    expect(bootstrapMean([], 0.95, seededChance(1)).high).toBe(Number.POSITIVE_INFINITY);
  });

  // numpy, 200,000 resamples of the same values: 0.0525 to 0.175.
  it('bootstraps a mean', () => {
    const times = (count: number, value: number) => new Array<number>(count).fill(value);
    const values = [...times(60, 0), ...times(20, 0.5), ...times(15, -0.25), ...times(5, 1)];
    for (let seed = 0; seed < 5; seed++) {
      const found = bootstrapMean(values, 0.95, seededChance(seed));
      expect(found.value).toBeCloseTo(0.1125, 12);
      expect(Math.abs(found.low - 0.0525)).toBeLessThan(0.011);
      expect(Math.abs(found.high - 0.175)).toBeLessThan(0.011);
    }
  });

  // numpy.quantile
  it.each([
    [0, 0.02],
    [0.05, 0.059],
    [0.25, 0.23],
    [0.5, 0.44],
    [0.9, 0.822],
    [1, 0.9],
  ])('quantile at %d', (share, expected) => {
    const sorted = [0.31, 0.02, 0.9, 0.44, 0.15, 0.77, 0.5].sort((a, b) => a - b);
    expect(quantile(sorted, share)).toBeCloseTo(expected, 12);
  });

  it('says how many more would bring the end of the interval to the limit', () => {
    const figure = { value: 0.01, low: -0.05, high: 0.07, count: 100 };
    // The reach is 0.06 and may be 0.04: 1.5² as many.
    expect(moreNeeded(figure, 0.05)).toBe(125);
    expect(moreNeeded({ ...figure, value: 0.06 }, 0.05)).toBeUndefined();
  });
});

describe('chance', () => {
  it('draws every item of a stream equally often', () => {
    const chance = seededChance(42);
    const counts = new Array<number>(20).fill(0);
    const rounds = 4_000;
    for (let round = 0; round < rounds; round++) {
      const reservoir = new Reservoir<number>(5, chance);
      for (let item = 0; item < 20; item++) reservoir.offer(item);
      for (const item of new Set(reservoir.items)) counts[item]! += 1;
    }
    const expected = (rounds * 5) / 20;
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rounds * 5);
    // Chi-squared with 19 degrees of freedom is above 43.8 once in a thousand.
    const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(statistic).toBeLessThan(43.8);
  });

  it('gives the same numbers for a seed', () => {
    const [one, same] = [seededChance(7), seededChance(7)];
    const counts = [0, 0, 0];
    for (let draw = 0; draw < 3_000; draw++) {
      const index = drawIndex(one, 3);
      expect(index).toBe(drawIndex(same, 3));
      counts[index]! += 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  });
});
