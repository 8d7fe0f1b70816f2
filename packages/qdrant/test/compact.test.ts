import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePointIds, cursorOf, idOfCursor, type PointId } from '../src/point-id.ts';
import { bytesOf, compact, inGroups } from '../src/points/compact.ts';
import { digestOf, sameVectors } from '../src/points/digest.ts';

const finite = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  // Of the sizes that elements of an embedding have.
  fc.double({ min: -1, max: 1, noNaN: true }).map(Math.fround),
);

describe('vectors in a request', () => {
  it('come back as the float32 they were, from nine digits', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1 }), (numbers) => {
        const vector = Float32Array.from(numbers);
        const sent = JSON.parse(JSON.stringify(compact(vector))) as number[];
        expect(Float32Array.from(sent).map((element) => element + 0)).toEqual(
          vector.map((element) => element + 0),
        );
        for (const element of sent) expect(Number(element.toPrecision(9))).toBe(element);
      }),
    );
    const typical = Float32Array.from({ length: 1536 }, (_, index) => Math.sin(index) / 20);
    expect(JSON.stringify(compact(typical)).length / typical.length).toBeLessThan(14);
  });

  it('are refused where they could not be sent', () => {
    const invalid = expect.objectContaining({ code: 'VECTOR_INVALID' });
    expect(() => compact(Float32Array.of(1, Number.NaN))).toThrow(invalid);
    expect(() => compact(Float32Array.of(Number.POSITIVE_INFINITY))).toThrow(invalid);
    expect(() => compact(Uint8Array.of(1))).toThrow(invalid);
  });

  it('go in groups that keep points and bytes', () => {
    const sizes = [3, 3, 3, 9, 1, 1, 1, 1];
    const groups = inGroups(sizes, (size) => size, { points: 3, bytes: 7 });
    expect(groups).toEqual([[3, 3], [3], [9], [1, 1, 1], [1]]);
    const value = { id: 1, vector: [0.123456789, -0.1], payload: { text: 'ä "quoted" text' } };
    expect(bytesOf(value)).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(value)) * 0.9);
  });
});

describe('what moves whole with a point', () => {
  it('has one digest, whatever the order of its keys, and knows integers beyond 2^53', () => {
    expect(digestOf({ a: 1, b: [{ c: 2n ** 60n, d: null }] })).toBe(
      digestOf({ b: [{ d: null, c: 2n ** 60n }], a: 1 }),
    );
    expect(digestOf({ a: 2n ** 60n })).not.toBe(digestOf({ a: 2n ** 60n + 1n }));
    expect(digestOf({ a: '1' })).not.toBe(digestOf({ a: 1 }));
  });

  it('are the same vectors when they were normalised again', () => {
    expect(sameVectors({ image: [0.6, 0.8] }, { image: [0.60000002, 0.79999998] })).toBe(true);
    expect(sameVectors({ image: [0.6, 0.8] }, { image: [0.61, 0.79] })).toBe(false);
    expect(sameVectors({ image: [0.6] }, {})).toBe(false);
  });
});

describe('the order of ids in a scroll', () => {
  it('is integers ascending, then UUIDs; a cursor is one of them', () => {
    const uuid = '5c56c793-69f3-4fbf-87e6-c4bf54c28c26';
    const ids: PointId[] = [uuid, 2n ** 60n, 10, 9, '0c56c793-69f3-4fbf-87e6-c4bf54c28c26'];
    expect(ids.toSorted(comparePointIds)).toEqual([
      9,
      10,
      2n ** 60n,
      '0c56c793-69f3-4fbf-87e6-c4bf54c28c26',
      uuid,
    ]);
    for (const id of ids) expect(idOfCursor(cursorOf(id))).toBe(id);
    expect(() => idOfCursor('x')).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }));
  });
});
