import { type Clock, stopwatch } from '../clock.ts';
import type { EmbedderSet } from '../embedder-set.ts';
import {
  EmbedderError,
  embedderFailureOf,
  isRegistryError,
  type Reason,
  RegistryError,
  reasonOf,
} from '../errors.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import { quotesContent } from '../model/quotes-content.ts';
import { type Vector, vectorFault } from '../model/vector.ts';
import type { Embedder } from '../ports/embedder.ts';
import { measureCall } from '../telemetry/embed.ts';
import { chunked } from './chunks.ts';

/** A text that is nobody's, for whether the embedder answers at all. */
export const PROBE_TEXT = 'embedding registry probe';
/** Where the embedder says nothing else. */
const TIMEOUT_MS = 60_000;

export interface EmbedCallOptions {
  readonly embedders: EmbedderSet;
  readonly clock: Clock;
  readonly spec: EmbeddingModelSpec;
  readonly purpose: 'document' | 'query';
  readonly signal?: AbortSignal | undefined;
  /** Past any cache. */
  readonly fresh?: boolean;
  /** Told what was billed, where the embedder knows. */
  readonly onBilled?: ((tokens: number) => void) | undefined;
}

/** How one call ended: a vector or a fault for each text, or why there is none for any. */
export type CallResult =
  | { readonly kind: 'answered'; readonly vectors: readonly (Vector | Reason)[] }
  /** These texts: refused, or answered with a wrong number of vectors. */
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'transient'; readonly reason: Reason }
  | { readonly kind: 'rateLimited'; readonly reason: Reason; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'fatal'; readonly reason: Reason };

/** One call of an embedder with its answer checked. It does not throw but for a missing embedder. */
export async function callEmbedder(texts: readonly string[], o: EmbedCallOptions): Promise<CallResult> {
  const { embedder, calls } = o.embedders.get(o.spec);
  const { result, seconds } = await calls.run(async () => {
    const elapsed = stopwatch();
    return { result: await callOnce(texts, embedder, o), seconds: elapsed() };
  });
  await measureCall(embedder, { ...o, texts, outcome: result.kind, seconds });
  return result;
}

async function callOnce(
  texts: readonly string[],
  embedder: Embedder,
  o: EmbedCallOptions,
): Promise<CallResult> {
  try {
    const { purpose, onBilled } = o;
    const timeoutMs = embedder.limits?.timeoutMs ?? TIMEOUT_MS;
    const vectors = await withTimeout({ ...o, timeoutMs }, (signal) =>
      embedder.embed(texts, {
        purpose,
        signal,
        ...(o.fresh && { fresh: true }),
        ...(onBilled && { onBilled }),
      }),
    );
    return checkAnswer(texts, vectors, o.spec);
  } catch (error) {
    const kind = embedderFailureOf(error);
    const reason = withhold(reasonOf(error, 'EMBEDDER_FAILED'), texts);
    if (kind !== 'rateLimited') return { kind, reason: { ...reason, code: 'EMBEDDER_FAILED' } };
    const retryAfterMs = isRegistryError(error)
      ? (error as unknown as EmbedderError).retryAfterMs
      : undefined;
    return { kind, reason: { ...reason, code: 'RATE_LIMITED' }, retryAfterMs };
  }
}

async function withTimeout<T>(
  { clock, signal: outer, timeoutMs }: { clock: Clock; signal?: AbortSignal | undefined; timeoutMs: number },
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const calling = new AbortController();
  const napping = new AbortController();
  const onAbort = () => calling.abort(outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  if (outer?.aborted) onAbort();
  const aborted = Promise.withResolvers<never>();
  calling.signal.addEventListener('abort', () => aborted.reject(calling.signal.reason), { once: true });
  aborted.promise.catch(() => {});
  const timeout = clock.sleep(timeoutMs, napping.signal).then(() => {
    if (napping.signal.aborted) return;
    calling.abort(
      new EmbedderError('transient', `The embedder did not answer within ${timeoutMs / 1000} s.`),
    );
  });
  try {
    // An embedder that does not heed the signal is left behind.
    return await Promise.race([body(calling.signal), aborted.promise]);
  } finally {
    outer?.removeEventListener('abort', onAbort);
    napping.abort();
    await timeout;
  }
}

function checkAnswer(texts: readonly string[], vectors: unknown, spec: EmbeddingModelSpec): CallResult {
  const count = Array.isArray(vectors) ? vectors.length : 0;
  if (!Array.isArray(vectors) || count !== texts.length)
    return {
      kind: 'refused',
      reason: {
        code: 'VECTOR_INVALID',
        message: `The embedder returned ${count} vectors for ${texts.length} texts.`,
      },
    };
  return {
    kind: 'answered',
    vectors: vectors.map((vector: unknown) => {
      const fault = vectorFault(vector, spec);
      if (fault === undefined) return vector as Vector;
      return {
        code: 'VECTOR_INVALID',
        message: `The embedder returned a vector that is not one of ${spec.qualifiedId}: ${fault}.`,
      };
    }),
  };
}

/** Servers like to quote what they refuse; a reason is kept and shown, so it must not hold content. */
function withhold(reason: Reason, texts: readonly string[]): Reason {
  if (!quotesContent(reason.message, texts)) return reason;
  return { ...reason, message: 'The embedder failed; its message is withheld, since it quotes content.' };
}

export function isVector(value: Vector | Reason): value is Vector {
  return ArrayBuffer.isView(value);
}

function errorOf(result: Exclude<CallResult, { kind: 'answered' }>): RegistryError {
  const { code, message } = result.reason;
  if (code === 'VECTOR_INVALID') return new RegistryError(code, message);
  const wait =
    result.kind === 'rateLimited' && result.retryAfterMs !== undefined
      ? { retryAfterMs: result.retryAfterMs }
      : {};
  return new EmbedderError(result.kind, message, wait);
}

/** Vectors for an application's texts, checked as the worker checks them. Throws what the worker would note. */
export async function embedOrThrow(
  texts: readonly string[],
  o: EmbedCallOptions,
): Promise<readonly Vector[]> {
  if (texts.length === 0) return [];
  const vectors: Vector[] = [];
  for (const chunk of await chunked(texts, o.embedders.get(o.spec).embedder)) {
    o.signal?.throwIfAborted();
    const result = await callEmbedder(chunk, o);
    o.signal?.throwIfAborted();
    if (result.kind !== 'answered') throw errorOf(result);
    for (const vector of result.vectors) {
      if (!isVector(vector)) throw new RegistryError(vector.code, vector.message);
      vectors.push(vector);
    }
  }
  return vectors;
}
