export { type DualPoint, DualWriter, type Embedding } from './dual-write.ts';
export { QdrantNodeStore, type QdrantNodeStoreOptions } from './node-store.ts';
export { nodeIdOf, type PointId, pointIdOf } from './point-id.ts';
export type { ResolveContents } from './points/contents.ts';
export type { Payload } from './points/payload.ts';
export type { QdrantApiClient } from './server/connection.ts';
export type { Condition, Filter } from './server/requests.ts';
