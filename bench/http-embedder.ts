import { type Embedder, EmbedderError, type EmbeddingModelSpec } from '@registry/core';

interface Answer {
  readonly data: readonly { readonly embedding: string }[];
}

/** Speaks to a server of the OpenAI kind; vectors travel as base64. */
export function httpEmbedder(spec: EmbeddingModelSpec, url: string, texts: number): Embedder {
  return {
    spec,
    limits: { texts },
    async embed(input, { signal }) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: spec.modelId, input, encoding_format: 'base64' }),
        ...(signal && { signal }),
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw failureOf(response);
      }
      const { data } = (await response.json()) as Answer;
      return data.map(({ embedding }) => vectorOfBase64(embedding));
    },
  };
}

function failureOf({ status, headers }: Response): EmbedderError {
  const message = `The server answered ${status}.`;
  if (status === 429)
    return new EmbedderError('rateLimited', message, {
      retryAfterMs: Number(headers.get('retry-after') ?? 1) * 1000,
    });
  return new EmbedderError(status >= 500 ? 'transient' : 'fatal', message);
}

function vectorOfBase64(text: string): Float32Array {
  // A buffer from the pool may begin between two floats.
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}
