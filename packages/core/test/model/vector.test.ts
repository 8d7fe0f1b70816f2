import { describe, expect, test } from 'vitest';
import { vectorBytes, vectorFault, vectorFits, vectorLength, vectorOfBytes } from '../../src/index.ts';

const floats = { dimension: 4, datatype: 'float32' as const };
const bits = { dimension: 20, datatype: 'bit' as const };

test.each([
  [floats, 4],
  [bits, 3],
  [{ dimension: 16, datatype: 'bit' as const }, 2],
  [{ dimension: 1, datatype: 'bit' as const }, 1],
])('%j has arrays of %i elements', (spec, length) => {
  expect(vectorLength(spec)).toBe(length);
});

describe('vectorFits and vectorFault', () => {
  test.each([
    ['a float vector', Float32Array.of(1, -2, 0, 0), floats],
    ['numbers that cancel out', Float32Array.of(1, -1, 0, 0), floats],
    ['the smallest and the largest numbers', Float32Array.of(1e-45, 3.4e38, 3.4e38, 0), floats],
    ['packed bits', Uint8Array.of(0, 0, 0x10), bits],
    ['packed bits in a Buffer', Buffer.from([1, 2, 3]), bits],
  ])('accept %s', (_, vector, spec) => {
    expect(vectorFault(vector, spec)).toBeUndefined();
    expect(vectorFits(vector, spec)).toBe(true);
  });

  test.each([
    ['a short float vector', Float32Array.of(1), floats, '1 elements instead of 4'],
    ['a long float vector', new Float32Array(5).fill(1), floats, '5 elements instead of 4'],
    ['no elements', new Float32Array(0), floats, '0 elements instead of 4'],
    ['bits for floats', Uint8Array.of(1, 2, 3, 4), floats, 'not a Float32Array'],
    ['floats for bits', Float32Array.of(1, 2, 3), bits, 'not a Uint8Array'],
    ['a byte for each bit', new Uint8Array(20).fill(1), bits, '20 elements instead of 3'],
  ])('refuse %s', (_, vector, spec, fault) => {
    expect(vectorFault(vector, spec)).toBe(fault);
    expect(vectorFits(vector, spec)).toBe(false);
  });

  test.each([
    ['a list', [1, 2, 3, 4], 'not a Float32Array'],
    ['doubles', Float64Array.of(1, 2, 3, 4), 'not a Float32Array'],
    ['nothing', undefined, 'not a Float32Array'],
    ['null', null, 'not a Float32Array'],
    ['NaN', Float32Array.of(1, Number.NaN, 0, 0), 'NaN or infinite elements'],
    ['Infinity', Float32Array.of(1, Number.POSITIVE_INFINITY, 0, 0), 'NaN or infinite elements'],
    [
      'infinities that cancel out',
      Float32Array.of(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0),
      'NaN or infinite elements',
    ],
    ['zeros', new Float32Array(4), 'all elements zero'],
    ['negative zeros', new Float32Array(4).fill(-0), 'all elements zero'],
  ])('vectorFault refuses %s', (_, vector, fault) => {
    expect(vectorFault(vector, floats)).toBe(fault);
  });

  test('vectorFault refuses zero bits', () => {
    expect(vectorFault(new Uint8Array(3), bits)).toBe('all elements zero');
  });
});

describe('vectorBytes and vectorOfBytes', () => {
  const vector = Float32Array.of(1.5, -2.25, Number.NaN, -0);

  test('give back what they were given', () => {
    const bytes = vectorBytes(vector);
    expect(bytes.byteLength).toBe(16);
    expect([...bytes.subarray(0, 4)]).toEqual([0, 0, 0xc0, 0x3f]);
    expect(vectorOfBytes(bytes, 'float32')).toEqual(vector);
    expect(vectorOfBytes(Uint8Array.of(1, 2), 'bit')).toEqual(Uint8Array.of(1, 2));
  });

  test('see a view alone, not the memory it lies in', () => {
    const whole = Float32Array.of(9, 1.5, -2.25, 9);
    expect([...vectorBytes(whole.subarray(1, 3))]).toEqual([...vectorBytes(Float32Array.of(1.5, -2.25))]);
    expect(vectorOfBytes(Buffer.from([9, 1, 2, 9]).subarray(1, 3), 'bit')).toEqual(Uint8Array.of(1, 2));
  });

  test.each([0, 1, 2, 3, 4])('read float32 at offset %i of a Buffer or an array', (offset) => {
    const buffer = Buffer.concat([Buffer.alloc(offset), vectorBytes(vector), Buffer.alloc(5)]);
    const array = new Uint8Array(buffer);
    for (const memory of [buffer, array])
      expect(vectorOfBytes(memory.subarray(offset, offset + 16), 'float32')).toEqual(vector);
  });
});
