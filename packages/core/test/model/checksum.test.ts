import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computeChecksum, contentHash, type Json } from '../../src/index.ts';

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

describe('computeChecksum', () => {
  // Right: the canonical JSON of RFC 8785.
  test.each<[Json, string]>([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{}, '{}'],
    [[], '[]'],
    ['text', '"text"'],
    [null, 'null'],
    [
      { numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0] },
      '{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0]}',
    ],
    [{ string: '€$\u000f\nA\'B"\\\\"/' }, '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'],
    [
      { '€': 5, '\r': 1, \ufb33: 7, '1': 2, '😀': 6, '\u0080': 3, ö: 4 },
      '{"\\r":1,"1":2,"\u0080":3,"ö":4,"€":5,"😀":6,"\ufb33":7}',
    ],
    [{ 10: 'a', 9: 'b' }, '{"10":"a","9":"b"}'],
  ])('is the SHA-256 of the canonical JSON of %j', (config, canonical) => {
    expect(computeChecksum(config)).toBe(sha256(canonical));
  });

  test('leaves out members that are undefined', () => {
    expect(computeChecksum({ a: 1, b: undefined } as never)).toBe(computeChecksum({ a: 1 }));
  });

  test('does not depend on the order of keys, at any depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.infiniteStream(fc.double({ min: 0, max: 1 })), (value, chances) => {
        expect(computeChecksum(shuffled(value as Json, chances))).toBe(computeChecksum(value as Json));
      }),
    );
  });

  test('differs where the JSON differs', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const areEqual = JSON.stringify(sorted(a as Json)) === JSON.stringify(sorted(b as Json));
        expect(computeChecksum(a as Json) === computeChecksum(b as Json)).toBe(areEqual);
      }),
    );
  });

  test.each([
    ['undefined', undefined, 'undefined'],
    ['NaN', { a: Number.NaN }, 'NaN'],
    ['Infinity', [Number.POSITIVE_INFINITY], 'Infinity'],
    ['a bigint', { a: 1n }, '1n'],
    ['a function', { a: () => 1 }, 'a function'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an undefined element', [undefined], 'undefined'],
    ['a date', { at: new Date(0) }, 'an object'],
    ['a map', new Map([['a', 1]]), 'an object'],
    ['a typed array', new Float32Array(2), 'an object'],
  ])('refuses %s', (_, config, shown) => {
    expect(() => computeChecksum(config as never)).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringContaining(`hold ${shown}:`) }),
    );
  });
});

test('contentHash is the SHA-256 of the UTF-8 bytes', () => {
  expect(contentHash('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(contentHash('binary_hdv:16384')).toBe(
    '52bdb6e983fc401dc35967b1d25c36409adc295f879793700b2907dbcf838071',
  );
  expect(contentHash('é')).not.toBe(contentHash('e\u0301'));
});

function shuffled(value: Json, chances: Iterator<number>): Json {
  if (Array.isArray(value)) return value.map((member) => shuffled(member, chances));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(
    ([key, member]) => [Number(chances.next().value), key, shuffled(member, chances)] as const,
  );
  return Object.fromEntries(members.sort(([a], [b]) => a - b).map(([, key, member]) => [key, member]));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const);
  return { members: members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, member]) };
}
