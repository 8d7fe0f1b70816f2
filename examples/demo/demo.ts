/** What every step of the demo has at hand. */
import type { EmbeddingInfo, EmbeddingModelSpec, EmbeddingVersionManager } from '@registry/core';
import type { SqliteNodeStore } from '@registry/node-memory';
import type { HoldableStore } from './holdable-store.ts';
import type { DemoOptions } from './options.ts';
import type { Proofs } from './proofs.ts';
import type { RunFolder } from './run-folder.ts';
import type { Screen } from './screen.ts';

export interface Demo {
  readonly manager: EmbeddingVersionManager;
  /** The application's way to the nodes. */
  readonly store: SqliteNodeStore;
  /** The worker's. */
  readonly holdable: HoldableStore;
  readonly sourceSpec: EmbeddingModelSpec;
  readonly targetSpec: EmbeddingModelSpec;
  /** The stamp of the target model. */
  readonly target: EmbeddingInfo;
  readonly settings: DemoOptions;
  readonly folder: RunFolder;
  readonly screen: Screen;
  readonly proofs: Proofs;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}
