import { type Embedder, EmbedderError, type EmbeddingModelSpec, type Vector } from '@registry/core';
import { Pace } from './pace.ts';

/** Makes the vector of one text; undefined where the text has no token. */
export type Encode = (text: string, pace: Pace) => Promise<Vector | undefined>;

/**
 * An embedder that computes in this process. `newEncode` is called once per call of `embed`, so that calls
 * under way at once share no working memory.
 */
export function localEmbedder(spec: EmbeddingModelSpec, newEncode: () => Encode): Embedder {
  return Object.freeze<Embedder>({
    spec,
    async embed(texts, { signal }) {
      const pace = new Pace(signal);
      const encode = newEncode();
      const vectors: Vector[] = [];
      for (const [index, text] of texts.entries()) {
        const vector = await encode(text, pace);
        if (vector === undefined) throw refusal(spec, index, texts.length);
        vectors.push(vector);
      }
      return vectors;
    },
  });
}

function refusal(spec: EmbeddingModelSpec, index: number, count: number): EmbedderError {
  return new EmbedderError(
    'refused',
    `Text ${index + 1} of ${count} has no letter and no digit: ${spec.modelId} would make a vector of zeros of it. Leave it out, or give it words.`,
    { details: { textIndex: index } },
  );
}
