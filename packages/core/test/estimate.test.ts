import { describe, expect, it } from 'vitest';
import { DistinctCounter } from '../src/estimate/distinct-counter.ts';
import { ratioOf } from '../src/estimate/figures.ts';

describe('distinct texts', () => {
  it('are counted one by one at first', () => {
    const counter = new DistinctCounter(100);
    expect(['a', 'b', 'a'].map((text) => counter.add(text))).toEqual([true, true, false]);
    expect(counter.count).toEqual({ value: 2, low: 2, high: 2, basis: 'exact' });
  });

  it.each([150, 3_000, 120_000])(
    'of which there are %i are estimated within 3 percent past the limit',
    (distinct) => {
      const counter = new DistinctCounter(100);
      for (let round = 0; round < 2; round++)
        for (let index = 0; index < distinct; index++) counter.add(`text ${index}`);
      expect(counter.add('another')).toBeUndefined();
      const { value, low, high, basis } = counter.count;
      expect(Math.abs(value / distinct - 1)).toBeLessThan(0.03);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
      expect(basis).toBe('estimated');
    },
  );
});

describe('a ratio', () => {
  // Worked out by hand: R = 22/10; residuals -0.2, -0.4, 0.4, 0.2; s² = 0.4/3; se = sqrt(s²/4)/2.5 = 0.0730297.
  it('of a sample has the interval of the textbook', () => {
    const { value, low, high } = ratioOf([
      [2, 1],
      [4, 2],
      [7, 3],
      [9, 4],
    ]);
    expect(value).toBeCloseTo(2.2, 10);
    expect(high - value).toBeCloseTo(1.959964 * 0.0730297, 5);
    expect(value - low).toBeCloseTo(1.959964 * 0.0730297, 5);
  });

  it('of one pair says little', () => {
    expect(ratioOf([[3, 2]])).toEqual({ value: 1.5, low: 0.75, high: 3, basis: 'sampled' });
  });
});
