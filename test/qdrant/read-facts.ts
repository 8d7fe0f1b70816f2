import { expect } from 'vitest';
import { collectionOf, type Fact, numbered, statusOf } from './fact.ts';

const uuidA = 'aaaaaaaa-0000-4000-8000-000000000000';
const uuidB = 'bbbbbbbb-0000-4000-8000-000000000000';

/** The types of the client know no bigint, which its JSON does. */
const big = (value: bigint) => value as unknown as number;

export const readFacts: readonly Fact[] = [
  {
    says: 'scrolling goes by unsigned integers, then by UUIDs, from the offset on, until there is none',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      const ids = [uuidB, 10, big(2n ** 63n), 9, uuidA, big(2n ** 63n + 1n)];
      await client.upsert(collection, { points: ids.map((id) => ({ id, vector: [1, 1] })) });
      const first = await client.scroll(collection, { limit: 4 });
      expect(first.points.map(({ id }) => id)).toEqual([9, 10, 2n ** 63n, 2n ** 63n + 1n]);
      expect(first.next_page_offset).toBe(uuidA);
      const second = await client.scroll(collection, { limit: 4, offset: uuidA });
      expect(second.points.map(({ id }) => id)).toEqual([uuidA, uuidB]);
      expect(second.next_page_offset ?? null).toBeNull();
    },
  },
  {
    says: 'a UUID comes back in lower case with hyphens, however it was written',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: [{ id: uuidA.toUpperCase(), vector: [1, 1] }] });
      const found = await client.retrieve(collection, { ids: [uuidA.replaceAll('-', '')] });
      expect(found.map(({ id }) => id)).toEqual([uuidA]);
    },
  },
  {
    says: "has_vector knows the vector without a name by ''",
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: [...numbered(2), { id: 7, vector: {} }] });
      expect(await client.count(collection, { filter: { must: [{ has_vector: '' }] } })).toEqual({
        count: 2,
      });
      expect(await client.count(collection)).toEqual({ count: 3 });
    },
  },
  {
    says: 'a key with a blank is quoted, in filters and where payload is asked for',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      const payload = { 'my text': 'x', other: 'y' };
      await client.upsert(collection, { points: [{ id: 1, vector: [1, 1], payload }] });
      const filter = { must: [{ key: '"my text"', match: { value: 'x' } }] };
      const { points } = await client.scroll(collection, { filter, with_payload: ['"my text"'] });
      expect(points.map((point) => point.payload)).toEqual([{ 'my text': 'x' }]);
    },
  },
  {
    says: 'absent ids are left out of what is retrieved',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      const found = await client.retrieve(collection, { ids: [0, 7, 1], with_payload: ['n'] });
      expect(found.map(({ payload }) => payload?.n).sort()).toEqual([0, 1]);
    },
  },
  {
    says: 'counts are exact where asked for, and a facet counts by value where there is an index',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      const points = numbered(5).map((point) => ({ ...point, payload: { model: `m${point.id % 2}` } }));
      await client.upsert(collection, { points });
      await client.upsert(collection, { points: points.slice(0, 3) });
      expect(await client.count(collection)).toEqual({ count: 5 });
      expect(await statusOf(client.facet(collection, { key: 'model', exact: true }))).toBe(400);
      const index = { field_name: 'model', field_schema: 'keyword', wait: true } as const;
      await client.createPayloadIndex(collection, index);
      await client.createPayloadIndex(collection, index);
      expect((await client.facet(collection, { key: 'model', exact: true })).hits).toEqual([
        { value: 'm0', count: 3 },
        { value: 'm1', count: 2 },
      ]);
    },
  },
  {
    says: 'a 32-bit float comes back as it was sent, and a Cosine vector with length 1',
    holds: async (scene) => {
      const { client } = scene;
      const dot = await collectionOf(scene, { size: 4, distance: 'Dot' }, 'dot');
      const sent = [0.1, 1 / 3, -1e-9, 12_345.678].map(Math.fround);
      const printed = sent.map((value) => Number(value.toPrecision(9)));
      await client.upsert(dot, { points: [{ id: 1, vector: printed }] });
      const [exact] = await client.retrieve(dot, { ids: [1], with_vector: true });
      expect((exact!.vector as number[]).map(Math.fround)).toEqual(sent);
      const cosine = await collectionOf(scene, { size: 2, distance: 'Cosine' }, 'cosine');
      await client.upsert(cosine, { points: [{ id: 1, vector: [3, 4] }] });
      const [unit] = await client.retrieve(cosine, { ids: [1], with_vector: true });
      const [x, y] = unit!.vector as number[];
      expect([x, y]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
    },
  },
  {
    says: 'a query finds the nearest of what passes its filter, and refuses another dimension',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene, { v: { size: 2, distance: 'Cosine' } });
      const points = [
        [1, 0],
        [0.9, 0.1],
        [0, 1],
      ].map((v, id) => ({
        id,
        vector: { v },
        payload: { embedding_version: id === 0 ? 1 : 2 },
      }));
      await client.upsert(collection, { points });
      const filter = { must: [{ key: 'embedding_version', match: { value: 2 } }] };
      const found = await client.query(collection, { query: [1, 0], using: 'v', filter, limit: 2 });
      expect(found.points.map(({ id }) => id)).toEqual([1, 2]);
      expect(await statusOf(client.query(collection, { query: [1, 0, 0], using: 'v' }))).toBe(400);
    },
  },
];
