import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RegistryError, vectorBytes } from '@registry/core';
import { embedderContract } from '@registry/core/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type TransformersEmbedder, type TransformersOptions, transformers } from '../src/index.ts';
import { failureOf } from './failure-of.ts';
import { rowOf, tinyDimension, tinyMaxTokens, tokenId, writeTinyModel } from './tiny-model/tiny-model.ts';

const document = { purpose: 'document' } as const;
const query = { purpose: 'query' } as const;

let root: string;
let folder: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'registry-models-'));
  folder = join(root, 'tiny model');
  writeTinyModel(folder);
});
afterAll(() => rmSync(root, { recursive: true }));

const open: TransformersEmbedder[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function tiny(options: TransformersOptions = {}): Promise<TransformersEmbedder> {
  const embedder = await transformers(options.model ? options : { path: folder, threads: 1, ...options });
  open.push(embedder);
  return embedder;
}

/** What the model's table makes of these tokens. */
function expected(tokens: readonly string[], options: { seed?: number; normalize?: boolean } = {}): number[] {
  const rows = tokens.map((token) => rowOf(tokenId(token), options.seed));
  const mean = Array.from({ length: tinyDimension }, (_, index) =>
    rows.reduce((sum, row) => sum + row[index]! / rows.length, 0),
  );
  const length = options.normalize === false ? 1 : Math.hypot(...mean);
  return mean.map((element) => element / length);
}

function expectClose(vector: ArrayLike<number> | undefined, wanted: readonly number[]): void {
  expect(vector).toBeInstanceOf(Float32Array);
  for (const [index, element] of wanted.entries()) expect(vector?.[index]).toBeCloseTo(element, 5);
}

const text = 'The registry knows';
const tokens = ['[CLS]', 'the', 'registry', 'knows', '[SEP]'];

/** One process for what changes nothing of it. */
let cutting: TransformersEmbedder;
beforeAll(async () => {
  cutting = await transformers({
    path: folder,
    truncate: true,
    threads: 1,
    documentPrefix: 'the ',
    queryPrefix: 'a ',
  });
});
afterAll(() => cutting[Symbol.asyncDispose]());

describe('transformers keeps the contract of embedders', () => {
  for (const { name, run } of embedderContract(() => cutting, { manyTexts: 32 })) test(name, run);
});

describe('vectors', () => {
  test('are the mean of the tokens, of length 1, or what pooling, normalize and dtype say', async () => {
    const vectorOf = async (options: TransformersOptions) =>
      (await (await tiny(options)).embed([text], document))[0];
    expectClose(await vectorOf({}), expected(tokens));
    expectClose(await vectorOf({ normalize: false }), expected(tokens, { normalize: false }));
    expectClose(await vectorOf({ pooling: 'cls' }), expected(['[CLS]']));
    expectClose(await vectorOf({ pooling: 'last_token' }), expected(['[SEP]']));
    expectClose(await vectorOf({ dtype: 'q8' }), expected(tokens, { seed: 0.5 }));
  });

  test('are those of the prefixed text, by purpose', async () => {
    const [made] = await cutting.embed(['registry'], document);
    const [asked] = await cutting.embed(['registry'], query);
    expectClose(made, expected(['[CLS]', 'the', 'registry', '[SEP]']));
    expectClose(asked, expected(['[CLS]', 'a', 'registry', '[SEP]']));
  });

  test('do not depend on the texts beside them, not in the last bit', async () => {
    const embedder = await tiny({ dtype: 'q8' });
    const texts = ['fox', 'the quick brown fox knows the plan', text];
    const together = await embedder.embed(texts, document);
    for (const [index, one] of texts.entries()) {
      const [alone] = await embedder.embed([one], document);
      expect(Buffer.from(vectorBytes(alone!))).toEqual(Buffer.from(vectorBytes(together[index]!)));
    }
  });

  test('of two models may be made at once', async () => {
    const [one, other] = await Promise.all([tiny(), tiny({ dtype: 'q8' })]);
    const [[a], [b]] = await Promise.all([one.embed([text], document), other.embed([text], document)]);
    expectClose(a, expected(tokens));
    expectClose(b, expected(tokens, { seed: 0.5 }));
  });
});

describe('a text that is too long', () => {
  const long = 'fox '.repeat(tinyMaxTokens);

  test('is refused, and named', async () => {
    const error = await failureOf((await tiny()).embed([text, long], document));
    expect(error).toMatchObject({ kind: 'refused', details: { textIndex: 1 } });
    expect(error.message).toMatch(`A text has ${tinyMaxTokens + 2} tokens, the model takes ${tinyMaxTokens}`);
  });

  test('is cut where that is asked for, at the limit of the model or at one below', async () => {
    const [whole] = await cutting.embed([long], query);
    // As in Python: the mark of the end stays.
    expectClose(whole, expected(['[CLS]', 'a', ...Array(tinyMaxTokens - 3).fill('fox'), '[SEP]']));
    const [short] = await (await tiny({ truncate: true, maxTokens: 4 })).embed([long], document);
    expectClose(short, expected(['[CLS]', 'fox', 'fox', '[SEP]']));
  });

  test('has its true number of tokens, or that which is left of it', async () => {
    // "models" is no word of the vocabulary, but "model" and "##s" are.
    const texts = [text, long, 'models'];
    expect(await (await tiny()).countTokens?.(texts)).toEqual({
      tokens: [5, tinyMaxTokens + 2, 4],
      exact: true,
    });
    expect(await cutting.countTokens?.(texts)).toEqual({ tokens: [6, tinyMaxTokens, 5], exact: true });
  });
});

describe('the process of the model', () => {
  test('ends with the embedder, also while it is at work: what was asked fails, nothing hangs', async () => {
    // The hub does not answer, so the process waits; its connection closes when it is gone.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const embedder = await tiny({
      model: 'mine/slow',
      dimension: tinyDimension,
      host: `http://127.0.0.1:${port}/`,
      cacheDir: root,
    });
    const call = failureOf(embedder.embed([text], document));
    const [, response] = await once(server, 'request');
    const closed = once(response, 'close');
    await embedder[Symbol.asyncDispose]();
    expect((await call).kind).toBe('transient');
    await closed;
    server.close();
  });

  test('is not started again once the embedder is closed', async () => {
    const embedder = await tiny();
    await embedder[Symbol.asyncDispose]();
    const error = await failureOf(embedder.embed([text], document));
    expect([error.kind, error.message]).toEqual(['transient', expect.stringContaining('closed')]);
    await embedder[Symbol.asyncDispose]();
  });

  test('goes on with the next call after an abort', async () => {
    const embedder = await tiny();
    const controller = new AbortController();
    const call = embedder.embed(Array(32).fill(text), { ...document, signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(await embedder.embed([text], document)).toHaveLength(1);
  });
});

describe('a program', () => {
  const run = (mode: string, options: TransformersOptions) =>
    fork(join(import.meta.dirname, 'processes/run-model.ts'), [mode, JSON.stringify(options)]);

  test.each(['idle', 'disposing'])('ends by itself when nothing is asked any more: %s', async (mode) => {
    const program = run(mode, { path: folder });
    expect(await once(program, 'message')).toEqual([1, undefined]);
    expect(await once(program, 'exit')).toEqual([0, null]);
  });

  test('takes the process of the model with it, also while that is at work', async () => {
    // The hub does not answer, so the process waits; its connection closes when it is gone.
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const host = `http://127.0.0.1:${port}/`;
    const program = run('busy', { model: 'mine/slow', dimension: tinyDimension, host, cacheDir: root });
    const [, response] = await once(server, 'request');
    const ended = once(program, 'exit');
    const closed = once(response, 'close');
    program.send('leave');
    expect(await ended).toEqual([7, null]);
    await closed;
    server.close();
  });
});

describe('a model of the hub', () => {
  let host: string;
  let close: () => Promise<void>;
  let status: number | undefined;
  const asked: string[] = [];
  beforeAll(async () => {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '');
      asked.push(path);
      const file = join(folder, path.replace(/^\/mine\/tiny\/resolve\/[^/]+\//, ''));
      if (status !== undefined || !existsSync(file)) response.writeHead(status ?? 404).end();
      else response.end(readFileSync(file));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    host = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    close = async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    };
  });
  afterAll(() => close());

  const hub = (options: TransformersOptions = {}) =>
    tiny({
      model: 'mine/tiny',
      dimension: tinyDimension,
      host,
      cacheDir: join(root, 'cache'),
      threads: 1,
      ...options,
    });

  afterEach(() => {
    status = undefined;
    asked.length = 0;
  });

  test('is fetched in its revision, and tried again after a failure', async () => {
    const embedder = await hub({ revision: 'abc' });
    status = 503;
    expect((await failureOf(embedder.embed([text], document))).kind).toBe('transient');
    status = undefined;
    const [vector] = await embedder.embed([text], document);
    expectClose(vector, expected(tokens));
    expect(asked).toEqual(expect.arrayContaining(['/mine/tiny/resolve/abc/onnx/model.onnx']));
    expect(asked).not.toContain('/mine/tiny/resolve/main/onnx/model.onnx');
  });

  test('is fetched once', async () => {
    await (await hub()).embed([text], document);
    status = 503;
    const [again] = await (await hub()).embed([text], document);
    expectClose(again, expected(tokens));
  });

  test('that is not there is fatal', async () => {
    const error = await failureOf((await hub({ model: 'mine/other' })).embed([text], document));
    expect([error.kind, error.message]).toEqual(['fatal', expect.stringContaining('mine/other')]);
  });

  test('with another dimension than was said is fatal', async () => {
    const error = await failureOf((await hub({ dimension: 9 })).embed([text], document));
    expect([error.kind, error.message]).toEqual(['fatal', expect.stringContaining('set dimension to 8')]);
  });
});

describe('the specification', () => {
  const checksum = async (options: TransformersOptions = {}) =>
    (await transformers({ path: folder, ...options })).spec.checksum;
  const copyOf = (name: string) => {
    cpSync(folder, join(root, name), { recursive: true });
    return join(root, name);
  };

  test('is told by the folder', async () => {
    const { spec, limits } = await transformers({ path: folder });
    expect(spec).toMatchObject({ modelId: 'tiny model', version: 1, dimension: tinyDimension });
    expect(limits).toEqual({ texts: 32, concurrency: 1 });
  });

  test.each<[string, TransformersOptions]>([
    ['dtype', { dtype: 'q8' }],
    ['pooling', { pooling: 'cls' }],
    ['normalize', { normalize: false }],
    ['documentPrefix', { documentPrefix: 'passage: ' }],
    ['truncate', { truncate: true }],
    ['truncateCharacters', { truncateCharacters: 9 }],
    ['dimension', { dimension: 9 }],
    ['revision', { revision: '2' }],
  ])('has another checksum for another %s', async (_, options) => {
    expect(await checksum(options)).not.toBe(await checksum());
  });

  test.each(['onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json'])(
    'has another checksum for another %s',
    async (file) => {
      const path = copyOf(`changed-${file.replace('/', '-')}`);
      appendFileSync(join(path, file), ' ');
      expect(await checksum({ path })).not.toBe(await checksum());
    },
  );

  test('has another checksum for another limit, but only where texts are cut at it', async () => {
    expect(await checksum({ maxTokens: 4 })).toBe(await checksum());
    expect(await checksum({ truncate: true, maxTokens: 4 })).not.toBe(await checksum({ truncate: true }));
    expect(await checksum({ truncate: true, maxTokens: 999 })).toBe(await checksum({ truncate: true }));
  });

  test.each<[string, TransformersOptions]>([
    ['device', { device: 'cuda' }],
    ['threads', { threads: 2 }],
    ['query prefix', { queryPrefix: 'query: ' }],
    ['model id', { modelId: 'other' }],
    ['cache', { cacheDir: 'elsewhere' }],
  ])('has the same checksum whatever the %s', async (_, options) => {
    expect(await checksum(options)).toBe(await checksum());
  });

  test('has the same checksum wherever the files lie, and whatever else lies there', async () => {
    const path = copyOf('moved');
    appendFileSync(join(path, 'onnx/model_quantized.onnx'), ' ');
    appendFileSync(join(path, 'README.md'), 'Read me.');
    expect(await checksum({ path })).toBe(await checksum());
  });

  test('of a model of the hub depends on name and revision', async () => {
    const of = async (options: TransformersOptions) =>
      (await transformers({ model: 'a/b', dimension: 8, ...options })).spec.checksum;
    const all = await Promise.all([of({}), of({ model: 'a/c' }), of({ revision: 'abc' })]);
    expect(new Set(all).size).toBe(3);
    expect(await of({ revision: 'main' })).toBe(all[0]);
    expect(await of({ host: 'https://example.org/' })).toBe(all[0]);
  });

  test.each<[TransformersOptions, RegExp]>([
    [{}, /must have model or path, not both/],
    [{ model: 'a/b', path: '.' }, /must have model or path, not both/],
    [{ model: 'a/b' }, /dimension of transformers: value must be given/],
    [{ path: 'nowhere' }, /has no config\.json/],
    [{ model: 'a/b', dimension: 8, dtype: 'fp8' as never }, /dtype/],
  ])('is refused for %o', async (options, message) => {
    await expect(transformers(options)).rejects.toThrow(message);
    await expect(transformers(options)).rejects.toMatchObject({
      code: 'SPEC_INVALID',
    } satisfies Partial<RegistryError>);
  });

  test('names the weights that a folder lacks', async () => {
    await expect(transformers({ path: folder, dtype: 'fp16' })).rejects.toThrow(
      'has no onnx/model_fp16.onnx',
    );
  });
});
