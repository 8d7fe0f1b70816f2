import { EmbeddingModelSpec } from '@registry/core';
import { expectedVector } from '@registry/core/testing';

const spec = (modelId: string, version: number, dimension: number, datatype: 'float32' | 'bit') =>
  new EmbeddingModelSpec({ modelId, version, dimension, datatype, checksum: `sum-${modelId}-${version}` });

/** Three models whose vectors differ in length, in datatype or in nothing that a look would show. */
export const models = {
  a: spec('words', 1, 16, 'float32'),
  b: spec('bits', 1, 64, 'bit'),
  c: spec('words', 2, 16, 'float32'),
} as const;

export type ModelName = keyof typeof models;

/** Vector and stamp as an application stores them that embeds with this model. */
export function embedded(model: ModelName, text: string) {
  return { ...models[model].info, vector: expectedVector(models[model], text) };
}
