/** Registries and node stores as an application has them, for an editor to look at. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EmbedderError, EmbeddingVersionManager } from '@registry/core';
import { expectedVector, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';

const nodeId = (index: number) => `doc-${String(index).padStart(5, '0')}`;

export interface RegistryScene extends AsyncDisposable {
  readonly path: string;
  readonly nodesPath: string;
  readonly store: SqliteNodeStore;
  readonly manager: EmbeddingVersionManager;
  readonly target: TestEmbedder;
  /** Ids of nodes, from the first on. */
  ids(from: number, to: number): string[];
}

/** Three of the first, and more than fill a page far down. */
const REFUSED = /number (7|13|21|14[0-2]\d)\b/;

/** `minilm` v1 is active and made all vectors; `e5-small` v1 and v2 are registered. */
export async function makeRegistry(workspace: string, nodes = 60): Promise<RegistryScene> {
  const folder = join(workspace, 'data');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'embedding_registry.sqlite');
  const nodesPath = join(folder, 'nodes.sqlite');
  const store = await SqliteNodeStore.open({ path: nodesPath });
  const old = testEmbedder({ modelId: 'minilm', dimension: 8 });
  const target = testEmbedder({
    modelId: 'e5-small',
    dimension: 12,
    version: 2,
    onCall: (texts) => {
      if (texts.some((text) => REFUSED.test(text)))
        throw new EmbedderError('refused', 'The input is longer than the model reads (8192 tokens).');
    },
  });
  const manager = await EmbeddingVersionManager.open({
    dbPath: path,
    nodeStore: store,
    embedders: [old, target],
  });
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  const first = testEmbedder({ modelId: 'e5-small', dimension: 12 }).spec.toJSON();
  await manager.registerModel({ ...first, name: 'E5 small', description: 'Multilingual.' });
  await manager.registerModel(target.spec.toJSON());
  await store.upsert(
    Array.from({ length: nodes }, (_, index) => {
      const content = `The text of document number ${index}.`;
      return { id: nodeId(index), content, vector: expectedVector(old.spec, content), ...old.spec.info };
    }),
  );
  const close = async () => {
    await manager.close();
    await store.close();
  };
  const ids = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => nodeId(from + index));
  return { path, nodesPath, store, manager, target, ids, [Symbol.asyncDispose]: close };
}
