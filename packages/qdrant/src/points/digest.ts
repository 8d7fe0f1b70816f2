import { hash } from 'node:crypto';

/** Canonical JSON that knows integers beyond 2^53, which the client gives as bigints. */
function canonical(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

/** Equal for equal JSON, whatever the order of its keys. */
export function digestOf(value: unknown): string {
  return hash('sha256', canonical(value), 'base64url');
}

const TOLERANCE = 1e-5;

/**
 * Whether two values are the same vectors. Cosine vectors are normalised again when they are copied, so their last
 * bits move.
 */
export function sameVectors(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number')
    return a === b || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => sameVectors((a as Members)[key], (b as Members)[key]));
}

type Members = Readonly<Record<string, unknown>>;
