import type { ManagerContext } from '../context.ts';
import { embedderFailureOf, isRegistryError } from '../errors.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { Vector } from '../model/vector.ts';
import { embedOrThrow } from '../worker/embed-call.ts';

/** Texts per call of {@link embedOrThrow}, so that one refused text costs no whole sample. */
const CHUNK = 64;

export interface SampleCall {
  readonly spec: EmbeddingModelSpec;
  readonly purpose: 'document' | 'query';
  readonly signal: AbortSignal | undefined;
}

/**
 * A vector for each text; undefined for those that the embedder refuses, alone as well.
 * @throws RegistryError `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `EMBEDDER_FAILED`, `RATE_LIMITED`
 */
export async function embedSample(
  { embedders, clock }: ManagerContext,
  texts: readonly string[],
  call: SampleCall,
): Promise<(Vector | undefined)[]> {
  const embed = async (part: readonly string[]): Promise<(Vector | undefined)[]> => {
    try {
      return [...(await embedOrThrow(part, { embedders, clock, ...call }))];
    } catch (error) {
      if (call.signal?.aborted || !isRefusal(error)) throw error;
      if (part.length === 1) return [undefined];
      const middle = Math.ceil(part.length / 2);
      return [...(await embed(part.slice(0, middle))), ...(await embed(part.slice(middle)))];
    }
  };
  const vectors: (Vector | undefined)[] = [];
  for (let start = 0; start < texts.length; start += CHUNK)
    vectors.push(...(await embed(texts.slice(start, start + CHUNK))));
  return vectors;
}

function isRefusal(error: unknown): boolean {
  if (isRegistryError(error, 'VECTOR_INVALID')) return true;
  return isRegistryError(error, 'EMBEDDER_FAILED') && embedderFailureOf(error) === 'refused';
}
