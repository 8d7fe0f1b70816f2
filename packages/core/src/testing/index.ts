export { FaultyProcess } from '../faults/faulty-process.ts';
export {
  atPoint,
  type FaultPoint,
  type FaultScript,
  type FaultyOptions,
  pointName,
  recordPoints,
} from '../faults/faulty-script.ts';
export {
  type FaultyNodeStoreOptions,
  faultyEmbedder,
  faultyNodeStore,
  faultyRegistryStore,
} from '../faults/faulty-stores.ts';
export { type ContractCase, type EmbedderContractOptions, embedderContract } from './embedder-contract.ts';
export { ManualClock } from './manual-clock.ts';
export {
  type ContractNode,
  type NodeStoreApplication,
  type NodeStoreContractOptions,
  type NodeStoreHarness,
  nodeStoreContract,
} from './node-store/node-store-contract.ts';
export { registryStoreContract } from './registry-store/registry-store-contract.ts';
export type { MakeRegistryStore, RegistryStoreUnderTest } from './registry-store/scene.ts';
export { MemorySideStore } from './side-by-side/memory-side-store.ts';
export {
  type SideContractOptions,
  type SideHarness,
  sideBySideContract,
} from './side-by-side/side-contract.ts';
export {
  type EmbedderCall,
  type EmbedderHook,
  expectedVector,
  type TestEmbedder,
  type TestEmbedderOptions,
  testEmbedder,
} from './test-embedder.ts';
