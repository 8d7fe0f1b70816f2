import { EmbedderError } from '@registry/core';
import { embedderContract } from '@registry/core/testing';
import { describe, expect, test } from 'vitest';
import { type EmbedFunction, fromFunction } from '../src/index.ts';
import { failureOf } from './failure-of.ts';
import { serverVector } from './server/embedding-server.ts';

const document = { purpose: 'document' } as const;
const dimension = 6;
const make = (embed: EmbedFunction, options: object = {}) =>
  fromFunction(embed, { modelId: 'mine', dimension, ...options });
const vectorsOf: EmbedFunction = (texts) => texts.map((text) => serverVector(text, dimension));

describe('fromFunction keeps the contract of embedders', () => {
  const kept = new Map<string, Float32Array>();
  function keep(text: string): Float32Array {
    const vector = kept.get(text) ?? serverVector(text, dimension);
    kept.set(text, vector);
    return vector;
  }
  // It hands out the vectors that it keeps itself.
  const embedder = () => make(async (texts) => texts.map(keep));
  for (const { name, run } of embedderContract(embedder)) test(name, run);
});

describe('fromFunction', () => {
  test('takes lists of numbers', async () => {
    const [vector] = await make(() => [[1, 2, 3, 4, 5, 6]]).embed(['a'], document);
    expect(vector).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  test('tells the purpose, and passes the signal on', async () => {
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    const one = make(
      (texts, options) => {
        seen.push([texts, options]);
        return vectorsOf(texts, options);
      },
      { documentPrefix: 'd: ', queryPrefix: 'q: ' },
    );
    await one.embed(['a'], { purpose: 'document', signal });
    await one.embed(['b'], { purpose: 'query' });
    expect(seen).toEqual([
      [['d: a'], { purpose: 'document', signal }],
      [['q: b'], { purpose: 'query', signal: undefined }],
    ]);
  });

  test('lets an EmbedderError through as it is', async () => {
    const mine = new EmbedderError('rateLimited', 'Later.', { retryAfterMs: 5 });
    const error = await failureOf(make(() => Promise.reject(mine)).embed(['a'], document));
    expect(error).toBe(mine);
  });

  test('counts anything else as transient, and tells no content', async () => {
    const thrown = async (message: string) => {
      const broken = make(() => {
        throw new Error(message);
      });
      return failureOf(broken.embed(['a text that is long enough'], document));
    };
    expect(await thrown('Out of order')).toMatchObject({
      kind: 'transient',
      message: 'The model failed: Out of order',
    });
    expect((await thrown('cannot do: a text that is long enough')).message).toMatch(/withheld/);
  });

  test('asks the token counter for texts as they are embedded', async () => {
    const one = make(vectorsOf, {
      documentPrefix: 'four ',
      truncateCharacters: 8,
      countTokens: (texts: readonly string[]) => texts.map(({ length }) => length),
    });
    expect(await one.countTokens?.(['abc', 'abcdef'])).toEqual({ tokens: [8, 8], exact: true });
  });

  test('has configuration and truncation in the checksum', () => {
    const checksum = (options: object = {}) => make(vectorsOf, options).spec.checksum;
    const others = [{ configuration: { pooling: 'mean' } }, { truncateCharacters: 9 }, { revision: '2' }];
    expect(new Set([checksum(), ...others.map(checksum)]).size).toBe(4);
    expect(checksum({ version: 2, queryPrefix: 'q', limits: { texts: 1 } })).toBe(checksum());
  });

  test('refuses what is no function, and options that do not hold', () => {
    expect(() => make('embed' as never)).toThrow(/must be a function/);
    expect(() => make(vectorsOf, { dimension: -1 })).toThrow(/dimension must be an integer/);
    expect(() => make(vectorsOf, { modelId: '' })).toThrow(/modelId must not be empty/);
  });
});
