/** A registry and a node store in files of their own, two models, and nodes that the first of them embedded. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddingModelSpec,
  EmbeddingVersionManager,
  isRegistryError,
  type NodeStore,
  type OpenOptions,
  type RegistryError,
} from '@registry/core';
import { expectedVector, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const nodeId = (index: number) => `node-${String(index).padStart(4, '0')}`;
export const textOf = (index: number) => `The text of node number ${index}.`;

export interface SceneOptions extends OpenOptions {
  /** Nodes embedded with the old model; 10 unless told. */
  nodes?: number;
  /** The embedder of the model that is migrated to. */
  target?: TestEmbedder;
  /** Stands between manager and store. */
  wrap?: (store: SqliteNodeStore) => NodeStore;
}

export interface Scene {
  readonly folder: string;
  readonly dbPath: string;
  readonly nodesPath: string;
  readonly store: SqliteNodeStore;
  readonly manager: EmbeddingVersionManager;
  readonly old: TestEmbedder;
  readonly target: TestEmbedder;
  /** The target as `switchActiveModel` and `createMigration` take it. */
  readonly to: { readonly targetModelId: string; readonly targetVersion: number };
  /** Another manager over the same files, as another process would have. */
  open(options?: OpenOptions): Promise<EmbeddingVersionManager>;
}

/** `old-model` v1 is active and made the vectors of all nodes; `new-model` v1 is registered. */
export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const {
    nodes = 10,
    target = testEmbedder({ modelId: 'new-model', dimension: 12 }),
    wrap,
    ...rest
  } = options;
  const folder = temporaryFolder();
  const dbPath = join(folder, 'registry.sqlite');
  const nodesPath = join(folder, 'nodes.sqlite');
  const store = await SqliteNodeStore.open({ path: nodesPath, clock: rest.clock });
  onTestFinished(() => store.close());
  const old = testEmbedder({ modelId: 'old-model', dimension: 8 });
  const nodeStore = wrap?.(store) ?? store;
  const open = async (more: OpenOptions = {}) => {
    const embedders = [old, target];
    const manager = await EmbeddingVersionManager.open({ dbPath, nodeStore, embedders, ...rest, ...more });
    onTestFinished(() => manager.close());
    return manager;
  };
  const manager = await open();
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  await store.upsert(embeddedNodes(old.spec, nodes));
  const to = { targetModelId: target.spec.modelId, targetVersion: target.spec.version };
  return { folder, dbPath, nodesPath, store, manager, old, target, to, open };
}

/** A store of which some members are others. */
export function storeWith(store: NodeStore, changes: Partial<NodeStore>): NodeStore {
  const { storeId, capabilities, mark, search } = store;
  return {
    storeId,
    capabilities,
    countByModel: (options) => store.countByModel(options),
    scan: (options) => store.scan(options),
    read: (ids, options) => store.read(ids, options),
    write: (writes, options) => store.write(writes, options),
    ...(search && { search: search.bind(store) }),
    ...(mark && { mark }),
    ...changes,
  };
}

/** Nodes with the vectors that this model's test embedder makes of their texts. */
export function embeddedNodes(spec: EmbeddingModelSpec, count: number, from = 0) {
  return Array.from({ length: count }, (_, index) => ({
    id: nodeId(from + index),
    content: textOf(from + index),
    vector: expectedVector(spec, textOf(from + index)),
    metadata: { parity: index % 2 === 0 ? 'even' : 'odd' },
    ...spec.info,
  }));
}

/** Every row of every table of a database file, for comparison. */
export function rowsOf(path: string): Record<string, unknown[]> {
  const raw = new Database(path, { readonly: true });
  try {
    const tables = raw
      .prepare(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
      )
      .pluck()
      .all() as string[];
    return Object.fromEntries(
      tables.map((table) => [table, raw.prepare(`SELECT * FROM "${table}"`).raw().all()]),
    );
  } finally {
    raw.close();
  }
}

/** Vectors and stamps of a store, as bytes; contents and metadata with them. */
export async function vectorsOf(store: SqliteNodeStore): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  let after: string | undefined;
  do {
    const page = await store.scan({ limit: 500, ...(after !== undefined && { after }) });
    const nodes = await store.read(page.items.map(({ id }) => id));
    for (const { fence: _, vector, ...node } of nodes)
      found.push({
        ...node,
        vector: vector && Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex'),
      });
    after = page.next;
  } while (after !== undefined);
  return found.sort((a, b) => ((a as { id: string }).id < (b as { id: string }).id ? -1 : 1));
}

/** The coded error that a call ends with. */
export async function refusalOf(call: Promise<unknown> | (() => unknown)): Promise<RegistryError> {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    if (isRegistryError(error)) return error;
    throw new Error(`An error without a code: ${String(error)}`, { cause: error });
  }
  throw new Error('It was not refused.');
}
