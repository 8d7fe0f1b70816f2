import { type EmbedderError, isRegistryError } from '@registry/core';
import { expect } from 'vitest';

/** The error of work that has to fail, as embedders are to fail. */
export async function failureOf(work: Promise<unknown>): Promise<EmbedderError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isRegistryError(error, 'EMBEDDER_FAILED'), String(error)).toBe(true);
  return error as EmbedderError;
}
