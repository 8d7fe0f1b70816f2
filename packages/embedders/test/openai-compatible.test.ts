import { once } from 'node:events';
import type { Vector } from '@registry/core';
import { embedderContract, ManualClock } from '@registry/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenAICompatibleOptions, openAICompatible } from '../src/index.ts';
import { failureOf } from './failure-of.ts';
import {
  answerTo,
  type EmbeddingServer,
  embeddingServer,
  sendJson,
  serverDimension,
  serverVector,
} from './server/embedding-server.ts';

const document = { purpose: 'document' } as const;
const query = { purpose: 'query' } as const;
const key = 'sk-test-0123456789abcdef';

let server: EmbeddingServer;
beforeAll(async () => {
  server = await embeddingServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.reply = undefined;
  (server.asked as unknown[]).length = 0;
});

function embedder(options: Partial<OpenAICompatibleOptions> = {}) {
  return openAICompatible({
    baseURL: server.baseURL,
    model: 'served',
    dimension: serverDimension,
    apiKey: () => key,
    ...options,
  });
}

describe.each<[string, EmbeddingServer['reply']]>([
  ['that sends base64', undefined],
  [
    'that knows only lists of numbers',
    (response, asked) =>
      sendJson(response, 200, answerTo({ ...asked, body: { ...asked.body, encoding_format: 'float' } })),
  ],
  [
    'that refuses base64',
    (response, { body }) =>
      body.encoding_format === 'base64' &&
      sendJson(response, 400, { object: 'error', message: 'base64 encoding is not supported', code: 400 }),
  ],
])('openAICompatible keeps the contract of embedders with a server %s', (_, reply) => {
  beforeEach(() => {
    server.reply = reply;
  });
  for (const { name, run } of embedderContract(() => embedder())) test(name, run);
});

describe('what was billed', () => {
  test('is told for every request, also where the vectors are of no use', async () => {
    const told: number[] = [];
    const onBilled = (tokens: number) => void told.push(tokens);
    server.reply = (response, asked) =>
      sendJson(response, 200, { ...answerTo(asked), usage: { prompt_tokens: 7, total_tokens: 7 } });
    await embedder({ limits: { texts: 2 } }).embed(['a', 'b', 'c'], { ...document, onBilled });
    expect(told).toEqual([7, 7]);
    server.reply = (response) => sendJson(response, 200, { data: [], usage: { total_tokens: 3 } });
    await failureOf(embedder().embed(['a'], { ...document, onBilled }));
    expect(told).toEqual([7, 7, 3]);
    server.reply = (response, asked) => sendJson(response, 200, { ...answerTo(asked), usage: undefined });
    await embedder().embed(['a'], { ...document, onBilled });
    expect(told).toEqual([7, 7, 3]);
  });
});

