import type { Embedder } from '@registry/core';

type Limits = NonNullable<Embedder['limits']>;

const voyage = (model: string): Limits => ({
  texts: 1000,
  tokens: /-lite$/.test(model) ? 1_000_000 : /^voyage-(2|3\.5|4)$/.test(model) ? 320_000 : 120_000,
});

const openAI = (): Limits => ({ texts: 2048, tokens: 300_000 });

/**
 * Inputs and tokens of one request, where the provider documents them.
 * - OpenAI and Azure: 2,048 inputs, 300,000 tokens
 *   (https://learn.microsoft.com/azure/foundry/reference/rest/embeddings-create-embedding).
 * - Voyage, also through MongoDB: 1,000 inputs; tokens by model
 *   (https://www.mongodb.com/docs/api/doc/atlas-embedding-and-reranking-api/operation/operation-createembedding).
 * - Gemini: 100 inputs (https://ai.google.dev/api/python/google/generativeai/protos/BatchEmbedTextRequest).
 * - Cohere: 96 inputs (https://reference.langchain.com/javascript/langchain-cohere/CohereEmbeddings).
 * - DashScope: 10 inputs, said by its error (https://github.com/memodb-io/memobase/issues/142).
 */
const documented: readonly (readonly [RegExp, (model: string) => Limits])[] = [
  [/(^|\.)api\.openai\.com$|\.openai\.azure\.com$|\.services\.ai\.azure\.com$/, openAI],
  [/^(api\.voyageai\.com|ai\.mongodb\.com)$/, voyage],
  [/^generativelanguage\.googleapis\.com$/, () => ({ texts: 100 })],
  [/^api\.cohere\.(ai|com)$/, () => ({ texts: 96 })],
  [/(^|\.)dashscope(-\w+)?\.aliyuncs\.com$/, () => ({ texts: 10 })],
];

/**
 * Limits of a provider by its host. Elsewhere 32 inputs, which text-embeddings-inference takes unless it is told
 * otherwise (`--max-client-batch-size`, https://github.com/huggingface/text-embeddings-inference).
 */
export function providerLimits(hostname: string, model: string): Limits {
  const found = documented.find(([host]) => host.test(hostname));
  return found?.[1](model) ?? { texts: 32 };
}
