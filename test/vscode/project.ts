import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';

const packages = ['core', 'cli', 'embedders', 'node-memory'];

const configuration = `import { defineRegistryConfig } from '@registry/cli';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';

export default defineRegistryConfig({
  registry: { registryDbPath: './data/embedding_registry.sqlite', migrationBatchSize: 5, migrationThrottleMs: 1000 },
  nodeStore: () => SqliteNodeStore.open({ path: './data/nodes.sqlite' }),
  embedders: [binaryHdv({ dimension: 256 }), hashedNgram({ dimension: 64 })],
});
`;

/** An application's folder: its packages, configuration file, registry, and nodes that \`binary_hdv\` embedded. */
export interface Project {
  readonly registryPath: string;
  readonly nodesPath: string;
  /** Runs on what the registry says now. */
  look<T>(body: (manager: EmbeddingVersionManager) => Promise<T>): Promise<T>;
  /** Changes the registry, as another program would. */
  change<T>(body: (manager: EmbeddingVersionManager) => Promise<T>): Promise<T>;
  /** Nodes whose vectors the first embedder made, and which do not say so. */
  addUnstamped(count: number): Promise<void>;
  /** Brings all nodes to the second embedder's model, as a worker of another program; answers the plan. */
  migrate(): Promise<string>;
  /** Nodes at a model, or without a stamp. */
  countAt(modelId: string | undefined): Promise<number>;
  /** The number that the node store keeps of how far its registry is. */
  mark(): Promise<number>;
  /** Id, vector bytes and stamp of every node, as one text. */
  fingerprint(): Promise<string>;
}

export async function makeProject(folder: string, nodes = 600): Promise<Project> {
  const modules = join(folder, 'node_modules', '@registry');
  mkdirSync(modules, { recursive: true });
  mkdirSync(join(folder, 'data'));
  for (const name of packages) symlinkSync(resolve('packages', name), join(modules, name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(folder, 'embedding-registry.config.ts'), configuration);
  const registryPath = join(folder, 'data', 'embedding_registry.sqlite');
  const nodesPath = join(folder, 'data', 'nodes.sqlite');
  await fill(registryPath, nodesPath, nodes);
  const look: Project['look'] = async (body) => {
    await using manager = await EmbeddingVersionManager.open({ dbPath: registryPath, readOnly: true });
    return await body(manager);
  };
  const change: Project['change'] = async (body) => {
    await using manager = await EmbeddingVersionManager.open({ dbPath: registryPath });
    return await body(manager);
  };
  const inStore = async <T>(body: (store: SqliteNodeStore) => Promise<T>): Promise<T> => {
    await using store = await SqliteNodeStore.open({ path: nodesPath });
    return await body(store);
  };
  return {
    registryPath,
    nodesPath,
    look,
    change,
    addUnstamped: (count) => inStore((store) => addUnstamped(store, count)),
    migrate: () => inStore((store) => migrate(registryPath, store)),
    countAt: (modelId) =>
      inStore(async (store) => {
        const counts = await store.countByModel();
        return counts.find(({ info }) => info?.embeddingModelId === modelId)?.count ?? 0;
      }),
    mark: () => inStore((store) => store.mark.read()),
    fingerprint: () => fingerprintOf(nodesPath),
  };
}

const makeEmbedders = () => [binaryHdv({ dimension: 256 }), hashedNgram({ dimension: 64 })] as const;

async function addUnstamped(store: SqliteNodeStore, count: number): Promise<void> {
  const contents = Array.from(
    { length: count },
    (_, index) => `Imported sentence ${index}, of an older time.`,
  );
  const vectors = await makeEmbedders()[0].embed(contents, { purpose: 'document' });
  await store.upsert(
    contents.map((content, index) => ({ id: `import-${index}`, content, vector: vectors[index]! })),
  );
}

async function migrate(registryPath: string, nodeStore: SqliteNodeStore): Promise<string> {
  await using manager = await EmbeddingVersionManager.open({
    dbPath: registryPath,
    nodeStore,
    embedders: [...makeEmbedders()],
  });
  const { modelId, version } = makeEmbedders()[1].spec;
  const plan = await manager.createMigration({
    targetModelId: modelId,
    targetVersion: version,
    throttleMs: 0,
  });
  await manager.runMigration(plan.planId);
  return plan.planId;
}

async function fill(registryPath: string, nodesPath: string, count: number): Promise<void> {
  await using store = await SqliteNodeStore.open({ path: nodesPath });
  const embedders = makeEmbedders();
  await using manager = await EmbeddingVersionManager.open({
    dbPath: registryPath,
    nodeStore: store,
    embedders: [...embedders],
  });
  for (const [index, { spec }] of embedders.entries())
    await manager.registerModel({ ...spec.toJSON(), setActive: index === 0 });
  const contents = Array.from({ length: count }, (_, index) => `Paragraph ${index} of the handbook.`);
  const vectors = await embedders[0].embed(contents, { purpose: 'document' });
  await store.upsert(
    contents.map((content, index) => ({
      id: `page-${String(index).padStart(4, '0')}`,
      content,
      vector: vectors[index]!,
      ...embedders[0].spec.info,
    })),
  );
}

async function fingerprintOf(nodesPath: string): Promise<string> {
  await using store = await SqliteNodeStore.open({ path: nodesPath });
  const lines: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.scan({ limit: 500, ...(after !== undefined && { after }) });
    for (const { id, vector, embeddingModelId, embeddingVersion } of await store.read(
      page.items.map(({ id }) => id),
    )) {
      const bytes =
        vector && Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');
      lines.push([id, embeddingModelId, embeddingVersion, bytes].join(' '));
    }
    after = page.next;
  } while (after !== undefined);
  return lines.sort().join('\n');
}
