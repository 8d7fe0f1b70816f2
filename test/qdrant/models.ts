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

/** What models make of texts, normalised: asked for after every request, of every point. */
const made = new Map<string, Float32Array>();

function unitVectorOf(model: EmbeddingModelSpec, text: string): Float32Array {
  const key = `${model.qualifiedId} ${text}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const vector = expectedVector(model, text) as Float32Array;
  const length = Math.hypot(...vector);
  const unit = vector.map((value) => value / length);
  made.set(key, unit);
  return unit;
}

/** Whether this is, normalised as Cosine stores it, what the model makes of the text. */
export function isMadeBy(model: EmbeddingModelSpec, text: string, vector: Float32Array): boolean {
  if (vector.length !== model.dimension) return false;
  return unitVectorOf(model, text).every((value, index) => Math.abs(value - vector[index]!) < tolerance);
}

/** The model of this name and version, among all. */
export function modelNamed(modelId: unknown, version: unknown): EmbeddingModelSpec | undefined {
  return Object.values(models).find((model) => model.modelId === modelId && model.version === version);
}
