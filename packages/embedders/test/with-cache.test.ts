import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Embedder, EmbedderError, type Vector, vectorBytes } from '@registry/core';
import { embedderContract, ManualClock, testEmbedder } from '@registry/core/testing';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CachedEmbedder, fromFunction, type WithCacheOptions, withCache } from '../src/index.ts';
import { failureOf } from './failure-of.ts';
import { serverVector } from './server/embedding-server.ts';

const document = { purpose: 'document' } as const;
const query = { purpose: 'query' } as const;

let folder: string;
let path: string;
const open: CachedEmbedder[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-cache-'));
  path = join(folder, 'vectors.sqlite');
});
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function cache(embedder: Embedder & { queryChecksum?: string }, options: Partial<WithCacheOptions> = {}) {
  const cached = withCache(embedder, { path, ...options });
  open.push(cached);
  return cached;
}

const bytes = (vectors: readonly Vector[]) => vectors.map((vector) => Buffer.from(vectorBytes(vector)));

describe('withCache keeps the contract of embedders', () => {
  for (const { name, run } of embedderContract(() => cache(testEmbedder()))) test(name, run);
});
describe('withCache keeps it with bit vectors and limits', () => {
  const inner = () => testEmbedder({ datatype: 'bit', limits: { texts: 50 }, countsTokens: { exact: true } });
  for (const { name, run } of embedderContract(() => cache(inner()), { manyTexts: 50 })) test(name, run);
});

describe('what a cache costs', () => {
  test('is nothing for what it has, and says so before and after', async () => {
    const billing = testEmbedder({ onCall: (texts, { onBilled }) => onBilled?.(texts.length * 5) });
    const cached = cache(billing);
    await cached.embed(['a', 'b'], document);
    expect(await cached.cached?.(['a', 'c', 'b'], document)).toEqual([true, false, true]);
    // Vectors of queries are not kept for this embedder.
    expect(await cached.cached?.(['a'], query)).toEqual([false]);
    const told: number[] = [];
    const onBilled = (tokens: number) => void told.push(tokens);
    await cached.embed(['b', 'a'], { ...document, onBilled });
    await cached.embed(['a', 'c', 'd'], { ...document, onBilled });
    expect(told).toEqual([0, 10]);
  });

  test('is not known where the embedder does not tell', async () => {
    const cached = cache(testEmbedder());
    const told: number[] = [];
    await cached.embed(['a'], { ...document, onBilled: (tokens) => void told.push(tokens) });
    expect(told).toEqual([]);
  });

  test('is taken for the whole price where the file cannot be read', async () => {
    mkdirSync(path);
    expect(await cache(testEmbedder()).cached?.(['a'], document)).toEqual([false]);
  });
});

