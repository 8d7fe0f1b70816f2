/** The configuration file of a sample. As JavaScript it runs wherever the editor runs. */
export const sampleConfig = `import { defineRegistryConfig } from '@registry/cli';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';

// Relative paths count from the folder of this file.
export default defineRegistryConfig({
  // Small batches with a pause between them, so that there is something to watch.
  registry: {
    registryDbPath: './embedding_registry.sqlite',
    migrationBatchSize: 8,
    migrationThrottleMs: 300,
  },

  // Where the nodes live: 480 sentences, embedded with the first of the two models below.
  nodeStore: () => SqliteNodeStore.open({ path: './nodes.sqlite' }),

  // Neither needs a service or a download.
  embedders: [binaryHdv({ dimension: 1024 }), hashedNgram({ dimension: 256 })],
});
`;
