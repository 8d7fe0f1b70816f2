/** The gate over a store that keeps old and new vectors on two sides. */
import { join } from 'node:path';
import { type Embedder, EmbeddingVersionManager } from '@registry/core';
import { MemorySideStore } from '@registry/core/testing';
import { hashedNgram } from '@registry/embedders';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../scene.ts';
import * as broken from './sabotage.ts';
import { realTexts } from './texts.ts';

const NODES = 240;
const old = broken.remembering(hashedNgram({ dimension: 128 }));
const target = broken.remembering(hashedNgram({ dimension: 192 }));
const sample = { sampleSize: 120, generatedQueries: 120, seed: 3 };

/** `embedder`, and the whole texts that it was asked to make vectors of nodes from. */
function watched(embedder: Embedder, contents: ReadonlySet<string>) {
  const embedded = new Set<string>();
  const watching: Embedder = {
    spec: embedder.spec,
    embed: (texts, options) => {
      if (options.purpose === 'document')
        for (const text of texts) if (contents.has(text)) embedded.add(text);
      return embedder.embed(texts, options);
    },
  };
  return { ...watching, embedded };
}

/** A shadow plan over real texts that the old model embedded. */
async function shadowPlan() {
  const store = new MemorySideStore();
  const texts = [...new Map(realTexts().map((text) => [text.content, text])).values()].slice(0, NODES);
  const vectors = await old.embed(
    texts.map(({ content }) => content),
    { purpose: 'document' },
  );
  await store
    .application()
    .put(texts.map(({ id, content }, index) => ({ id, content, vector: vectors[index]!, ...old.spec.info })));
  const contents = new Set(texts.map(({ content }) => content));
  const embedders = { old: watched(old, contents), target: watched(target, contents) };
  const dbPath = join(temporaryFolder(), 'registry.sqlite');
  const open = async (some: readonly Embedder[]) => {
    const manager = await EmbeddingVersionManager.open({ dbPath, nodeStore: store, embedders: some });
    onTestFinished(() => manager.close());
    return manager;
  };
  const manager = await open([embedders.old, embedders.target]);
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  const { planId } = await manager.createMigration({
    ...{ targetModelId: target.spec.modelId, targetVersion: target.spec.version, strategy: 'shadow' },
    ...{ batchSize: 16, throttleMs: 0, maxParallelWorkers: 1 },
  });
  return { store, manager, open, planId, ...embedders };
}

const sidesOf = (store: MemorySideStore) =>
  structuredClone([...store.sides.values()].map(({ nodes }) => nodes));

it('takes old vectors from the old side and new ones from the new side, and writes to neither', async () => {
  const { store, manager, open, planId, ...embedders } = await shadowPlan();
  /** A verdict, and how many texts of nodes were embedded for it. */
  const judged = async (by = manager) => {
    embedders.old.embedded.clear();
    embedders.target.embedded.clear();
    const before = sidesOf(store);
    const report = await by.evaluateMigration({ planId, ...sample });
    expect(sidesOf(store)).toEqual(before);
    expect(report.sample).toMatchObject({ nodes: 120, of: NODES, leftOut: { oldVectors: 0 } });
    return {
      ...report,
      embedded: { old: embedders.old.embedded.size, target: embedders.target.embedded.size },
    };
  };

  const first = await judged();
  expect(store.sides.size).toBe(1);
  expect(first).toMatchObject({ verdict: 'go', sample: { stored: 0 }, embedded: { old: 0, target: 120 } });

  const stopping = new AbortController();
  manager.on('batch:settled', ({ plan }) => {
    if (plan.completedNodes > NODES / 2) stopping.abort();
  });
  await manager.runMigration(planId, { signal: stopping.signal });
  const half = await judged();
  expect(half.sample.stored).toBeGreaterThan(20);
  expect(half.embedded).toEqual({ old: 0, target: 120 - half.sample.stored });
  expect(half.embedded.target).toBeGreaterThan(20);

  await manager.runMigration(planId);
  const full = await judged();
  await manager.cutoverMigration({ planId });
  expect(await store.sideBySide(await manager.getMigration(planId)).then((sides) => sides.readers())).toBe(
    'new',
  );
  const moved = await judged();
  for (const report of [half, full, moved]) {
    expect(report.verdict).toBe('go');
    expect(report.checks).toEqual(first.checks);
    expect(report.spaces).toEqual(first.spaces);
    expect(report.overlap).toEqual(first.overlap);
  }
  for (const report of [full, moved])
    expect(report).toMatchObject({ sample: { stored: 120 }, embedded: { old: 0, target: 0 } });

  // Without the old embedder the old vectors can come from nowhere but the old side.
  const alone = await judged(await open([embedders.target]));
  expect(alone.overlap?.of).toBe('nodes');
  expect(alone.embedded).toEqual({ old: 0, target: 0 });
});
