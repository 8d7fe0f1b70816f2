import { join } from 'node:path';
import { type Distance, EmbeddingModelSpec, isRegistryError, type Vector } from '@registry/core';
import type { NodeHit, SqliteNodeStore } from '@registry/node-memory';
import { describe, expect, it } from 'vitest';
import { type LayoutName, makeStore, openStore, rawProgram, temporaryFolder } from './stores.ts';

const count = 300;
const dimension = 32;

function spec(distance: Distance): EmbeddingModelSpec {
  const datatype = distance === 'hamming' ? 'bit' : 'float32';
  return new EmbeddingModelSpec({
    modelId: distance,
    version: 1,
    dimension,
    checksum: 'c',
    datatype,
    distance,
  });
}

/** Fixed pseudo-random numbers in [-1, 1). */
function numbers(seed: number, length: number): number[] {
  let state = seed * 2_654_435_761;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  });
}

function vectorOf(distance: Distance, seed: number): Vector {
  if (distance === 'hamming')
    return Uint8Array.from(numbers(seed, dimension / 8), (number) => (number + 1) * 128);
  return Float32Array.from(numbers(seed, dimension));
}

/** By the definitions, over all vectors. */
function expected(distance: Distance, query: Vector, k: number): NodeHit[] {
  const pairs = (vector: Vector) => Array.from(vector, (element, index) => [query[index]!, element] as const);
  const sum = (vector: Vector, term: (a: number, b: number) => number) =>
    pairs(vector).reduce((total, [a, b]) => total + term(a, b), 0);
  const scores: Record<Distance, (vector: Vector) => number> = {
    dot: (vector) => sum(vector, (a, b) => a * b),
    cosine: (vector) => sum(vector, (a, b) => a * b) / (Math.hypot(...query) * Math.hypot(...vector)),
    euclid: (vector) => -Math.hypot(...pairs(vector).map(([a, b]) => a - b)),
    hamming: (vector) =>
      1 - sum(vector, (a, b) => (a ^ b).toString(2).replaceAll('0', '').length) / dimension,
  };
  return Array.from({ length: count }, (_, index) => ({
    id: idOf(index),
    score: scores[distance](vectorOf(distance, index + 1)),
  }))
    .sort((a, b) => b.score - a.score)
    .slice(0, k);
}

const idOf = (index: number) => `n${String(index).padStart(4, '0')}`;

async function fill(store: SqliteNodeStore, distance: Distance): Promise<void> {
  const { info } = spec(distance);
  await store.insert(
    Array.from({ length: count }, (_, index) => ({
      id: idOf(index),
      content: 'x',
      vector: vectorOf(distance, index + 1),
      metadata: { size: index % 2 },
      ...info,
    })),
  );
}

function expectSame(actual: readonly NodeHit[], wanted: readonly NodeHit[]): void {
  expect(actual).toHaveLength(wanted.length);
  for (const [index, { id, score }] of wanted.entries()) {
    expect(actual[index]!.score).toBeCloseTo(score, 5);
    // Two scores that differ by less than float32 can tell may change places.
    const isTied = wanted.some((other) => other.id !== id && Math.abs(other.score - score) < 1e-5);
    if (!isTied) expect(actual[index]!.id).toBe(id);
  }
}

