export type { AdapterEmbedder, ModelOptions } from './adapters/model-options.ts';
export { type BinaryHdvOptions, binaryHdv } from './binary-hdv.ts';
export { type AiSdkEmbeddingModel, type FromAiSdkOptions, fromAiSdk } from './from-ai-sdk.ts';
export { type EmbedFunction, type FromFunctionOptions, fromFunction } from './from-function.ts';
export {
  type FromLangChainOptions,
  fromLangChain,
  type LangChainEmbeddings,
} from './from-lang-chain.ts';
export { type HashedNgramOptions, hashedNgram } from './hashed-ngram.ts';
export { type OpenAICompatibleOptions, openAICompatible } from './openai-compatible.ts';
export {
  type TransformersEmbedder,
  type TransformersOptions,
  transformers,
} from './transformers.ts';
export { type CachedEmbedder, type WithCacheOptions, withCache } from './with-cache.ts';
