/**
 * Node ids and point ids. A point id is an unsigned 64-bit integer or a UUID, every other string answers 400.
 * So a canonical decimal and a canonical UUID are themselves, and whatever else becomes a UUIDv5 whose payload
 * keeps the original.
 */
import { createHash } from 'node:crypto';
import { parseNodeId, RegistryError } from '@registry/core';

/** A point id as the client takes and gives it; integers beyond 2^53 are bigints, though its types do not say so. */
export type PointId = number | string | bigint;

/** Payload field that holds the node id of a point whose id was derived from it. */
export const NODE_ID_FIELD = 'embedding_node_id';

const canonicalDecimal = /^(0|[1-9]\d{0,19})$/;
const canonicalUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LARGEST = 2n ** 64n - 1n;
/** Of this package alone, so that nobody else derives the same ids from the same names. */
const namespace = Buffer.from('5f0b7f8a1d3c4e5b9a6d2c8e7f104b39', 'hex');

/** RFC 9562: SHA-1 of namespace and name, with version 5 and the variant in their places. */
function uuidOf(name: string): string {
  const bytes = createHash('sha1').update(namespace).update(name, 'utf8').digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Integers of this size are sent as JSON numbers, which a runtime without `JSON.rawJSON` cannot do unrounded. */
function integerOf(digits: string): PointId | undefined {
  const value = BigInt(digits);
  if (value > LARGEST) return undefined;
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  if (!('rawJSON' in JSON))
    throw new RegistryError(
      'SPEC_INVALID',
      `Point id ${digits} is beyond 2^53, and this version of Node.js would round it; use Node 21 or newer.`,
      { details: { id: digits } },
    );
  return value;
}

/**
 * The point that holds a node.
 * @throws RegistryError `SPEC_INVALID` for an id that is no well-formed string, or would be rounded here
 */
export function pointIdOf(nodeId: string): PointId {
  parseNodeId(nodeId);
  const integer = canonicalDecimal.test(nodeId) ? integerOf(nodeId) : undefined;
  if (integer !== undefined) return integer;
  return canonicalUuid.test(nodeId) ? nodeId : uuidOf(nodeId);
}

/**
 * The node that a point holds.
 * @throws RegistryError `NODE_ID_CLASH` where the payload names a node that belongs elsewhere, `SPEC_INVALID`
 * for an id that the client has rounded
 */
export function nodeIdOf(point: { readonly id: PointId; readonly payload?: unknown }): string {
  if (typeof point.id === 'number' && !Number.isSafeInteger(point.id))
    throw new RegistryError(
      'SPEC_INVALID',
      `Point id ${point.id} is beyond 2^53 and was rounded on the way; use Node 21 or newer.`,
      { details: { id: point.id } },
    );
  const id = String(point.id);
  const kept = (point.payload as Record<string, unknown> | null | undefined)?.[NODE_ID_FIELD];
  if (typeof kept !== 'string') return id;
  if (kept !== '' && kept.isWellFormed() && String(pointIdOf(kept)) === id) return kept;
  throw new RegistryError(
    'NODE_ID_CLASH',
    `Point ${id} says in ${NODE_ID_FIELD} that it is another node; remove the field, or store that node under its own id.`,
    { details: { point: id } },
  );
}

/** Whether the node id has to be kept in the payload. */
export function isDerived(nodeId: string): boolean {
  return String(pointIdOf(nodeId)) !== nodeId;
}

/** @throws RegistryError `NODE_ID_CLASH` where the point that this node would be holds another one */
export function assertSameNode(
  nodeId: string,
  point: { readonly id: PointId; readonly payload?: unknown },
): void {
  if (nodeIdOf(point) === nodeId) return;
  throw new RegistryError(
    'NODE_ID_CLASH',
    `Node ${JSON.stringify(nodeId)} would be point ${point.id}, which holds another node; give one of them another id.`,
    { details: { nodeId, point: String(point.id) } },
  );
}

/** The order of a scroll: all integers ascending, then UUIDs bytewise. */
export function comparePointIds(a: PointId, b: PointId): number {
  const [isText, isOtherText] = [typeof a === 'string', typeof b === 'string'];
  if (isText !== isOtherText) return isText ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A point id as a cursor that survives JSON, and back. */
export const cursorOf = (id: PointId): string => (typeof id === 'string' ? `u${id}` : `i${id}`);

/** @throws RegistryError `SPEC_INVALID` for a text that is no cursor */
export function idOfCursor(cursor: string): PointId {
  if (/^i\d{1,20}$/.test(cursor)) return pointIdOf(cursor.slice(1));
  if (cursor.startsWith('u') && canonicalUuid.test(cursor.slice(1))) return cursor.slice(1);
  throw new RegistryError('SPEC_INVALID', 'The page to go on with is not `next` of the page before.');
}
