/** Searches at every point of a migration in place, against an exact computation that shares nothing with ours. */
import type { Embedder, SearchHit } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import type { SqliteNodeStore } from '@registry/node-memory';
import { expect, it } from 'vitest';
import { remembering } from './sabotage.ts';
import { gateScene } from './scene.ts';
import { realTexts } from './texts.ts';

const K = 10;
const questions = ['how do I take a screenshot', 'format code', 'option with an optional value', 'import'];

async function allNodes(store: SqliteNodeStore) {
  const { items } = await store.scan({ limit: 10_000 });
  return store.read(items.map(({ id }) => id));
}

/** Cosines by the definition, in each model's own nodes; lists fused by 1 / (60 + rank), the active model first. */
async function truth(store: SqliteNodeStore, models: readonly Embedder[], active: Embedder, query: string) {
  const nodes = await allNodes(store);
  const fused: { nodeId: string; score: number; model: string }[] = [];
  for (const { spec, embed } of models) {
    const [wanted] = await embed([query], { purpose: 'query' });
    const own = nodes.filter((node) => node.embeddingModelId === spec.modelId);
    const cosines = own.map(({ id, vector }) => {
      const pairs = Array.from(vector!, (element, index) => [element, wanted![index]!] as const);
      const product = pairs.reduce((sum, [a, b]) => sum + a * b, 0);
      return { nodeId: id, cosine: product / Math.hypot(...vector!) / Math.hypot(...wanted!) };
    });
    cosines.sort((a, b) => b.cosine - a.cosine);
    for (const [rank, { nodeId }] of cosines.slice(0, K).entries())
      fused.push({ nodeId, score: 1 / (61 + rank), model: spec.modelId });
  }
  const isLater = ({ model }: { model: string }) => Number(model !== active.spec.modelId);
  return fused.sort((a, b) => b.score - a.score || isLater(a) - isLater(b)).slice(0, K);
}

const found = (hits: readonly SearchHit[]) =>
  hits.map(({ nodeId, score, info }) => ({ nodeId, score, model: info.embeddingModelId }));

it('finds at 0, about 12, 37, 63 and 88 and at 100 % what each model finds among its own nodes', async () => {
  const old = remembering(hashedNgram({ dimension: 256 }));
  const target = remembering(hashedNgram({ dimension: 384 }));
  const asked: string[] = [];
  const counting = (embedder: Embedder): Embedder => ({
    ...embedder,
    embed: (texts, options) => {
      if (options.purpose === 'query') asked.push(embedder.spec.modelId);
      return embedder.embed(texts, options);
    },
  });
  const { store, plan, open } = await gateScene(old, target);
  const { planId } = plan;
  const total = realTexts().length;
  const manager = await open([counting(old), counting(target)]);
  await manager.cutoverMigration({ planId, overrideGate: 'reads are looked at here' });
  await manager.tuneMigration({ planId, batchSize: 16, maxParallelWorkers: 1, throttleMs: 0 });
  for (const share of [0, 0.12, 0.37, 0.63, 0.88, 1]) {
    if (share > 0) {
      const stopping = new AbortController();
      const stop = manager.on('batch:settled', ({ plan: { completedNodes } }) => {
        if (share < 1 && completedNodes >= share * total) stopping.abort();
      });
      await manager.runMigration(planId, { signal: stopping.signal });
      stop();
    }
    const moved = (await store.countByModel()).find(
      ({ info }) => info?.embeddingModelId === target.spec.modelId,
    );
    const reached = (moved?.count ?? 0) / total;
    expect(reached).toBeGreaterThanOrEqual(share);
    expect(reached).toBeLessThan(share === 1 ? 1.01 : share + 0.12);
    for (const query of questions) {
      asked.length = 0;
      const hits = found(await manager.searchAcrossModels(query, { k: K }));
      expect(hits).toEqual(await truth(store, [old, target], target, query));
      // The cost: one more embedding of the query, and only while both models have nodes.
      expect(asked).toHaveLength(reached > 0 && reached < 1 ? 2 : 1);
    }
  }
}, 120_000);
