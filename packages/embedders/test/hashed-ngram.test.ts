import { vectorBytes } from '@registry/core';
import { embedderContract } from '@registry/core/testing';
import { describe, expect, test } from 'vitest';
import { hashedNgram } from '../src/index.ts';
import goldenVectors from './fixtures/hashed-ngram.json' with { type: 'json' };

const document = { purpose: 'document' } as const;

async function similarity(a: string, b: string): Promise<number> {
  const [left, right] = await hashedNgram().embed([a, b], document);
  return (left as Float32Array).reduce((sum, element, index) => sum + element * right![index]!, 0);
}

describe('hashedNgram keeps the contract of embedders', () => {
  for (const { name, run } of embedderContract(() => hashedNgram())) test(name, run);
});

describe('hashedNgram', () => {
  // Made by fixtures/hashed-ngram.py from the description of the encoder.
  test.each(goldenVectors)('makes the described vector, $dimension elements: $text', async (golden) => {
    const [vector] = await hashedNgram({ dimension: golden.dimension }).embed([golden.text], document);
    expect(vector).toBeInstanceOf(Float32Array);
    expect(Buffer.from(vectorBytes(vector!)).toString('hex')).toBe(golden.hex);
  });

  test('makes vectors of length 1', async () => {
    const vectors = await hashedNgram().embed(['one', 'a longer text, with more words'], document);
    for (const vector of vectors)
      expect((vector as Float32Array).reduce((sum, element) => sum + element * element, 0)).toBeCloseTo(1, 6);
  });

  test('brings texts with common words and word parts together', async () => {
    const unrelated = await similarity('restore the backups of a plan', 'le chat dort sur mon canapé');
    const sameStem = await similarity('embedding models', 'embedded modelling');
    const sameWords = await similarity('restore the backups of a plan', 'a plan and its backups');
    expect(Math.abs(unrelated)).toBeLessThan(0.2);
    expect(sameStem).toBeGreaterThan(unrelated + 0.2);
    expect(sameWords).toBeGreaterThan(unrelated + 0.2);
  });

  test('lets a repeated word count less than as often', async () => {
    const once = await similarity('apple banana', 'apple');
    const often = await similarity(`${'apple '.repeat(20)} banana`, 'apple');
    expect(often).toBeGreaterThan(once);
    expect(often).toBeLessThan(0.995);
  });

  test('reads equal texts in other normal forms alike', async () => {
    const [composed, decomposed] = await hashedNgram().embed(['CAFÉ', 'cafe\u0301'], document);
    expect(composed).toEqual(decomposed);
  });

  test('always names the dimension in the model id', () => {
    const { modelId, version, dimension, datatype, distance } = hashedNgram().spec;
    expect({ modelId, version, dimension, datatype, distance }).toEqual({
      modelId: 'hashed_ngram_512',
      version: 1,
      dimension: 512,
      datatype: 'float32',
      distance: 'cosine',
    });
    expect(hashedNgram({ dimension: 100 }).spec.modelId).toBe('hashed_ngram_100');
    expect(hashedNgram({ dimension: 100 }).spec.checksum).not.toBe(hashedNgram().spec.checksum);
  });

  test('has a checksum that changes only with its vectors', () => {
    expect(hashedNgram().spec.checksum).toBe(
      'adc243d2ec7628e05ded9fac1a7ac973d3c2355da26fb82adf6e1e5347512ff7',
    );
  });

  test.each([
    [{ dimension: 8 }, /dimension must be at least 16 \(was 8\)/],
    [{ dimension: 2.5 }, /dimension/],
    [{ dimension: Number.NaN }, /dimension/],
    [{ dimension: 2 ** 21 }, /at most 1048576/],
    [{ size: 64 }, /size/],
  ])('refuses the options %j', (options, message) => {
    expect(() => hashedNgram(options as never)).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test.each(['', ' \n\t', '!?… — ***', '🎉❤️', '\u0301', '\ud800'])(
    'refuses %j, which has no word',
    async (text) => {
      await expect(hashedNgram().embed([text], document)).rejects.toMatchObject({
        code: 'EMBEDDER_FAILED',
        kind: 'refused',
        message: expect.stringMatching(/^Text 1 of 1 has no letter/),
      });
    },
  );
});
