import type { EmbeddingInfo, NodeFilter } from '@registry/core';
import type { Condition, Filter } from '../server/requests.ts';
import { pathOf, prefixOf, type Slot } from './payload.ts';

/** Passes points whose vector in this slot was made by this model, and so may be compared with it. */
export function stampFilter(info: EmbeddingInfo, slot: Slot): Filter {
  const prefix = prefixOf(slot);
  const checksum = `${prefix}embedding_checksum`;
  const same = { key: checksum, match: { value: info.embeddingChecksum } };
  return {
    must: [
      { key: `${prefix}embedding_model_id`, match: { value: info.embeddingModelId } },
      { key: `${prefix}embedding_version`, match: { value: info.embeddingVersion } },
      info.embeddingChecksum === '' ? { should: [same, { is_empty: { key: checksum } }] } : same,
    ],
  };
}

/** Equality on payload fields; a number is a range of one, since a match compares integers alone. */
export function whereConditions(where: NodeFilter | undefined): readonly Condition[] {
  return Object.entries(where ?? {}).map(
    ([key, value]): Condition =>
      typeof value === 'number'
        ? { key: pathOf(key), range: { gte: value, lte: value } }
        : { key: pathOf(key), match: { value } },
  );
}
