/**
 * A fence is what a write must still find: the text fields themselves, the stamp, and the random mark of the last
 * write by this package. As a filter it is compared inside the write.
 */
import type { PointId } from '../point-id.ts';
import type { Condition, Filter, PointRecord, Scalar } from '../server/requests.ts';
import { hashOf } from './contents.ts';
import { fieldAt, pathOf, prefixOf, type Slot, slotFields, WRITE_FIELD } from './payload.ts';

const stampFieldNames = [
  'embedding_model_id',
  'embedding_version',
  'embedding_checksum',
  'embedding_hash',
] as const;

type Kept = Readonly<Record<string, Scalar | null>>;

interface Fence {
  /** Texts by field, or the hash of a text that is kept elsewhere. */
  readonly texts: Kept;
  readonly hash?: string;
  /** By path in the payload; null: absent. */
  readonly marks: Kept;
}

function kept(value: unknown): Scalar | null {
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isScalar ? value : null;
}

/** The fence of a point as it was read. */
export function fenceOf(
  { payload }: PointRecord,
  slot: Slot,
  fields: readonly string[],
  content: string | undefined,
): string {
  const prefix = prefixOf(slot);
  const slotPayload = slotFields(payload, slot);
  const own = [...stampFieldNames, WRITE_FIELD].map(
    (key) => [`${prefix}${key}`, kept(slotPayload[key])] as const,
  );
  const fence: Fence = {
    texts: Object.fromEntries(fields.map((key) => [key, kept(fieldAt(payload, key))])),
    ...(fields.length === 0 && { hash: hashOf(content) }),
    // The flat mark tells of writers that know nothing of the other vector.
    marks: Object.fromEntries([...own, [WRITE_FIELD, kept(payload?.[WRITE_FIELD])]]),
  };
  return JSON.stringify(fence);
}

/** The filter that only the point as it was read passes. Long texts are compared whole. */
export function guardOf(id: PointId, fence: string): Filter {
  const { texts, marks } = JSON.parse(fence) as Fence;
  const conditions = [...Object.entries(texts), ...Object.entries(marks)].map(([key, value]) =>
    equals(pathOf(key), value),
  );
  return { must: [{ has_id: [id] }, ...conditions] };
}

/** The guard of the text alone, whatever the marks are. */
export function textGuardOf(fence: string): readonly Condition[] {
  const { texts } = JSON.parse(fence) as Fence;
  return Object.entries(texts).map(([key, value]) => equals(pathOf(key), value));
}

/** The hash of the text, where that is kept elsewhere. */
export function resolvedHash(fence: string): string | undefined {
  return (JSON.parse(fence) as Fence).hash;
}

/** A field that is absent, null or an empty list passes for null. */
export function equals(key: string, value: Scalar | null): Condition {
  return value === null ? { is_empty: { key } } : { key, match: { value } };
}
