import { EmbeddingModelSpec } from '@registry/core';
import { expectedVector } from '@registry/core/testing';

const spec = (modelId: string, version: number, dimension: number) =>
  new EmbeddingModelSpec({ modelId, version, dimension, checksum: `sum-${modelId}-${version}` });

/** Two versions of equal size, and one of another. */
export const models = {
  a: spec('words', 1, 16),
  wide: spec('wide', 1, 24),
  next: spec('words', 2, 16),
} as const;

export type ModelName = keyof typeof models;

const tolerance = 1e-5;

/** Whether this is, normalised as Cosine stores it, what the model makes of the text. */
export function isMadeBy(model: EmbeddingModelSpec, text: string, vector: Float32Array): boolean {
  if (vector.length !== model.dimension) return false;
  const expected = expectedVector(model, text) as Float32Array;
  const length = Math.hypot(...expected);
  return expected.every((value, index) => Math.abs(value / length - vector[index]!) < tolerance);
}

/** The model of this name and version, among all. */
export function modelNamed(modelId: unknown, version: unknown): EmbeddingModelSpec | undefined {
  return Object.values(models).find((model) => model.modelId === modelId && model.version === version);
}
