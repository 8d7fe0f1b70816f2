import { RegistryError } from '../errors.ts';
import { shown } from '../options.ts';

/**
 * Checks a node id: a non-empty, well-formed string. A lone surrogate would become U+FFFD in UTF-8, and two
 * ids one node.
 * @throws RegistryError `SPEC_INVALID`
 */
export function parseNodeId(id: unknown): string {
  if (typeof id !== 'string' || id === '')
    throw new RegistryError('SPEC_INVALID', `A node id is a non-empty string, not ${shown(id)}.`);
  if (!id.isWellFormed())
    throw new RegistryError(
      'SPEC_INVALID',
      `Node id ${shown(id)} holds a lone surrogate; use well-formed Unicode.`,
    );
  return id;
}

/** Compares two ids by code point, as SQLite and UTF-8 do; JavaScript's `<` compares code units. */
export function compareNodeIds(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const isLeftSurrogate = left >= 0xd800 && left <= 0xdfff;
    const isRightSurrogate = right >= 0xd800 && right <= 0xdfff;
    // A surrogate stands for a code point above every single unit.
    if (isLeftSurrogate !== isRightSurrogate) return isLeftSurrogate ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}
