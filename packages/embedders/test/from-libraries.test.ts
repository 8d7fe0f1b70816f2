import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { FakeEmbeddings } from '@langchain/core/utils/testing';
import { OpenAIEmbeddings } from '@langchain/openai';
import type { Embedder } from '@registry/core';
import { embedderContract } from '@registry/core/testing';
import { embedMany } from 'ai';
import { MockEmbeddingModelV4 } from 'ai/test';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fromAiSdk, fromLangChain } from '../src/index.ts';
import { failureOf } from './failure-of.ts';
import {
  type EmbeddingServer,
  embeddingServer,
  sendJson,
  serverDimension,
  serverVector,
} from './server/embedding-server.ts';

const document = { purpose: 'document' } as const;
const query = { purpose: 'query' } as const;
const dimension = serverDimension;

let server: EmbeddingServer;
beforeAll(async () => {
  server = await embeddingServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.reply = undefined;
  (server.asked as unknown[]).length = 0;
});

const aiModel = () =>
  createOpenAICompatible({ name: 'served', baseURL: server.baseURL, apiKey: 'key' }).embeddingModel('served');
const langChain = () =>
  new OpenAIEmbeddings({
    model: 'served',
    apiKey: 'key',
    maxRetries: 0,
    stripNewLines: false,
    configuration: { baseURL: server.baseURL },
  });
const ofAiSdk = () => fromAiSdk(aiModel(), { dimension });
const ofLangChain = () => fromLangChain(langChain(), { modelId: 'served', dimension });

