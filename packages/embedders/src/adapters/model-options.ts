import { computeChecksum, type Embedder, EmbeddingModelSpec, type Json } from '@registry/core';
import { z } from 'zod';

/** What every adapter is told of its model. */
export interface ModelOptions {
  /** Elements of a vector. */
  readonly dimension: number;
  /** Id in the registry; the model's own name unless told. */
  readonly modelId?: string;
  /** 1 unless told. Raise it when the same configuration begins to make other vectors. */
  readonly version?: number;
  /** Replaces the derived checksum, to fit a model that was registered by hand. */
  readonly checksum?: string;
  /** `cosine` unless told. */
  readonly distance?: 'cosine' | 'dot' | 'euclid';
  /** Which state of the model: a commit, a digest, a date. Part of the checksum. */
  readonly revision?: string;
  /** Put before each document; part of the checksum. */
  readonly documentPrefix?: string;
  /** Put before each query. */
  readonly queryPrefix?: string;
  /** Texts are cut to this many UTF-16 code units, the prefix included; part of the checksum. */
  readonly truncateCharacters?: number;
  /** Per call; in place of what is known of the provider. */
  readonly limits?: NonNullable<Embedder['limits']>;
  /** Tokens of each text, counted as the model counts them; in place of the known tokenizer or the estimate. */
  readonly countTokens?: (texts: readonly string[]) => readonly number[] | Promise<readonly number[]>;
}

const atLeastOne = z.int().min(1, 'must be an integer of at least 1');

/** The shape of {@link ModelOptions}; what is named inside is checked again by the specification. */
export const modelOptionsShape = {
  dimension: atLeastOne,
  modelId: z.string().optional(),
  version: z.int().optional(),
  checksum: z.string().optional(),
  distance: z.enum(['cosine', 'dot', 'euclid']).optional(),
  revision: z.string().optional(),
  documentPrefix: z.string().default(''),
  queryPrefix: z.string().default(''),
  truncateCharacters: atLeastOne.optional(),
  limits: z
    .strictObject({
      texts: atLeastOne.optional(),
      tokens: atLeastOne.optional(),
      timeoutMs: atLeastOne.optional(),
      concurrency: atLeastOne.optional(),
    })
    .default({}),
  countTokens: z.custom<ModelOptions['countTokens']>(isFunction, 'must be a function').optional(),
};

export function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

type ParsedModelOptions = z.output<z.ZodObject<typeof modelOptionsShape>>;

/** An embedder that also says what its vectors of queries depend on, so that they can be cached. */
export interface AdapterEmbedder extends Embedder {
  /** As the checksum of the specification, for the query side. */
  readonly queryChecksum: string;
}

/** How texts of one purpose are treated; what of it changes vectors goes into the checksum. */
export interface Side {
  readonly prefix: string;
  /** What is sent along, where it changes vectors. */
  readonly body?: Json;
}

/** A model as an adapter uses it: its specification, and the text that is embedded for a given one. */
export interface AdapterModel {
  readonly spec: EmbeddingModelSpec;
  readonly queryChecksum: string;
  prepare(text: string, purpose: 'document' | 'query'): string;
}

export interface AdapterModelOptions {
  readonly options: ParsedModelOptions;
  /** The id in the registry, where the options have none. */
  readonly name: string;
  /** Which model it is, and whatever else changes vectors. */
  readonly configuration: { readonly [key: string]: Json };
  readonly documentBody?: Json;
  readonly queryBody?: Json;
}

/**
 * The checksum covers what changes vectors of documents and leaves out what is not set, so that the same model
 * has the same checksum through each adapter.
 */
export function adapterModel(o: AdapterModelOptions): AdapterModel {
  const { options, name, configuration } = o;
  const { dimension, revision, truncateCharacters } = options;
  const document: Side = side(options.documentPrefix, o.documentBody);
  const query: Side = side(options.queryPrefix, o.queryBody);
  const derived = computeChecksum({
    ...configuration,
    dimension,
    ...(revision !== undefined && { revision }),
    ...(truncateCharacters !== undefined && { truncateCharacters }),
    ...(document.prefix !== '' && { documentPrefix: document.prefix }),
    ...(document.body !== undefined && { documentBody: document.body }),
  });
  const checksum = options.checksum ?? derived;
  const spec = new EmbeddingModelSpec({
    modelId: options.modelId ?? name,
    version: options.version ?? 1,
    dimension,
    checksum,
    ...(options.distance && { distance: options.distance }),
  });
  return {
    spec,
    queryChecksum: queryChecksum(checksum, document, query),
    prepare(text, purpose) {
      const whole = (purpose === 'document' ? document : query).prefix + text;
      return truncateCharacters === undefined ? whole : cut(whole, truncateCharacters);
    },
  };
}

function side(prefix: string, body: Json | undefined): Side {
  const isEmpty = body === undefined || (typeof body === 'object' && Object.keys(body ?? {}).length === 0);
  return { prefix, ...(!isEmpty && { body }) };
}

/** Equal to the checksum where both sides are treated alike: then one vector serves both. */
function queryChecksum(checksum: string, document: Side, query: Side): string {
  const treatment = ({ prefix, body = null }: Side) => computeChecksum({ prefix, body });
  return treatment(document) === treatment(query)
    ? checksum
    : computeChecksum({ checksum, query: treatment(query) });
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const endsInHalf = /[\uD800-\uDBFF]/.test(text.charAt(length - 1));
  return text.slice(0, endsInHalf ? length - 1 : length);
}