describe.each(['own', 'adopted'] as const)('search, %s table', (layout: LayoutName) => {
  describe.each([true, false])('sqlite-vec: %s', (sqliteVec) => {
    it.each(['cosine', 'dot', 'euclid', 'hamming'] as const)('finds the nearest by %s', async (distance) => {
      const path = join(temporaryFolder(), 'nodes.sqlite');
      const model = spec(distance);
      await using store = await makeStore(path, layout, { models: [model], sqliteVec });
      expect(await store.searchEngine()).toBe(sqliteVec ? 'sqlite-vec' : 'scan');
      await fill(store, distance);
      for (const seed of [1, 1000, 2000]) {
        const query = vectorOf(distance, seed);
        for (const k of [1, 10, count + 5])
          expectSame(await store.search(query, { at: model.info, k }), expected(distance, query, k));
        const odd = expected(distance, query, count).filter(({ id }) => Number(id.slice(1)) % 2 === 1);
        const hits = await store.search(query, { at: model.info, k: 7, where: { size: 1 } });
        expectSame(hits, odd.slice(0, 7));
      }
    });

    it('puts ties in the order of their ids', async () => {
      const path = join(temporaryFolder(), 'nodes.sqlite');
      const model = spec('cosine');
      await using store = await makeStore(path, layout, { models: [model], sqliteVec });
      const vector = vectorOf('cosine', 1);
      const ids = ['c', 'a', '\u{1F600}', 'b', '\uFB01'];
      await store.insert(ids.map((id) => ({ id, content: 'x', vector, ...model.info })));
      const hits = await store.search(vector, { at: model.info, k: 4 });
      expect(hits.map(({ id }) => id)).toEqual(['a', 'b', 'c', '\uFB01']);
    });

    it('leaves out what cannot be compared', async () => {
      const path = join(temporaryFolder(), 'nodes.sqlite');
      const model = spec('cosine');
      await using store = await makeStore(path, layout, { models: [model], sqliteVec });
      const good = vectorOf('cosine', 1);
      const nodes = ['good', 'short', 'bits', 'nan', 'zero', 'empty', 'other', 'none'];
      await store.insert(nodes.map((id) => ({ id, content: 'x', vector: good, ...model.info })));
      const broken: Record<string, Vector | undefined> = {
        short: good.slice(1),
        bits: new Uint8Array(good.byteLength),
        nan: good.map((element, index) => (index === 3 ? Number.NaN : element)),
        zero: new Float32Array(dimension),
        empty: new Float32Array(0),
      };
      for (const [nodeId, vector] of Object.entries(broken)) {
        const { fence } = (await store.read([nodeId]))[0]!;
        const set = { ...model.info, ...(vector === undefined ? {} : { vector }) };
        expect(await store.write([{ nodeId, fence, set, restore: true }])).toEqual(['written']);
        expect((await store.read([nodeId]))[0]!.vector).toEqual(vector);
      }
      await store.update('other', { vector: good, ...model.info, embeddingVersion: 2 });
      await store.update('none', { vector: null });
      const hits = await store.search(good, { at: model.info, k: 100 });
      expect(hits.map(({ id }) => id)).toEqual(['good']);
    });

    it('goes over steps of a few megabytes without losing a node', async () => {
      const path = join(temporaryFolder(), 'nodes.sqlite');
      const length = 131_072; // 512 KiB a vector: four to a step
      const info = { embeddingModelId: 'long', embeddingVersion: 1, embeddingChecksum: 'c' };
      await using store = await makeStore(path, layout, { sqliteVec });
      const vectors = Array.from({ length: 17 }, (_, index) =>
        new Float32Array(length).fill(1, 0, index + 1),
      );
      await store.insert(
        vectors.map((vector, index) => ({ id: idOf(index), content: 'x', vector, ...info })),
      );
      const hits = await store.search(vectors[16]!, { at: info, k: 20 });
      expect(hits.map(({ id }) => id)).toEqual(vectors.map((_, index) => idOf(16 - index)));
    });
  });
});

it('says what an unfit query is', async () => {
  const path = join(temporaryFolder(), 'nodes.sqlite');
  const model = spec('cosine');
  await using store = await makeStore(path, 'own', { models: [model] });
  for (const query of [
    new Float32Array(3),
    new Uint8Array(dimension),
    new Float32Array(dimension).fill(Number.NaN),
  ]) {
    const error = await store.search(query, { at: model.info, k: 1 }).catch((thrown: unknown) => thrown);
    expect(isRegistryError(error, 'VECTOR_INVALID')).toBe(true);
  }
  for (const k of [0, -1, 1.5]) {
    const error = await store
      .search(new Float32Array(dimension), { at: model.info, k })
      .catch((thrown: unknown) => thrown);
    expect(isRegistryError(error, 'SPEC_INVALID')).toBe(true);
  }
});

it('searches vectors that other programs wrote', async () => {
  const path = join(temporaryFolder(), 'nodes.sqlite');
  await (await makeStore(path, 'adopted')).close();
  const bytes = new Uint8Array(new Float32Array([1, 0]).buffer);
  await rawProgram(path, 'adopted').run([
    'INSERT INTO "my docs" ("key", body, embedding, embedding_model_id, embedding_version) VALUES (?, ?, ?, ?, ?)',
    'a',
    'x',
    bytes,
    'm',
    1,
  ]);
  await using store = await openStore(path, 'adopted');
  const at = { embeddingModelId: 'm', embeddingVersion: 1, embeddingChecksum: '' };
  expect(await store.search(new Float32Array([1, 0]), { at, k: 1 })).toEqual([{ id: 'a', score: 1 }]);
});
