import type { Embedder, NodeStore, RegistryConfig } from '@registry/core';

/** One registry: its settings, where its nodes live, and what embeds them. */
export interface RegistryDefinition {
  /** Settings; they win over `config.yaml`, variables and flags win over them. Paths count from this file's folder. */
  readonly registry?: RegistryConfig;
  /** Opens the node store, when a command needs it. It is closed afterwards where it has a `close` or can be disposed of. */
  readonly nodeStore?: () => NodeStore | Promise<NodeStore>;
  /** One for each model, or a function that makes them when a command needs them. */
  readonly embedders?: readonly Embedder[] | (() => readonly Embedder[] | Promise<readonly Embedder[]>);
  /** Accept a node store that cannot tell whether a node was edited meanwhile. */
  readonly allowUnfenced?: boolean;
}

/** Several registries by name, of which `evr --registry <name>` takes one. */
export interface RegistryDefinitions {
  readonly registries: Readonly<Record<string, RegistryDefinition>>;
}

/** What `embedding-registry.config.ts` exports by default. */
export type RegistryFile = RegistryDefinition | RegistryDefinitions;

/** Gives `embedding-registry.config.ts` its types; answers what it is given. */
export function defineRegistryConfig(config: RegistryFile): RegistryFile {
  return config;
}
