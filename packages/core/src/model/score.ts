import type { Distance, Vector } from './vector.ts';

/**
 * How near two vectors of one length are; higher is nearer. NaN where it cannot be said (a zero vector has
 * no direction).
 *
 * | distance | score |
 * |---|---|
 * | cosine | a·b / (‖a‖ ‖b‖), from -1 to 1 |
 * | dot | a·b |
 * | euclid | -‖a - b‖, at most 0 |
 * | hamming | 1 - differing bits / dimension, from 0 to 1 |
 */
export function scorer(query: Vector, distance: Distance, dimension: number): (vector: Vector) => number {
  switch (distance) {
    case 'cosine':
      return cosineTo(query);
    case 'dot':
      return (vector) => dot(query, vector);
    case 'euclid':
      return (vector) => -Math.sqrt(squaredDistance(query, vector));
    case 'hamming':
      return (vector) => 1 - differingBits(query, vector) / dimension;
  }
}

function cosineTo(query: Vector): (vector: Vector) => number {
  const norm = Math.sqrt(dot(query, query));
  return (vector) => {
    let product = 0;
    let squares = 0;
    for (let index = 0; index < query.length; index++) {
      const element = vector[index]!;
      product += query[index]! * element;
      squares += element * element;
    }
    return product / (norm * Math.sqrt(squares));
  };
}

/** Four sums at once, since each addition would wait for the one before it. */
function dot(a: Vector, b: Vector): number {
  const even = a.length & ~3;
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let index = 0; index < even; index += 4) {
    first += a[index]! * b[index]!;
    second += a[index + 1]! * b[index + 1]!;
    third += a[index + 2]! * b[index + 2]!;
    fourth += a[index + 3]! * b[index + 3]!;
  }
  for (let index = even; index < a.length; index++) first += a[index]! * b[index]!;
  return first + second + (third + fourth);
}

function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) {
    const difference = a[index]! - b[index]!;
    sum += difference * difference;
  }
  return sum;
}

const BITS_OF_BYTE = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
);

function differingBits(a: Vector, b: Vector): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += BITS_OF_BYTE[a[index]! ^ b[index]!]!;
  return sum;
}
