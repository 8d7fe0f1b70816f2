import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingModelSpec, isAtTarget, isRegistryError } from '@registry/core';
import { ManualClock } from '@registry/core/testing';
import { MemoryNode, SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type LayoutName, makeStore, openStore, temporaryFolder } from './stores.ts';

const info = { embeddingModelId: 'm', embeddingVersion: 1, embeddingChecksum: 'c' };
const vector = new Float32Array([1, 2, 3]);
let path: string;

beforeEach(() => {
  path = join(temporaryFolder(), 'nodes.sqlite');
});

describe.each(['own', 'adopted'] as const)('the application’s side, %s table', (layout: LayoutName) => {
  let store: SqliteNodeStore;

  beforeEach(async () => {
    store = await makeStore(path, layout);
    onTestFinished(() => store.close());
  });

  it('adds, changes and deletes nodes', async () => {
    await store.insert([
      { id: 'a', content: 'A', vector, metadata: { kind: 'k', size: 2 }, ...info },
      new MemoryNode({ id: 'b', content: 'B' }),
    ]);
    expect(await store.count()).toBe(2);
    expect(await store.get('a')).toMatchObject({
      content: 'A',
      vector,
      metadata: { kind: 'k', size: 2 },
      ...info,
    });
    expect((await store.get('b'))!.embeddingModelId).toBeUndefined();
    expect(await store.update('a', { metadata: { kind: 'l' } })).toBe(true);
    expect(await store.get('a')).toMatchObject({ content: 'A', metadata: { kind: 'l' }, fence: '1' });
    expect(await store.update('a', { content: 'A2', vector: new Float32Array([4, 5, 6]), ...info })).toBe(
      true,
    );
    const changed = (await store.get('a'))!;
    expect(changed.embeddedHash).toBe(changed.contentHash);
    expect(await store.update('a', { vector: null })).toBe(true);
    const bare = (await store.get('a'))!;
    expect([bare.vector, bare.embeddingModelId, bare.embeddedHash]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await store.update('absent', { content: 'x' })).toBe(false);
    await store.upsert({ id: 'a', content: 'A3' });
    expect((await store.get('a'))!.content).toBe('A3');
    expect(await store.delete(['a', 'absent'])).toBe(1);
    expect(await store.delete('b')).toBe(1);
    expect(await store.get('a')).toBeUndefined();
    expect(await store.count()).toBe(0);
  });

  it('is behind once a text was edited whose vector is of no known text', async () => {
    await store.insert({ id: 'a', content: 'A', vector, ...info });
    const { fence } = (await store.get('a'))!;
    await store.write([{ nodeId: 'a', fence, set: { ...info, vector } }]);
    expect((await store.scan({ limit: 1, notAt: info })).items).toEqual([]);
    await store.update('a', { content: 'A', metadata: { kind: 'k' } });
    expect(isAtTarget((await store.get('a'))!, info)).toBe(true);
    await store.update('a', { content: 'B' });
    expect(isAtTarget((await store.get('a'))!, info)).toBe(false);
    expect((await store.scan({ limit: 1, notAt: info })).items).toEqual([{ id: 'a', ...info }]);
  });

  it('adds all nodes or none', async () => {
    await store.insert({ id: 'a', content: 'A' });
    const both = [
      { id: 'new', content: 'x', vector, ...info },
      { id: 'a', content: 'again' },
    ];
    expect(await codeOf(store.insert(both))).toBe('SPEC_INVALID');
    expect(await store.count()).toBe(1);
    expect(await store.countByModel()).toEqual([{ count: 1 }]);
    // What the failed transaction learned about the model is forgotten with it.
    await store.insert({ id: 'b', content: 'x', vector: new Float32Array(5), ...info });
    expect((await store.get('b'))!.vector).toHaveLength(5);
  });

  it('refuses a vector that contradicts its stamp', async () => {
    const bitInfo = { embeddingModelId: 'binary_hdv', embeddingVersion: 1, embeddingChecksum: '' };
    await store.insert({ id: 'a', content: 'x', vector, ...info });
    const wrong = [
      { vector: new Float32Array(4), ...info },
      { vector: new Uint8Array(3), ...info },
      { vector, ...bitInfo },
      { vector: new Float32Array([1, Number.NaN, 2]), ...info },
    ];
    for (const fields of wrong) {
      expect(await codeOf(store.insert({ id: 'b', content: 'x', ...fields }))).toBe('VECTOR_INVALID');
      expect(await codeOf(store.update('a', fields))).toBe('VECTOR_INVALID');
    }
    const before = (await store.read(['a']))[0]!;
    for (const set of [...wrong.slice(0, 3), info]) {
      expect(await codeOf(store.write([{ nodeId: 'a', fence: before.fence, set }]))).toBe('VECTOR_INVALID');
    }
    expect(await store.read(['a'])).toEqual([before]);
    expect(await codeOf(store.insert(new MemoryNode({ id: 'b', content: 'x', vector })))).toBe(
      'VECTOR_INVALID',
    );
    await store.insert(new MemoryNode({ id: 'b', content: 'x', vector: new Uint8Array(8) }));
    expect(await store.count()).toBe(2);
  });

  it.each([
    [{ id: '', content: 'x' }],
    [{ id: 7, content: 'x' }],
    [{ id: 'lone \ud800', content: 'x' }],
    [{ id: 'a' }],
    [{ id: 'a', content: 'x', vector: [1, 2] }],
    [{ id: 'a', content: 'x', vector, embeddingModelId: 'm' }],
    [{ id: 'a', content: 'x', vector, ...info, embeddingVersion: '1' }],
    [{ id: 'a', content: 'x', hdv: vector }],
    [{ id: 'a', content: 'x', metadata: 'text' }],
    [{ id: 'a', content: 'x', metadata: { kind: 5n } }],
  ])('refuses the node %#', async (node) => {
    expect(await codeOf(store.insert(node as never))).toBe('SPEC_INVALID');
    expect(await store.count()).toBe(0);
  });

  it('refuses what it cannot do', async () => {
    await store.insert({ id: 'a', content: 'x' });
    expect(await codeOf(store.update('a', info))).toBe('SPEC_INVALID');
    expect(await codeOf(store.update('a', { text: 'x' } as never))).toBe('SPEC_INVALID');
    for (const limit of [0, 1.5, Number.NaN])
      expect(await codeOf(store.scan({ limit }))).toBe('SPEC_INVALID');
    for (const where of [{ kind: null }, { kind: { $gt: 1 } }])
      expect(await codeOf(store.scan({ limit: 1, where: where as never }))).toBe('SPEC_INVALID');
  });

  it('reads more ids than SQLite binds values', async () => {
    const nodes = Array.from({ length: 3000 }, (_, index) => ({ id: `n${index}`, content: 'x' }));
    await store.insert(nodes);
    const ids = Array.from({ length: 40_000 }, (_, index) => `n${index}`);
    expect(await store.read(ids)).toHaveLength(3000);
  });

  it('scans and counts in steps, with and without a filter', async () => {
    const total = 10_500;
    await store.insert(
      Array.from({ length: total }, (_, index) => ({
        id: `n${String(index).padStart(5, '0')}`,
        content: '',
        metadata: { kind: index % 1000 === 0 ? 'rare' : 'common' },
      })),
    );
    const page = await store.scan({ limit: 10_400 });
    expect([page.items.length, page.next]).toEqual([10_400, 'n10399']);
    expect((await store.scan({ limit: 500, after: page.next! })).items).toHaveLength(100);
    const rare = await store.scan({ limit: 3, where: { kind: 'rare' } });
    expect(rare.items.map(({ id }) => id)).toEqual(['n00000', 'n01000', 'n02000']);
    const rest = await store.scan({ limit: 100, where: { kind: 'rare' }, after: rare.next! });
    expect(rest.items.map(({ id }) => id).at(-1)).toBe('n10000');
    expect([rest.items.length, rest.next]).toEqual([8, undefined]);
    expect(await store.countByModel({ where: { kind: 'common' } })).toEqual([{ count: total - 11 }]);
  });

  it('merges the nodes of more stamps than SQLite merges', async () => {
    const stamps = 620;
    await store.insert(
      Array.from({ length: stamps }, (_, index) => ({
        id: `n${String((index * 7) % stamps).padStart(3, '0')}`,
        content: 'x',
        vector,
        ...info,
        embeddingVersion: index + 1,
      })),
    );
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.scan({ limit: 100, notAt: info, ...(after === undefined ? {} : { after }) });
      found.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    const ids = Array.from({ length: stamps }, (_, index) => `n${String(index).padStart(3, '0')}`);
    expect(found).toEqual(ids.slice(1));
    expect(await store.countByModel()).toHaveLength(stamps);
  });

  it('keeps ids with control characters', async () => {
    const ids = ['a\u0000b', 'a', 'a\u0000', '\u0001', '\u007f'];
    await store.insert(ids.map((id) => ({ id, content: id })));
    for (const id of ids) expect((await store.read([id])).map((node) => node.content)).toEqual([id]);
    expect((await store.scan({ limit: 10 })).items).toHaveLength(ids.length);
  });

  it('takes a declared model over the first vector it saw, and no other declaration', async () => {
    const at = (dimension: number) =>
      new EmbeddingModelSpec({ modelId: 'm', version: 1, dimension, checksum: 'c' });
    await store.insert({ id: 'a', content: 'x', vector: new Float32Array(2), ...info });
    await store.declareModels([at(3)]);
    expect(await codeOf(store.insert({ id: 'b', content: 'x', vector: new Float32Array(2), ...info }))).toBe(
      'VECTOR_INVALID',
    );
    await using other = await openStore(path, layout, { models: [at(3)] });
    await other.insert({ id: 'b', content: 'x', vector, ...info });
    expect(await codeOf(store.declareModels([at(4)]))).toBe('MODEL_CONFLICT');
    expect(await codeOf(openStore(path, layout, { models: [{ ...at(3).toJSON(), version: 0 }] }))).toBe(
      'SPEC_INVALID',
    );
  });

  it('says that the file is locked once patience ends, and writes nothing', async () => {
    const clock = new ManualClock();
    await using patient = await openStore(path, layout, { clock });
    const raw = new Database(path);
    raw.exec('BEGIN IMMEDIATE');
    const attempt = codeOf(patient.insert({ id: 'late', content: 'x' }));
    await clock.untilSleeping();
    clock.set(clock.now() + 6_000);
    expect(await clock.runUntil(attempt)).toBe('DATABASE_LOCKED');
    raw.exec('ROLLBACK');
    expect(await store.count()).toBe(0);
    const second = patient.insert({ id: 'late', content: 'x' });
    await clock.runUntil(second);
    expect(await store.count()).toBe(1);
    raw.close();
  });
});

