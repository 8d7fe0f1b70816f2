import { createGzip } from 'node:zlib';
import type { EmbedderError } from '@registry/core';
import { ManualClock } from '@registry/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenAICompatibleOptions, openAICompatible } from '../src/index.ts';
import { failureOf } from './failure-of.ts';
import {
  answerTo,
  type EmbeddingServer,
  embeddingServer,
  sendJson,
  serverDimension,
} from './server/embedding-server.ts';

const document = { purpose: 'document' } as const;
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

const openAI = (message: string, code: string | null = null, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
});

describe('an answer that says', () => {
  test.each<[string, number, unknown, EmbedderError['kind']]>([
    [
      'too many requests',
      429,
      openAI('Rate limit reached', 'rate_limit_exceeded', 'requests'),
      'rateLimited',
    ],
    ['too many requests, without a word', 429, '', 'rateLimited'],
    ['spent quota', 429, openAI('You exceeded your current quota', 'insufficient_quota'), 'fatal'],
    [
      'spent quota by type',
      429,
      openAI('No credit', 'credit_balance_exhausted', 'insufficient_quota'),
      'fatal',
    ],
    ['payment required', 402, openAI('Spending limit'), 'fatal'],
    [
      'more tokens than a minute has',
      429,
      openAI('Request too large for model on tokens per min'),
      'refused',
    ],
    ['a wrong key', 401, openAI(`Incorrect API key provided: ${key}`, 'invalid_api_key'), 'fatal'],
    ['a key without right', 403, openAI('Project has no access', 'model_not_found'), 'fatal'],
    ['a wrong key as Gemini says it', 400, { error: { code: 400, message: 'API key not valid.' } }, 'fatal'],
    ['an unknown model', 404, openAI('The model `x` does not exist', 'model_not_found'), 'fatal'],
    ['an unknown model as Ollama says it', 404, openAI('model "x" not found, try pulling it first'), 'fatal'],
    ['an unknown model as others say it', 400, { detail: 'Model x is not supported.' }, 'fatal'],
    [
      'a text that speaks of keys',
      400,
      openAI('Not valid: why the API key of the model not found is'),
      'refused',
    ],
    ['a text that a model cannot take', 400, openAI("The model's input is invalid"), 'refused'],
    ['too long a text', 400, openAI("This model's maximum context length is 8192 tokens"), 'refused'],
    ['too long a text by code', 400, openAI('Too much', 'context_length_exceeded'), 'refused'],
    [
      'too long a text as Ollama said it',
      500,
      { error: 'the input length exceeds the context length' },
      'refused',
    ],
    [
      'too long a text as Together says it',
      403,
      openAI('Input must be less than the context length'),
      'refused',
    ],
    [
      'too many texts as TEI says it',
      413,
      { message: 'batch size 33 > 32', code: 413, type: 'Validation' },
      'refused',
    ],
    ['a text it does not take', 422, { detail: [{ type: 'string_type', input: 'x' }] }, 'refused'],
    [
      'an overloaded server as TEI says it',
      429,
      { message: 'Model is overloaded', type: 'Overloaded' },
      'rateLimited',
    ],
    ['a failed inference as TEI says it', 424, { message: 'inference error', type: 'Backend' }, 'transient'],
    ['an error of its own', 500, openAI('The server had an error'), 'transient'],
    ['a gateway without a server', 502, '<html>Bad gateway</html>', 'transient'],
    ['a time out', 504, '', 'transient'],
    ['a conflict', 409, '', 'transient'],
    ['a wrong method', 405, '', 'fatal'],
    ['a failure with status 200', 200, { error: { message: 'Rate limited', code: 429 } }, 'rateLimited'],
    ['a failure with status 200 and no code', 200, { error: { message: 'Provider failed' } }, 'transient'],
    ['a page instead of vectors', 200, '<html>Welcome</html>', 'transient'],
    ['nothing', 200, '', 'transient'],
  ])('%s', async (_, status, body, kind) => {
    server.reply = (response) => sendJson(response, status, body);
    const error = await failureOf(embedder().embed(['why the API key of the model not found is'], document));
    expect({ kind: error.kind, text: error.message }).toEqual({ kind, text: error.message });
    expect(error.message).not.toContain(key);
    expect(server.asked).toHaveLength(1);
  });

  test('where to go is not followed', async () => {
    server.reply = (response) => sendJson(response, 307, '', { location: `${server.baseURL}/elsewhere` });
    const error = await failureOf(embedder().embed(['some text'], document));
    expect(error.kind).toBe('fatal');
    expect(server.asked).toHaveLength(1);
  });

  test.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['parts of seconds', { 'retry-after': '0.5' }, 500],
    ['milliseconds', { 'retry-after-ms': '1234', 'retry-after': '2' }, 1234],
    [
      'a date, by the clock of the server',
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      30_000,
    ],
    [
      'a date that has passed',
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT', date: 'Wed, 21 Oct 2026 07:28:30 GMT' },
      0,
    ],
    ['nothing that can be read', { 'retry-after': 'soon' }, undefined],
    ['nothing', {}, undefined],
  ])('when to come back, in %s', async (_, headers, wait) => {
    server.reply = (response) => sendJson(response, 429, '', headers);
    const error = await failureOf(embedder().embed(['some text'], document));
    expect([error.kind, error.retryAfterMs]).toEqual(['rateLimited', wait]);
  });

  test('when to come back, in a date, where the server has no clock', async () => {
    server.reply = (response) => {
      response.sendDate = false;
      return sendJson(response, 503, '', { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' });
    };
    const clock = new ManualClock({ now: Date.parse('Wed, 21 Oct 2026 07:28:00 GMT') });
    const error = await failureOf(embedder({ clock }).embed(['some text'], document));
    expect([error.kind, error.retryAfterMs]).toEqual(['rateLimited', 30_000]);
  });

  test('what it refuses is passed on, unless it quotes content or the key', async () => {
    const said = async (message: string) => {
      server.reply = (response) => sendJson(response, 400, openAI(message));
      const error = await failureOf(embedder().embed(['the secret plan of the whole company'], document));
      return error.message;
    };
    expect(await said('Too many commas')).toContain('Too many commas');
    expect(await said('Not valid: the secret plan of the whole company')).not.toContain('secret');
    expect(await said(`Not valid for ${key}`)).not.toContain(key);
    server.reply = (response) => sendJson(response, 400, openAI('', 'the secret plan of the whole company'));
    const { message, details } = await failureOf(embedder().embed(['any text'], document));
    expect(JSON.stringify([message, details])).not.toContain('secret');
    server.reply = (response) => sendJson(response, 400, openAI('', key, key));
    const coded = await failureOf(embedder().embed(['any text'], document));
    expect(JSON.stringify([coded.message, coded.details])).not.toContain(key);
  });

  test.each<[string, number, EmbedderError['kind']]>([
    ['vectors without end', 200, 'fatal'],
    ['a failure without end', 500, 'transient'],
  ])('%s, well packed, is not read to its end', async (_, status, kind) => {
    let isGivenUp = false;
    server.reply = async (response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      const part = Buffer.alloc(2 ** 20, ' ');
      const packed = createGzip({ level: 1 });
      packed.on('error', () => {});
      packed.pipe(response);
      response.on('close', () => (isGivenUp = true));
      while (!isGivenUp) await new Promise((resolve) => packed.write(part, resolve));
      packed.destroy();
      return true;
    };
    const { kind: found, message } = await failureOf(embedder().embed(['some text'], document));
    expect([found, message]).toEqual([kind, expect.stringContaining('The server answered')]);
  });
});

