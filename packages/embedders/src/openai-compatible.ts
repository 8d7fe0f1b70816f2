import { type Clock, type Json, parseOptions, RegistryError, systemClock } from '@registry/core';
import { z } from 'zod';
import { adapterEmbedder } from './adapters/adapter-embedder.ts';
import { fieldsOf } from './adapters/fields.ts';
import {
  type AdapterEmbedder,
  adapterModel,
  isFunction,
  type ModelOptions,
  modelOptionsShape,
} from './adapters/model-options.ts';
import { presentLimits } from './adapters/present-limits.ts';
import { providerLimits } from './openai/provider-limits.ts';
import { EmbeddingRequests } from './openai/request.ts';

type Body = { readonly [key: string]: Json };

/** Options of {@link openAICompatible}. */
export interface OpenAICompatibleOptions extends ModelOptions {
  /** What `/embeddings` is put behind, such as `https://api.openai.com/v1`. Not part of the checksum. */
  readonly baseURL: string;
  /** The name the server knows the model by. */
  readonly model: string;
  /** Returns the key; asked before each request, so that it may change. A literal key is refused. */
  readonly apiKey?: () => string | undefined | Promise<string | undefined>;
  /**
   * Sent along with documents: `dimensions` of OpenAI, `input_type` and `output_dimension` of Voyage and the
   * like. Part of the checksum, but for `encoding_format` and `user`.
   */
  readonly documentBody?: Body;
  /** Sent along with queries; say here too what both need. */
  readonly queryBody?: Body;
  /** Milliseconds until a request counts as failed; 60000 unless told. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** Of a request, and of a call of any embedder. */
const TIMEOUT_MS = 60_000;

const body = z
  .record(z.string(), z.custom<Json>())
  .refine((fields) => !('model' in fields || 'input' in fields), 'must not hold model or input')
  .default({});

const schema = z.strictObject({
  ...modelOptionsShape,
  baseURL: z.string(),
  model: z.string().min(1, 'must not be empty'),
  apiKey: z.custom<OpenAICompatibleOptions['apiKey']>().optional(),
  documentBody: body,
  queryBody: body,
  timeoutMs: z
    .int()
    .min(1, 'must be at least 1')
    .max(3_600_000, 'must be at most 3600000, an hour')
    .default(TIMEOUT_MS),
  clock: z.custom<Clock>().default(systemClock),
});

/**
 * An embedder that speaks the protocol of OpenAI's `/embeddings`: OpenAI, Azure, Voyage, Ollama, vLLM, LM Studio,
 * text-embeddings-inference and the like. Vectors travel as base64 where the server can do that. Limits of inputs
 * and tokens are those of the provider where it documents them, else 32 inputs; `limits` sets others.
 * @throws RegistryError `SPEC_INVALID`
 */
export function openAICompatible(options: OpenAICompatibleOptions): AdapterEmbedder {
  refuseSecrets(options);
  const o = parseOptions(schema, options, 'options of openAICompatible');
  const url = new URL(o.baseURL);
  const requests = new EmbeddingRequests({
    url: addressOf(url),
    model: o.model,
    apiKey: o.apiKey,
    timeoutMs: o.timeoutMs,
    clock: o.clock,
  });
  return adapterEmbedder({
    adapted: adapterModel({
      options: o,
      name: o.model,
      configuration: { model: o.model },
      documentBody: vectorChanging(o.documentBody),
      queryBody: vectorChanging(o.queryBody),
    }),
    model: o.model,
    limits: presentLimits(
      providerLimits(url.hostname, o.model),
      // Nobody gives up a call before its request does.
      o.timeoutMs > TIMEOUT_MS ? { timeoutMs: o.timeoutMs } : {},
      o.limits,
    ),
    countTokens: o.countTokens,
    call: (texts, { purpose, signal, onBilled }) =>
      requests.embed(texts, purpose === 'document' ? o.documentBody : o.queryBody, { signal, onBilled }),
  });
}

/** Before anything else, since what is wrong with options is told with their values. */
function refuseSecrets(options: OpenAICompatibleOptions): void {
  const { apiKey, baseURL } = fieldsOf(options);
  const refuse = (message: string) => {
    throw new RegistryError('SPEC_INVALID', `Invalid options of openAICompatible: ${message}`);
  };
  if (apiKey !== undefined && !isFunction(apiKey))
    refuse(
      'apiKey must be a function, such as () => process.env.OPENAI_API_KEY. A key that is written down ends up in files, histories and logs; if this one was, replace it.',
    );
  const url = URL.parse(String(baseURL));
  if (url === null || !/^https?:$/.test(url.protocol))
    refuse('baseURL must be an address that begins with http:// or https://.');
  else if (url.username || url.password)
    refuse('baseURL must not hold a user or password; return the key from apiKey.');
}

/** `/embeddings` behind the path; a query, as Azure has one for its version, stays. */
function addressOf(baseURL: URL): string {
  const url = new URL(baseURL);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/embeddings`;
  return url.href;
}

/** Without how vectors travel and on whose behalf they are asked for. */
function vectorChanging({ encoding_format, user, ...rest }: Body): Body {
  return rest;
}
