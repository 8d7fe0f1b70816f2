import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Json, RegistryError } from '@registry/core';
import { fieldsOf } from '../adapters/fields.ts';

/** What of a model in a folder has to be known before it is loaded. */
export interface ModelFolder {
  readonly name: string;
  /** The whole path. */
  readonly folder: string;
  /** Undefined where the configuration does not tell. */
  readonly dimension: number | undefined;
  readonly maxTokens: number | undefined;
  /** SHA-256 of each file that vectors depend on, by its path within the folder. */
  readonly files: { readonly [file: string]: Json };
}

/** How the files of each type are called (https://huggingface.co/docs/transformers.js/guides/dtypes). */
export const weightSuffixes = {
  fp32: '',
  fp16: '_fp16',
  int8: '_int8',
  uint8: '_uint8',
  q8: '_quantized',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const;

export type Dtype = keyof typeof weightSuffixes;

/**
 * Reads a folder as the hub has them. The model is what its files hold, wherever they lie and whatever the folder
 * is called.
 * @throws RegistryError `SPEC_INVALID` naming the file that is missing
 */
export async function readModelFolder(path: string, dtype: Dtype): Promise<ModelFolder> {
  const folder = resolve(path);
  const config = readJson(folder, 'config.json');
  const tokenizer = readJson(folder, 'tokenizer_config.json');
  const files: Record<string, Json> = {};
  for (const file of ['tokenizer.json', 'tokenizer_config.json', ...weightFiles(folder, dtype)])
    files[file] = await hashOf(folder, file);
  const limits = [tokenizer.model_max_length, config.max_position_embeddings].filter(
    // Tokenizers without a limit say 1e30.
    (limit): limit is number => typeof limit === 'number' && limit < 1e9,
  );
  const width = config.hidden_size ?? config.dim ?? config.d_model ?? config.n_embd;
  return {
    name: basename(folder),
    folder,
    dimension: typeof width === 'number' ? width : undefined,
    maxTokens: limits.length > 0 ? Math.min(...limits) : undefined,
    files,
  };
}

/** The weights, and the files beside them that hold what is too large for one. */
function weightFiles(folder: string, dtype: Dtype): string[] {
  const name = `model${weightSuffixes[dtype]}.onnx`;
  let present: string[];
  try {
    present = readdirSync(join(folder, 'onnx'));
  } catch (error) {
    throw missing(folder, `onnx/${name}`, error);
  }
  const files = present.filter((file) => file === name || file.startsWith(`${name}_data`)).sort();
  return [name, ...files.filter((file) => file !== name)].map((file) => `onnx/${file}`);
}

function readJson(folder: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  } catch (error) {
    throw missing(folder, file, error);
  }
}

async function hashOf(folder: string, file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(join(folder, file)), hash);
  } catch (error) {
    throw missing(folder, file, error);
  }
  return hash.digest('hex');
}

function missing(folder: string, file: string, cause: unknown): RegistryError {
  return new RegistryError(
    'SPEC_INVALID',
    `The model folder ${folder} has no ${file} that can be read; it needs config.json, tokenizer.json, tokenizer_config.json and onnx/model.onnx, or the weights of another dtype.`,
    { details: { folder, file }, cause },
  );
}
