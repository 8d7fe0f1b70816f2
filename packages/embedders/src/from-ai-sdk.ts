import { type Json, parseOptions } from '@registry/core';
import { z } from 'zod';
import { adapterEmbedder, failureOfLibrary } from './adapters/adapter-embedder.ts';
import {
  type AdapterEmbedder,
  adapterModel,
  isFunction,
  type ModelOptions,
  modelOptionsShape,
} from './adapters/model-options.ts';
import { presentLimits } from './adapters/present-limits.ts';

type ProviderOptions = Readonly<Record<string, { readonly [key: string]: Json }>>;

/** What the embedding models of the AI SDK have, from its version 5 on (specifications v2, v3 and v4). */
export interface AiSdkEmbeddingModel {
  readonly modelId: string;
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  readonly supportsParallelCalls: PromiseLike<boolean> | boolean;
  // biome-ignore lint/suspicious/noExplicitAny: each version of the specification has its own type of options.
  doEmbed(options: any): PromiseLike<{
    readonly embeddings: readonly (readonly number[])[];
    readonly usage?: { readonly tokens: number } | undefined;
  }>;
}

/** Options of {@link fromAiSdk}. */
export interface FromAiSdkOptions extends ModelOptions {
  /** `providerOptions` of calls for documents, such as `{ openai: { dimensions: 512 } }`; part of the checksum. */
  readonly documentOptions?: ProviderOptions;
  /** `providerOptions` of calls for queries. */
  readonly queryOptions?: ProviderOptions;
}

const providerOptions = z.record(z.string(), z.record(z.string(), z.custom<Json>())).default({});
const schema = z.strictObject({
  ...modelOptionsShape,
  documentOptions: providerOptions,
  queryOptions: providerOptions,
});
const modelSchema = z.looseObject(
  { modelId: z.string(), doEmbed: z.custom(isFunction, 'must be a method') },
  'must be an embedding model of the AI SDK, such as openai.embeddingModel(…)',
);

/**
 * An embedder of any embedding model of the AI SDK. It calls the model itself, without the retries of
 * `embedMany`: the worker waits and tries again by itself, and knows why.
 * @throws RegistryError `SPEC_INVALID`
 */
export function fromAiSdk(model: AiSdkEmbeddingModel, options: FromAiSdkOptions): AdapterEmbedder {
  parseOptions(modelSchema, model, 'first argument of fromAiSdk');
  const o = parseOptions(schema, options, 'options of fromAiSdk');
  return adapterEmbedder({
    adapted: adapterModel({
      options: o,
      name: model.modelId,
      configuration: { model: model.modelId },
      documentBody: o.documentOptions,
      queryBody: o.queryOptions,
    }),
    model: model.modelId,
    limits: presentLimits(limitsOf(model), o.limits),
    countTokens: o.countTokens,
    async call(values, { purpose, signal, onBilled }) {
      const providerOptions = purpose === 'document' ? o.documentOptions : o.queryOptions;
      const abort = signal && { abortSignal: signal };
      try {
        const most = (await model.maxEmbeddingsPerCall) ?? values.length;
        const embeddings: unknown[] = [];
        for (let start = 0; start < values.length; start += most) {
          const part = values.slice(start, start + most);
          const answer = await model.doEmbed({ values: part, providerOptions, ...abort });
          if (answer.usage !== undefined) onBilled?.(answer.usage.tokens);
          embeddings.push(...answer.embeddings);
        }
        return embeddings;
      } catch (error) {
        signal?.throwIfAborted();
        throw failureOfLibrary(error, values);
      }
    },
  });
}

/** Limits that a model only promises are not known yet; a call is split when they are. */
function limitsOf({ maxEmbeddingsPerCall, supportsParallelCalls }: AiSdkEmbeddingModel) {
  const texts = Number.isInteger(maxEmbeddingsPerCall) ? (maxEmbeddingsPerCall as number) : undefined;
  return { texts, concurrency: supportsParallelCalls === false ? 1 : undefined };
}
