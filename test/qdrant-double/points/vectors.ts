import { shortestFloat32 } from '../http/json.ts';
import { badInput } from '../http/server-error.ts';

export type Distance = 'Cosine' | 'Euclid' | 'Dot' | 'Manhattan';

/** What a collection says of one of its vectors, as far as it changes what is stored. */
export interface DenseParams {
  readonly size: number;
  readonly distance: Distance;
  readonly datatype?: 'float32' | 'float16' | 'uint8' | null;
  readonly multivector_config?: object | null;
}

export interface SparseVector {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** As stored: 32-bit floats whatever the datatype, rounded as it rounds. */
export type StoredVector = Float32Array | readonly Float32Array[] | SparseVector;

export interface VectorSchema {
  readonly dense: ReadonlyMap<string, DenseParams>;
  readonly sparse: ReadonlyMap<string, object>;
}

/** The vectors of one point in a request, by name; the unnamed one has the empty name. */
export function storedVectors(input: unknown, schema: VectorSchema): Map<string, StoredVector> {
  if (Array.isArray(input)) return new Map([['', storedVector('', input, schema)]]);
  const named = Object.entries(input as Record<string, unknown>);
  return new Map(named.map(([name, vector]) => [name, storedVector(name, vector, schema)]));
}

export function storedVector(name: string, input: unknown, schema: VectorSchema): StoredVector {
  if (schema.sparse.has(name)) return sparse(name, input);
  const params = schema.dense.get(name);
  if (params === undefined) throw badInput(`Not existing vector name error: ${name}`);
  if (!Array.isArray(input)) throw badInput(`Conversion between sparse and regular vectors failed`);
  const rows = (Array.isArray(input[0]) ? input : [input]) as (readonly (number | bigint)[])[];
  if (params.multivector_config) return rows.map((row) => dense(row, params));
  if (Array.isArray(input[0])) throw badInput('Conversion between multi and regular vectors failed');
  return dense(rows[0]!, params);
}

function sparse(name: string, input: unknown): SparseVector {
  const { indices, values } = input as Partial<SparseVector>;
  if (indices === undefined || values === undefined) throw badInput(`Vector ${name} must be sparse`);
  const valid = indices.length === values.length && new Set(indices).size === indices.length;
  if (!valid) throw badInput('must be the same length as indices, which must be unique');
  return { indices, values: Array.from(new Float32Array(values)) };
}

function dense(input: readonly (number | bigint)[], { size, distance, datatype }: DenseParams): Float32Array {
  if (input.length !== size) {
    throw badInput(`Vector dimension error: expected dim: ${size}, got ${input.length}`);
  }
  const vector = new Float32Array(size);
  for (let index = 0; index < size; index++) vector[index] = Number(input[index]);
  if (datatype === 'uint8') return vector.map((value) => Math.trunc(Math.min(255, Math.max(0, value))));
  const placed = distance === 'Cosine' ? normalized(vector) : vector;
  return datatype === 'float16' ? placed.map((value) => roundToFloat16(value)) : placed;
}

const float32Epsilon = 2 ** -23;

/** A cosine vector is stored with length 1, unless it is zero or as good as there already. */
function normalized(vector: Float32Array): Float32Array {
  let squared = 0;
  for (let index = 0; index < vector.length; index++) {
    squared = Math.fround(squared + Math.fround(vector[index]! * vector[index]!));
  }
  if (squared < float32Epsilon || Math.abs(squared - 1) <= 1e-6) return vector;
  const length = Math.fround(Math.sqrt(squared));
  for (let index = 0; index < vector.length; index++) vector[index]! /= length;
  return vector;
}

/** `Math.f16round`, which Node 22 lacks: adding so large a number leaves 10 bits of fraction, ties to even. */
function roundToFloat16(value: number): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const rounder = 1.5 * 2 ** (52 + exponent - 10);
  const rounded = value + rounder - rounder;
  return Math.abs(rounded) > 65_504 ? Math.sign(value) * Number.POSITIVE_INFINITY : rounded;
}

/** As an answer shows it. */
export function shownVector(vector: StoredVector): unknown {
  if (vector instanceof Float32Array) return Array.from(vector, shortestFloat32);
  if (!('indices' in vector)) return vector.map((row) => Array.from(row, shortestFloat32));
  return { indices: vector.indices, values: vector.values.map(shortestFloat32) };
}

type Compare = (a: Float32Array, b: Float32Array) => number;

const product: Compare = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

const compare: Readonly<Record<Distance, Compare>> = {
  Cosine: product,
  Dot: product,
  Euclid: (a, b) => Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0)),
  Manhattan: (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0),
};

/** How near; a higher score is nearer under Cosine and Dot, a lower one under Euclid and Manhattan. */
export function score(distance: Distance, a: Float32Array, b: Float32Array): number {
  return Math.fround(compare[distance](a, b));
}
