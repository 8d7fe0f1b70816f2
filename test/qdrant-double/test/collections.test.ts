import type { QdrantClient } from '@qdrant/js-client-rest';
import { describe, expect, it } from 'vitest';
import { numberedPoints, refusalOf, statusOf, withDouble } from './double.ts';

const vectors = { size: 2, distance: 'Dot' } as const;

const point = (client: QdrantClient, alias_name: string, collection_name: string) =>
  client.updateCollectionAliases({ actions: [{ create_alias: { alias_name, collection_name } }] });

describe('a collection', () => {
  it('exists once, is told by 409, and is deleted with its aliases', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors });
    expect(await statusOf(client.createCollection('c', { vectors }))).toBe(409);
    await point(client, 'live', 'c');
    expect(await client.collectionExists('live')).toEqual({ exists: true });
    expect(await statusOf(client.createCollection('live', { vectors }))).toBe(400);
    expect(await client.deleteCollection('c')).toBe(true);
    expect(await client.deleteCollection('c')).toBe(false);
    expect((await client.getAliases()).aliases).toEqual([]);
    expect(await statusOf(client.getCollection('c'))).toBe(404);
  });

  it('merges metadata; null takes a key away', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors, metadata: { a: 1, b: 2 } });
    await client.updateCollection('c', { metadata: { b: null, c: 3 } });
    expect((await client.getCollection('c')).config.metadata).toEqual({ a: 1, c: 3 });
  });

  it('counts exactly where asked to, and only there', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors });
    await client.upsert('c', { points: numberedPoints(5) });
    await client.upsert('c', { points: numberedPoints(5) });
    expect(await client.count('c')).toEqual({ count: 5 });
    expect((await client.getCollection('c')).points_count).not.toBe(5);
  });

  it('facets over keys that have an index to look up values', async () => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors });
    const payloads = ['a', 'b', 'b', undefined].map((model) => ({ model }));
    await client.upsert('c', { points: payloads.map((payload, id) => ({ id, vector: [1, 1], payload })) });
    expect(await refusalOf(client.facet('c', { key: 'model' }))).toMatch(/No appropriate index for faceting/);
    await client.createPayloadIndex('c', { field_name: 'model', field_schema: 'keyword', wait: true });
    const { hits } = await client.facet('c', { key: 'model', exact: true });
    expect(hits).toEqual([
      { value: 'b', count: 2 },
      { value: 'a', count: 1 },
    ]);
    const { payload_schema } = await client.getCollection('c');
    expect(payload_schema.model).toEqual({ data_type: 'keyword', points: 3 });
  });
});

describe('an alias', () => {
  it('is read and written through, and pointed elsewhere by one action', async () => {
    const { client } = await withDouble();
    await client.createCollection('one', { vectors });
    await client.createCollection('two', { vectors });
    await point(client, 'live', 'one');
    await client.upsert('live', { points: numberedPoints(3) });
    expect(await client.count('one')).toEqual({ count: 3 });
    await point(client, 'live', 'two');
    expect(await client.count('live')).toEqual({ count: 0 });
    expect((await client.getCollectionAliases('two')).aliases).toEqual([
      { alias_name: 'live', collection_name: 'two' },
    ]);
  });

  it('is refused over a collection (409) and at a missing one or another alias (404)', async () => {
    const { client } = await withDouble();
    await client.createCollection('one', { vectors });
    await client.createCollection('two', { vectors });
    await point(client, 'live', 'one');
    expect(await statusOf(point(client, 'two', 'one'))).toBe(409);
    expect(await statusOf(point(client, 'other', 'nowhere'))).toBe(404);
    expect(await statusOf(point(client, 'other', 'live'))).toBe(404);
  });

  it('is lost where it is deleted and made anew at a missing collection in one request', async () => {
    const { client } = await withDouble();
    await client.createCollection('one', { vectors });
    await point(client, 'live', 'one');
    const actions = [
      { delete_alias: { alias_name: 'live' } },
      { create_alias: { alias_name: 'live', collection_name: 'nowhere' } },
    ];
    expect(await statusOf(client.updateCollectionAliases({ actions }))).toBe(404);
    expect((await client.getAliases()).aliases).toEqual([]);
  });
});

