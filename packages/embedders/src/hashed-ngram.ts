import { computeChecksum, type Embedder, EmbeddingModelSpec, parseOptions } from '@registry/core';
import { z } from 'zod';
import { type Encode, localEmbedder } from './local-embedder.ts';
import { finishHash, mixBlock } from './murmur3.ts';
import { TokenCache } from './token-cache.ts';

/** Everything that changes vectors; a change of the code that does so raises `algorithm`. */
const parameters = {
  algorithm: 1,
  normalization: 'NFKC, lower case',
  /** Longer runs are cut, so that data in a text costs no more than words. */
  token: '[\\p{L}\\p{N}_][\\p{L}\\p{M}\\p{N}_]{0,63}',
  hash: 'MurmurHash3_x86_32 of UTF-32LE',
  seeds: { word: 1, gram: 0 },
  gramLengths: { from: 3, to: 5 },
  /** Of all n-grams of a word together, against 1 for the word. */
  gramWeight: 0.7,
  /** Length in code points at which a word weighs half: n² / (n² + halfLength²). */
  halfLength: 4,
  /** 1 + ln(count), for counts up to this one. */
  countCeiling: 1024,
} as const;

const tokenPattern = new RegExp(parameters.token, 'gu');
const countWeights = logarithmicWeights(parameters.countCeiling);
const cachedWords = 2 ** 15;

/** Options of {@link hashedNgram}. */
export interface HashedNgramOptions {
  /** Elements of a vector; 512 unless told. */
  readonly dimension?: number;
}

const optionsSchema = z.strictObject({
  dimension: z
    .int()
    .min(16, 'must be at least 16')
    .max(2 ** 20, 'must be at most 1048576')
    .default(512),
});

/** What a word adds to a text's vector, but for its count. */
interface WordFeatures {
  readonly weight: number;
  /** Indices of elements shifted left by one, the lowest bit set for a minus: the word's, then its n-grams'. */
  readonly places: Int32Array;
}

/**
 * Signed feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009) of
 * words and of their character n-grams with word boundaries (Bojanowski et al., "Enriching Word Vectors with
 * Subword Information", 2017). A word counts 1 + ln(occurrences), short words less, since most of them are
 * function words. Vectors are float32 of length 1, compared by cosine; the same bytes on every machine.
 * A text without a letter or digit is refused.
 * @throws RegistryError `SPEC_INVALID`
 */
export function hashedNgram(options: HashedNgramOptions = {}): Embedder {
  const { dimension } = parseOptions(optionsSchema, options, 'options of hashedNgram');
  const spec = new EmbeddingModelSpec({
    modelId: `hashed_ngram_${dimension}`,
    version: 1,
    dimension,
    checksum: computeChecksum({ ...parameters, dimension }),
  });
  const words = new TokenCache(cachedWords, (word) => featuresOf(word, dimension));
  return localEmbedder(spec, () => encoder(words, dimension));
}

function encoder(words: TokenCache<WordFeatures>, dimension: number): Encode {
  const sums = new Float64Array(dimension);
  return async (text, pace) => {
    const counts = new Map<string, number>();
    for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(tokenPattern)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (pace.isSpent()) await pace.rest();
    }
    sums.fill(0);
    for (const [word, count] of counts) {
      addWord(sums, words.get(word), countWeights[Math.min(count, parameters.countCeiling)]!);
      if (pace.isSpent()) await pace.rest();
    }
    return normalized(sums);
  };
}

function addWord(sums: Float64Array, { weight, places }: WordFeatures, countWeight: number): void {
  const wordWeight = weight * countWeight;
  add(sums, places[0]!, wordWeight);
  const gramWeight = (wordWeight * parameters.gramWeight) / Math.sqrt(places.length - 1);
  for (let index = 1; index < places.length; index++) add(sums, places[index]!, gramWeight);
}

function add(sums: Float64Array, place: number, weight: number): void {
  sums[place >>> 1]! += (place & 1) === 1 ? -weight : weight;
}

function featuresOf(word: string, dimension: number): WordFeatures {
  const points = Array.from(word, (character) => character.codePointAt(0)!);
  const square = points.length * points.length;
  const weight = square / (square + parameters.halfLength * parameters.halfLength);
  const wordState = points.reduce((state, point) => mixBlock(state, point), parameters.seeds.word as number);
  const places = [placeOf(finishHash(wordState, points.length), dimension)];
  const marked = [0x3c, ...points, 0x3e]; // < and >, which no word holds
  const { from, to } = parameters.gramLengths;
  for (let start = 0; start + from <= marked.length; start++) {
    let state: number = parameters.seeds.gram;
    for (let length = 1; length <= to && start + length <= marked.length; length++) {
      state = mixBlock(state, marked[start + length - 1]!);
      if (length >= from) places.push(placeOf(finishHash(state, length), dimension));
    }
  }
  return { weight, places: Int32Array.from(places) };
}

/** The hash's highest bit is the sign, the others choose the place. */
function placeOf(hash: number, dimension: number): number {
  return (((hash & 0x7fffffff) % dimension) << 1) | (hash >>> 31);
}

/** Scales to length 1. Undefined where there is nothing, or where it cancelled out: a few words can, in a very small dimension. */
function normalized(sums: Float64Array): Float32Array | undefined {
  let square = 0;
  for (const sum of sums) square += sum * sum;
  if (square === 0) return undefined;
  const scale = 1 / Math.sqrt(square);
  for (let index = 0; index < sums.length; index++) sums[index]! *= scale;
  return Float32Array.from(sums);
}

/**
 * 1 + ln(n) for each n up to the ceiling, by ln(n) = ln(n − 1) + 2 artanh(1 / (2n − 1)): the last bit of
 * `Math.log` is the engine's choice, that of + × ÷ is not.
 */
function logarithmicWeights(ceiling: number): Float64Array {
  const weights = new Float64Array(ceiling + 1);
  weights[1] = 1;
  for (let n = 2; n <= ceiling; n++) {
    const ratio = 1 / (2 * n - 1);
    let sum = 0;
    for (let exponent = 39; exponent >= 1; exponent -= 2) sum = sum * ratio * ratio + 1 / exponent;
    weights[n] = weights[n - 1]! + 2 * ratio * sum;
  }
  return weights;
}
