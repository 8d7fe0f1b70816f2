import { type Json, parseOptions } from '@registry/core';
import { z } from 'zod';
import { adapterEmbedder } from './adapters/adapter-embedder.ts';
import {
  type AdapterEmbedder,
  adapterModel,
  type ModelOptions,
  modelOptionsShape,
} from './adapters/model-options.ts';
import { presentLimits } from './adapters/present-limits.ts';
import { Inference } from './transformers/inference.ts';
import type { ModelSettings } from './transformers/messages.ts';
import { type Dtype, readModelFolder, weightSuffixes } from './transformers/model-folder.ts';

/** Options of {@link transformers}. */
export interface TransformersOptions extends Omit<ModelOptions, 'dimension'> {
  /** A model of the hub, such as `Xenova/all-MiniLM-L6-v2`; pin its `revision` to a commit. Or `path`. */
  readonly model?: string;
  /** A folder as the hub has them. The hashes of its files are part of the checksum, its place is not. */
  readonly path?: string;
  /** Elements of a vector; told by the configuration in a folder, required for a model of the hub. */
  readonly dimension?: number;
  /** Type of the weights; `fp32` unless told. */
  readonly dtype?: Dtype;
  /** How a vector is made of those of the tokens; `mean` unless told. */
  readonly pooling?: 'mean' | 'cls' | 'last_token';
  /** Scales vectors to length 1; true unless told. */
  readonly normalize?: boolean;
  /** Cuts a text that is too long; unless told it is refused. Part of the checksum. */
  readonly truncate?: boolean;
  /** Fewer tokens than the model takes: some were trained on fewer. Part of the checksum with `truncate`. */
  readonly maxTokens?: number;
  /** `cpu` unless told; what onnxruntime-node has on this machine. */
  readonly device?: string;
  /** Threads that compute at once; all cores unless told. */
  readonly threads?: number;
  /** Where models of the hub are kept. */
  readonly cacheDir?: string;
  /** Address of the hub, or of a mirror. */
  readonly host?: string;
}

/** An embedder that runs a process of its own, and ends it when it is disposed of. */
export interface TransformersEmbedder extends AdapterEmbedder, AsyncDisposable {}

const count = z.int().min(1, 'must be an integer of at least 1');
const schema = z
  .strictObject({
    ...modelOptionsShape,
    model: z.string().min(1, 'must not be empty').optional(),
    path: z.string().min(1, 'must not be empty').optional(),
    dimension: count.optional(),
    dtype: z.enum(Object.keys(weightSuffixes) as Dtype[]).default('fp32'),
    pooling: z.enum(['mean', 'cls', 'last_token']).default('mean'),
    normalize: z.boolean().default(true),
    truncate: z.boolean().default(false),
    maxTokens: count.optional(),
    device: z.string().default('cpu'),
    threads: count.optional(),
    cacheDir: z.string().optional(),
    host: z.url().optional(),
  })
  .refine(
    ({ model, path }) => (model === undefined) !== (path === undefined),
    'must have model or path, not both',
  );

type Parsed = z.output<typeof schema>;

const dimensionSchema = z.int('must be given, since the model cannot be asked before it is loaded');

/**
 * An embedder that runs a model here, by transformers.js (`@huggingface/transformers`, to be installed beside this
 * package), in a process of its own. A text's vector does not depend on the texts beside it.
 * @throws RegistryError `SPEC_INVALID`, also for a folder that lacks a file
 */
export async function transformers(options: TransformersOptions): Promise<TransformersEmbedder> {
  const o = parseOptions(schema, options, 'options of transformers');
  const source = await sourceOf(o);
  const dimension = parseOptions(
    dimensionSchema,
    o.dimension ?? source.dimension,
    'dimension of transformers',
  );
  const isTypescript = import.meta.url.endsWith('.ts');
  const program = new URL(`./transformers/inference-process.${isTypescript ? 'ts' : 'js'}`, import.meta.url);
  const inference = new Inference(settingsOf(o, source), program);
  const embedder = adapterEmbedder({
    adapted: adapterModel({
      options: { ...o, dimension },
      name: source.name,
      configuration: {
        ...source.identity,
        dtype: o.dtype,
        pooling: o.pooling,
        normalize: o.normalize,
        // Where nothing is cut, the limit refuses texts and changes no vector.
        ...(o.truncate && { truncateTokens: Math.min(o.maxTokens ?? 1e9, source.maxTokens ?? 1e9) }),
      },
    }),
    model: source.name,
    limits: presentLimits({ texts: 32, concurrency: 1 }, o.limits),
    countTokens: o.countTokens ?? ((texts) => inference.count(texts)),
    call: (texts, { signal }) => inference.embed(texts, signal),
  });
  return Object.freeze({ ...embedder, [Symbol.asyncDispose]: () => inference[Symbol.asyncDispose]() });
}

/** Where the model comes from, and what tells it from others. */
interface Source {
  readonly name: string;
  readonly folder: string | undefined;
  readonly dimension: number | undefined;
  readonly maxTokens: number | undefined;
  readonly identity: { readonly [key: string]: Json };
}

async function sourceOf({ model, path, dtype, revision }: Parsed): Promise<Source> {
  if (path !== undefined) {
    const { name, folder, dimension, maxTokens, files } = await readModelFolder(path, dtype);
    return { name, folder, dimension, maxTokens, identity: { files } };
  }
  const identity = { model: model!, ...(revision === undefined && { revision: 'main' }) };
  return { name: model!, folder: undefined, dimension: undefined, maxTokens: undefined, identity };
}

function settingsOf(o: Parsed, { name, folder }: Source): ModelSettings {
  const { host, cacheDir, revision, dtype, device, threads, pooling, normalize, truncate, maxTokens } = o;
  const source =
    folder === undefined
      ? { name, isLocal: false, revision }
      : { name: folder, isLocal: true, revision: undefined };
  return { ...source, host, cacheDir, dtype, device, threads, pooling, normalize, truncate, maxTokens };
}
