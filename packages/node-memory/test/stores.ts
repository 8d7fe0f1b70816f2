import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddingInfo } from '@registry/core';
import type { NodeStoreHarness } from '@registry/core/testing';
import { SqliteNodeStore, type SqliteNodeStoreOptions } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'node-memory-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const adoptedColumns = {
  id: 'key',
  content: 'body',
  vector: 'embedding',
  metadata: ['kind', 'size', 'draft'],
} as const;

/** A table as an application may have made it years ago. */
export function createApplicationTable(path: string): void {
  const raw = new Database(path);
  raw.exec(`CREATE TABLE "my docs" (
    "key" TEXT PRIMARY KEY, body TEXT, embedding BLOB, kind TEXT, size REAL, draft INTEGER,
    author TEXT DEFAULT 'nobody'
  )`);
  raw.close();
}

export type LayoutName = 'own' | 'adopted';

export async function openStore(
  path: string,
  layout: LayoutName,
  options: Partial<SqliteNodeStoreOptions> = {},
): Promise<SqliteNodeStore> {
  if (layout === 'own') return SqliteNodeStore.open({ path, ...options });
  return SqliteNodeStore.open({ path, table: 'my docs', columns: adoptedColumns, ...options });
}

/** Prepares the table where it is the application's, and opens the store. */
export async function makeStore(
  path: string,
  layout: LayoutName,
  options: Partial<SqliteNodeStoreOptions> = {},
): Promise<SqliteNodeStore> {
  if (layout === 'adopted') {
    createApplicationTable(path);
    await SqliteNodeStore.adopt({ path, table: 'my docs', columns: adoptedColumns, apply: true });
  }
  return openStore(path, layout, options);
}

const tables = {
  own: { nodes: 'nodes', heads: 'nodes_embeddings', id: 'id', content: 'content', vector: 'vector' },
  adopted: {
    nodes: '"my docs"',
    heads: '"my docs"',
    id: '"key"',
    content: 'body',
    vector: 'embedding',
  },
} as const;

/** What another program does through a connection of its own, with the settings it comes with. */
export function rawProgram(path: string, layout: LayoutName) {
  const { nodes, heads, id, content, vector } = tables[layout];
  const run = async (...statements: (readonly [sql: string, ...values: unknown[]])[]) => {
    const raw = new Database(path);
    raw.pragma('foreign_keys=OFF');
    try {
      for (const [sql, ...values] of statements) raw.prepare(sql).run(...values);
    } finally {
      raw.close();
    }
  };
  return {
    run,
    edit: (nodeId: string, text: string) =>
      run([`UPDATE ${nodes} SET ${content} = ? WHERE ${id} = ?`, text, nodeId]),
    rewrite: (nodeId: string) =>
      run(
        [`UPDATE ${nodes} SET ${content} = ${content} WHERE ${id} = ?`, nodeId],
        [`UPDATE ${heads} SET ${vector} = ${vector} WHERE ${id} = ?`, nodeId],
      ),
    replace: (nodeId: string, text: string) =>
      run([`INSERT OR REPLACE INTO ${nodes} (${id}, ${content}) VALUES (?, ?)`, nodeId, text]),
    deleteAndInsert: (nodeId: string, text: string) =>
      run(
        [`DELETE FROM ${nodes} WHERE ${id} = ?`, nodeId],
        [`INSERT INTO ${nodes} (${id}, ${content}) VALUES (?, ?)`, nodeId, text],
      ),
    upsert: (nodeId: string, text: string) =>
      run([
        `INSERT INTO ${nodes} (${id}, ${content}) VALUES (?, ?) ON CONFLICT DO UPDATE SET ${content} = excluded.${content}`,
        nodeId,
        text,
      ]),
    setVector: (nodeId: string, bytes: Uint8Array | null) =>
      run([`UPDATE ${heads} SET ${vector} = ? WHERE ${id} = ?`, bytes, nodeId]),
  };
}

/** The harness of the contract over one layout, in a file of its own. */
export async function makeHarness(layout: LayoutName): Promise<NodeStoreHarness> {
  const path = join(temporaryFolder(), 'nodes.sqlite');
  const stores = [await makeStore(path, layout)];
  const [store] = stores as [SqliteNodeStore];
  return {
    store,
    app: {
      put: (nodes) => store.upsert(nodes),
      edit: async (id, content) => void (await store.update(id, { content })),
      setVector: async (id, vector, info: EmbeddingInfo) =>
        void (await store.update(id, { vector, ...info })),
      remove: async (id) => void (await store.delete(id)),
      raw: rawProgram(path, layout),
    },
    reopen: async () => {
      const again = await openStore(path, layout);
      stores.push(again);
      return again;
    },
    close: async () => {
      for (const each of stores) await each.close();
    },
  };
}
