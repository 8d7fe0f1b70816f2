/** Real texts in a SQLite store, embedded with one of the built-in models, and a plan to another one. */
import { join } from 'node:path';
import {
  type Embedder,
  EmbeddingVersionManager,
  type MigrationPlan,
  type NodeStore,
  type OpenOptions,
} from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../scene.ts';
import { realTexts } from './texts.ts';

export interface GateScene {
  readonly store: SqliteNodeStore;
  readonly plan: MigrationPlan;
  readonly manager: EmbeddingVersionManager;
  /** Another manager over the same files, with other embedders. */
  open(embedders: readonly Embedder[], options?: OpenOptions): Promise<EmbeddingVersionManager>;
}

/** `old` is active and made the vectors of all texts; nothing of the plan was done yet. */
export async function gateScene(
  old: Embedder,
  target: Embedder,
  wrap: (store: SqliteNodeStore) => NodeStore = (store) => store,
  /** Without it the target has no witness: what it is now may be what it was from the start. */
  hasWitness = true,
): Promise<GateScene> {
  const folder = temporaryFolder();
  const store = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  onTestFinished(() => store.close());
  const open = async (embedders: readonly Embedder[], options: OpenOptions = {}) => {
    const dbPath = join(folder, 'registry.sqlite');
    const nodeStore = wrap(store);
    const manager = await EmbeddingVersionManager.open({ dbPath, nodeStore, embedders, ...options });
    onTestFinished(() => manager.close());
    return manager;
  };
  const manager = await open([old, target]);
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  const registrar = hasWitness ? manager : await open([old]);
  await registrar.registerModel(target.spec.toJSON());
  const texts = realTexts();
  const vectors = await old.embed(
    texts.map(({ content }) => content),
    { purpose: 'document' },
  );
  await store.upsert(texts.map((text, index) => ({ ...text, vector: vectors[index]!, ...old.spec.info })));
  const { modelId: targetModelId, version: targetVersion } = target.spec;
  const plan = await manager.createMigration({ targetModelId, targetVersion });
  return { store, plan, manager, open };
}
