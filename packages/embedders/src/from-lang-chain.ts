import { parseOptions } from '@registry/core';
import { z } from 'zod';
import { type AdapterEmbedder, isFunction } from './adapters/model-options.ts';
import { configuredEmbedder, type EmbedFunction, type FromFunctionOptions } from './from-function.ts';

/** What LangChain's `EmbeddingsInterface` has. */
export interface LangChainEmbeddings {
  embedDocuments(texts: string[]): Promise<number[][]>;
  embedQuery(text: string): Promise<number[]>;
}

/** Options of {@link fromLangChain}. */
export type FromLangChainOptions = FromFunctionOptions;

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
  const embed: EmbedFunction = (texts, { purpose }) =>
    purpose === 'document'
      ? embeddings.embedDocuments(texts)
      : Promise.all(texts.map((text) => embeddings.embedQuery(text)));
  return configuredEmbedder(embed, options, 'options of fromLangChain');
}
