import type { QdrantClient } from '@qdrant/js-client-rest';
import { expect } from 'vitest';
import { collectionOf, type Fact, numbered, reasonOf, statusOf } from './fact.ts';

function point(client: QdrantClient, alias_name: string, collection_name: string): Promise<boolean> {
  return client.updateCollectionAliases({ actions: [{ create_alias: { alias_name, collection_name } }] });
}

export const collectionFacts: readonly Fact[] = [
  {
    says: 'a collection is created once (409), never over an alias (400); deleting none is no error',
    holds: async (scene) => {
      const { client, name } = scene;
      const collection = await collectionOf(scene);
      const vectors = { size: 2, distance: 'Dot' } as const;
      expect(await statusOf(client.createCollection(collection, { vectors }))).toBe(409);
      await point(client, name('alias'), collection);
      expect(await statusOf(client.createCollection(name('alias'), { vectors }))).toBe(400);
      expect(await statusOf(client.deleteCollection(name('nowhere')))).toBeUndefined();
    },
  },
  {
    says: 'one create_alias moves readers and writers; collectionExists is true for an alias',
    holds: async (scene) => {
      const { client, name } = scene;
      const one = await collectionOf(scene, undefined, 'one');
      const vectors = { size: 3, distance: 'Dot' } as const;
      const two = await collectionOf(scene, vectors, 'two');
      await point(client, name('live'), one);
      await client.upsert(name('live'), { points: numbered(1) });
      await point(client, name('live'), two);
      await client.upsert(name('live'), { points: [{ id: 1, vector: [1, 2, 3] }] });
      expect([await client.count(one), await client.count(two)]).toEqual([{ count: 1 }, { count: 1 }]);
      expect(await client.collectionExists(name('live'))).toEqual({ exists: true });
      const { aliases } = await client.getAliases();
      expect(aliases).toContainEqual({ alias_name: name('live'), collection_name: two });
    },
  },
  {
    says: 'an alias is refused over a collection (409) and at what is none (404), and goes with its collection',
    holds: async (scene) => {
      const { client, name } = scene;
      const one = await collectionOf(scene, undefined, 'one');
      const two = await collectionOf(scene, undefined, 'two');
      await point(client, name('live'), one);
      expect(await statusOf(point(client, two, one))).toBe(409);
      expect(await statusOf(point(client, name('other'), name('nowhere')))).toBe(404);
      await client.deleteCollection(one);
      const { aliases } = await client.getAliases();
      expect(aliases.map(({ alias_name }) => alias_name)).not.toContain(name('live'));
    },
  },
  {
    says: 'a collection needs no vectors, and has the metadata at once that it is made with',
    since: 16,
    holds: async (scene) => {
      const { client, name } = scene;
      await client.createCollection(name('lock'), { vectors: {}, metadata: { holder: 'a' } });
      const again = client.createCollection(name('lock'), { vectors: {}, metadata: { holder: 'b' } });
      expect(await statusOf(again)).toBe(409);
      expect((await client.getCollection(name('lock'))).config.metadata).toEqual({ holder: 'a' });
    },
  },
  {
    says: 'metadata is merged, and null takes a key away',
    since: 16,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.updateCollection(collection, { metadata: { a: 1, b: 2 } });
      await client.updateCollection(collection, { metadata: { b: null, c: 3 } });
      expect((await client.getCollection(collection)).config.metadata).toEqual({ a: 1, c: 3 });
    },
  },
  {
    says: 'a new vector name has no values, is made twice without harm, and goes with its values',
    since: 18,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene, { old: { size: 2, distance: 'Dot' } });
      const points = numbered(3).map(({ id, vector }) => ({ id, vector: { old: vector } }));
      await client.upsert(collection, { points });
      const dense = { size: 1, distance: 'Dot' } as const;
      await client.createVectorName(collection, 'new', { dense });
      await client.createVectorName(collection, 'new', { dense });
      expect(
        await statusOf(client.createVectorName(collection, 'new', { dense: { ...dense, size: 2 } })),
      ).toBe(400);
      const filter = { must: [{ has_vector: 'new' }] };
      expect(await client.count(collection, { filter })).toEqual({ count: 0 });
      await client.updateVectors(collection, { points: [{ id: 1, vector: { new: [5] } }] });
      expect(await client.count(collection, { filter })).toEqual({ count: 1 });
      const [both] = await client.retrieve(collection, { ids: [1], with_vector: true });
      expect(both?.vector).toEqual({ old: [1, 1], new: [5] });
      await client.deleteVectorName(collection, 'new');
      const [left] = await client.retrieve(collection, { ids: [1], with_vector: true });
      expect(left?.vector).toEqual({ old: [1, 1] });
    },
  },
  {
    says: 'strict mode asks for an index before it filters, but not before update_filter',
    since: 16,
    holds: async (scene) => {
      const { client } = scene;
      const collection = await collectionOf(scene);
      await client.upsert(collection, { points: numbered(2) });
      const limits = { unindexed_filtering_retrieve: false, unindexed_filtering_update: false };
      const strict_mode_config = { enabled: true, max_query_limit: 50, upsert_max_batchsize: 3, ...limits };
      await client.updateCollection(collection, { strict_mode_config });
      const filter = { must: [{ key: 'n', match: { value: 1 } }] };
      const refused: [() => Promise<unknown>, RegExp][] = [
        [() => client.count(collection, { filter }), /index required/i],
        [() => client.setPayload(collection, { payload: { a: 1 }, filter }), /index required/i],
        [() => client.scroll(collection, { limit: 51 }), /limit/i],
        [() => client.upsert(collection, { points: numbered(4) }), /limit/i],
      ];
      for (const [call, reason] of refused) {
        expect(await statusOf(call())).toBe(400);
        expect(await reasonOf(call())).toMatch(reason);
      }
      await client.upsert(collection, { points: numbered(2), update_filter: filter });
      const field_schema = { type: 'integer', lookup: true, range: true } as const;
      await client.createPayloadIndex(collection, { field_name: 'n', field_schema, wait: true });
      expect(await client.count(collection, { filter })).toEqual({ count: 1 });
    },
  },
  {
    says: 'the 404 of a missing collection speaks of it, that of a missing point does not',
    holds: async (scene) => {
      const { client, name } = scene;
      const collection = await collectionOf(scene);
      expect(await reasonOf(client.count(name('nowhere')))).toMatch(/collection|alias/i);
      const payload = { a: 1 };
      const reason = await reasonOf(client.setPayload(collection, { payload, points: [77] }));
      expect(reason).toBeTypeOf('string');
      expect(reason).not.toMatch(/collection|alias/i);
    },
  },
  {
    says: 'a missing collection is 404, bad input 400, with the reason under status.error',
    holds: async (scene) => {
      const { client, name } = scene;
      const collection = await collectionOf(scene);
      expect(await statusOf(client.count(name('nowhere')))).toBe(404);
      const wrong = client.upsert(collection, { points: [{ id: 1, vector: [1, 2, 3] }] });
      await expect(wrong).rejects.toMatchObject({
        status: 400,
        data: { status: { error: expect.stringMatching(/dim/i) } },
      });
    },
  },
];
