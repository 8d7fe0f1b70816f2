export type { Fault, FaultRule, Injected, When } from './faults.ts';
export { type Peeked, QdrantDouble, type QdrantDoubleOptions, startQdrantDouble } from './qdrant-double.ts';
export type { SeenRequest } from './seen-request.ts';
