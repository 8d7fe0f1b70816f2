import { QdrantClient } from '@qdrant/js-client-rest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startQdrantDouble } from '../index.ts';
import { clientOf, numberedPoints, statusOf, withDouble } from './double.ts';

const vectors = { size: 2, distance: 'Dot' } as const;

describe('a request that the types of the client do not allow', () => {
  /** As a program without types would call. */
  const untyped = (value: unknown) => value as never;

  it.each([
    ['an id below zero', { points: [{ id: -1, vector: [1, 1] }] }],
    ['an id beyond 64 bits', { points: [{ id: 2n ** 64n, vector: [1, 1] }] }],
    ['an id that is any text', { points: [{ id: '42', vector: [1, 1] }] }],
    ['an unknown mode', { points: numberedPoints(1), update_mode: 'insertOnly' }],
    ['a typed array', { points: [{ id: 1, vector: new Float32Array(2) }] }],
    ['a number that JSON cannot hold', { points: [{ id: 1, vector: [1, Number.NaN] }] }],
    ['a misspelt key', { points: numberedPoints(1), updateFilter: {} }],
    [
      'a misspelt condition',
      { points: numberedPoints(1), update_filter: { must: [{ key: 'a', mach: {} }] } },
    ],
  ])('is refused and told when the double is closed: %s', async (_, body) => {
    const double = await startQdrantDouble();
    const client = clientOf(double);
    await client.createCollection('c', { vectors });
    expect(await statusOf(client.upsert('c', untyped(body)))).toBe(400);
    expect(await client.count('c')).toEqual({ count: 0 });
    await expect(double.close()).rejects.toThrow(/PUT \/collections\/c\/points: /);
  });

  it('is told whatever the operation', async () => {
    const { double, client } = await withDouble();
    await client.createCollection('c', { vectors });
    expect(await statusOf(client.scroll('c', { limit: -1 }))).toBe(400);
    expect(
      await statusOf(client.createCollection('d', untyped({ vectors: { size: 2, distance: 'cosine' } }))),
    ).toBe(400);
    expect(
      await statusOf(client.api().scrollPoints(untyped({ collection_name: 'c', with_vectors: true }))),
    ).toBe(400);
    expect(
      await statusOf(client.query('c', { query: { fusion: 'rrf' }, prefetch: [{ query: [1, 1] }] })),
    ).toBe(500);
    const violations = double.takeViolations();
    expect(violations).toHaveLength(4);
    expect(violations[3]).toMatch(/the double knows no prefetch/);
  });
});

describe('the version', () => {
  it('is what the double was told to be', async () => {
    const { client } = await withDouble({ version: '1.16.2' });
    expect((await client.versionInfo()).version).toBe('1.16.2');
  });

  it('decides what is there, and which keys would be ignored', async () => {
    const { double, client } = await withDouble({ version: '1.15.0' });
    await client.createCollection('c', { vectors: { a: vectors } });
    expect(await statusOf(client.createVectorName('c', 'b', { dense: vectors }))).toBe(404);
    const points = [{ id: 1, vector: { a: [1, 1] }, payload: { update_mode: 1, metadata: 2 } }];
    await client.upsert('c', { points });
    await statusOf(client.upsert('c', { points, update_filter: { must: [{ has_id: [1] }] } }));
    await statusOf(client.upsert('c', { points, update_mode: 'insert_only' }));
    await statusOf(client.updateCollection('c', { metadata: { a: 1 } }));
    await statusOf(client.scroll('c', { filter: { must: { slice: { index: 0, total: 2 } } } }));
    expect(double.takeViolations().map((text) => text.replace(/.*: /, ''))).toEqual([
      '`update_filter`, which 1.15.0 ignores (since 1.16)',
      '`update_mode`, which 1.15.0 ignores (since 1.17)',
      '`metadata`, which 1.15.0 ignores (since 1.16)',
      '`slice`, which 1.15.0 ignores (since 1.19)',
    ]);
  });
});

describe('a request', () => {
  it('needs the key, but for the version', async () => {
    const { double } = await withDouble({ apiKey: 'secret' });
    const stranger = clientOf(double);
    expect((await stranger.versionInfo()).version).toBe('1.18.3');
    expect(await statusOf(stranger.getCollections())).toBe(401);
    const headers = { 'api-key': 'secret' };
    const friend = new QdrantClient({ url: double.url, headers, checkCompatibility: false });
    expect((await friend.getCollections()).collections).toEqual([]);
  });

  it('has a largest size, above which it is 400', async () => {
    const { client } = await withDouble({ maxRequestBytes: 10_000 });
    await client.createCollection('c', { vectors });
    const points = [{ id: 1, vector: [1, 1], payload: { text: 'x'.repeat(10_000) } }];
    expect(await statusOf(client.upsert('c', { points }))).toBe(400);
    expect(await client.count('c')).toEqual({ count: 0 });
  });

  it('is remembered', async () => {
    const { double, client } = await withDouble();
    await client.createCollection('a b', { vectors });
    await client.count('a b');
    expect(double.requests).toMatchObject([
      { number: 1, method: 'PUT', operation: 'create_collection', collection: 'a b' },
      { number: 2, method: 'POST', operation: 'count_points', body: { exact: true } },
    ]);
  });

  it('to a closed double fails like one to a server that is gone', async () => {
    const double = await startQdrantDouble();
    await double.close();
    await expect(clientOf(double).getCollections()).rejects.toThrow(/fetch failed/);
  });
});

describe('a copy of a double', () => {
  it('has what was written, and goes its own way', async () => {
    const { double, client } = await withDouble();
    await client.createCollection('c', { vectors });
    await client.upsert('c', { points: numberedPoints(2) });
    await client.updateCollectionAliases({
      actions: [{ create_alias: { alias_name: 'live', collection_name: 'c' } }],
    });
    const copy = await double.copy();
    onTestFinished(() => copy.close());
    const other = clientOf(copy);
    await other.delete('live', { points: [0], wait: true });
    expect(copy.peek('live').map(({ id }) => id)).toEqual([1]);
    expect(double.peek('c')).toMatchObject([
      { id: 0, payload: { n: 0 } },
      { id: 1, payload: { n: 1 } },
    ]);
    expect(double.peek('nowhere')).toEqual([]);
  });
});
