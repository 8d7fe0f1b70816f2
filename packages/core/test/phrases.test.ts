import { expect, it } from 'vitest';
import { duration } from '../src/report/phrases.ts';

it.each([
  [0, '0 s'],
  [1_240, '1.2 s'],
  [59_900, '1 min'],
  [119_900, '2 min'],
  [250_000, '4 min 10 s'],
  [3_599_900, '1 h'],
  [7_190_000, '2 h'],
  [7_500_000, '2 h 5 min'],
  [86_399_000, '1 d'],
  [273_600_000, '3 d 4 h'],
])('%i ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
