export { nodeIdOf, type PointId, pointIdOf } from './point-id.ts';
