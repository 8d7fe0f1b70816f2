import { createHash } from 'node:crypto';
import { RegistryError } from '../errors.ts';
import { shown } from '../options.ts';

/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * SHA-256 (64 hex digits) of a model configuration's canonical JSON: keys sorted by code unit, no white
 * space, numbers and strings as `JSON.stringify` writes them (RFC 8785). Put in everything that changes
 * the vectors, and nothing that does not.
 */
export function computeChecksum(config: Json): string {
  return createHash('sha256').update(canonicalJson(config), 'utf8').digest('hex');
}

/** SHA-256 (64 hex digits) of a text's UTF-8 bytes: the content hash of the built-in stores. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // A Date or a Map has no members of its own: every one would have the checksum of `{}`.
  if (Object.prototype.toString.call(value) === '[object Object]') {
    const members = Object.entries(value as { readonly [key: string]: Json })
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  const isScalar = value === null || typeof value === 'string' || typeof value === 'boolean';
  if (isScalar || Number.isFinite(value)) return JSON.stringify(value);
  throw new RegistryError(
    'SPEC_INVALID',
    `A model configuration cannot hold ${shown(value)}: use JSON values.`,
  );
}
