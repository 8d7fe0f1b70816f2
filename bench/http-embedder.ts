import { Agent, type IncomingMessage, request } from 'node:http';
import { type Embedder, EmbedderError, type EmbeddingModelSpec } from '@registry/core';

interface Answer {
  readonly data: readonly { readonly embedding: string }[];
}

/** Speaks to a server of the OpenAI kind; vectors travel as base64. */
export function httpEmbedder(
  spec: EmbeddingModelSpec,
  url: string,
  limits: NonNullable<Embedder['limits']>,
): Embedder {
  const agent = new Agent({ keepAlive: true });
  return {
    spec,
    limits,
    async embed(input, { signal }) {
      const body = JSON.stringify({ model: spec.modelId, input, encoding_format: 'base64' });
      const response = await post(url, body, { agent, ...(signal && { signal }) });
      const parts: Buffer[] = await response.toArray();
      if (response.statusCode !== 200) throw failureOf(response);
      const { data } = JSON.parse(Buffer.concat(parts).toString('latin1')) as Answer;
      return data.map(({ embedding }) => vectorOfBase64(embedding));
    },
  };
}

function post(
  url: string,
  body: string,
  options: { agent: Agent; signal?: AbortSignal },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', ...options }, resolve)
      .on('error', reject)
      .end(body);
  });
}

function failureOf({ statusCode = 0, headers }: IncomingMessage): EmbedderError {
  const message = `The server answered ${statusCode}.`;
  if (statusCode === 429)
    return new EmbedderError('rateLimited', message, {
      retryAfterMs: Number(headers['retry-after'] ?? 1) * 1000,
    });
  return new EmbedderError(statusCode >= 500 ? 'transient' : 'fatal', message);
}

function vectorOfBase64(text: string): Float32Array {
  // A buffer from the pool may begin between two floats.
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}