describe('filters', () => {
  it.each([
    [{ must: [{ key: 'tags', match: { value: 'x' } }] }, [0]],
    [{ must: [{ key: 'n', match: { any: [1, 2] } }] }, [1, 2]],
    [{ must: [{ key: 'n', match: { except: [1, 2] } }] }, [0, 3]],
    [{ must: [{ key: 'n', range: { gte: 1, lt: 3 } }] }, [1, 2]],
    [{ must: [{ key: 'deep.text', match: { text: 'fox' } }] }, [2]],
    [{ must: [{ key: 'tags', values_count: { gte: 2 } }] }, [0]],
    [{ must: [{ is_empty: { key: 'tags' } }] }, [1, 2, 3]],
    [{ must: [{ is_null: { key: 'tags' } }] }, [1]],
    [{ must_not: [{ has_id: [0, 1, 99] }] }, [2, 3]],
    [{ should: [{ has_id: [0] }, { key: 'n', match: { value: 3 } }] }, [0, 3]],
    [{ must: [{ must_not: [{ key: 'n', match: { value: 0 } }] }, { has_id: [0, 1] }] }, [1]],
    [{ min_should: { conditions: [{ has_id: [1] }, { key: 'n', range: { gt: 0 } }], min_count: 2 } }, [1]],
    [{ must: [{ nested: { key: 'list', filter: { must: [{ key: 'a', match: { value: 1 } }] } } }] }, [3]],
  ])('%j', async (filter, expected) => {
    const { client } = await withDouble();
    await client.createCollection('c', { vectors });
    const payloads = [
      { n: 0, tags: ['x', 'y'] },
      { n: 1, tags: null },
      { n: 2, tags: [], deep: { text: 'the quick fox' } },
      { n: 3, list: [{ a: 0 }, { a: 1 }] },
    ];
    await client.upsert('c', { points: payloads.map((payload, id) => ({ id, vector: [1, 1], payload })) });
    const { points } = await client.scroll('c', { filter });
    expect(points.map(({ id }) => id)).toEqual(expected);
  });

  it('partition ids by slices', async () => {
    const { client } = await withDouble({ version: '1.19.0' });
    await client.createCollection('c', { vectors });
    await client.upsert('c', { points: numberedPoints(40) });
    const slices = await Promise.all(
      [0, 1, 2].map(async (index) => {
        const filter = { must: [{ slice: { index, total: 3 } }] };
        return (await client.scroll('c', { filter, limit: 100 })).points.map(({ id }) => Number(id));
      }),
    );
    expect(slices.flat().sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
    expect(slices.every(({ length }) => length > 0)).toBe(true);
  });
});

describe('strict mode', () => {
  const strict = async (strict_mode_config: object) => {
    const { client } = await withDouble();
    await client.createCollection('c', {
      vectors,
      strict_mode_config: { enabled: true, ...strict_mode_config },
    });
    return client;
  };
  const filter = { must: [{ key: 'n', match: { value: 1 } }] };

  it('limits pages and batches', async () => {
    const client = await strict({ max_query_limit: 5, upsert_max_batchsize: 3 });
    expect(await refusalOf(client.scroll('c', {}))).toMatch(/Limit exceeded 10 > 5 for "limit"/);
    expect(await statusOf(client.upsert('c', { points: numberedPoints(4) }))).toBe(400);
    const operations = [{ upsert: { points: numberedPoints(1) } }, { upsert: { points: numberedPoints(4) } }];
    expect(await statusOf(client.batchUpdate('c', { operations }))).toBe(400);
    expect(await client.count('c')).toEqual({ count: 0 });
    await client.upsert('c', { points: numberedPoints(3) });
  });

  it('asks for an index of the right kind before it filters, update_filter excepted', async () => {
    const client = await strict({ unindexed_filtering_retrieve: false, unindexed_filtering_update: false });
    await client.upsert('c', { points: numberedPoints(2) });
    expect(await refusalOf(client.count('c', { filter }))).toMatch(/Index required but not found for "n"/);
    expect(await statusOf(client.setPayload('c', { payload: { a: 1 }, filter }))).toBe(400);
    expect(await statusOf(client.delete('c', { filter, wait: true }))).toBe(400);
    await client.upsert('c', { points: numberedPoints(2), update_filter: filter });
    const rangeOnly = { type: 'integer', lookup: false, range: true } as const;
    await client.createPayloadIndex('c', { field_name: 'n', field_schema: rangeOnly, wait: true });
    expect(await statusOf(client.count('c', { filter }))).toBe(400);
    await client.createPayloadIndex('c', { field_name: 'n', field_schema: 'integer', wait: true });
    expect(await client.count('c', { filter })).toEqual({ count: 1 });
    expect(await client.count('c', { filter: { must: [{ has_id: [1] }, { has_vector: '' }] } })).toEqual({
      count: 1,
    });
  });

  it('limits conditions, points, indexes and timeouts', async () => {
    const client = await strict({
      filter_max_conditions: 1,
      condition_max_size: 2,
      max_points_count: 2,
      max_payload_index_count: 1,
      max_timeout: 5,
    });
    const two = { must: [{ has_id: [1] }, { has_id: [2] }] };
    expect(await refusalOf(client.count('c', { filter: two }))).toMatch(
      /Filter condition limit reached \(2 > 1\)/,
    );
    const wide = { must: [{ has_id: [1, 2, 3] }] };
    expect(await refusalOf(client.count('c', { filter: wide }))).toMatch(
      /Condition size limit reached \(3 > 2\)/,
    );
    await client.upsert('c', { points: numberedPoints(2) });
    expect(await refusalOf(client.upsert('c', { points: numberedPoints(1) }))).toMatch(/Max points count/);
    await client.createPayloadIndex('c', { field_name: 'a', field_schema: 'keyword', wait: true });
    const second = client.createPayloadIndex('c', { field_name: 'b', field_schema: 'keyword', wait: true });
    expect(await statusOf(second)).toBe(400);
    expect(await refusalOf(client.count('c', { timeout: 6 }))).toMatch(/Limit exceeded 6 > 5 for "timeout"/);
  });
});
