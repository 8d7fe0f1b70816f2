/** What this package keeps in the payload of a point, and what of it is the application's. */
import { type EmbeddingInfo, stampOf } from '@registry/core';

/** Version 0 is no version of any model: no reader takes it for a stamp, whatever the model is called. */
export const IN_TRANSIT = {
  embedding_model_id: 'in transit',
  embedding_version: 0,
  embedding_checksum: '',
} as const;

/** Random, and new with each write of this package: equal texts written again are told apart by it. */
export const WRITE_FIELD = 'embedding_write';
/** On a point that was brought to another collection: digest of the data it was made from. */
export const BASE_FIELD = 'embedding_base';
/** On a point of the old side that `dualWrite` wrote to both sides: the name of the new collection. */
export const DUAL_FIELD = 'embedding_dual';
const HASH_FIELD = 'embedding_hash';
export const stampKeys = [
  'embedding_model_id',
  'embedding_version',
  'embedding_checksum',
  HASH_FIELD,
] as const;
/** Fields that describe a vector or a write, and do not move with the point. */
export const ownKeys: readonly string[] = [...stampKeys, WRITE_FIELD, BASE_FIELD, DUAL_FIELD];

/** Any payload. */
export type Payload = Readonly<Record<string, unknown>>;

/** A vector of a collection, and where in the payload its stamp stands: flat, or under `embeddings.<vector>`. */
export interface Slot {
  /** '' for the unnamed one. */
  readonly vector: string;
  readonly isFlat: boolean;
}

/** The path before the fields of a stamp. */
export const prefixOf = ({ vector, isFlat }: Slot): string => (isFlat ? '' : `embeddings.${vector}.`);

/** The fields of a slot's stamp, as they stand in a payload. */
export function slotFields(payload: Payload | null | undefined, { vector, isFlat }: Slot): Payload {
  if (isFlat) return payload ?? {};
  const embeddings = payload?.embeddings as Record<string, Payload> | undefined;
  return embeddings?.[vector] ?? {};
}

/** What a slot says of its vector. */
export interface SlotState extends Partial<EmbeddingInfo> {
  readonly embeddedHash?: string;
  readonly inTransit?: true;
}

/** Reads a stamp leniently: other writers keep versions as texts. */
export function slotState(fields: Payload): SlotState {
  const stamp = stampOf(fields);
  if (stamp !== undefined) {
    const hash = fields[HASH_FIELD];
    return { ...stamp, ...(typeof hash === 'string' && hash !== '' && { embeddedHash: hash }) };
  }
  const isTransit =
    fields.embedding_model_id === IN_TRANSIT.embedding_model_id && fields.embedding_version === 0;
  return isTransit ? { inTransit: true } : {};
}

/** The fields of a stamp, and the keys that it leaves out. */
export function stampFields(state: SlotState): {
  readonly present: Payload;
  readonly absent: readonly string[];
} {
  const { embeddingModelId, embeddingVersion, embeddingChecksum, embeddedHash } = state;
  const all: Record<string, unknown> = {
    embedding_model_id: embeddingModelId,
    // An integer, so that the index covers it.
    embedding_version: embeddingVersion,
    embedding_checksum: embeddingModelId === undefined ? undefined : (embeddingChecksum ?? ''),
    [HASH_FIELD]: embeddedHash,
  };
  const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return { present, absent: Object.keys(all).filter((key) => all[key] === undefined) };
}

/** The payload without what describes this copy of the point: what moves whole. */
export function dataOf(payload: Payload | null | undefined): Payload {
  return Object.fromEntries(Object.entries(payload ?? {}).filter(([key]) => !ownKeys.includes(key)));
}

const isPath = (key: string) => /^[\w-]+(\.[\w-]+)*$/.test(key);

/** A key as a path: one with other characters than these is quoted; the dots of others are steps. */
export const pathOf = (key: string): string => (isPath(key) ? key : `"${key}"`);

/** What stands in a payload where the server looks for this key. */
export function fieldAt(payload: Payload | null | undefined, key: string): unknown {
  const steps = isPath(key) ? key.split('.') : [key];
  return steps.reduce<unknown>((value, step) => (value as Payload | null | undefined)?.[step], payload);
}
