/** What the compiler tells the users of the packages around core; checked by `pnpm types`, never run. */
import { defineRegistryConfig, type RegistryFile } from '@registry/cli';
import type { Embedder, NodeStore } from '@registry/core';
import { fromFunction, hashedNgram, openAICompatible } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import { QdrantNodeStore } from '@registry/qdrant';
import { expectTypeOf } from 'vitest';

// Stores and embedders fit where core asks for one.
expectTypeOf<SqliteNodeStore>().toExtend<NodeStore>();
expectTypeOf<QdrantNodeStore>().toExtend<NodeStore>();
expectTypeOf(hashedNgram()).toExtend<Embedder>();
// @ts-expect-error a key in plain text would end up in files
openAICompatible({ modelId: 'a', dimension: 3, apiKey: 'sk-1' });
// @ts-expect-error a function without a model
fromFunction({ embed: async () => [] });
// @ts-expect-error a store without a file
SqliteNodeStore.open({});
// @ts-expect-error a store without its client
new QdrantNodeStore({ collection: 'a', contentFields: ['text'] });

// The configuration file.
expectTypeOf(defineRegistryConfig({})).toEqualTypeOf<RegistryFile>();
defineRegistryConfig({
  registry: { registryDbPath: 'x', migrationBatchSize: 10 },
  nodeStore: () => SqliteNodeStore.open({ path: 'nodes.sqlite' }),
  embedders: async () => [hashedNgram()],
});
defineRegistryConfig({ registries: { one: { embedders: [hashedNgram()] }, two: {} } });
// @ts-expect-error a misspelt key
defineRegistryConfig({ nodestore: () => SqliteNodeStore.open({ path: 'x' }) });
// @ts-expect-error a misspelt setting
defineRegistryConfig({ registry: { batchSize: 10 } });
// @ts-expect-error no store but a promise of one: it would be opened by whoever only looks
defineRegistryConfig({ nodeStore: SqliteNodeStore.open({ path: 'x' }) });
// @ts-expect-error one embedder is a list of one
defineRegistryConfig({ embedders: hashedNgram() });
