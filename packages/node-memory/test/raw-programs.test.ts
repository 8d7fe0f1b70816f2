import { join } from 'node:path';
import { contentHash, type StoredNode, sameStamp } from '@registry/core';
import type { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type LayoutName, makeStore, rawProgram, temporaryFolder } from './stores.ts';

const info = { embeddingModelId: 'm', embeddingVersion: 1, embeddingChecksum: 'c' };
const target = { ...info, embeddingVersion: 2 };
const node = { id: 'a', content: 'first', vector: new Float32Array([1, 2]), ...info };
const otherVector = new Float32Array([3, 4]);
const otherBytes = new Uint8Array(otherVector.buffer);

describe.each(['own', 'adopted'] as const)('other programs at the file, %s table', (layout: LayoutName) => {
  let path: string;
  let store: SqliteNodeStore;
  let program: ReturnType<typeof rawProgram>;

  beforeEach(async () => {
    path = join(temporaryFolder(), 'nodes.sqlite');
    store = await makeStore(path, layout);
    onTestFinished(() => store.close());
    program = rawProgram(path, layout);
    await store.insert([node, { ...node, id: 'other' }]);
  });

  const read = async (id = 'a'): Promise<StoredNode> => (await store.read([id]))[0]!;

  it.each([
    ['edits', () => program.edit('a', 'second')],
    ['writes equal bytes', () => program.rewrite('a')],
    ['replaces', () => program.replace('a', 'first')],
    ['deletes and inserts', () => program.deleteAndInsert('a', 'first')],
    ['upserts', () => program.upsert('a', 'first')],
    ['sets a vector', () => program.setVector('a', otherBytes)],
    ['removes the vector', () => program.setVector('a', null)],
  ])('a program that %s makes new fences, and voids a prepared write', async (_, act) => {
    const seen = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const before = await read();
      seen.add(before.fence);
      await act();
      const set = { ...target, vector: otherVector };
      expect(await store.write([{ nodeId: 'a', fence: before.fence, set }])).toEqual(['conflict']);
      expect((await read()).content).toBe(before.content === 'first' ? (await read()).content : 'second');
      seen.add((await read()).fence);
      expect(seen.size).toBe(round + 2);
    }
    expect((await read('other')).fence).toBe('2');
  });

  it('hashes the content that is there, and repairs the hash with the next write', async () => {
    await program.edit('a', 'second');
    const edited = await read();
    expect(edited.contentHash).toBe(contentHash('second'));
    expect(edited.embeddedHash).toBe(contentHash('first'));
    expect((await store.scan({ limit: 5, notAt: info })).items.map(({ id }) => id)).toEqual(['a']);
    await store.write([
      {
        nodeId: 'a',
        fence: edited.fence,
        set: { ...info, vector: otherVector, embeddedHash: edited.contentHash },
      },
    ]);
    expect((await store.scan({ limit: 5, notAt: info })).items).toEqual([]);
    const column = layout === 'own' ? 'content_hash' : 'embedding_content_hash';
    const table = layout === 'own' ? 'nodes_embeddings' : '"my docs"';
    const raw = new Database(path, { readonly: true });
    expect(raw.prepare(`SELECT count(*) FROM ${table} WHERE ${column} IS NULL`).pluck().get()).toBe(0);
    raw.close();
  });

  it('loses no stamp where nothing changed, and the stamp where only the vector did', async () => {
    await program.rewrite('a');
    expect(sameStamp(await read(), info)).toBe(true);
    expect((await read()).embeddedHash).toBe(contentHash('first'));
    await program.setVector('a', otherBytes);
    const changed = await read();
    expect(changed.embeddingModelId).toBeUndefined();
    expect(changed.embeddedHash).toBeUndefined();
    expect(changed.vector).toEqual(otherVector);
  });

  it('keeps one head for each node', async () => {
    await program.replace('a', 'x');
    await program.replace('b', 'y');
    await program.deleteAndInsert('other', 'z');
    expect((await store.scan({ limit: 10 })).items.map(({ id }) => id)).toEqual(['a', 'b', 'other']);
    expect(await store.countByModel()).toEqual([{ count: 3 }]);
    await program.run([layout === 'own' ? 'DELETE FROM nodes' : 'DELETE FROM "my docs"']);
    expect(await store.countByModel()).toEqual([]);
    expect((await store.scan({ limit: 10 })).items).toEqual([]);
  });

  it('sees text that was changed under a vector whose text was not known', async () => {
    const { fence } = await read();
    await store.write([{ nodeId: 'a', fence, set: { ...target, vector: otherVector } }]);
    expect((await store.scan({ limit: 5, notAt: target })).items.map(({ id }) => id)).toEqual(['other']);
    await program.edit('a', 'second');
    expect((await store.scan({ limit: 5, notAt: target })).items.map(({ id }) => id)).toEqual(['a', 'other']);
  });
});

