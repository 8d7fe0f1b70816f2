import { parseOptions } from '@registry/core';
import { z } from 'zod';
import { adapterEmbedder, failureOfLibrary } from './adapters/adapter-embedder.ts';
import { type AdapterEmbedder, adapterModel, isFunction } from './adapters/model-options.ts';
import { presentLimits } from './adapters/present-limits.ts';
import { configuredShape, type FromFunctionOptions } from './from-function.ts';

/** What LangChain's `EmbeddingsInterface` has. */
export interface LangChainEmbeddings {
  embedDocuments(texts: string[]): Promise<number[][]>;
  embedQuery(text: string): Promise<number[]>;
}

/** Options of {@link fromLangChain}. */
export type FromLangChainOptions = FromFunctionOptions;

const schema = z.strictObject(configuredShape);
const embeddingsSchema = z.looseObject({
  embedDocuments: z.custom(isFunction, 'must be a method'),
  embedQuery: z.custom(isFunction, 'must be a method'),
});

/**
 * An embedder of any LangChain embeddings: `embedDocuments` for documents, `embedQuery` for queries. Options of
 * that object which change vectors (`dimensions`, `stripNewLines` and the like) belong into `configuration`.
 * Give it `maxRetries: 0`: the worker waits and tries again by itself, and knows why. It takes no signal, so an
 * aborted call is left behind.
 * @throws RegistryError `SPEC_INVALID`
 */
export function fromLangChain(
  embeddings: LangChainEmbeddings,
  options: FromLangChainOptions,
): AdapterEmbedder {
  parseOptions(embeddingsSchema, embeddings, 'first argument of fromLangChain');
  const o = parseOptions(schema, options, 'options of fromLangChain');
  return adapterEmbedder({
    adapted: adapterModel({
      options: o,
      name: o.modelId,
      configuration: { model: o.modelId, ...(o.configuration && { configuration: o.configuration }) },
    }),
    model: o.modelId,
    limits: presentLimits(o.limits),
    countTokens: o.countTokens,
    async call(texts, { purpose, signal }) {
      try {
        if (purpose === 'document') return await embeddings.embedDocuments(texts);
        return await Promise.all(texts.map((text) => embeddings.embedQuery(text)));
      } catch (error) {
        signal?.throwIfAborted();
        throw failureOfLibrary(error, texts);
      }
    },
  });
}
