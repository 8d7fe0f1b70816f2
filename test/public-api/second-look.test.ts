/** What a second look at the whole found: each would have lost work or said what is not so. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingModelSpec, EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { expect, it, onTestFinished } from 'vitest';
import { nodeId, openScene, refusalOf, temporaryFolder } from '../scene.ts';

it('an older copy of a registry does not go on with a rollback by itself', async () => {
  const { manager, dbPath, folder, store, to, old, target } = await openScene({ nodes: 8 });
  const { planId } = await manager.createMigration({ ...to, throttleMs: 0 });
  await manager.runMigration(planId);
  const stopped = AbortSignal.abort();
  const report = await manager.rollbackMigration({ planId, signal: stopped });
  expect(report).toMatchObject({ restored: 0, succeeded: false });
  await manager.close();
  const copy = join(folder, 'copy.sqlite');
  copyFileSync(dbPath, copy);

  const embedders = [old, target];
  const later = await EmbeddingVersionManager.open({ dbPath, nodeStore: store, embedders });
  expect(await later.rollbackMigration({ planId })).toMatchObject({ restored: 8, succeeded: true });
  const again = await later.createMigration({ ...to, throttleMs: 0 });
  await later.runMigration(again.planId);
  await later.finalizeMigration({ planId: again.planId });
  await later.close();

  const older = await EmbeddingVersionManager.open({ dbPath: copy, nodeStore: store, embedders });
  onTestFinished(() => older.close());
  expect(await older.getMigration(planId)).toMatchObject({
    status: 'paused',
    reason: { code: 'REGISTRY_OLDER' },
  });
  expect((await store.get(nodeId(0)))?.embeddingModelId).toBe('new-model');
});

it('a store learns the dimension and the distance of every registered model', async () => {
  const folder = temporaryFolder();
  const store = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  onTestFinished(() => store.close());
  const spec = new EmbeddingModelSpec({
    modelId: 'dots',
    version: 1,
    dimension: 2,
    checksum: 'dots',
    distance: 'dot',
  });
  const embedder = testEmbedder({ spec, onCall: (texts) => texts.map(() => Float32Array.of(1, 0)) });
  const manager = await EmbeddingVersionManager.open({
    dbPath: join(folder, 'registry.sqlite'),
    nodeStore: store,
    embedders: [embedder],
  });
  onTestFinished(() => manager.close());
  await manager.registerModel({ ...spec.toJSON(), setActive: true });
  const tooLong = { id: 'long', content: 'x', vector: new Float32Array(3).fill(1), ...spec.info };
  expect((await refusalOf(store.insert(tooLong))).code).toBe('VECTOR_INVALID');
  await store.insert([
    { id: 'near', content: 'x', vector: Float32Array.of(1, 0.01), ...spec.info },
    { id: 'big', content: 'y', vector: Float32Array.of(100, 50), ...spec.info },
  ]);
  const hits = await manager.searchAcrossModels('anything', { k: 2 });
  expect(hits.map((hit) => hit.nodeId)).toEqual(['big', 'near']);
});

it('nodes of one model are ranked in one list, with or without a checksum in their stamp', async () => {
  const { manager, store, old } = await openScene({ nodes: 0 });
  const texts = ['exactly this', 'this, almost', 'something else'];
  const { vectors, info } = await manager.embed(texts);
  const far = vectors[0]!.map((element) => -element) as Float32Array;
  await store.insert([
    ...texts.map((content, index) => ({ id: `n${index}`, content, vector: vectors[index]!, ...info })),
    { id: 'far', content: 'far away', vector: far, ...old.spec.info, embeddingChecksum: '' },
  ]);
  const hits = await manager.searchAcrossModels('exactly this', { k: 4 });
  expect(hits[0]?.nodeId).toBe('n0');
  expect(hits.at(-1)?.nodeId).toBe('far');
});

it('the rollback of a repair leaves the other nodes of the model alone, and says nothing of them', async () => {
  const { manager, store, old } = await openScene({ nodes: 5 });
  await store.update(nodeId(2), { content: 'A text without a vector of its own.' });
  const to = { targetModelId: old.spec.modelId, targetVersion: old.spec.version };
  const { planId } = await manager.createMigration({ ...to, throttleMs: 0 });
  expect(await manager.runMigration(planId)).toMatchObject({ totalNodes: 1, status: 'completed' });
  const report = await manager.rollbackMigration({ planId });
  expect(report).toMatchObject({ restored: 1, remaining: 0, succeeded: true });
  expect(report.wayBack).toBeUndefined();
});

it('a model is not removed while the nodes of a bound registry cannot be looked at', async () => {
  const { dbPath, manager, target } = await openScene({ nodes: 1 });
  await manager.close();
  const blind = await EmbeddingVersionManager.open({ dbPath });
  onTestFinished(() => blind.close());
  const refusal = await refusalOf(blind.removeModel({ modelId: target.spec.modelId, version: 1 }));
  expect(refusal.code).toBe('NODE_STORE_MISSING');
});

it('any number of plans that wait for an embedder let the next one run', async () => {
  const { manager, open, store, old, to } = await openScene({ nodes: 130 });
  const missing = testEmbedder({ modelId: 'missing-model', dimension: 4 });
  await manager.registerModel(missing.spec.toJSON());
  for (let index = 0; index < 120; index++)
    await manager.createMigration({
      nodeIds: [nodeId(index)],
      targetModelId: 'missing-model',
      targetVersion: 1,
    });
  const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(125)], priority: 3 });
  const worker = await open();
  const done = Promise.withResolvers<void>();
  worker.on('plan:changed', ({ plan }) => {
    if (plan.planId === planId && plan.status === 'completed') done.resolve();
  });
  await worker.startWorker();
  await done.promise;
  expect((await store.get(nodeId(125)))?.embeddingModelId).toBe('new-model');
  expect((await store.get(nodeId(0)))?.embeddingModelId).toBe(old.spec.modelId);
});

it('a stop ends the call in hand and starts no other one', async () => {
  const target = testEmbedder({ modelId: 'new-model', dimension: 12, limits: { texts: 2 } });
  const { manager, to } = await openScene({ nodes: 10, target });
  const { planId } = await manager.createMigration({ ...to, throttleMs: 0, maxParallelWorkers: 1 });
  const stopping = new AbortController();
  target.onCall = () => stopping.abort();
  const plan = await manager.runMigration(planId, { signal: stopping.signal });
  expect(target.calls).toHaveLength(1);
  expect(plan).toMatchObject({ status: 'in_progress', completedNodes: 2, failedNodes: 0 });
  target.onCall = undefined;
  expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 10 });
});
