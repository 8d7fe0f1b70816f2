import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareNodeIds, parseNodeId } from '../../src/index.ts';

describe('parseNodeId', () => {
  test.each(['a', ' ', '0', 'a:b', 'it\'s "quoted"', 'a\u0000b', '日本', '👩‍🔬', '\uffff', 'x'.repeat(5000)])(
    'accepts %j',
    (id) => {
      expect(parseNodeId(id)).toBe(id);
    },
  );

  test.each([
    ['', '""'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5, '5'],
    [5n, '5n'],
    [Number.NaN, 'NaN'],
    [Symbol('s'), 'Symbol(s)'],
    [['a'], 'a list of 1'],
    [{ id: 'secret' }, 'an object'],
  ])('refuses %s', (id, shown) => {
    expect(() => parseNodeId(id)).toThrow(
      expect.objectContaining({
        code: 'SPEC_INVALID',
        message: `A node id is a non-empty string, not ${shown}.`,
      }),
    );
  });

  test.each(['\ud800', 'a\udc00b', '\udc00\ud800', 'long '.repeat(100).concat('\ud800')])(
    'refuses the lone surrogate in %j',
    (id) => {
      expect(() => parseNodeId(id)).toThrow(
        expect.objectContaining({
          code: 'SPEC_INVALID',
          message: expect.stringMatching(/^Node id ".{1,80} holds a lone surrogate/),
        }),
      );
    },
  );

  test('shows a circular object without falling over it', () => {
    const circle: { self?: object } = {};
    circle.self = circle;
    expect(() => parseNodeId(circle)).toThrow(/not an object/);
  });
});

describe('compareNodeIds', () => {
  const id = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    // Code points at the edges, where UTF-16 and UTF-8 disagree, with common prefixes.
    fc
      .array(
        fc.constantFrom(
          'a',
          '\u0000',
          '\u007f',
          '\u0080',
          '\ud7ff',
          '\ue000',
          '\uffff',
          '\u{10000}',
          '\u{10ffff}',
        ),
        {
          maxLength: 5,
        },
      )
      .map((characters) => characters.join('')),
  );

  test('orders as UTF-8 bytes do', () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        expect(Math.sign(compareNodeIds(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2000 },
    );
  });

  test('puts what has no surrogate below what has', () => {
    expect(['\u{10000}', '\uffff', 'b', 'a', 'aa', ''].sort(compareNodeIds)).toEqual([
      '',
      'a',
      'aa',
      'b',
      '\uffff',
      '\u{10000}',
    ]);
    expect(['\u{10000}', '\uffff'].sort()).toEqual(['\u{10000}', '\uffff']);
  });
});
