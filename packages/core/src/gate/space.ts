/** One vector space of a sample: exact search in memory. Pure. */
import type { SpecFields } from '../model/model-spec.ts';
import { scorer } from '../model/score.ts';
import type { Vector } from '../model/vector.ts';
import { quantile } from './intervals.ts';

const NOISE = 1e-3;

/** Scores of each query with each node of the sample. */
export class Space {
  readonly queries: number;
  readonly nodes: number;
  readonly #scores: Float64Array;

  /** Vectors of nodes and queries are of one model. */
  constructor(spec: SpecFields, nodes: readonly Vector[], queries: readonly Vector[]) {
    this.queries = queries.length;
    this.nodes = nodes.length;
    this.#scores = new Float64Array(queries.length * nodes.length);
    const isCosine = spec.distance === 'cosine';
    const ready = isCosine ? nodes.map(unit) : nodes;
    for (const [row, query] of queries.entries()) {
      const score = scorer(isCosine ? unit(query) : query, isCosine ? 'dot' : spec.distance, spec.dimension);
      for (let node = 0; node < ready.length; node++)
        this.#scores[row * ready.length + node] = score(ready[node]!);
    }
  }

  score(query: number, node: number): number {
    return this.#scores[query * this.nodes + node]!;
  }

  /** 1 is the nearest; others with the same score stand before it, so that equal vectors earn nothing. */
  rankOf(query: number, node: number): number {
    const own = this.score(query, node);
    let rank = 1;
    for (let other = 0; other < this.nodes; other++)
      if (other !== node && !(this.score(query, other) < own)) rank += 1;
    return rank;
  }

  /** The nearest nodes of a query but `except`, nearest first. */
  nearest(query: number, k: number, except?: number): number[] {
    const found: number[] = [];
    for (let node = 0; node < this.nodes; node++) {
      if (node === except) continue;
      const score = this.score(query, node);
      if (found.length === k && !(score > this.score(query, found[k - 1]!))) continue;
      let place = found.length;
      while (place > 0 && score > this.score(query, found[place - 1]!)) place -= 1;
      found.splice(place, 0, node);
      if (found.length > k) found.pop();
    }
    return found;
  }
}

/** Of length 1, so that cosines are products; a zero vector stays one. */
export function unit(vector: Vector): Float32Array {
  const squares = squaresOf(vector);
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  const made = new Float32Array(vector.length);
  for (let index = 0; index < vector.length; index++) made[index] = vector[index]! * scale;
  return made;
}

function squaresOf(vector: Vector): number {
  let squares = 0;
  for (let index = 0; index < vector.length; index++) squares += vector[index]! * vector[index]!;
  return squares;
}

/**
 * Says whether two vectors are the same: ‖a - b‖ ≤ tolerance · ‖a‖, of bits the share that differs. Unless told
 * the tolerance is the noise of services that compute a text twice.
 */
export function areSame(a: Vector, b: Vector, tolerance = NOISE): boolean {
  if (a instanceof Uint8Array) return !(1 - scorer(a, 'hamming', a.length * 8)(b) > tolerance);
  return isWithin(a, b, tolerance * tolerance * squaresOf(a));
}

/** Whether ‖a - b‖² is no more than this; most pairs are told apart by their first elements. */
function isWithin(a: Vector, b: Vector, squares: number): boolean {
  let rest = squares;
  for (let index = 0; index < a.length && rest >= 0; index++) {
    const difference = a[index]! - b[index]!;
    rest -= difference * difference;
  }
  return rest >= 0;
}

/** For each vector whether another one is the same. The texts are known to differ. */
export function twins(vectors: readonly Vector[]): boolean[] {
  const found = vectors.map(() => false);
  for (const [one, vector] of vectors.entries()) {
    // Bits are the same or not: any difference is more than nothing.
    const room = vector instanceof Uint8Array ? 0 : NOISE * NOISE * squaresOf(vector);
    for (let other = one + 1; other < vectors.length; other++)
      if (!(found[one] && found[other]) && isWithin(vector, vectors[other]!, room))
        found[one] = found[other] = true;
  }
  return found;
}

/** Quantiles in steps of 5 %. */
export function quantiles(scores: Float64Array): number[] {
  const sorted = scores.filter(Number.isFinite).sort();
  if (sorted.length === 0) return [];
  return Array.from({ length: 21 }, (_, step) => quantile(sorted, step / 20));
}
