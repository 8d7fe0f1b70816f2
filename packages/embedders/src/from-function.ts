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

/** Embeds texts, already cut and prefixed; answers one vector for each, in order. */
export type EmbedFunction = (
  texts: string[],
  options: { readonly purpose: 'document' | 'query'; readonly signal: AbortSignal | undefined },
) =>
  | readonly (readonly number[] | Float32Array)[]
  | PromiseLike<readonly (readonly number[] | Float32Array)[]>;

/** Options of {@link fromFunction}. */
export interface FromFunctionOptions extends ModelOptions {
  readonly modelId: string;
  /** Whatever else changes the vectors of documents; part of the checksum. */
  readonly configuration?: { readonly [key: string]: Json };
}

const schema = z.strictObject({
  ...modelOptionsShape,
  modelId: z.string(),
  configuration: z.record(z.string(), z.custom<Json>()).optional(),
});

/**
 * An embedder of a function of yours. What it throws counts as transient, unless it is an `EmbedderError` or
 * carries the status of an HTTP answer.
 * @throws RegistryError `SPEC_INVALID`
 */
export function fromFunction(embed: EmbedFunction, options: FromFunctionOptions): AdapterEmbedder {
  parseOptions(z.custom(isFunction, 'must be a function'), embed, 'first argument of fromFunction');
  return configuredEmbedder(embed, options, 'options of fromFunction');
}

/** What adapters of code share that is not seen from here; `where` names the options in errors. */
export function configuredEmbedder(
  embed: EmbedFunction,
  options: FromFunctionOptions,
  where: string,
): AdapterEmbedder {
  const o = parseOptions(schema, options, where);
  return adapterEmbedder({
    adapted: adapterModel({
      options: o,
      name: o.modelId,
      configuration: { model: o.modelId, ...(o.configuration && { configuration: o.configuration }) },
    }),
    model: o.modelId,
    limits: presentLimits(o.limits),
    countTokens: o.countTokens,
    async call(texts, call) {
      try {
        return await embed(texts, call);
      } catch (error) {
        call.signal?.throwIfAborted();
        throw failureOfLibrary(error, texts);
      }
    },
  });
}
