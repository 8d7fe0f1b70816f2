import { createHash } from 'node:crypto';
import { RegistryError } from '../errors.ts';

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
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  const text = JSON.stringify(value);
  if (text === undefined || (typeof value === 'number' && !Number.isFinite(value)))
    throw new RegistryError(
      'SPEC_INVALID',
      `A model configuration cannot hold ${String(value)}: use JSON values.`,
    );
  return text;
}
