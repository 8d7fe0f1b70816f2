import { describe, expect, it } from 'vitest';
import { numberedPoints, statusOf, withDouble } from './double.ts';

const uuidA = 'aaaaaaaa-0000-4000-8000-000000000000';
const uuidB = 'bbbbbbbb-0000-4000-8000-000000000000';

/** Types of the client know no bigint, which its own JSON does. */
const big = (value: bigint) => value as unknown as number;

async function twoDimensional() {
  const { double, client } = await withDouble();
  await client.createCollection('c', { vectors: { size: 2, distance: 'Dot' } });
  return { double, client };
}

describe('ids and scrolling', () => {
  it('go by unsigned integers, then by the bytes of UUIDs, from the offset on', async () => {
    const { client } = await twoDimensional();
    const ids = [uuidB, 10, big(2n ** 63n), 9, uuidA, big(2n ** 63n + 1n)];
    await client.upsert('c', { points: ids.map((id) => ({ id, vector: [1, 1] })) });
    const first = await client.scroll('c', { limit: 4 });
    expect(first.points.map(({ id }) => id)).toEqual([9, 10, 2n ** 63n, 2n ** 63n + 1n]);
    expect(first.next_page_offset).toBe(uuidA);
    const second = await client.scroll('c', { limit: 4, offset: uuidA });
    expect(second.points.map(({ id }) => id)).toEqual([uuidA, uuidB]);
    expect(second.next_page_offset).toBeNull();
  });

  it('take a UUID in each of its forms for the same id', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: [{ id: `urn:uuid:${uuidA.toUpperCase()}`, vector: [1, 1] }] });
    const found = await client.retrieve('c', { ids: [uuidA.replaceAll('-', ''), `{${uuidA}}`] });
    expect(found.map(({ id }) => id)).toEqual([uuidA]);
  });

  it('give ten points with payload and without vectors where nothing is said', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(11) });
    const { points } = await client.scroll('c', {});
    expect(points).toHaveLength(10);
    expect(points[3]).toEqual({ id: 3, payload: { n: 3 } });
  });

  it('leave absent ids out of what is retrieved, and promise no order', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(3) });
    const found = await client.retrieve('c', { ids: [0, 7, 1], with_payload: ['n'] });
    expect(found).toEqual([
      { id: 1, payload: { n: 1 } },
      { id: 0, payload: { n: 0 } },
    ]);
  });
});

describe('an upsert', () => {
  it('replaces the whole point', async () => {
    const { client } = await withDouble();
    const vector = { size: 1, distance: 'Dot' } as const;
    await client.createCollection('c', { vectors: { a: vector, b: vector } });
    await client.upsert('c', { points: [{ id: 1, vector: { a: [1], b: [2] }, payload: { x: 1, y: 1 } }] });
    await client.upsert('c', { points: [{ id: 1, vector: { b: [3] }, payload: { x: 2 } }] });
    const [point] = await client.retrieve('c', { ids: [1], with_vector: true });
    expect(point).toEqual({ id: 1, vector: { b: [3] }, payload: { x: 2 } });
  });

  it.each([
    ['upsert', [9, 9, 9]],
    ['insert_only', [0, 1, 9]],
    ['update_only', [9, 9]],
  ] as const)('as %s touches the points it says', async (update_mode, expected) => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(2) });
    const points = [0, 1, 2].map((id) => ({ id, vector: [9, 9], payload: { n: 9 } }));
    await client.upsert('c', { points, update_mode });
    const { points: after } = await client.scroll('c', {});
    expect(after.map(({ payload }) => payload?.n)).toEqual(expected);
  });

  it('spares points that the filter does not match, and inserts unknown ones whatever it says', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(2) });
    const points = [0, 1, 2].map((id) => ({ id, vector: [9, 9], payload: { n: 9 } }));
    await client.upsert('c', { points, update_filter: { must: { key: 'n', match: { value: 1 } } } });
    const { points: after } = await client.scroll('c', {});
    expect(after.map(({ payload }) => payload?.n)).toEqual([0, 9, 9]);
  });

  it('takes columns as well as rows', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', {
      batch: {
        ids: [1, 2],
        vectors: [
          [1, 2],
          [3, 4],
        ],
        payloads: [{ n: 1 }, null],
      },
    });
    const { points } = await client.scroll('c', { with_vector: true });
    expect(points).toEqual([
      { id: 1, vector: [1, 2], payload: { n: 1 } },
      { id: 2, vector: [3, 4], payload: {} },
    ]);
  });
});