describe.each<[string, () => Embedder]>([
  ['fromAiSdk', ofAiSdk],
  ['fromLangChain', ofLangChain],
])('%s', (_, make) => {
  describe('keeps the contract of embedders', () => {
    for (const { name, run } of embedderContract(make)) test(name, run);
  });

  test('gives the vectors of the server', async () => {
    expect(await make().embed(['a', 'b'], document)).toEqual([serverVector('a'), serverVector('b')]);
  });

  const error = (message: string, code: string) => ({ error: { message, type: code, code, param: null } });
  test.each([
    [429, error('Slow down', 'rate_limit_exceeded'), 'rateLimited', 3000],
    [429, error('No credit', 'insufficient_quota'), 'fatal', undefined],
    [401, error('Wrong key', 'invalid_api_key'), 'fatal', undefined],
    [404, error('No such model', 'model_not_found'), 'fatal', undefined],
    [400, error('This is beyond the maximum context length', 'x'), 'refused', undefined],
    [400, error('Not valid', 'invalid_request'), 'refused', undefined],
    [500, error('Oh no', 'server_error'), 'transient', undefined],
  ])('understands what the library makes of %i %j', async (status, body, kind, retryAfterMs) => {
    server.reply = (response) => sendJson(response, status, body, { 'retry-after': '3' });
    const failure = await failureOf(make().embed(['a text'], document));
    expect([failure.kind, failure.retryAfterMs, failure.cause]).toEqual([kind, retryAfterMs, undefined]);
    expect(server.asked).toHaveLength(1);
  });

  test('tells no content where the server quotes it', async () => {
    server.reply = (response, { body }) => sendJson(response, 400, error(`Not valid: ${body.input}`, 'x'));
    const failure = await failureOf(make().embed(['the secret plan of the company'], document));
    expect(failure.message).not.toContain('secret');
  });

  test('counts a broken connection as transient', async () => {
    server.reply = (response) => {
      response.socket?.destroy();
      return true;
    };
    expect((await failureOf(make().embed(['a'], document))).kind).toBe('transient');
  });

  test('gives an error for vectors of another length', async () => {
    server.reply = (response) =>
      sendJson(response, 200, { data: [{ index: 0, embedding: [1, 2] }], usage: { prompt_tokens: 1 } });
    expect((await failureOf(make().embed(['a'], document))).message).toMatch(/2 elements/);
  });

  test('ends with the reason of the signal', async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    server.reply = () => {
      asked.resolve();
      return true;
    };
    const call = make().embed(['a'], { ...document, signal: controller.signal });
    await asked.promise;
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

describe('fromAiSdk', () => {
  test('gives what embedMany gives', async () => {
    const { embeddings } = await embedMany({ model: aiModel(), values: ['a', 'b'] });
    const vectors = await ofAiSdk().embed(['a', 'b'], document);
    expect(vectors.map((vector) => [...vector])).toEqual(embeddings);
  });

  test('hands options on by purpose, and takes the limits of the model', async () => {
    const seen: unknown[] = [];
    const model = new MockEmbeddingModelV4({
      modelId: 'mock',
      maxEmbeddingsPerCall: 2,
      supportsParallelCalls: false,
      doEmbed: async ({ values, providerOptions }) => {
        seen.push([values, providerOptions]);
        return { embeddings: values.map(() => [1, 2]), warnings: [] };
      },
    });
    const one = fromAiSdk(model, {
      dimension: 2,
      documentOptions: { google: { taskType: 'RETRIEVAL_DOCUMENT' } },
      queryOptions: { google: { taskType: 'RETRIEVAL_QUERY' } },
    });
    expect(one.limits).toEqual({ texts: 2, concurrency: 1 });
    await one.embed(['a', 'b', 'c'], document);
    await one.embed(['d'], query);
    const documents = { google: { taskType: 'RETRIEVAL_DOCUMENT' } };
    expect(seen).toEqual([
      [['a', 'b'], documents],
      [['c'], documents],
      [['d'], { google: { taskType: 'RETRIEVAL_QUERY' } }],
    ]);
  });

  test('keeps to a limit that the model only promises', async () => {
    const sizes: number[] = [];
    const model = new MockEmbeddingModelV4({
      maxEmbeddingsPerCall: Promise.resolve(2) as never,
      doEmbed: async ({ values }) => {
        sizes.push(values.length);
        return { embeddings: values.map((value) => [value.length, 1]), warnings: [] };
      },
    });
    const vectors = await fromAiSdk(model, { dimension: 2 }).embed(
      ['a', 'bb', 'ccc', 'dddd', 'eeeee'],
      document,
    );
    expect(vectors.map((vector) => vector[0])).toEqual([1, 2, 3, 4, 5]);
    expect(sizes).toEqual([2, 2, 1]);
  });

  test('has the model in its checksum, and the options of documents', () => {
    const checksum = (modelId: string, options: object = {}) =>
      fromAiSdk(new MockEmbeddingModelV4({ modelId }), { dimension: 2, ...options }).spec.checksum;
    const [base, ...others] = [
      checksum('m'),
      checksum('n'),
      checksum('m', { documentOptions: { a: { b: 1 } } }),
      checksum('m', { truncateCharacters: 5 }),
    ];
    expect(new Set([base, ...others]).size).toBe(4);
    expect(checksum('m', { queryOptions: { a: { b: 1 } }, modelId: 'x', limits: { texts: 1 } })).toBe(base);
  });

  test('refuses what is no model, such as its name', () => {
    expect(() => fromAiSdk('openai/text-embedding-3-small' as never, { dimension: 2 })).toThrow(
      /embedding model of the AI SDK/,
    );
  });
});

describe('fromLangChain', () => {
  test('asks one way for documents and another for queries', async () => {
    const asked: unknown[] = [];
    class Recording extends FakeEmbeddings {
      override async embedDocuments(texts: string[]) {
        asked.push(texts);
        return super.embedDocuments(texts);
      }
      override async embedQuery(text: string) {
        asked.push(text);
        return super.embedQuery(text);
      }
    }
    const one = fromLangChain(new Recording(), { modelId: 'fake', dimension: 4 });
    await one.embed(['a', 'b'], document);
    await one.embed(['c'], query);
    expect(asked).toEqual([['a', 'b'], 'c']);
  });

  test('has its configuration in the checksum', () => {
    const checksum = (options: object = {}) =>
      fromLangChain(langChain(), { modelId: 'm', dimension: 4, ...options }).spec.checksum;
    expect(checksum({ configuration: { stripNewLines: true } })).not.toBe(checksum());
    expect(checksum({ queryPrefix: 'q: ' })).toBe(checksum());
  });

  test('refuses what is no embeddings', () => {
    expect(() => fromLangChain({} as never, { modelId: 'm', dimension: 4 })).toThrow(/embedDocuments/);
  });
});

test('the same model has the same checksum through each library', () => {
  expect(ofLangChain().spec.equals(ofAiSdk().spec)).toBe(true);
});
