import { expect } from 'vitest';
import { collectionOf, type Fact, numbered, numbersIn, statusOf } from './fact.ts';

const isOne = { must: [{ key: 'n', match: { value: 1 } }] };
const asNine = (ids: readonly number[]) => ids.map((id) => ({ id, vector: [9, 9], payload: { n: 9 } }));

export const writeFacts: readonly Fact[] = [
  {
    says: 'an upsert replaces the whole point: vectors not named and the old payload are gone',
    holds: async (scene) => {
      const { client } = scene;
      const one = { size: 1, distance: 'Dot' } as const;
      const collection = await collectionOf(scene, { a: one, b: one });
      const whole = { id: 1, vector: { a: [1], b: [2] }, payload: { x: 1, y: 1 } };
      await client.upsert(collection, { points: [whole] });
      await client.upsert(collection, { points: [{ id: 1, vector: { b: [3] }, payload: { x: 2 } }] });
      const [point] = await client.retrieve(collection, { ids: [1], with_vector: true });
      expect(point).toMatchObject({ vector: { b: [3] }, payload: { x: 2 } });
      expect(point?.vector).not.toHaveProperty('a');
      expect(point?.payload).not.toHaveProperty('y');
    },
  },
  {
    says: 'insert_only leaves points that exist alone, update_only makes no new ones',
    since: 17,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      await client.upsert(collection, { points: asNine([1, 2]), update_mode: 'insert_only' });
      expect(await numbersIn(client, collection)).toEqual([0, 1, 9]);
      await client.upsert(collection, { points: asNine([0, 3]), update_mode: 'update_only' });
      expect(await numbersIn(client, collection)).toEqual([9, 1, 9]);
    },
  },
  {
    says: 'update_filter spares points that do not match; ids that are unknown are inserted whatever it says',
    since: 16,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      await client.upsert(collection, { points: asNine([0, 1, 2]), update_filter: isOne });
      expect(await numbersIn(client, collection)).toEqual([0, 9, 9]);
    },
  },
  {
    says: 'update_only with update_filter changes what exists and matches, in one atomic write per point',
    since: 17,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      const guarded = { update_mode: 'update_only', update_filter: isOne } as const;
      await client.upsert(collection, { points: asNine([0, 1, 2]), ...guarded });
      expect(await numbersIn(client, collection)).toEqual([0, 9]);
    },
  },
  {
    says: 'a guard compares a text as it is: blanks, case and accents count',
    since: 16,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      const texts = ['a "text"', 'a "text" ', 'A "text"', 'a  "text"', 'á "text"\n', ''];
      await client.upsert(collection, {
        points: texts.map((text, id) => ({ id, vector: [1, 1], payload: { text } })),
      });
      for (const [id, value] of texts.entries()) {
        const filter = { must: [{ key: 'text', match: { value } }] };
        const { points } = await client.scroll(collection, { filter });
        expect(points.map((point) => point.id)).toEqual([id]);
      }
    },
  },
  {
    says: 'a guard can ask for a field that is not there, null and [] included',
    since: 16,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      const payloads = [{}, { text: null }, { text: [] }, { text: 'x' }];
      await client.upsert(collection, {
        points: payloads.map((payload, id) => ({ id, vector: [1, 1], payload })),
      });
      const { points } = await client.scroll(collection, {
        filter: { must: [{ is_empty: { key: 'text' } }] },
      });
      expect(points.map(({ id }) => id)).toEqual([0, 1, 2]);
    },
  },
  {
    says: 'update_vectors leaves payload and other vectors alone, and obeys update_filter in a batch',
    since: 16,
    holds: async (scene) => {
      const { client } = scene;
      const one = { size: 1, distance: 'Dot' } as const;
      const collection = await collectionOf(scene, { a: one, b: one });
      const points = [0, 1].map((n) => ({ id: n, vector: { a: [1], b: [2] }, payload: { n } }));
      await client.upsert(collection, { points });
      const changes = [0, 1].map((id) => ({ id, vector: { b: [3] } }));
      const operations = [{ update_vectors: { points: changes, update_filter: isOne } }];
      await client.batchUpdate(collection, { operations });
      const after = await client.scroll(collection, { with_vector: true });
      expect(after.points).toMatchObject([
        { vector: { a: [1], b: [2] }, payload: { n: 0 } },
        { vector: { a: [1], b: [3] }, payload: { n: 1 } },
      ]);
    },
  },
  {
    says: 'a missing id ends update_vectors in 404, with part of its points changed, and no new point',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(100) });
      const points = [...Array(100).keys(), 1000].map((id) => ({ id, vector: [-1, -1] }));
      expect(await statusOf(client.updateVectors(collection, { points }))).toBe(404);
      const after = await client.scroll(collection, { limit: 200, with_vector: true });
      const changed = after.points.filter(({ vector }) => (vector as number[])[0] === -1);
      expect(changed.length).toBeGreaterThan(0);
      expect(after.points).toHaveLength(100);
    },
  },
  {
    says: 'set_payload merges; by ids a missing one is 404, by a filter of ids it is not',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      const filter = { must: [{ has_id: [1, 77] }] };
      await client.setPayload(collection, { payload: { a: 1 }, filter });
      expect((await client.retrieve(collection, { ids: [1] }))[0]?.payload).toEqual({ n: 1, a: 1 });
      expect(await statusOf(client.setPayload(collection, { payload: { a: 1 }, points: [77] }))).toBe(404);
    },
  },
  {
    says: 'set_payload below a key makes what is missing, merges there, and leaves alone what stands beside it',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      const beside = { embeddings: { old: { x: 1 } } };
      await client.upsert(collection, {
        points: [
          { id: 0, vector: [1, 1], payload: {} },
          { id: 1, vector: [1, 1], payload: beside },
        ],
      });
      const where = { filter: { must: [{ has_id: [0, 1] }] }, key: 'embeddings.new-v2' };
      await client.setPayload(collection, { payload: { a: 1, b: 1 }, ...where });
      await client.setPayload(collection, { payload: { b: 2 }, ...where });
      const { points } = await client.scroll(collection, {});
      const made = { 'new-v2': { a: 1, b: 2 } };
      expect(points.map(({ payload }) => payload)).toEqual([
        { embeddings: made },
        { embeddings: { old: { x: 1 }, ...made } },
      ]);
    },
  },
  {
    says: 'deleting is fine where nothing is there, and can go by a filter',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(3) });
      await client.delete(collection, { points: [77], wait: true });
      await client.delete(collection, { filter: isOne, wait: true });
      expect(await numbersIn(client, collection)).toEqual([0, 2]);
    },
  },
  {
    says: 'a batch is done in order, and what came before an error stays done',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(1) });
      const operations = [
        { set_payload: { payload: { a: 1 }, points: [0] } },
        { set_payload: { payload: { b: 2 }, filter: { must: [{ key: 'a', match: { value: 1 } }] } } },
        { set_payload: { payload: { a: 3 }, points: [55] } },
      ];
      expect(await statusOf(client.batchUpdate(collection, { operations }))).toBe(404);
      const [point] = await client.retrieve(collection, { ids: [0] });
      expect(point?.payload).toEqual({ n: 0, a: 1, b: 2 });
    },
  },
  {
    says: "delete_vectors takes '' for the vector without a name, and leaves the point and its payload",
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(3) });
      const operations = [{ delete_vectors: { filter: isOne, vector: [''] } }];
      await client.batchUpdate(collection, { operations });
      const { points } = await client.scroll(collection, { with_vector: true });
      expect(points.map(({ payload }) => payload)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
      const bare = points.filter(({ vector }) => !Array.isArray(vector) || vector.length === 0);
      expect(bare.map(({ id }) => id)).toEqual([1]);
    },
  },
  {
    says: 'stamps below a key are set, indexed and found',
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      const key = 'embeddings.v2.embedding_model_id';
      await client.createPayloadIndex(collection, { field_name: key, field_schema: 'keyword', wait: true });
      const payload = { embeddings: { v2: { embedding_model_id: 'new' } } };
      await client.setPayload(collection, { payload, points: [1] });
      const filter = { must: [{ key, match: { value: 'new' } }] };
      expect(await client.count(collection, { filter })).toEqual({ count: 1 });
      await client.deletePayload(collection, { keys: ['embeddings.v2'], points: [1] });
      expect(await client.count(collection, { filter })).toEqual({ count: 0 });
    },
  },
];