describe('a request', () => {
  test('holds the model, the prefixed texts, the body of its purpose and the key', async () => {
    const one = embedder({
      documentPrefix: 'passage: ',
      queryPrefix: 'query: ',
      documentBody: { input_type: 'document' },
      queryBody: { input_type: 'query' },
    });
    const [vector] = await one.embed(['a text'], document);
    await one.embed(['a question'], query);
    expect(server.asked.map(({ body }) => body)).toEqual([
      { model: 'served', input: ['passage: a text'], input_type: 'document', encoding_format: 'base64' },
      { model: 'served', input: ['query: a question'], input_type: 'query', encoding_format: 'base64' },
    ]);
    expect(server.asked[0]?.url).toBe('/v1/embeddings');
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${key}`);
    expect(vector).toEqual(serverVector('passage: a text'));
  });

  test('keeps the query of the address and needs no key', async () => {
    const { apiKey: _, ...options } = { apiKey: undefined, baseURL: `${server.baseURL}/?api-version=1` };
    const one = openAICompatible({ ...options, model: 'served', dimension: serverDimension });
    await one.embed(['a'], document);
    expect(server.asked[0]?.url).toBe('/v1/embeddings?api-version=1');
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
  });

  test('asks for the key each time', async () => {
    let count = 0;
    const one = embedder({ apiKey: async () => `key-${++count}` });
    await one.embed(['a'], document);
    await one.embed(['b'], document);
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer key-1',
      'Bearer key-2',
    ]);
  });

  test('cuts texts where it is told to, and no character in two', async () => {
    await embedder({ truncateCharacters: 5, documentPrefix: 'p:' }).embed(['abcdef', 'ab🎉'], document);
    expect(server.asked[0]?.body.input).toEqual(['p:abc', 'p:ab']);
  });

  test('is as large as the limits allow, of texts', async () => {
    const texts = Array.from({ length: 70 }, (_, index) => `text ${index}`);
    const vectors = await embedder().embed(texts, document);
    expect(server.asked.map(({ body }) => body.input.length)).toEqual([32, 32, 6]);
    expect(vectors).toEqual(texts.map((text) => serverVector(text)));
  });

  test('is as large as the limits allow, of tokens; a text that is over them goes alone', async () => {
    const one = embedder({
      limits: { texts: 100, tokens: 10 },
      countTokens: (texts) => texts.map((text) => text.split(' ').length),
    });
    const words = (count: number) => Array(count).fill('word').join(' ');
    await one.embed([4, 6, 1, 25, 9, 1, 1].map(words), document);
    expect(server.asked.map(({ body }) => body.input.length)).toEqual([2, 1, 1, 2, 1]);
  });

  test('asks for base64 only until the server refuses it', async () => {
    server.reply = (response, { body }) =>
      'encoding_format' in body && sendJson(response, 400, { error: { param: 'encoding_format' } });
    const one = embedder();
    await one.embed(['a'], document);
    await one.embed(['b'], document);
    expect(server.asked.map(({ body }) => 'encoding_format' in body)).toEqual([true, false, false]);
  });

  test('puts vectors in the order of the texts', async () => {
    server.reply = (response, asked) => {
      const answer = answerTo(asked);
      return sendJson(response, 200, { ...answer, data: answer.data.toReversed() });
    };
    const texts = ['a', 'b', 'c'];
    expect(await embedder().embed(texts, document)).toEqual(texts.map((text) => serverVector(text)));
  });

  test('takes the order of the texts from a server that numbers nothing', async () => {
    server.reply = (response, asked) => {
      const data = answerTo(asked).data.map(({ embedding }) => ({ embedding }));
      return sendJson(response, 200, { data });
    };
    const texts = ['a', 'b'];
    expect(await embedder().embed(texts, document)).toEqual(texts.map((text) => serverVector(text)));
  });
});

describe('limits', () => {
  test.each([
    ['https://api.openai.com/v1', 'text-embedding-3-small', { texts: 2048, tokens: 300_000 }],
    ['https://mine.openai.azure.com/openai/v1', 'mine', { texts: 2048, tokens: 300_000 }],
    ['https://api.voyageai.com/v1', 'voyage-3-large', { texts: 1000, tokens: 120_000 }],
    ['https://api.voyageai.com/v1', 'voyage-4', { texts: 1000, tokens: 320_000 }],
    ['https://api.voyageai.com/v1', 'voyage-4-lite', { texts: 1000, tokens: 1_000_000 }],
    ['https://generativelanguage.googleapis.com/v1beta/openai', 'gemini-embedding-001', { texts: 100 }],
    ['https://api.cohere.ai/compatibility/v1', 'embed-v4.0', { texts: 96 }],
    ['https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'text-embedding-v4', { texts: 10 }],
    ['http://localhost:11434/v1', 'nomic-embed-text', { texts: 32 }],
    ['https://api.openai.com.example.org/v1', 'served', { texts: 32 }],
  ])('of %s with %s', (baseURL, model, limits) => {
    expect(embedder({ baseURL, model }).limits).toEqual(limits);
  });

  test('let a call take as long as its request may', () => {
    expect(embedder({ baseURL: 'http://localhost:11434/v1', timeoutMs: 90_000 }).limits?.timeoutMs).toBe(
      90_000,
    );
  });

  test('can be replaced one by one', () => {
    const one = embedder({ baseURL: 'https://api.openai.com/v1', limits: { texts: 7, concurrency: 2 } });
    expect(one.limits).toEqual({ texts: 7, tokens: 300_000, concurrency: 2 });
  });
});

describe('a connection', () => {
  test('that is refused is transient', async () => {
    const closed = await embeddingServer();
    await closed.close();
    const error = await failureOf(embedder({ baseURL: closed.baseURL }).embed(['a'], document));
    expect([error.kind, error.details]).toEqual(['transient', { code: 'ECONNREFUSED' }]);
  });

  test('that breaks before the answer is transient', async () => {
    server.reply = (response) => {
      response.socket?.destroy();
      return true;
    };
    expect((await failureOf(embedder().embed(['a'], document))).kind).toBe('transient');
  });

  test('that breaks within the answer is transient', async () => {
    server.reply = (response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"data": [', () => response.socket?.destroy());
      return true;
    };
    expect((await failureOf(embedder().embed(['a'], document))).kind).toBe('transient');
  });

  test('that stays silent ends at the timeout', async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    server.reply = (response) => {
      response.on('close', gone.resolve);
      asked.resolve();
      return true;
    };
    const call = failureOf(embedder({ clock, timeoutMs: 5000 }).embed(['a'], document));
    await asked.promise;
    await clock.advance(5000);
    const error = await call;
    expect([error.kind, error.message]).toEqual(['transient', 'The server did not answer within 5 s.']);
    await gone.promise;
    expect(clock.sleepers).toBe(0);
  });

  test('that stops within the answer ends at the timeout', async () => {
    const clock = new ManualClock();
    const begun = Promise.withResolvers<void>();
    server.reply = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"data": [', () => begun.resolve());
      return true;
    };
    const call = failureOf(embedder({ clock, timeoutMs: 5000 }).embed(['a'], document));
    await begun.promise;
    await clock.advance(5000);
    expect((await call).kind).toBe('transient');
  });

  test('is closed when the signal aborts, with the reason of the signal', async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    server.reply = async (response) => {
      asked.resolve();
      await once(response, 'close');
      return true;
    };
    const call = embedder().embed(['a'], { ...document, signal: controller.signal });
    await asked.promise;
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

describe('the key', () => {
  test('is refused as a literal, with advice and without being repeated', () => {
    const make = () => embedder({ apiKey: key as never });
    expect(make).toThrow(/apiKey must be a function, such as \(\) =>/);
    expect(make).not.toThrow(key);
  });

  test('is refused within the address', () => {
    const make = () => embedder({ baseURL: `http://user:${key}@localhost/v1` });
    expect(make).toThrow(/baseURL must not hold a user/);
    expect(make).not.toThrow(key);
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error(key);
      },
      /apiKey failed/,
    ],
    [
      'rejects',
      async () => {
        throw new Error(key);
      },
      /apiKey failed/,
    ],
    ['returns nothing', () => undefined, /returned no key/],
    ['returns an empty text', () => '', /returned no key/],
    ['returns a line break', () => `${key}\n`, /line break/],
  ])('of a function that %s is fatal, and is not told', async (_, apiKey, message) => {
    const error = await failureOf(embedder({ apiKey: apiKey as () => string }).embed(['a'], document));
    expect(error.kind).toBe('fatal');
    expect(error.message).toMatch(message);
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain(key);
    expect(server.asked).toHaveLength(0);
  });
});

