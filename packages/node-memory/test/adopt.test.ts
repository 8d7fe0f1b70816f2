import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRegistryError } from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it } from 'vitest';
import { adoptedColumns, createApplicationTable, temporaryFolder } from './stores.ts';

const table = 'my docs';
let path: string;

beforeEach(() => {
  path = join(temporaryFolder(), 'application.sqlite');
});

describe('adopting a table', () => {
  it('says what it would add, and changes nothing', async () => {
    createApplicationTable(path);
    const before = readFileSync(path);
    const adoption = await SqliteNodeStore.adopt({ path, table, columns: adoptedColumns });
    expect(adoption).toMatchObject({
      table,
      isAdopted: false,
      columns: [
        'embedding_model_id',
        'embedding_version',
        'embedding_checksum',
        'embedded_hash',
        'embedding_content_hash',
        'embedding_revision',
        'embedding_datatype',
      ],
      tables: ['my docs_embedding_store', 'my docs_embedding_stamps'],
      indexes: ['my docs_embedding_by_stamp', 'my docs_embedding_stale'],
      triggers: ['my docs_embedding_inserted', 'my docs_embedding_updated'],
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    await expect(codeOf(SqliteNodeStore.open({ path, table, columns: adoptedColumns }))).resolves.toBe(
      'SPEC_INVALID',
    );
  });

  it('adds it once, moves no row, and leaves other statements as they were', async () => {
    createApplicationTable(path);
    const raw = new Database(path);
    const bytes = Buffer.from(new Float32Array([1, 2, 3]).buffer);
    raw
      .prepare('INSERT INTO "my docs" ("key", body, embedding, kind) VALUES (?, ?, ?, ?)')
      .run('a', 'text', bytes, 'k');
    raw.prepare('INSERT INTO "my docs" ("key", body) VALUES (?, ?)').run('b', null);
    const options = { path, table, columns: adoptedColumns };
    const first = await SqliteNodeStore.adopt({ ...options, apply: true });
    expect(first.isAdopted).toBe(true);
    expect(first.columns).toHaveLength(7);
    const again = await SqliteNodeStore.adopt({ ...options, apply: true });
    expect(again).toMatchObject({
      isAdopted: true,
      columns: [],
      tables: [],
      indexes: [],
      triggers: [],
      statements: [],
    });
    await using store = await SqliteNodeStore.open(options);
    expect(await store.get('a')).toMatchObject({
      content: 'text',
      vector: new Float32Array([1, 2, 3]),
      metadata: { kind: 'k' },
      fence: '0',
    });
    const [bare] = await store.read(['b']);
    expect(bare!.content).toBeUndefined();
    const set = {
      embeddingModelId: 'm',
      embeddingVersion: 1,
      embeddingChecksum: 'c',
      vector: new Float32Array(3),
    };
    const write = { nodeId: 'a', fence: '0', set };
    expect(await store.write([write])).toEqual(['written']);
    expect(await store.write([write])).toEqual(['conflict']);
    raw.prepare('INSERT INTO "my docs" ("key", body) VALUES (?, ?)').run('c', 'old statement');
    expect(await store.count()).toBe(3);
    const row = raw
      .prepare(
        'SELECT author, embedding_model_id AS model, embedding_version AS version FROM "my docs" WHERE "key" = ?',
      )
      .get('a');
    expect(row).toEqual({ author: 'nobody', model: 'm', version: 1 });
    raw.close();
  });

  it('keeps its store id, and leaves the version numbers of the file alone', async () => {
    createApplicationTable(path);
    const raw = new Database(path);
    raw.pragma('user_version=7');
    raw.close();
    const options = { path, table, columns: adoptedColumns };
    await SqliteNodeStore.adopt({ ...options, apply: true });
    const first = await SqliteNodeStore.open(options);
    await first.close();
    await using second = await SqliteNodeStore.open(options);
    expect(second.storeId).toBe(first.storeId);
    const look = new Database(path, { readonly: true });
    expect(look.pragma('user_version', { simple: true })).toBe(7);
    expect(look.pragma('application_id', { simple: true })).toBe(0);
    look.close();
  });

  it('reads stamps that the table had before, and drops broken ones', async () => {
    const raw = new Database(path);
    raw.exec(`CREATE TABLE docs (id TEXT PRIMARY KEY, content TEXT, vector BLOB, embedding_model_id TEXT, embedding_version TEXT, embedding_checksum TEXT);
      INSERT INTO docs VALUES ('a', 'x', x'00000000', 'm', '2', NULL), ('b', 'x', x'00000000', 'm', 'two', 'c'), ('c', 'x', NULL, 'm', '1', 'c')`);
    raw.close();
    const { columns } = await SqliteNodeStore.adopt({ path, table: 'docs', apply: true });
    expect(columns).not.toContain('embedding_model_id');
    await using store = await SqliteNodeStore.open({ path, table: 'docs', columns: {} });
    const info = { embeddingModelId: 'm', embeddingVersion: 2, embeddingChecksum: '' };
    expect(await store.countByModel()).toEqual([{ count: 2 }, { info, count: 1 }]);
    expect((await store.scan({ limit: 9, notAt: info })).items.map(({ id }) => id)).toEqual(['b', 'c']);
    const hits = await store.search(new Float32Array([1]), { at: info, k: 1 });
    expect(hits).toEqual([]);
  });

  it('serves integer ids as text, in the order of their numbers', async () => {
    const raw = new Database(path);
    raw.exec(`CREATE TABLE docs (id INTEGER PRIMARY KEY, content TEXT, vector BLOB);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12) INSERT INTO docs(id, content) SELECT i, 'text ' || i FROM n`);
    raw.close();
    await SqliteNodeStore.adopt({ path, table: 'docs', apply: true });
    await using store = await SqliteNodeStore.open({ path, table: 'docs', columns: {} });
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.scan({ limit: 5, ...(after === undefined ? {} : { after }) });
      ids.push(...page.items.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    expect(ids).toEqual(Array.from({ length: 12 }, (_, index) => String(index + 1)));
    expect((await store.read(['2', '02', '2.0', 'x'])).map(({ id }) => id)).toEqual(['2']);
    const [node] = await store.read(['7']);
    const set = {
      embeddingModelId: 'm',
      embeddingVersion: 1,
      embeddingChecksum: '',
      vector: new Float32Array(1),
    };
    expect(await store.write([{ nodeId: '7', fence: node!.fence, set }])).toEqual(['written']);
    expect(await store.update('8', { content: 'new' })).toBe(true);
    expect(await store.update('08', { content: 'new' })).toBe(false);
    expect(await store.delete(['1', '99', '02'])).toBe(1);
  });

  it('tells integer ids apart that are one JavaScript number', async () => {
    const ids = ['5', '9007199254740992', '9007199254740993', '9223372036854775807'];
    const raw = new Database(path);
    raw.exec('CREATE TABLE docs (id INTEGER PRIMARY KEY, content TEXT, vector BLOB, kind TEXT)');
    const insert = raw.prepare("INSERT INTO docs VALUES (?, 'text', x'0000803f', 'k')");
    for (const id of ids) insert.run(BigInt(id));
    raw.close();
    const options = { path, table: 'docs', columns: { metadata: ['kind'] } };
    await SqliteNodeStore.adopt({ ...options, apply: true });
    await using store = await SqliteNodeStore.open({ ...options, sqliteVec: false });
    for (const where of [{}, { where: { kind: 'k' } }]) {
      const first = await store.scan({ limit: 2, ...where });
      const rest = await store.scan({ limit: 2, after: first.next!, ...where });
      expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
    }
    const nodes = await store.read(ids);
    expect(nodes.map(({ id }) => id)).toEqual(ids);
    expect([...(await store.readField(ids, 'kind')).keys()]).toEqual(ids);
    const info = { embeddingModelId: 'm', embeddingVersion: 1, embeddingChecksum: '' };
    const set = { ...info, vector: new Float32Array([1]) };
    const writes = nodes.map(({ id: nodeId, fence }) => ({ nodeId, fence, set }));
    expect(await store.write(writes)).toEqual(ids.map(() => 'written'));
    const hits = await store.search(new Float32Array([1]), { at: info, k: 9 });
    expect(hits.map(({ id }) => id)).toEqual(ids);
  });

  it('bears with metadata that is no JSON: it matches nothing, and names its node where it is read', async () => {
    const raw = new Database(path);
    raw.exec(`CREATE TABLE docs (id TEXT PRIMARY KEY, content TEXT, vector BLOB, meta TEXT);
      INSERT INTO docs(id, content, meta) VALUES ('a', 'x', '{"kind":"k"}'), ('b', 'x', '{kind'), ('c', 'x', NULL)`);
    raw.close();
    const options = { path, table: 'docs', columns: { metadata: 'meta' } };
    await SqliteNodeStore.adopt({ ...options, apply: true });
    await using store = await SqliteNodeStore.open(options);
    const where = { kind: 'k' };
    expect((await store.scan({ limit: 9, where })).items).toEqual([{ id: 'a' }]);
    expect(await store.countByModel({ where })).toEqual([{ count: 1 }]);
    expect((await store.read(['b'])).map(({ content }) => content)).toEqual(['x']);
    expect(await codeOf(store.get('b'))).toBe('DATABASE_INVALID');
    expect((await store.get('c'))!.metadata).toEqual({});
  });

  it.each([
    ['no such table', 'CREATE TABLE other (x)', {}],
    [
      'a view',
      'CREATE TABLE t (id TEXT PRIMARY KEY, content, vector); CREATE VIEW docs AS SELECT * FROM t',
      {},
    ],
    ['no vector column', 'CREATE TABLE docs (id TEXT PRIMARY KEY, content TEXT)', {}],
    [
      'no metadata column',
      'CREATE TABLE docs (id TEXT PRIMARY KEY, content, vector)',
      { metadata: ['nope'] },
    ],
    ['ids that are not unique', 'CREATE TABLE docs (id TEXT, content, vector)', {}],
    ['ids unique with others only', 'CREATE TABLE docs (id TEXT, b, content, vector, UNIQUE (id, b))', {}],
    [
      'ids unique for some rows',
      'CREATE TABLE docs (id TEXT, content, vector); CREATE UNIQUE INDEX u ON docs (id) WHERE content > 1',
      {},
    ],
    [
      'ids without regard to case',
      'CREATE TABLE docs (id TEXT COLLATE NOCASE PRIMARY KEY, content, vector)',
      {},
    ],
    [
      'vectors as text',
      "CREATE TABLE docs (id TEXT PRIMARY KEY, content, vector); INSERT INTO docs VALUES ('a', 'x', '[1,2]')",
      {},
    ],
  ])('refuses %s', async (_, sql, columns) => {
    const raw = new Database(path);
    raw.exec(sql);
    raw.close();
    for (const apply of [false, true])
      expect(await codeOf(SqliteNodeStore.adopt({ path, table: 'docs', columns, apply }))).toBe(
        'SPEC_INVALID',
      );
  });

  it('makes no file for a wrong path', async () => {
    for (const apply of [false, true])
      expect(await codeOf(SqliteNodeStore.adopt({ path, table, apply }))).toBe('DATABASE_UNAVAILABLE');
    expect(await codeOf(SqliteNodeStore.open({ path, table, columns: {} }))).toBe('DATABASE_UNAVAILABLE');
    expect(() => readFileSync(path)).toThrow('ENOENT');
  });

  it('works on tables without rowid and strict ones', async () => {
    const raw = new Database(path);
    raw.exec(
      'CREATE TABLE docs (id TEXT NOT NULL PRIMARY KEY, content TEXT, vector BLOB, meta TEXT) STRICT, WITHOUT ROWID',
    );
    raw.close();
    const options = { path, table: 'docs', columns: { metadata: 'meta' } };
    await SqliteNodeStore.adopt({ ...options, apply: true });
    await using store = await SqliteNodeStore.open(options);
    const info = { embeddingModelId: 'm', embeddingVersion: 1, embeddingChecksum: 'c' };
    await store.insert({
      id: 'a',
      content: 'x',
      vector: new Float32Array([1]),
      metadata: { deep: { er: 1 } },
      ...info,
    });
    expect(await store.get('a')).toMatchObject({ metadata: { deep: { er: 1 } }, ...info });
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