describe('a cache', () => {
  test('pays for a text once, also after it was closed, and gives the same bytes', async () => {
    const first = testEmbedder();
    const made = await first.embed(['a', 'b'], document);
    const cached = cache(first);
    await cached.embed(['a', 'b', 'a'], document);
    await cached[Symbol.asyncDispose]();
    const second = testEmbedder();
    const again = await cache(second).embed(['b', 'c', 'a'], document);
    expect(first.textsSeen).toEqual(['a', 'b', 'a', 'b']);
    expect(second.textsSeen).toEqual(['c']);
    expect(bytes([again[2]!, again[0]!])).toEqual(bytes(made));
  });

  test.each<[string, object]>([
    ['id', { modelId: 'other' }],
    ['version', { version: 2 }],
    ['checksum', { checksum: 'other' }],
    ['dimension', { dimension: 32 }],
  ])('keeps models of another %s apart', async (_, options) => {
    await cache(testEmbedder()).embed(['a'], document);
    const other = testEmbedder(options);
    await cache(other).embed(['a'], document);
    expect(other.textsSeen).toEqual(['a']);
  });

  test('tells texts apart that no JSON could, and longer ones of equal beginning', async () => {
    const embedder = testEmbedder();
    const texts = ['\ud800', '\ud801', '\ufffd', 'a', 'a\0', ''];
    await cache(embedder).embed(texts, document);
    expect(embedder.textsSeen).toEqual(texts);
  });

  test('keeps queries only of embedders that say what they depend on', async () => {
    const plain = testEmbedder();
    const cached = cache(plain);
    await cached.embed(['a'], query);
    await cached.embed(['a'], query);
    expect(plain.textsSeen).toEqual(['a', 'a']);
  });

  test('keeps queries apart where they are treated otherwise than documents, else not', async () => {
    const seen: string[] = [];
    const embedder = (queryPrefix: string) =>
      fromFunction(
        (texts) => {
          seen.push(...texts);
          return texts.map((text) => serverVector(text));
        },
        { modelId: 'm', dimension: 24, queryPrefix },
      );
    for (const prefix of ['', 'q: ', 'q: ', 'other: ']) {
      const cached = cache(embedder(prefix));
      await cached.embed(['a'], document);
      await cached.embed(['a'], query);
    }
    expect(seen).toEqual(['a', 'q: a', 'other: a']);
  });

  test('never keeps an error, nor a vector that is none', async () => {
    const embedder = testEmbedder();
    const cached = cache(embedder);
    embedder.onCall = () => {
      throw new EmbedderError('rateLimited', 'Later.', { retryAfterMs: 7 });
    };
    expect((await failureOf(cached.embed(['a'], document))).retryAfterMs).toBe(7);
    embedder.onCall = () => [new Float32Array(16)];
    expect(await cached.embed(['a'], document)).toEqual([new Float32Array(16)]);
    embedder.onCall = () => [];
    expect((await failureOf(cached.embed(['a'], document))).kind).toBe('refused');
    embedder.onCall = undefined;
    expect((await cached.embed(['a'], document))[0]?.some(Boolean)).toBe(true);
    expect(embedder.calls).toHaveLength(4);
  });

  test('lets calls at once wait for each other instead of paying twice', async () => {
    const embedder = testEmbedder();
    const cached = cache(embedder);
    await Promise.all([
      cached.embed(['a', 'b'], document),
      cached.embed(['b', 'c'], document),
      cached.embed(['c', 'a'], document),
    ]);
    expect(embedder.textsSeen.toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('goes on alone where the call it waited for fails', async () => {
    const embedder = testEmbedder({
      onCall: (_, { index }) => {
        if (index === 0) throw new EmbedderError('transient', 'Broken.');
      },
    });
    const cached = cache(embedder);
    const [one, other] = await Promise.allSettled([
      cached.embed(['a'], document),
      cached.embed(['a'], document),
    ]);
    expect([one.status, other.status]).toEqual(['rejected', 'fulfilled']);
  });

  test('stops waiting for another call when the signal aborts', async () => {
    const begun = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const embedder = testEmbedder({
      onCall: async () => {
        begun.resolve();
        await release.promise;
      },
    });
    const cached = cache(embedder);
    const first = cached.embed(['a'], document);
    await begun.promise;
    const controller = new AbortController();
    const second = cached.embed(['a'], { ...document, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    release.resolve();
    await first;
  });

  test('makes no file before it is used', () => {
    cache(testEmbedder());
    expect(existsSync(path)).toBe(false);
  });
});

describe('the file of a cache', () => {
  test('may hold damaged vectors: they are noticed, made again and mended', async () => {
    await cache(testEmbedder()).embed(['a', 'b'], document);
    await open.splice(0)[0]?.[Symbol.asyncDispose]();
    const raw = new Database(path);
    raw.prepare('UPDATE cached_vectors SET vector = zeroblob(64) WHERE rowid = 1').run();
    raw.close();
    const warnings: unknown[] = [];
    const logger = { debug() {}, info() {}, error() {}, warn: (...told: unknown[]) => warnings.push(told) };
    const embedder = testEmbedder();
    const good = await testEmbedder().embed(['a', 'b'], document);
    for (let round = 0; round < 2; round++)
      expect(bytes(await cache(embedder, { logger }).embed(['a', 'b'], document))).toEqual(bytes(good));
    expect(embedder.textsSeen).toEqual(['a']);
    expect(warnings).toEqual([[expect.stringContaining('damaged'), { path, damaged: 1 }]]);
  });

  test('keeps to its size; what was used last stays', async () => {
    const clock = new ManualClock();
    const maxBytes = 2 ** 20;
    const embedder = testEmbedder({ dimension: 1024 });
    const cached = cache(embedder, { clock, maxBytes });
    await cached.embed(['kept'], document);
    for (let batch = 0; batch < 20; batch++) {
      await clock.advance(25 * 3_600_000);
      await cached.embed(['kept'], document);
      await cached.embed(
        Array.from({ length: 40 }, (_, index) => `text ${batch} ${index}`),
        document,
      );
    }
    const before = embedder.calls.length;
    await cached.embed(['kept', 'text 19 0'], document);
    expect(embedder.calls).toHaveLength(before);
    await cached.embed(['text 0 0'], document);
    expect(embedder.calls).toHaveLength(before + 1);
    await open.splice(0)[0]?.[Symbol.asyncDispose]();
    expect(statSync(path).size).toBeLessThan(1.5 * maxBytes);
  });

  test.each([
    ['a database of something else', () => new Database(path).exec('CREATE TABLE notes (text)').close()],
    [
      'such a database with a log',
      () => new Database(path).exec('PRAGMA journal_mode = WAL; CREATE TABLE notes (text)').close(),
    ],
    ['no database', () => writeFileSync(path, 'Notes, long enough to be no header of a database.'.repeat(9))],
  ])('that is %s is refused as fatal, and left as it is', async (_, make) => {
    make();
    const before = readFileSync(path);
    const error = await failureOf(cache(testEmbedder()).embed(['a'], document));
    expect([error.kind, error.message]).toEqual(['fatal', expect.stringContaining('left as it is')]);
    expect(readFileSync(path)).toEqual(before);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test('that another process has only begun to make is made', async () => {
    new Database(path).exec('PRAGMA journal_mode = WAL').close();
    expect(await cache(testEmbedder()).embed(['a'], document)).toHaveLength(1);
  });

  test('of a newer version is refused', async () => {
    await cache(testEmbedder()).embed(['a'], document);
    await open.splice(0)[0]?.[Symbol.asyncDispose]();
    new Database(path).exec('PRAGMA user_version = 2').close();
    const error = await failureOf(cache(testEmbedder()).embed(['a'], document));
    expect(error.message).toMatch(/version 2, this program knows 1/);
  });

  test('that cannot be opened is fatal until it can', async () => {
    path = join(folder, 'missing', 'vectors.sqlite');
    const cached = cache(testEmbedder());
    expect((await failureOf(cached.embed(['a'], document))).kind).toBe('fatal');
    mkdirSync(join(folder, 'missing'));
    expect(await cached.embed(['a'], document)).toHaveLength(1);
  });

  test('that cannot be written costs only the saving', async () => {
    const cached = cache(testEmbedder());
    await cached.embed(['a'], document);
    const warnings: string[] = [];
    const logger = { debug() {}, info() {}, error() {}, warn: (message: string) => warnings.push(message) };
    const raw = new Database(path);
    raw.exec("CREATE TRIGGER full BEFORE INSERT ON cached_vectors BEGIN SELECT RAISE(FAIL, 'full'); END");
    raw.close();
    const vectors = await cache(testEmbedder(), { logger }).embed(['b'], document);
    expect(vectors).toHaveLength(1);
    expect(warnings).toEqual(['the cache of vectors could not be written']);
  });

  test('serves two processes at once', async () => {
    const fill = (from: number, to: number) =>
      fork(join(import.meta.dirname, 'processes/fill-cache.ts'), [path, String(from), String(to)]);
    const children = [fill(0, 120), fill(60, 180)];
    await Promise.all(children.map((child) => once(child, 'message')));
    const counts = children.map(countOf);
    for (const child of children) child.send('go');
    const [one, other] = await Promise.all(counts);
    // Both ask for 60 texts of the other; those that they came to at the same moment were made twice.
    expect(one! + other!).toBeGreaterThanOrEqual(180);
    expect(one! + other!).toBeLessThanOrEqual(240);
    const embedder = testEmbedder();
    const texts = Array.from({ length: 180 }, (_, index) => `text ${index}`);
    expect(bytes(await cache(embedder).embed(texts, document))).toEqual(
      bytes(await testEmbedder().embed(texts, document)),
    );
    expect(embedder.textsSeen).toEqual([]);
  });
});

async function countOf(child: ChildProcess): Promise<number> {
  let count = Number.NaN; // of one that ends without telling
  child.once('message', (told) => {
    count = told as number;
  });
  await once(child, 'exit');
  return count;
}

test('withCache refuses options that do not hold', () => {
  expect(() => withCache(testEmbedder(), { path: '' })).toThrow(/path must not be empty/);
  expect(() => withCache(testEmbedder(), { path, maxBytes: 5 })).toThrow(/maxBytes must be at least/);
});