describe('updating vectors', () => {
  it('leaves other vectors and the payload alone', async () => {
    const { client } = await withDouble();
    const vector = { size: 1, distance: 'Dot' } as const;
    await client.createCollection('c', { vectors: { a: vector, b: vector } });
    await client.upsert('c', { points: [{ id: 1, vector: { a: [1], b: [2] }, payload: { x: 1 } }] });
    await client.updateVectors('c', { points: [{ id: 1, vector: { b: [3] } }] });
    const [point] = await client.retrieve('c', { ids: [1], with_vector: true });
    expect(point).toEqual({ id: 1, vector: { a: [1], b: [3] }, payload: { x: 1 } });
  });

  it('ends in 404 at a missing id, with the chunks of 32 before it applied, and its own neighbours', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(100) });
    const ids = [...Array(40).keys(), 1000, ...Array.from({ length: 40 }, (_, n) => 50 + n)];
    const points = ids.map((id) => ({ id, vector: [-1, -1] }));
    expect(await statusOf(client.updateVectors('c', { points }))).toBe(404);
    const { points: after } = await client.scroll('c', { limit: 100, with_vector: true });
    const changed = after.flatMap(({ id, vector }) => ((vector as number[])[0] === -1 ? [id] : []));
    // 32 of the first chunk, and of the second one the 31 that exist.
    expect(changed).toHaveLength(63);
    expect(await client.count('c')).toEqual({ count: 100 });
  });

  it('spares what the filter does not match, never a missing id; the facade drops the filter', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(2) });
    const update_filter = { must: [{ key: 'n', match: { value: 1 } }] };
    const update_vectors = { points: [0, 1].map((id) => ({ id, vector: [9, 9] })), update_filter };
    await client.batchUpdate('c', { operations: [{ update_vectors }] });
    const vectors = async () =>
      (await client.scroll('c', { with_vector: true })).points.map(({ vector }) => vector);
    expect(await vectors()).toEqual([
      [0, 1],
      [9, 9],
    ]);
    const absent = { points: [{ id: 5, vector: [9, 9] }], update_filter };
    expect(await statusOf(client.batchUpdate('c', { operations: [{ update_vectors: absent }] }))).toBe(404);
    await client.updateVectors('c', update_vectors);
    expect(await vectors()).toEqual([
      [9, 9],
      [9, 9],
    ]);
  });

  it('asks for existing points when it removes vectors', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(1) });
    await client.deleteVectors('c', { points: [0], vector: [''] });
    expect((await client.retrieve('c', { ids: [0], with_vector: true }))[0]?.vector).toEqual({});
    expect(await statusOf(client.deleteVectors('c', { points: [7], vector: [''] }))).toBe(404);
  });
});

describe('payloads', () => {
  it('are merged, by ids that must exist or by a filter that need not match', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(2) });
    await client.setPayload('c', { payload: { a: 1 }, points: [0] });
    await client.setPayload('c', { payload: { b: 1 }, filter: { must: [{ has_id: [1, 77] }] } });
    const { points } = await client.scroll('c', {});
    expect(points.map(({ payload }) => payload)).toEqual([
      { n: 0, a: 1 },
      { n: 1, b: 1 },
    ]);
    expect(await statusOf(client.setPayload('c', { payload: { a: 1 }, points: [77] }))).toBe(404);
  });

  it('go by the ids where a filter is given too', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(2) });
    await client.setPayload('c', { payload: { a: 1 }, points: [0], filter: { must: [{ has_id: [1] }] } });
    expect(await client.count('c', { filter: { must: [{ key: 'a', match: { value: 1 } }] } })).toEqual({
      count: 1,
    });
    expect((await client.retrieve('c', { ids: [0] }))[0]?.payload).toEqual({ n: 0, a: 1 });
  });

  it('can be set below a key, overwritten, taken from and cleared', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: [{ id: 1, vector: [1, 1], payload: { e: { x: 1 }, n: 1 } }] });
    const payload = async () => (await client.retrieve('c', { ids: [1] }))[0]?.payload;
    await client.setPayload('c', { payload: { y: 2 }, key: 'e', points: [1] });
    expect(await payload()).toEqual({ e: { x: 1, y: 2 }, n: 1 });
    await client.deletePayload('c', { keys: ['e.x'], points: [1] });
    expect(await payload()).toEqual({ e: { y: 2 }, n: 1 });
    await client.overwritePayload('c', { payload: { z: 1 }, points: [1] });
    expect(await payload()).toEqual({ z: 1 });
    await client.clearPayload('c', { points: [1] });
    expect(await payload()).toEqual({});
  });

  it('keep integers beyond 2^53', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: [{ id: 1, vector: [1, 1], payload: { at: 2n ** 60n } }] });
    expect((await client.retrieve('c', { ids: [1] }))[0]?.payload).toEqual({ at: 2n ** 60n });
  });
});

describe('a batch', () => {
  it('is done in order, and not undone by an error in it', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(1) });
    const operations = [
      { set_payload: { payload: { a: 1 }, points: [0] } },
      { set_payload: { payload: { a: 2 }, points: [55] } },
      { set_payload: { payload: { a: 3 }, points: [0] } },
    ];
    expect(await statusOf(client.batchUpdate('c', { operations }))).toBe(404);
    expect((await client.retrieve('c', { ids: [0] }))[0]?.payload).toEqual({ n: 0, a: 1 });
  });

  it('answers with a status for each operation, and no count', async () => {
    const { client } = await twoDimensional();
    const operations = [
      { upsert: { points: numberedPoints(2) } },
      { delete: { filter: { must: [{ has_id: [0] }] } } },
      { delete: { points: [1234] } },
    ];
    const results = await client.batchUpdate('c', { operations });
    expect(results.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect(await client.count('c')).toEqual({ count: 1 });
  });
});

describe('without wait', () => {
  it('a write is answered before it is seen: by default in delete and createPayloadIndex', async () => {
    const { client } = await twoDimensional();
    await client.upsert('c', { points: numberedPoints(2) });
    expect(await client.delete('c', { points: [0] })).toMatchObject({ status: 'acknowledged' });
    expect(await client.count('c')).toEqual({ count: 2 });
    expect(await client.count('c')).toEqual({ count: 1 });
    const index = { field_name: 'n', field_schema: 'integer' } as const;
    expect(await client.createPayloadIndex('c', index)).toMatchObject({ status: 'acknowledged' });
    expect(await client.delete('c', { points: [1], wait: true })).toMatchObject({ status: 'completed' });
    expect(await client.count('c')).toEqual({ count: 0 });
  });

  it('an error is never heard of', async () => {
    const { client } = await twoDimensional();
    const write = client.setPayload('c', { payload: { a: 1 }, points: [5], wait: false });
    expect(await write).toMatchObject({ status: 'acknowledged' });
  });
});
