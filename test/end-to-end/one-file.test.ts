import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { expectedVector, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { SCHEMA_VERSION } from '../../packages/core/src/sqlite/schema.ts';
import { temporaryFolder } from '../scene.ts';

const old = testEmbedder({ modelId: 'old-model', dimension: 8 });
const target = testEmbedder({ modelId: 'new-model', dimension: 12 });

async function openBoth(path: string, first: 'registry' | 'nodes') {
  const openStore = () => SqliteNodeStore.open({ path });
  if (first === 'registry') await (await EmbeddingVersionManager.open({ dbPath: path })).close();
  const store = await openStore();
  const manager = await EmbeddingVersionManager.open({
    dbPath: path,
    nodeStore: store,
    embedders: [old, target],
  });
  onTestFinished(async () => {
    await manager.close();
    await store.close();
  });
  return { store, manager };
}

it.each(['registry', 'nodes'] as const)(
  'registry and nodes share one file, whichever comes first: %s',
  async (first) => {
    const path = join(temporaryFolder(), 'both.sqlite');
    const { store, manager } = await openBoth(path, first);
    await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
    await manager.registerModel(target.spec.toJSON());
    const texts = Array.from({ length: 25 }, (_, index) => `text ${index}`);
    await store.insert(
      texts.map((content, index) => ({
        id: `n${index}`,
        content,
        vector: expectedVector(old.spec, content),
        ...old.spec.info,
      })),
    );
    const plan = await manager.switchActiveModel({
      targetModelId: 'new-model',
      targetVersion: 1,
      migrateExisting: true,
      batchSize: 4,
      throttleMs: 0,
    });
    const done = await manager.runMigration(plan?.planId ?? '');
    expect(done).toMatchObject({ status: 'completed', completedNodes: 25 });
    expect((await store.get('n7'))?.vector).toEqual(expectedVector(target.spec, 'text 7'));
    expect(await manager.rollbackMigration({ planId: done.planId })).toMatchObject({
      restored: 25,
      succeeded: true,
    });
    expect((await store.get('n7'))?.vector).toEqual(expectedVector(old.spec, 'text 7'));
    const numbers = new Database(path, { readonly: true });
    expect(numbers.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
    expect(numbers.prepare('SELECT count(*) FROM migration_tasks').pluck().get()).toBe(25);
    expect(numbers.prepare('SELECT count(*) FROM nodes').pluck().get()).toBe(25);
    numbers.close();
  },
);
