import { createHash } from 'node:crypto';
import { embedderContract } from '@registry/core/testing';
import { describe, expect, test } from 'vitest';
import { binaryHdv } from '../src/index.ts';
import goldenVectors from './fixtures/binary-hdv.json' with { type: 'json' };

const document = { purpose: 'document' } as const;

describe('binaryHdv keeps the contract of embedders', () => {
  for (const { name, run } of embedderContract(() => binaryHdv())) test(name, run);
});

describe('binaryHdv', () => {
  // Made by fixtures/binary-hdv.py from the description of the encoder.
  test.each(goldenVectors)('makes the vector of the origin, $dimension bits: $text', async (golden) => {
    const [vector] = await binaryHdv({ dimension: golden.dimension }).embed([golden.text], document);
    expect(vector).toBeInstanceOf(Uint8Array);
    if (golden.hex !== undefined) expect(Buffer.from(vector as Uint8Array).toString('hex')).toBe(golden.hex);
    expect(createHash('sha256').update(vector!).digest('hex')).toBe(golden.sha256);
  });

  test('makes the same vectors whatever it embedded before', async () => {
    const embedder = binaryHdv({ dimension: 1024 });
    const texts = goldenVectors.filter(({ dimension }) => dimension === 1024).map(({ text }) => text);
    const together = await embedder.embed(texts.toReversed(), document);
    for (const [index, text] of texts.entries()) {
      const [alone] = await binaryHdv({ dimension: 1024 }).embed([text], document);
      expect(together.at(-1 - index)).toEqual(alone);
    }
  });

  test('has the specification of the origin', () => {
    expect(binaryHdv().spec.toJSON()).toEqual({
      modelId: 'binary_hdv',
      version: 1,
      dimension: 16384,
      checksum: '52bdb6e983fc401dc35967b1d25c36409adc295f879793700b2907dbcf838071',
      datatype: 'bit',
      distance: 'hamming',
    });
  });

  test('names another dimension in the model id', () => {
    const { modelId, dimension, checksum } = binaryHdv({ dimension: 8192 }).spec;
    expect({ modelId, dimension }).toEqual({ modelId: 'binary_hdv_8192', dimension: 8192 });
    expect(checksum).toBe(createHash('sha256').update('binary_hdv:8192').digest('hex'));
  });

  test.each([
    [{ dimension: 100 }, /dimension must be a multiple of 64 \(was 100\)/],
    [{ dimension: 0 }, /dimension must be at least 64 \(was 0\)/],
    [{ dimension: -64 }, /at least 64/],
    [{ dimension: 64.5 }, /dimension/],
    [{ dimension: '64' }, /dimension/],
    [{ dimension: 2 ** 21 }, /at most 1048576/],
    [{ dimensions: 64 }, /dimensions/],
    [null, /options of binaryHdv/],
  ])('refuses the options %j', (options, message) => {
    expect(() => binaryHdv(options as never)).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test.each(['', ' \n\t', '!?… — ***', '🎉👩‍🔬', '\u0301', '\ud800'])(
    'refuses %j, which has no token',
    async (text) => {
      await expect(binaryHdv().embed(['secret words', text], document)).rejects.toMatchObject({
        code: 'EMBEDDER_FAILED',
        kind: 'refused',
        message: expect.stringMatching(/^Text 2 of 2 has no letter and no digit(?!.*secret)/),
        details: { textIndex: 1 },
      });
    },
  );
});
