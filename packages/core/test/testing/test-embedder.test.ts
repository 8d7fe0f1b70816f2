import { describe, expect, test } from 'vitest';
import { type Embedder, EmbedderError, EmbeddingModelSpec, vectorFault } from '../../src/index.ts';
import { embedderContract, expectedVector, testEmbedder } from '../../src/testing/index.ts';

const document = { purpose: 'document' } as const;

describe.each([
  ['float32', () => testEmbedder()],
  ['bit', () => testEmbedder({ datatype: 'bit', dimension: 100 })],
  ['limited', () => testEmbedder({ limits: { texts: 7, concurrency: 1 }, countsTokens: { exact: true } })],
])('testEmbedder, %s', (_, make) => {
  for (const { name, run } of embedderContract(make)) test(name, run);
});

describe('testEmbedder', () => {
  test('makes vectors that can be told in advance', async () => {
    const embedder = testEmbedder();
    expect(await embedder.embed(['a', 'b'], document)).toEqual([
      expectedVector(embedder.spec, 'a'),
      expectedVector(embedder.spec, 'b'),
    ]);
  });

  test.each([
    ['modelId', { modelId: 'other' }],
    ['version', { version: 2 }],
    ['checksum', { checksum: 'other' }],
    ['distance', { distance: 'dot' as const }],
  ])('makes other vectors under another %s', (_, change) => {
    const spec = (options: object) => testEmbedder({ dimension: 8, checksum: 'c', ...options }).spec;
    expect(expectedVector(spec(change), 'a')).not.toEqual(expectedVector(spec({}), 'a'));
  });

  test.each([1, 7, 8, 9, 1000])(
    'makes fitting vectors of %i bits, with none past the dimension',
    (dimension) => {
      const spec = new EmbeddingModelSpec({
        modelId: 'm',
        version: 1,
        dimension,
        checksum: 'c',
        datatype: 'bit',
      });
      for (let index = 0; index < 100; index++) {
        const vector = expectedVector(spec, `${index}`);
        expect(vectorFault(vector, spec)).toBeUndefined();
        expect(vector.at(-1)! & (0xff >> (dimension % 8 || 8))).toBe(0);
      }
    },
  );

  test('records every call, failed ones too', async () => {
    const embedder = testEmbedder();
    embedder.onCall = (_, call) => {
      if (call.index === 1) throw new EmbedderError('rateLimited', 'slow down', { retryAfterMs: 10 });
    };
    await embedder.embed(['a'], document);
    await expect(embedder.embed(['b'], { purpose: 'query' })).rejects.toMatchObject({ kind: 'rateLimited' });
    expect(embedder.calls.map(({ index, texts, purpose }) => ({ index, texts, purpose }))).toEqual([
      { index: 0, texts: ['a'], purpose: 'document' },
      { index: 1, texts: ['b'], purpose: 'query' },
    ]);
    expect(embedder.textsSeen).toEqual(['a', 'b']);
  });

  test('returns what its hook says, also what is wrong', async () => {
    const embedder = testEmbedder({ onCall: () => [] });
    expect(await embedder.embed(['a', 'b'], document)).toEqual([]);
  });

  test('waits for its hook, no longer than the signal', async () => {
    const hung = testEmbedder({ onCall: () => new Promise(() => {}) });
    const controller = new AbortController();
    const call = hung.embed(['a'], { ...document, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });

  test('waits on where it is told to ignore the signal', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const careless = testEmbedder({ onCall: () => promise, ignoresSignal: true });
    const controller = new AbortController();
    const call = careless.embed(['a'], { ...document, signal: controller.signal });
    controller.abort();
    resolve();
    expect(await call).toEqual([expectedVector(careless.spec, 'a')]);
  });
});

describe('embedderContract', () => {
  const broken: Record<string, (right: Embedder) => Partial<Embedder>> = {
    'too few vectors': (right) => ({ embed: async (texts, o) => (await right.embed(texts, o)).slice(1) }),
    'another order': (right) => ({ embed: async (texts, o) => (await right.embed(texts, o)).toReversed() }),
    'a zero vector': () => ({ embed: async (texts) => texts.map(() => new Float32Array(16)) }),
    'one vector for all': () => ({ embed: async (texts) => texts.map(() => new Float32Array(16).fill(1)) }),
    'another length': () => ({ embed: async (texts) => texts.map(() => new Float32Array(15).fill(1)) }),
    chance: () => ({
      embed: async (texts) => texts.map(() => new Float32Array(16).map(() => Math.random())),
    }),
    'a deaf ear to the signal': (right) => ({
      embed: (texts, { purpose }) => right.embed(texts, { purpose }),
    }),
    'a limit of none': () => ({ limits: { texts: 0 } }),
    'a token count for all': (right) => ({
      embed: right.embed,
      countTokens: async () => ({ tokens: [3], exact: true }),
    }),
    'an unfrozen specification': (right) => ({
      embed: right.embed,
      spec: Object.create(right.spec, { version: { value: 1 } }) as Embedder['spec'],
    }),
    'vectors it keeps': (right) => {
      const kept = new Map<string, Float32Array>();
      return {
        embed: async (texts, o) => {
          const made = await right.embed(texts, o);
          return texts.map((text, index) => {
            if (!kept.has(text)) kept.set(text, made[index] as Float32Array);
            return kept.get(text)!;
          });
        },
      };
    },
    'a plain error for a long text': (right) => ({
      embed: async (texts, o) => {
        if (texts.some((text) => text.length > 1000)) throw new Error('too long');
        return right.embed(texts, o);
      },
    }),
  };

  test.each(Object.entries(broken))('fails an embedder with %s', async (_, breaking) => {
    const right = testEmbedder();
    const cases = embedderContract(() => ({ spec: right.spec, embed: right.embed, ...breaking(right) }));
    const results = await Promise.allSettled(cases.map(({ run }) => run()));
    expect(results.map(({ status }) => status)).toContain('rejected');
  });
});
