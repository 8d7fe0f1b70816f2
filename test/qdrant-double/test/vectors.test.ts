import { describe, expect, it } from 'vitest';
import { refusalOf, statusOf, withDouble } from './double.ts';

describe('what is stored of a vector', () => {
  it('is rounded to 32 bits, and printed as short as that allows', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { size: 3, distance: 'Dot' } });
    await client.upsert('c', { points: [{ id: 1, vector: [0.1, 1 / 3, 16_777_217] }] });
    const [point] = await client.retrieve('c', { ids: [1], with_vector: true });
    expect(point?.vector).toEqual([0.1, 0.333_333_34, 16_777_216]);
    expect(Math.fround((point!.vector as number[])[1]!)).toBe(Math.fround(1 / 3));
  });

  it('has length 1 under Cosine, zero vectors excepted', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { size: 2, distance: 'Cosine' } });
    const vectors = [
      [3, 4],
      [0, 0],
      [0.6, 0.8],
    ];
    await client.upsert('c', { points: vectors.map((vector, id) => ({ id, vector })) });
    const { points } = await client.scroll('c', { with_vector: true });
    expect(points.map(({ vector }) => vector)).toEqual([
      [0.6, 0.8],
      [0, 0],
      [0.6, 0.8],
    ]);
  });

  it.each([
    ['uint8', [1, 255, 0]],
    ['float16', [1.7002, 300, -1]],
    ['float32', [1.7, 300, -1]],
  ] as const)('is as precise as %s', async (datatype, expected) => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { size: 3, distance: 'Euclid', datatype } });
    await client.upsert('c', { points: [{ id: 1, vector: [1.7, 300, -1] }] });
    const [point] = await client.retrieve('c', { ids: [1], with_vector: true });
    expect((point!.vector as number[]).map((value) => +value.toFixed(4))).toEqual(expected);
  });

  it('can be sparse, or many, beside a plain one', async () => {
    const { client } = await withDouble();
    const multivector_config = { comparator: 'max_sim' } as const;
    await client.createCollection('c', {
      vectors: { a: { size: 1, distance: 'Dot' }, m: { size: 2, distance: 'Dot', multivector_config } },
      sparse_vectors: { s: {} },
    });
    const vector = {
      a: [1],
      m: [
        [1, 0],
        [0, 1],
      ],
      s: { indices: [3, 9], values: [0.5, 2] },
    };
    await client.upsert('c', { points: [{ id: 1, vector }] });
    const [all] = await client.retrieve('c', { ids: [1], with_vector: true });
    expect(all?.vector).toEqual(vector);
    const [some] = await client.retrieve('c', { ids: [1], with_vector: ['s'] });
    expect(some?.vector).toEqual({ s: vector.s });
  });

  it('must have the right length and a known name', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { size: 2, distance: 'Dot' } });
    const long = client.upsert('c', { points: [{ id: 1, vector: [1, 2, 3] }] });
    expect(await refusalOf(long)).toBe('Wrong input: Vector dimension error: expected dim: 2, got 3');
    const stranger = client.upsert('c', { points: [{ id: 1, vector: { other: [1, 2] } }] });
    expect(await refusalOf(stranger)).toBe('Wrong input: Not existing vector name error: other');
    expect(await client.count('c')).toEqual({ count: 0 });
  });
});

describe('a new name for vectors', () => {
  it('is a column without values, made twice without harm, never otherwise', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { a: { size: 1, distance: 'Dot' } } });
    await client.upsert('c', { points: [{ id: 1, vector: { a: [1] } }] });
    const dense = { size: 2, distance: 'Cosine' } as const;
    await client.createVectorName('c', 'b', { dense });
    await client.createVectorName('c', 'b', { dense });
    expect(await statusOf(client.createVectorName('c', 'b', { dense: { ...dense, size: 3 } }))).toBe(400);
    expect(await statusOf(client.createVectorName('c', 'zero', { dense: { ...dense, size: 0 } }))).toBe(422);
    expect(await client.count('c', { filter: { must: [{ has_vector: 'b' }] } })).toEqual({ count: 0 });
    await client.updateVectors('c', { points: [{ id: 1, vector: { b: [3, 4] } }] });
    const [point] = await client.retrieve('c', { ids: [1], with_vector: true });
    expect(point?.vector).toEqual({ a: [1], b: [0.6, 0.8] });
    const { config } = await client.getCollection('c');
    expect(config.params.vectors).toEqual({ a: { size: 1, distance: 'Dot' }, b: dense });
  });

  it('goes with its values, and beside an unnamed vector leaves that as the empty name', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { size: 1, distance: 'Dot' } });
    await client.upsert('c', { points: [{ id: 1, vector: [1] }] });
    await client.createVectorName('c', 'b', { dense: { size: 1, distance: 'Dot' } });
    await client.updateVectors('c', { points: [{ id: 1, vector: { b: [2] } }] });
    const vector = async () => (await client.retrieve('c', { ids: [1], with_vector: true }))[0]?.vector;
    expect(await vector()).toEqual({ '': [1], b: [2] });
    await client.deleteVectorName('c', 'b');
    expect(await vector()).toEqual([1]);
  });
});

describe('a query', () => {
  it.each([
    ['Cosine', [1, 2, 0]],
    ['Dot', [2, 1, 0]],
    ['Euclid', [1, 0, 2]],
    ['Manhattan', [1, 0, 2]],
  ] as const)('finds the nearest by %s', async (distance, expected) => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors: { v: { size: 2, distance } } });
    const vectors = [
      [0, 1],
      [2, 0.1],
      [9, 3],
    ];
    await client.upsert('c', { points: vectors.map((v, id) => ({ id, vector: { v } })) });
    const { points } = await client.query('c', { query: [1, 0], using: 'v' });
    expect(points.map(({ id }) => id)).toEqual(expected);
  });

  it('looks only at what passes the filter, and at points that have the vector', async () => {
    const { client } = await withDouble();
    const params = { size: 1, distance: 'Dot' } as const;
    await client.createCollection('c', { vectors: { a: params, b: params } });
    await client.upsert('c', {
      points: [
        { id: 1, vector: { a: [1] }, payload: { m: 'old' } },
        { id: 2, vector: { a: [2] }, payload: { m: 'new' } },
        { id: 3, vector: { b: [3] }, payload: { m: 'new' } },
      ],
    });
    const filter = { must: [{ key: 'm', match: { value: 'new' } }] };
    const found = await client.query('c', { query: [1], using: 'a', filter, with_payload: true });
    expect(found.points).toEqual([{ id: 2, version: 0, score: 2, payload: { m: 'new' } }]);
    const wrong = client.query('c', { query: [1, 2], using: 'a' });
    expect(await refusalOf(wrong)).toMatch(/expected dim: 1, got 2/);
    expect(await statusOf(client.query('c', { query: [1], using: 'nobody' }))).toBe(400);
  });
});
