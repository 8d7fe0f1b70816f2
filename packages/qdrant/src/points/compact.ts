import type { Vector } from '@registry/core';
import { RegistryError } from '@registry/core';

/**
 * A vector as the server takes it. Nine digits give every float32 back unchanged and take two thirds of what its
 * shortest float64 text does; a typed array itself would be sent as an object, and NaN as null.
 * @throws RegistryError `VECTOR_INVALID`
 */
export function compact(vector: Vector): readonly number[] {
  if (!(vector instanceof Float32Array))
    throw new RegistryError(
      'VECTOR_INVALID',
      'Qdrant holds float32 vectors; it has no type for packed bits.',
    );
  const numbers = new Array<number>(vector.length);
  for (let index = 0; index < vector.length; index++) {
    const element = vector[index]!;
    if (!Number.isFinite(element))
      throw new RegistryError(
        'VECTOR_INVALID',
        `Element ${index} of a vector is ${element}, which cannot be sent.`,
      );
    numbers[index] = nineDigits(element);
  }
  return numbers;
}

/**
 * Rounding a multiple is ten times as fast as printing and reading a number, and nearly all elements of a vector are
 * of these sizes. What it does not give back as the same float32 is printed.
 */
function nineDigits(element: number): number {
  const size = Math.abs(element);
  const scale =
    size >= 1 ? 0 : size >= 0.1 ? 1e9 : size >= 0.01 ? 1e10 : size >= 0.001 ? 1e11 : size >= 1e-4 ? 1e12 : 0;
  const rounded = scale === 0 ? Number.NaN : Math.round(element * scale) / scale;
  return Math.fround(rounded) === element ? rounded : Number(element.toPrecision(9));
}

/** Bytes of a number in a request, about: nine digits, sign, point, exponent and comma. */
const NUMBER_BYTES = 14;

/** How much a value takes in a request, about; without writing it out, which would cost as much as sending it. */
export function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 3;
  if (typeof value !== 'object' || value === null) return NUMBER_BYTES;
  if (Array.isArray(value) && typeof value[0] === 'number') return value.length * NUMBER_BYTES;
  let bytes = 2;
  for (const [key, member] of Object.entries(value)) bytes += key.length + 4 + bytesOf(member);
  return bytes;
}

/** What one request may hold. */
export interface RequestLimits {
  readonly points: number;
  readonly bytes: number;
}

/** Groups that keep both limits; a single item larger than them goes alone. */
export function inGroups<T>(items: readonly T[], sizeOf: (item: T) => number, limits: RequestLimits): T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const group = groups.at(-1);
    if (group === undefined || group.length >= limits.points || bytes + size > limits.bytes) {
      groups.push([item]);
      bytes = size;
    } else {
      group.push(item);
      bytes += size;
    }
  }
  return groups;
}
