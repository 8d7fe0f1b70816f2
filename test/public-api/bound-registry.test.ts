import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import { expect, it, onTestFinished } from 'vitest';
import { openScene, refusalOf } from '../scene.ts';

async function openWithoutNodes(dbPath: string) {
  const manager = await EmbeddingVersionManager.open({ dbPath });
  onTestFinished(() => manager.close());
  return manager;
}

it('a registry with a node store flips no model while its nodes cannot be counted', async () => {
  const { dbPath, to, old } = await openScene({ nodes: 3 });
  const manager = await openWithoutNodes(dbPath);
  const refusal = await refusalOf(manager.switchActiveModel(to));
  expect(refusal.code).toBe('NODE_STORE_MISSING');
  expect(refusal.message).toContain('migrateExisting: false');
  expect((await manager.getActiveModel()).modelId).toBe(old.spec.modelId);
  await manager.switchActiveModel({ ...to, migrateExisting: false });
  expect((await manager.getActiveModel()).modelId).toBe('new-model');
});

it('a registry that serves no node store has no nodes to leave behind', async () => {
  const { folder, target, to } = await openScene({ nodes: 0 });
  const manager = await openWithoutNodes(join(folder, 'other.sqlite'));
  await manager.registerModel(target.spec.toJSON());
  await manager.switchActiveModel(to);
  expect((await manager.getActiveModel()).modelId).toBe('new-model');
});

it('a foreign node store is noticed also where the registry is only read', async () => {
  const { dbPath, folder } = await openScene({ nodes: 1 });
  const nodeStore = await SqliteNodeStore.open({ path: join(folder, 'foreign.sqlite') });
  onTestFinished(() => nodeStore.close());
  const refusal = await refusalOf(EmbeddingVersionManager.open({ dbPath, nodeStore, readOnly: true }));
  expect(refusal.code).toBe('NODE_STORE_MISMATCH');
});