describe('the specification', () => {
  const base: OpenAICompatibleOptions = { baseURL: 'http://localhost/v1', model: 'm', dimension: 8 };
  const checksum = (options: Partial<OpenAICompatibleOptions> = {}) =>
    openAICompatible({ ...base, ...options }).spec.checksum;

  test.each<[string, Partial<OpenAICompatibleOptions>]>([
    ['model', { model: 'n' }],
    ['dimension', { dimension: 9 }],
    ['revision', { revision: '2' }],
    ['documentPrefix', { documentPrefix: 'passage: ' }],
    ['documentBody', { documentBody: { input_type: 'document' } }],
    ['truncateCharacters', { truncateCharacters: 100 }],
  ])('has another checksum for another %s', (_, options) => {
    expect(checksum(options)).not.toBe(checksum());
  });

  test.each<[string, Partial<OpenAICompatibleOptions>]>([
    ['address', { baseURL: 'https://example.org/v2' }],
    ['key', { apiKey: () => 'key' }],
    ['query prefix', { queryPrefix: 'query: ' }],
    ['query body', { queryBody: { input_type: 'query' } }],
    ['timeout', { timeoutMs: 1 }],
    ['limits', { limits: { texts: 3 } }],
    ['token counter', { countTokens: () => [] }],
    ['model id', { modelId: 'other' }],
    ['version', { version: 2 }],
    ['distance', { distance: 'dot' }],
    ['encoding and user', { documentBody: { encoding_format: 'float', user: 'me' } }],
    ['empty settings', { documentPrefix: '', documentBody: {} }],
  ])('has the same checksum whatever the %s', (_, options) => {
    expect(checksum(options)).toBe(checksum());
  });

  test('takes id, version and checksum of a model registered by hand', () => {
    const { spec } = openAICompatible({
      ...base,
      modelId: 'ours',
      version: 3,
      checksum: 'abc',
      distance: 'dot',
    });
    expect(spec.toJSON()).toEqual({
      modelId: 'ours',
      version: 3,
      checksum: 'abc',
      dimension: 8,
      datatype: 'float32',
      distance: 'dot',
    });
  });

  test.each<[Partial<Record<keyof OpenAICompatibleOptions | 'apikey', unknown>>, RegExp]>([
    [{ baseURL: 'localhost:11434' }, /baseURL must be an address/],
    [{ model: '' }, /model must not be empty/],
    [{ dimension: 0 }, /dimension must be an integer of at least 1/],
    [{ documentBody: { model: 'other' } }, /documentBody must not hold model/],
    [{ apikey: () => key }, /apikey/],
    [{ timeoutMs: 0 }, /timeoutMs must be at least 1/],
  ])('is refused for %o', (options, message) => {
    expect(() => openAICompatible({ ...base, ...options } as OpenAICompatibleOptions)).toThrow(message);
  });
});

test('vectors of one answer share no memory', async () => {
  const vectors = (await embedder().embed(['a', 'b'], document)) as Vector[];
  expect(new Set(vectors.map(({ buffer }) => buffer)).size).toBe(2);
});