describe('an own table', () => {
  it('gives a renamed node a new fence, and keeps its vector', async () => {
    const path = join(temporaryFolder(), 'nodes.sqlite');
    await using store = await makeStore(path, 'own');
    await store.insert([node, { ...node, id: 'b' }]);
    const program = rawProgram(path, 'own');
    await program.run(['UPDATE OR REPLACE nodes SET id = ? WHERE id = ?', 'b', 'a']);
    expect(await store.read(['a'])).toEqual([]);
    const [renamed] = await store.read(['b']);
    expect(renamed).toMatchObject({ vector: node.vector, ...info });
    expect(['1', '2']).not.toContain(renamed!.fence);
    expect((await store.scan({ limit: 5 })).items.map(({ id }) => id)).toEqual(['b']);
    await program.run(['DELETE FROM nodes_embeddings']);
    expect((await store.read(['b']))[0]!.vector).toBeUndefined();
  });
});

describe('an adopted table', () => {
  it('sees what a trigger of the application makes of its own write', async () => {
    const path = join(temporaryFolder(), 'nodes.sqlite');
    await using store = await makeStore(path, 'adopted');
    await store.insert([node, { ...node, id: 'b' }]);
    await rawProgram(path, 'adopted').run([
      'CREATE TRIGGER touch AFTER UPDATE OF embedding ON "my docs" BEGIN UPDATE "my docs" SET body = body || \' touched\' WHERE "key" = NEW."key"; END',
    ]);
    const before = await store.read(['a', 'b']);
    const embeddedHash = contentHash('first');
    const set = { ...target, vector: otherVector, embeddedHash };
    const writes = before.map(({ id, fence }) => ({ nodeId: id, fence, set }));
    expect(await store.write(writes)).toEqual(['written', 'written']);
    const after = await store.read(['a', 'b']);
    for (const { content, contentHash: hash, fence } of after) {
      expect(content).toBe('first touched');
      expect(hash).toBe(contentHash('first touched'));
      expect(fence).not.toBe('3');
    }
    expect(new Set([...before, ...after].map(({ fence }) => fence)).size).toBe(4);
    expect((await store.scan({ limit: 5, notAt: target })).items).toHaveLength(2);
  });

  it('takes the stamp that a program declares, and no half one', async () => {
    const path = join(temporaryFolder(), 'nodes.sqlite');
    await using store = await makeStore(path, 'adopted');
    const { run } = rawProgram(path, 'adopted');
    const insert =
      'INSERT INTO "my docs" ("key", body, embedding, embedding_model_id, embedding_version, embedding_checksum) VALUES (?, ?, ?, ?, ?, ?)';
    await run(
      [insert, 'whole', 't', otherBytes, 'm', '1', null],
      [insert, 'half', 't', otherBytes, 'm', null, 'c'],
      [insert, 'word', 't', otherBytes, 'm', 'v2', 'c'],
      [insert, 'bare', 't', null, 'm', 1, 'c'],
    );
    const counts = await store.countByModel();
    expect(counts).toEqual([{ count: 3 }, { info: { ...info, embeddingChecksum: '' }, count: 1 }]);
    await run([
      'UPDATE "my docs" SET embedding = ?, embedding_model_id = ?, embedding_version = 1, embedding_checksum = ?, embedding_revision = NULL WHERE "key" = ?',
      new Uint8Array(8),
      'm',
      '',
      'whole',
    ]);
    expect((await store.read(['whole']))[0]).toMatchObject({ ...info, embeddingChecksum: '' });
    expect((await store.read(['whole']))[0]!.fence).not.toBe('0');
  });
});
