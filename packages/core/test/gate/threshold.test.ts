/** Cut-offs by quantiles of pairs whose answer is known. */
import { describe, expect, it } from 'vitest';
import { isRegistryError } from '../../src/errors.ts';
import { matchQuantile } from '../../src/gate/translate-threshold.ts';

const scores = (rows: number[][]) => rows.map((row) => Float64Array.from(row));
const old = scores([
  [0.9, 0.5, 0.1],
  [0.8, 0.4, 0.2],
  [0.7, 0.6, 0.3],
]);
/** The new space is the old one on another scale: what passes is the same. */
const rescaled = old.map((row) => row.map((score) => score * score * 0.5));

describe('matching quantiles', () => {
  it.each([
    [0.75, 2],
    [0.6, 4],
    [0.1, 9],
    [0.9, 1],
  ])('loses nothing at %d where the new space keeps the order', (threshold, hits) => {
    const found = matchQuantile(old, rescaled, threshold, 1);
    expect(found).toMatchObject({ hits, pairs: 9, gained: 0 });
    expect(found.kept).toMatchObject({ value: 1, high: 1 });
    const passing = old.flatMap((row) => [...row]).filter((score) => score >= threshold);
    expect(found.score).toBeCloseTo(Math.min(...passing) ** 2 * 0.5, 12);
  });

  it('counts what is lost and what comes instead', () => {
    const fresh = scores([
      [40, 39, 1],
      [2, 3, 4],
      [5, 6, 7],
    ]);
    const found = matchQuantile(old, fresh, 0.75, 1);
    expect(found.score).toBe(39);
    expect(found.kept.value).toBe(0.5);
    expect(found.gained).toBe(0.5);
    expect(found.kept.low).toBeLessThanOrEqual(0.5);
    expect(found.kept.high).toBeGreaterThanOrEqual(0.5);
  });

  it('rises with the old cut-off', () => {
    const fresh = old.map((row, query) => row.map((score, node) => Math.sin(score * 9 + query * 3 + node)));
    let before = Number.NEGATIVE_INFINITY;
    for (let threshold = 0.1; threshold <= 0.9; threshold += 0.05) {
      const { score } = matchQuantile(old, fresh, threshold, 1);
      expect(score).toBeGreaterThanOrEqual(before);
      before = score;
    }
  });

  it.each([0.91, 0.05, Number.NaN])('refuses %d, of which the sample knows nothing', (threshold) => {
    let thrown: unknown;
    try {
      matchQuantile(old, rescaled, threshold, 1);
    } catch (error) {
      thrown = error;
    }
    expect(isRegistryError(thrown, 'THRESHOLD_OUTSIDE')).toBe(true);
  });
});
