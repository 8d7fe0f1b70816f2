import { describe, expect, it } from 'vitest';
import { DistinctCounter } from '../src/estimate/distinct-counter.ts';
import { ratioOf } from '../src/estimate/figures.ts';
import { speedOf, type TimedCall } from '../src/estimate/speed.ts';

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

describe('the speed of an embedder', () => {
  const perCall = 0.02;
  const perText = 0.003;
  /** As the trial makes them of twelve texts; `late` is added to the call of this number. */
  const calls = (late = -1, by = 0, isSerial = false) => {
    const call = (index: number, texts: number): TimedCall => ({
      texts,
      seconds: perCall + perText * texts + (index === late ? by : 0),
    });
    const each = [call(3, 3), call(4, 3)] as const;
    const [one, other] = each.map(({ seconds }) => seconds) as [number, number];
    const seconds = isSerial ? one + other : Math.max(one, other);
    return { warm: call(0, 1), alone: call(1, 1), many: call(2, 4), pair: { each, seconds } };
  };

  it('is what quiet calls say, and whether two go at once', () => {
    const { secondsPerCall, secondsPerText, gainOfTwo } = speedOf(calls());
    for (const which of ['low', 'value', 'high'] as const) {
      expect(secondsPerCall[which]).toBeCloseTo(perCall, 10);
      expect(secondsPerText[which]).toBeCloseTo(perText, 10);
    }
    expect([gainOfTwo.low, gainOfTwo.value, gainOfTwo.high].map((gain) => gain.toFixed(3))).toEqual([
      '1.500',
      '2.000',
      '2.000',
    ]);
    expect(speedOf(calls(-1, 0, true)).gainOfTwo.value).toBeCloseTo(1, 10);
  });

  it.each([0, 1, 2, 3, 4])('has the truth within its range where call %i met a busy moment', (late) => {
    for (const by of [0.01, 0.1, 1]) {
      const { secondsPerCall, secondsPerText } = speedOf(calls(late, by));
      const batch = (which: 'low' | 'high') => secondsPerCall[which] + 32 * secondsPerText[which];
      const truth = perCall + 32 * perText;
      expect(batch('low')).toBeLessThanOrEqual(truth + 1e-9);
      expect(batch('high')).toBeGreaterThanOrEqual(truth - 1e-9);
    }
  });

  it('of one call is that call', () => {
    const { secondsPerCall, secondsPerText } = speedOf({ warm: { texts: 1, seconds: 2 } });
    expect([secondsPerCall.value, secondsPerText.value]).toEqual([2, 0]);
  });
});
