import type { Datatype, Distance, Vector } from './vector.ts';

/** What a comparison must know of the model that made both vectors. */
interface Comparable {
  readonly dimension: number;
  readonly datatype: Datatype;
  readonly distance: Distance;
}

/**
 * How far two vectors of one model are the same, at most 1 and then equal: the share of equal bits; else the
 * cosine, times the ratio of the shorter to the longer one where the model's distance sees lengths (dot, euclid).
 * NaN where one of them is all zero. Both must fit the model.
 */
export function similarity(a: Vector, b: Vector, model: Comparable): number {
  if (model.datatype === 'bit') return equalBits(a, b, model.dimension);
  const seesLengths = model.distance === 'dot' || model.distance === 'euclid';
  let dot = 0;
  let squaresOfA = 0;
  let squaresOfB = 0;
  for (let index = 0; index < a.length; index++) {
    const left = a[index] ?? 0;
    const right = b[index] ?? 0;
    dot += left * right;
    squaresOfA += left * left;
    squaresOfB += right * right;
  }
  return (
    dot / (seesLengths ? Math.max(squaresOfA, squaresOfB) : Math.sqrt(squaresOfA) * Math.sqrt(squaresOfB))
  );
}

function equalBits(a: Vector, b: Vector, dimension: number): number {
  let different = 0;
  for (let index = 0; index < a.length; index++)
    for (let rest = (a[index] ?? 0) ^ (b[index] ?? 0); rest !== 0; rest &= rest - 1) different += 1;
  return 1 - different / dimension;
}