describe('a named metadata column', () => {
  it('holds plain values, and names itself where it is missing', async () => {
    await using store = await makeStore(path, 'adopted');
    await store.insert({ id: 'a', content: 'x', metadata: { draft: true, size: 1.5 } });
    expect((await store.get('a'))!.metadata).toEqual({ draft: 1, size: 1.5 });
    expect(await codeOf(store.insert({ id: 'b', content: 'x', metadata: { nope: 1 } }))).toBe('SPEC_INVALID');
    expect(await codeOf(store.insert({ id: 'b', content: 'x', metadata: { kind: {} } }))).toBe(
      'SPEC_INVALID',
    );
    expect(await codeOf(store.scan({ limit: 1, where: { nope: 1 } }))).toBe('SPEC_INVALID');
  });
});

describe('opening', () => {
  it.each(['models', 'Tasks', 'migration_plans', 'side_notes', 'sqlite_nodes'])(
    'refuses the table name %s',
    async (table) => {
      expect(await codeOf(SqliteNodeStore.open({ path, table }))).toBe('SPEC_INVALID');
    },
  );

  it.each([{ path: '' }, { path: 5 }, { table: '' }, { columns: { key: 'x' } }, { clok: 1 }])(
    'refuses the options %j',
    async (options) => {
      expect(await codeOf(SqliteNodeStore.open({ path, ...options } as never))).toBe('SPEC_INVALID');
    },
  );

  it('leaves a table alone that is not its own', async () => {
    const raw = new Database(path);
    raw.exec("CREATE TABLE nodes (x); INSERT INTO nodes VALUES ('mine')");
    raw.close();
    expect(await codeOf(SqliteNodeStore.open({ path }))).toBe('SPEC_INVALID');
    await using store = await SqliteNodeStore.open({ path, table: 'memories' });
    await store.insert({ id: 'a', content: 'x' });
    const look = new Database(path, { readonly: true });
    expect(look.prepare('SELECT * FROM nodes').all()).toEqual([{ x: 'mine' }]);
    look.close();
  });

  it('keeps two stores in one file apart', async () => {
    await using first = await SqliteNodeStore.open({ path });
    await using second = await SqliteNodeStore.open({ path, table: 'it"s; second' });
    expect(first.storeId).not.toBe(second.storeId);
    await first.insert({ id: 'a', content: 'x', vector, ...info });
    await second.insert({ id: 'b', content: 'y' });
    expect([await first.count(), await second.count()]).toEqual([1, 1]);
    expect(await second.countByModel()).toEqual([{ count: 1 }]);
  });

  it('is the same store for two who make it at once', async () => {
    const stores = await Promise.all([SqliteNodeStore.open({ path }), SqliteNodeStore.open({ path })]);
    expect(stores[0].storeId).toBe(stores[1].storeId);
    for (const store of stores) await store.close();
  });

  it('touches neither version number of the file, which are the registry’s', async () => {
    await (await SqliteNodeStore.open({ path })).close();
    const raw = new Database(path);
    expect([
      raw.pragma('user_version', { simple: true }),
      raw.pragma('application_id', { simple: true }),
    ]).toEqual([0, 0]);
    raw.close();
  });

  it('refuses a store of a newer version, and leaves it', async () => {
    await (await SqliteNodeStore.open({ path })).close();
    const raw = new Database(path);
    raw.exec('UPDATE nodes_embedding_store SET schema_version = 2');
    expect(await codeOf(SqliteNodeStore.open({ path }))).toBe('DATABASE_NEWER');
    raw.exec('DELETE FROM nodes_embedding_store');
    expect(await codeOf(SqliteNodeStore.open({ path }))).toBe('DATABASE_INVALID');
    raw.close();
  });

  it('says what is wrong with a file', async () => {
    writeFileSync(path, 'This is a text and no database. '.repeat(100));
    expect(await codeOf(SqliteNodeStore.open({ path }))).toBe('DATABASE_INVALID');
    expect(await codeOf(SqliteNodeStore.open({ path: join(path, '..', 'no', 'folder.sqlite') }))).toBe(
      'DATABASE_UNAVAILABLE',
    );
    const folder = join(path, '..', 'folder');
    mkdirSync(folder);
    expect(await codeOf(SqliteNodeStore.open({ path: folder }))).toBe('DATABASE_UNAVAILABLE');
  });

  it('rejects once closed', async () => {
    const store = await SqliteNodeStore.open({ path });
    await store.close();
    expect(await codeOf(store.read(['a']))).toBe('DATABASE_UNAVAILABLE');
    expect(await codeOf(store.count())).toBe('DATABASE_UNAVAILABLE');
    expect(await codeOf(store.insert({ id: 'a', content: 'x' }))).toBe('DATABASE_UNAVAILABLE');
  });
});

async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    return isRegistryError(error) ? error.code : String(error);
  }
  return 'nothing thrown';
}
