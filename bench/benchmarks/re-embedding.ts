import { join } from 'node:path';
import { vectorBytes } from '@registry/core';
import type { SqliteNodeStore } from '@registry/node-memory';
import type { Benchmark } from '../benchmark.ts';
import { alternate, type Rounds, ratios, secondsOf } from '../measure.ts';
import { figure, verdict } from '../report.ts';
import {
  after,
  BATCH,
  before,
  filledStore,
  idOf,
  inFolder,
  newRegistry,
  textOf,
  vectorOf,
} from '../scene.ts';
import { HandLoop } from '../sqlite/hand-loop.ts';
import { OrderedLoop } from '../sqlite/ordered-loop.ts';

/** The rate of a migration with an embedder that costs nothing, and of its rollback. */
export const reEmbedding: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = isFull ? 100_000 : 50_000;
  const growing = await measure(folder, size, rounds, false);
  const scattered = isFull ? await measure(folder, size, rounds, true) : undefined;
  const figures = (order: string, found: Measured) => [
    figure(`migration, ${order} ids`, 'nodes/s', found.ours),
    figure('hand-written loop', 'nodes/s', found.hand),
    figure('the same with our pages and cache', 'nodes/s', found.tuned),
    figure('by hand, two files, our order', 'nodes/s', found.ordered),
    figure('migration beside that', '×', ratios(found.ours, found.ordered)),
    figure('rollback', 'nodes/s', found.back),
  ];
  const verdicts = (order: string, found: Measured) => [
    verdict(`migration beside the loop${order}`, '×', ratios(found.ours, found.hand), '≥', 0.6),
    verdict(`… with our pages and cache${order}`, '×', ratios(found.ours, found.tuned), '≥', 0.6),
    verdict(`rollback beside the migration${order}`, '×', ratios(found.back, found.ours), '≥', 1),
  ];
  return {
    name: 're-embedding',
    title: `Re-embedding and rollback, ${size.toLocaleString('en')} nodes, batches of ${BATCH}`,
    figures: [
      ...figures('growing', growing),
      ...(scattered === undefined ? [] : figures('scattered', scattered)),
    ],
    verdicts: [
      ...verdicts('', growing),
      ...(scattered === undefined ? [] : verdicts(', scattered', scattered)),
    ],
    remarks: [],
  };
};

interface Measured {
  readonly ours: Rounds;
  readonly back: Rounds;
  readonly hand: Rounds;
  readonly tuned: Rounds;
  readonly ordered: Rounds;
}

async function measure(parent: string, size: number, rounds: number, scattered: boolean): Promise<Measured> {
  return inFolder(parent, async (folder) => {
    const store = await filledStore(join(folder, 'nodes.sqlite'), size, scattered);
    const numbers = Array.from({ length: size }, (_, number) => number);
    const nodes = numbers.map((number) => ({ id: idOf(number, scattered), content: textOf(number) }));
    const loop = (settings: 'tuned' | 'default') =>
      new HandLoop(join(folder, `${settings}.sqlite`), settings, nodes, vectorOf(before));
    const loops = { hand: loop('default'), tuned: loop('tuned') };
    const ordered = new OrderedLoop(join(folder, 'ordered'), nodes, vectorBytes(vectorOf(before)));
    const back: number[] = [];
    const measured = await alternate(rounds, {
      ours: async () => {
        const rates = await migrateAndRollBack(folder, store, size);
        back.push(rates.back);
        return rates.forth;
      },
      hand: () => runByHand(loops.hand, size, vectorOf(after)),
      tuned: () => runByHand(loops.tuned, size, vectorOf(after)),
      ordered: () => runByHand(ordered, size, vectorBytes(vectorOf(after))),
    });
    loops.hand.close();
    loops.tuned.close();
    ordered.close();
    await store.close();
    return { ...measured, back };
  });
}

interface ByHand<V> {
  clear(): void;
  run(batchSize: number, embed: (texts: readonly string[]) => readonly V[]): void;
}

async function runByHand<V>(loop: ByHand<V>, size: number, vector: V): Promise<number> {
  loop.clear();
  return size / (await secondsOf(() => loop.run(BATCH, (texts) => texts.map(() => vector))));
}

/** Afterwards the store is as it was. */
async function migrateAndRollBack(
  folder: string,
  store: SqliteNodeStore,
  size: number,
): Promise<{ forth: number; back: number }> {
  return inFolder(folder, async (round) => {
    await using manager = await newRegistry(join(round, 'registry.sqlite'), store);
    const { planId } = await manager.createMigration({
      targetModelId: after.modelId,
      targetVersion: after.version,
      batchSize: BATCH,
      throttleMs: 0,
    });
    const forth = size / (await secondsOf(() => manager.runMigration(planId)));
    const { completedNodes, status } = await manager.getMigration(planId);
    if (status !== 'completed' || completedNodes !== size)
      throw new Error(`The migration ended ${status} with ${completedNodes} of ${size} nodes`);
    const back = size / (await secondsOf(() => manager.rollbackMigration({ planId })));
    const [count] = await store.countByModel();
    if (count?.info?.embeddingModelId !== before.modelId || count.count !== size)
      throw new Error('The rollback left nodes behind');
    return { forth, back };
  });
}
