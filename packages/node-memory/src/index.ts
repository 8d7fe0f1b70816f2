export {
  type EmbeddingSource,
  embeddingQualifiedId,
  getEmbeddingInfo,
  isEmbeddingCompatible,
  MemoryNode,
  type MemoryNodeFields,
  needsMigration,
  type StampedNode,
  updateEmbeddingInfo,
} from './memory-node.ts';
export type { NodeChanges, NodeInput } from './node-input.ts';
export { scratchStore } from './scratch-store.ts';
export type { Adoption } from './sqlite/adopt.ts';
export type { NodeColumns } from './sqlite/adopted-layout.ts';
export { SqliteNodeStore, type SqliteNodeStoreOptions } from './sqlite/node-store.ts';
export type { SqliteNode } from './sqlite/read.ts';
export type { NodeHit } from './sqlite/search.ts';
