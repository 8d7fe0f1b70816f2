import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Embedder, EmbeddingModelSpec } from '@registry/core';
import type { Benchmark } from '../benchmark.ts';
import { alternate, median, ratios } from '../measure.ts';
import { figure } from '../report.ts';
import { after, BATCH, before, costlessEmbedder, filledStore, newRegistry } from '../scene.ts';

/** A service near by. */
const EMBED_MS = 10;
const SEARCHES = 25;

type Manager = Awaited<ReturnType<typeof newRegistry>>;

async function migrateHalf(manager: Manager, size: number): Promise<void> {
  const { modelId, version } = after;
  const target = { targetModelId: modelId, targetVersion: version, batchSize: BATCH };
  const { planId } = await manager.createMigration(target);
  const stop = new AbortController();
  manager.on('batch:settled', ({ plan }) => {
    if (plan.completedNodes >= size / 2) stop.abort();
  });
  await manager.runMigration(planId, { signal: stop.signal });
}

/** What a search costs while two models have nodes: a second embedding of the query, and a second look. */
export const search: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = isFull ? 20_000 : 4_000;
  let calls = 0;
  const service = (spec: EmbeddingModelSpec): Embedder => ({
    spec,
    embed: async (texts, options) => {
      if (options.purpose === 'query') {
        calls += 1;
        await setTimeout(EMBED_MS);
      }
      return costlessEmbedder(spec).embed(texts, options);
    },
  });
  await using whole = await filledStore(join(folder, 'whole.sqlite'), size);
  await using halved = await filledStore(join(folder, 'halved.sqlite'), size);
  const embedders = [service(before), service(after)];
  await using one = await newRegistry(join(folder, 'one.sqlite'), whole, before, embedders);
  await using two = await newRegistry(join(folder, 'two.sqlite'), halved, before, embedders);
  await migrateHalf(two, size);
  const asked = { one: 0, two: 0 };
  const searches = (name: keyof typeof asked, manager: Manager) => async () => {
    const spent: number[] = [];
    calls = 0;
    for (let number = 0; number < SEARCHES; number++) {
      const startedAt = performance.now();
      await manager.searchAcrossModels(`Where is note ${number}?`, { k: 10 });
      spent.push(performance.now() - startedAt);
    }
    asked[name] = calls / SEARCHES;
    return median(spent);
  };
  const found = await alternate(rounds, { one: searches('one', one), two: searches('two', two) });
  return {
    name: 'search',
    title: `Searches over ${size.toLocaleString('en')} nodes, queries embedded in ${EMBED_MS} ms`,
    figures: [
      figure('all nodes of one model', 'ms', found.one),
      figure('half-way through a migration', 'ms', found.two),
      figure('the second beside the first', '×', ratios(found.two, found.one)),
      figure('query embeddings, one model', 'a search', [asked.one]),
      figure('query embeddings, two models', 'a search', [asked.two]),
    ],
    verdicts: [],
    remarks: ['One model after the other is asked: the second embedding of the query is what it costs.'],
  };
};
