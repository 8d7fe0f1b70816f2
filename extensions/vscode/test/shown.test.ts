import { describe, expect, it } from 'vitest';
import { shown } from '../src/model/shown.ts';

describe('text of a registry', () => {
  it.each([
    ['\u001b[2J\u001b]0;title\u0007', '\\u001b[2J\\u001b]0;title\\u0007'],
    ['invoice\u202etxt.exe', 'invoice\\u202etxt.exe'],
    ['half \ud800 of it', 'half \\ud800 of it'],
    ['two\n\tlines', 'two lines'],
    ['naïve 日本語 👩‍👩‍👧', 'naïve 日本語 👩‍👩‍👧'],
  ])('%j can only be read', (text, line) => {
    expect(shown(text)).toBe(line);
  });

  it('is cut off where it has no end', () => {
    expect(shown('x'.repeat(100_000))).toBe(`${'x'.repeat(499)}…`);
  });
});
