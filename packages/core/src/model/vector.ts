/** Float32Array of `dimension` numbers, or Uint8Array of packed bits: MSB first, `dimension / 8` bytes. */
export type Vector = Float32Array | Uint8Array;
/** What an element of a vector is: a 32-bit float or one bit. */
export type Datatype = 'float32' | 'bit';
/** How two vectors of a model are compared. */
export type Distance = 'cosine' | 'dot' | 'euclid' | 'hamming';

/** What the shape of a vector depends on; a model specification has it. */
interface VectorShape {
  readonly dimension: number;
  readonly datatype: Datatype;
}

/** Length of the typed array that holds a vector of this model. */
export function vectorLength(spec: VectorShape): number {
  return spec.datatype === 'bit' ? Math.ceil(spec.dimension / 8) : spec.dimension;
}

/** Says whether datatype and length fit the model; the numbers are not looked at. */
export function vectorFits(vector: Vector, spec: VectorShape): boolean {
  const isBits = vector instanceof Uint8Array;
  return isBits === (spec.datatype === 'bit') && vector.length === vectorLength(spec);
}

/** Why a vector cannot be stored as one of this model; undefined where it can. */
export function vectorFault(vector: unknown, spec: VectorShape): string | undefined {
  const wanted = spec.datatype === 'bit' ? Uint8Array : Float32Array;
  if (!(vector instanceof wanted)) return `not a ${wanted.name}`;
  if (vector.length !== vectorLength(spec))
    return `${vector.length} elements instead of ${vectorLength(spec)}`;
  let sum = 0;
  // By index: an iterator takes six times as long, and every vector of a migration comes by here.
  for (let index = 0; index < vector.length; index++) sum += Math.abs(vector[index] ?? 0);
  // A NaN or infinite element makes the sum so; a finite vector can also overflow float64 only above 1e308.
  if (!Number.isFinite(sum)) return 'NaN or infinite elements';
  return sum === 0 ? 'all elements zero' : undefined;
}

/** The bytes of a vector as they lie in memory (little-endian float32, or packed bits), without a copy. */
export function vectorBytes(vector: Vector): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** The vector that lies in these bytes; a copy is made where float32 alignment asks for it. */
export function vectorOfBytes(bytes: Uint8Array, datatype: Datatype): Vector {
  if (datatype === 'bit') return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  // Not `slice`, which shares the memory of a Buffer.
  return new Float32Array(new Uint8Array(bytes).buffer);
}
