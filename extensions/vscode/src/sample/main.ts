/**
 * Fills a sample as an application would have: nodes that the first embedder of its configuration file embedded,
 * and a registry that knows the models of all of them. Runs in a process of its own, in the folder of the sample.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Embedder, EmbeddingVersionManager, type NodeStore } from '@registry/core';
import { parent } from '../host-process.ts';
import { sampleNodes } from './sample-nodes.ts';

const PIECE = 100;

/** What the sample's own store can do besides. */
interface SampleStore extends NodeStore {
  upsert(nodes: readonly object[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Definition {
  readonly registry: { readonly registryDbPath: string };
  readonly nodeStore: () => Promise<SampleStore>;
  readonly embedders: readonly [Embedder, ...Embedder[]];
}

const [configFile = '', registryPath = ''] = parent.parameters;
const { default: definition } = (await import(pathToFileURL(configFile).href)) as { default: Definition };
const store = await definition.nodeStore();
const { embedders } = definition;
const [first] = embedders;
const all = sampleNodes();
for (let start = 0; start < all.length; start += PIECE) {
  const nodes = all.slice(start, start + PIECE);
  const contents = nodes.map(({ content }) => content);
  const vectors = await first.embed(contents, { purpose: 'document' });
  await store.upsert(nodes.map((node, index) => ({ ...node, vector: vectors[index], ...first.spec.info })));
}
const manager = await EmbeddingVersionManager.open({
  dbPath: join(registryPath),
  nodeStore: store,
  embedders: [...embedders],
});
for (const { spec } of embedders)
  await manager.registerModel({ ...spec.toJSON(), setActive: spec === first.spec });
await manager.close();
await store.close();
