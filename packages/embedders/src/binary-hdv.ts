import { createHash } from 'node:crypto';
import { contentHash, type Embedder, EmbeddingModelSpec, parseOptions } from '@registry/core';
import { z } from 'zod';
import { type Encode, localEmbedder } from './local-embedder.ts';
import { MajorityVote } from './majority-vote.ts';
import { TokenCache } from './token-cache.ts';

const originDimension = 16_384;
const cacheBytes = 32 * 2 ** 20;
const cachedTokens = 2 ** 16;
// What Python's `\b\w+\b` matches in a str: letters, numbers of every kind and the underscore, no marks.
const tokenPattern = /[\p{L}\p{N}_]+/gu;

/** Options of {@link binaryHdv}. */
export interface BinaryHdvOptions {
  /** Bits of a vector, a multiple of 64; 16384 unless told. */
  readonly dimension?: number;
}

const optionsSchema = z.strictObject({
  dimension: z
    .int()
    .min(64, 'must be at least 64')
    .max(2 ** 20, 'must be at most 1048576')
    .multipleOf(64, 'must be a multiple of 64')
    .default(originDimension),
});

/**
 * The binary hyperdimensional text encoder of MnemoCore, bit for bit: each lower-case word stands for
 * SHAKE-256 of its UTF-8 bytes, rolled by its position; a bit of the text is set where more than half of its
 * words set it (Kanerva, "Hyperdimensional Computing", 2009). Vectors are packed bits, MSB first,
 * `dimension / 8` bytes, compared by Hamming distance. It sees equal words at equal positions, nothing of
 * their meaning. Keeps up to 32 MiB of words it met. A text without a letter or digit, which MnemoCore gives
 * a vector of zeros, is refused.
 * @throws RegistryError `SPEC_INVALID`
 */
export function binaryHdv(options: BinaryHdvOptions = {}): Embedder {
  const { dimension } = parseOptions(optionsSchema, options, 'options of binaryHdv');
  const words = dimension / 32;
  const cacheSize = Math.min(cachedTokens, cacheBytes / (dimension / 8));
  const tokens = new TokenCache(cacheSize, (token) => tokenVector(token, words));
  return localEmbedder(binaryHdvSpec(dimension), () => encoder(tokens, words));
}

function binaryHdvSpec(dimension: number): EmbeddingModelSpec {
  return new EmbeddingModelSpec({
    modelId: dimension === originDimension ? 'binary_hdv' : `binary_hdv_${dimension}`,
    version: 1,
    dimension,
    checksum: contentHash(`binary_hdv:${dimension}`),
    datatype: 'bit',
  });
}

function encoder(tokens: TokenCache<Int32Array>, words: number): Encode {
  const vote = new MajorityVote(words);
  return async (text, pace) => {
    let position = 0;
    for (const [token] of text.toLowerCase().matchAll(tokenPattern)) {
      vote.addRolled(tokens.get(token), position++);
      if (pace.isSpent()) await pace.rest();
    }
    return position === 0 ? undefined : vote.take();
  };
}

/** SHAKE-256 of the token as big-endian words. */
function tokenVector(token: string, words: number): Int32Array {
  const bytes = createHash('shake256', { outputLength: words * 4 })
    .update(token, 'utf8')
    .digest();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = new Int32Array(words);
  for (let word = 0; word < words; word++) vector[word] = view.getInt32(word * 4);
  return vector;
}
