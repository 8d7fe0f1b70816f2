/** All that makes a switch one to trust, in one flow on real texts, from each built-in embedder to the other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Embedder, EmbeddingVersionManager, vectorBytes } from '@registry/core';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { SqliteNodeStore, scratchStore } from '@registry/node-memory';
import { expect, it, onTestFinished } from 'vitest';
import { readCorpus } from '../../examples/demo/corpus.ts';
import { temporaryFolder } from '../scene.ts';
import { startSdk } from '../telemetry/exporters.ts';

const NODES = 60;
const { sections } = readCorpus('packages/embedders/node_modules/ai', NODES);
const ngram = hashedNgram({ dimension: 256 });
const hdv = binaryHdv({ dimension: 2_048 });

async function openStore(old: Embedder) {
  const folder = temporaryFolder();
  const store = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  onTestFinished(() => store.close());
  const vectors = await old.embed(
    sections.map(({ content }) => content),
    { purpose: 'document' },
  );
  await store.upsert(
    sections.map((section, index) => ({ ...section, vector: vectors[index]!, ...old.spec.info })),
  );
  return { folder, store };
}

async function fingerprint(store: SqliteNodeStore) {
  const nodes = await store.read(sections.map(({ id }) => id));
  return nodes.map(({ vector, fence: _, ...rest }) => [
    rest,
    Buffer.from(vectorBytes(vector!)).toString('hex'),
  ]);
}

it.each([
  ['hashed n-grams to binary_hdv', ngram, hdv],
  ['binary_hdv to hashed n-grams', hdv, ngram],
] as const)('from %s, and back', async (_, old, target) => {
  const sdk = startSdk();
  const { folder, store } = await openStore(old);
  const before = await fingerprint(store);
  const manager = await EmbeddingVersionManager.open({
    ...{ dbPath: join(folder, 'registry.sqlite'), nodeStore: store, embedders: [old, target] },
  });
  onTestFinished(() => manager.close());
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel({ ...target.spec.toJSON(), pricePerMillionTokens: 0.1 });
  const of = (embedder: Embedder) => ({ modelId: embedder.spec.modelId, version: embedder.spec.version });
  const to = { targetModelId: target.spec.modelId, targetVersion: target.spec.version };

  // Doctor, calendar and witness.
  await manager.updateModel({ ...of(old), shutdownAt: '2020-01-01', successor: of(target) });
  const found = await manager.diagnose();
  expect(found.findings.map(({ code, count }) => [code, count])).toContainEqual(['MODEL_SHUT_DOWN', NODES]);
  expect((await manager.checkWitness(of(target))).state).toBe('agrees');

  // Estimate, and a plan that may not spend it all.
  const estimate = await manager.estimateMigration(to);
  expect(estimate).toMatchObject({ nodes: NODES, textsToEmbed: { value: NODES } });
  expect(estimate.calendar).toContainEqual(expect.objectContaining({ phase: 'shutDown' }));
  const spendCap = { tokens: 12_000 };
  const { planId } = await manager.createMigration({
    ...to,
    batchSize: 10,
    throttleMs: 0,
    dutyCycle: 0.9,
    spendCap,
  });

  // Rehearsal and gate, before the first write.
  const rehearsal = await manager.rehearseMigration({
    planId,
    scratchStore,
    nodes: 30,
    kills: 1,
    rateLimits: 0,
    seed: 5,
  });
  expect(rehearsal).toMatchObject({ nodes: 30, rollback: { restored: 30, succeeded: true } });
  const gate = await manager.evaluateMigration({ planId, seed: 5 });
  expect(gate.sample.nodes).toBe(NODES);
  const cut = await manager.translateThreshold({ planId, threshold: 0.5, seed: 5 });
  expect(cut.new.score).toBeGreaterThan(0);
  expect(await fingerprint(store)).toEqual(before);

  // Half-way at the cap: both spaces are searched.
  const paused = await manager.runMigration(planId);
  expect(paused).toMatchObject({ status: 'paused', reason: { code: 'SPEND_CAP' } });
  expect(paused.completedNodes).toBeGreaterThan(0);
  expect(paused.completedNodes).toBeLessThan(NODES);
  expect(paused.spentTokens).toBeLessThanOrEqual(12_000);
  const hits = await manager.searchAcrossModels(sections[7]!.content, { k: NODES });
  expect(new Set(hits.map(({ info }) => info.embeddingModelId)).size).toBe(2);
  expect(hits.slice(0, 2).map(({ nodeId }) => nodeId)).toContain(sections[7]!.id);

  // Through, over, and all the way back.
  await manager.tuneMigration({ planId, spendCap: null, dutyCycle: 1 });
  await manager.resumeMigration(planId);
  expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: NODES });
  await manager.cutoverMigration({ planId, overrideGate: 'The gate is another test.' });
  expect((await manager.getActiveModel()).modelId).toBe(target.spec.modelId);
  expect(await manager.rollbackMigration({ planId })).toMatchObject({ restored: NODES, succeeded: true });
  expect(await fingerprint(store)).toEqual(before);

  // What was kept of it.
  const path = join(folder, 'report.html');
  await manager.writeReport({ planId, path });
  const page = readFileSync(path, 'utf8');
  for (const words of [
    'SPEND_CAP',
    'spend cap 12,000 tokens → none',
    'The gate was passed over',
    'The gate is another test.',
    'The rollback brought every node back.',
  ])
    expect(page).toContain(words);
  const actions = (await manager.listJournal({ planId, limit: 100 })).items.map(({ action }) => action);
  for (const action of [
    'plan:created',
    'plan:gate',
    'plan:paused',
    'plan:tuned',
    'plan:gateOverridden',
    'plan:rolled_back',
  ])
    expect(actions).toContain(action);
  const writes = (await sdk.points()).filter(({ name }) => name === 'embedding_registry.node.writes');
  expect(writes.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(NODES);
});
