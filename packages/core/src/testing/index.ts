export { type ContractCase, type EmbedderContractOptions, embedderContract } from './embedder-contract.ts';
export { ManualClock } from './manual-clock.ts';
export {
  type ContractNode,
  type NodeStoreApplication,
  type NodeStoreContractOptions,
  type NodeStoreHarness,
  nodeStoreContract,
} from './node-store-contract.ts';
export {
  type EmbedderCall,
  type EmbedderHook,
  expectedVector,
  type TestEmbedder,
  type TestEmbedderOptions,
  testEmbedder,
} from './test-embedder.ts';