describe('an answer of a wrong shape is an error', () => {
  type Items = { index: number; embedding: number[] | string }[];
  const change = (body: (data: Items) => unknown) => () => {
    server.reply = (response, asked) => {
      const answer = answerTo({ ...asked, body: { ...asked.body, encoding_format: 'float' } });
      return sendJson(response, 200, body(answer.data as Items));
    };
  };
  const firstAs = (embedding: unknown) =>
    change((data) => ({ data: [{ index: 0, embedding }, ...data.slice(1)] }));
  test.each<[string, () => void, EmbedderError['kind']]>([
    ['no data', change(() => ({ vectors: [] })), 'refused'],
    ['a list', change((data) => data), 'refused'],
    ['too few vectors', change((data) => ({ data: data.slice(1) })), 'refused'],
    ['too many vectors', change((data) => ({ data: [...data, data[0]] })), 'refused'],
    ['no vectors', change(() => ({ data: [] })), 'refused'],
    ['a number twice', change((data) => ({ data: data.map((item) => ({ ...item, index: 0 })) })), 'refused'],
    [
      'a number too high',
      change((data) => ({ data: data.map((item) => ({ ...item, index: item.index + 1 })) })),
      'refused',
    ],
    ['a vector without elements', firstAs([]), 'refused'],
    ['no vector', firstAs(null), 'refused'],
    ['one short vector', firstAs([1, 2, 3]), 'refused'],
    ['an element that is null, as JSON writes NaN', firstAs(Array(serverDimension).fill(null)), 'refused'],
    ['an element too large for 32 bits', firstAs(Array(serverDimension).fill(1e300)), 'refused'],
    ['a vector of zeros', firstAs(Array(serverDimension).fill(0)), 'refused'],
    ['base64 of half a number', firstAs('AAAA'), 'refused'],
    ['text instead of base64', firstAs('…'), 'refused'],
    [
      'another dimension',
      change((data) => ({ data: data.map((item) => ({ ...item, embedding: [1, 2, 3] })) })),
      'fatal',
    ],
  ])('%s', async (_, arrange, kind) => {
    arrange();
    const error = await failureOf(embedder().embed(['one', 'two', 'three'], document));
    expect([error.kind, error.message]).toEqual([kind, expect.stringMatching(/vector/i)]);
  });

  test('and names both dimensions where the setting is wrong', async () => {
    const error = await failureOf(embedder({ documentBody: { dimensions: 8 } }).embed(['a'], document));
    expect(error.message).toMatch(/vectors of 8 elements.* says 24/);
  });
});
