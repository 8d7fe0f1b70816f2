import {
  type Clock,
  type Embedder,
  EmbedderError,
  isRegistryError,
  quotesContent,
  systemClock,
} from '@registry/core';
import { tokenCounter } from './count-tokens.ts';
import { embedderFailure, type FailedCall } from './failures.ts';
import { fieldsOf } from './fields.ts';
import type { AdapterEmbedder, AdapterModel, ModelOptions } from './model-options.ts';
import { orAbort } from './or-abort.ts';
import { splitTexts } from './split-texts.ts';
import { checkedVectors } from './vectors.ts';

/** One request: the texts as the model is to see them. Answers a list of vectors, whose shape is checked. */
export type Call = (
  texts: string[],
  options: {
    readonly purpose: 'document' | 'query';
    readonly signal: AbortSignal | undefined;
    readonly onBilled: ((tokens: number) => void) | undefined;
  },
) => PromiseLike<unknown>;

export interface AdapterEmbedderOptions {
  readonly adapted: AdapterModel;
  /** What the model is called where its vectors are made: tells its tokenizer. */
  readonly model: string;
  readonly limits: NonNullable<Embedder['limits']>;
  readonly countTokens: ModelOptions['countTokens'] | undefined;
  readonly call: Call;
}

/** What all adapters have in common: prefixes, limits, abort, and errors instead of vectors that are none. */
export function adapterEmbedder(o: AdapterEmbedderOptions): AdapterEmbedder {
  const { spec, queryChecksum, prepare } = o.adapted;
  const count = counterOf(o);
  return Object.freeze<AdapterEmbedder>({
    spec,
    queryChecksum,
    limits: Object.freeze(o.limits),
    countTokens: (texts) => count(texts.map((text) => prepare(text, 'document'))),
    async embed(texts, { purpose, signal, onBilled }) {
      signal?.throwIfAborted();
      const prepared = texts.map((text) => prepare(text, purpose));
      const vectors = [];
      for (const part of await splitTexts(prepared, o.limits, count)) {
        signal?.throwIfAborted();
        const answer = await orAbort(o.call(part, { purpose, signal, onBilled }), signal);
        vectors.push(...checkedVectors(answer, part.length, spec));
      }
      return vectors;
    },
  });
}

function counterOf({ model, countTokens }: AdapterEmbedderOptions): NonNullable<Embedder['countTokens']> {
  if (countTokens === undefined) return tokenCounter(model);
  return async (texts) => ({ tokens: await countTokens(texts), exact: true });
}

/**
 * What an error of somebody's library means. Those libraries carry the answer of the server, under names of
 * their own; also what was sent, which is why such an error is not handed on as a cause.
 */
export function failureOfLibrary(
  error: unknown,
  texts: readonly string[],
  clock: Clock = systemClock,
): Error {
  if (isRegistryError(error)) return error;
  const failed = failedCallOf(error);
  if (failed !== undefined) return embedderFailure(failed, clock, { texts });
  const said = error instanceof Error ? error.message : String(error);
  const message = quotesContent(said, texts) ? 'its message is withheld, since it quotes content' : said;
  return new EmbedderError('transient', `The model failed: ${message}`);
}

/** The answer within an error of the AI SDK (`APICallError`), of the OpenAI client, or of the like. */
function failedCallOf(error: unknown): FailedCall | undefined {
  const fields = fieldsOf(error);
  const response = fieldsOf(fields.response);
  const status = [fields.statusCode, fields.status, response.status].find(
    (value) => typeof value === 'number',
  );
  if (status === undefined) {
    const inner = fields.lastError ?? fields.cause;
    return inner === undefined || inner === error ? undefined : failedCallOf(inner);
  }
  const headers = fields.responseHeaders ?? fields.headers ?? response.headers;
  const told = [fieldsOf(fields.error), fieldsOf(fieldsOf(fields.data).error), fields];
  const first = (name: string) =>
    told.map((one) => one[name]).find((value): value is string => typeof value === 'string');
  return {
    status: status as number,
    header: (name) =>
      headers instanceof Headers ? headers.get(name) : (fieldsOf(headers)[name] as string | undefined),
    code: first('code'),
    type: first('type'),
    message: first('message'),
  };
}
