import { join } from 'node:path';
import type { SqliteNodeStore } from '@registry/node-memory';
import type { Benchmark } from '../benchmark.ts';
import { alternate, median, quantile, ratios } from '../measure.ts';
import { Child } from '../processes/child.ts';
import type { SearchAnswer } from '../processes/search.ts';
import { figure, verdict } from '../report.ts';
import { after, BATCH, before, filledStore, inFolder, newRegistry } from '../scene.ts';

/** How long a search takes in another process while a migration runs as fast as it can. */
export const reading: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = 20_000;
  const seconds = isFull ? 20 : 3;
  const path = join(folder, 'nodes.sqlite');
  await using store = await filledStore(path, size);
  await using child = new Child<SearchAnswer>('search.ts', { store: path });
  await child.answer();
  const medians = { idle: [] as number[], busy: [] as number[] };
  const searches = async (which: keyof typeof medians) => {
    child.tell({ seconds });
    const { milliseconds } = await child.answer();
    medians[which].push(median(milliseconds));
    return quantile(milliseconds, 0.99);
  };
  let migrated = 0;
  const slowest = await alternate(rounds, {
    idle: () => searches('idle'),
    busy: async () => {
      const stop = new AbortController();
      const migrating = migrateAgainAndAgain(folder, store, stop.signal);
      const found = await searches('busy');
      stop.abort();
      migrated += await migrating;
      return found;
    },
  });
  return {
    name: 'reading',
    title: `Searches over ${size.toLocaleString('en')} nodes in a second process`,
    figures: [
      figure('median, idle store', 'ms', medians.idle),
      figure('median beside a migration', 'ms', medians.busy),
      figure('p99, idle store', 'ms', slowest.idle),
      figure('p99 beside a migration', 'ms', slowest.busy),
      figure('migrated meanwhile', 'nodes/s', [migrated / rounds / seconds]),
    ],
    verdicts: [verdict('p99 beside the idle p99', '×', ratios(slowest.busy, slowest.idle), '≤', 2)],
    remarks: [],
  };
};

/** To and fro, until told to stop; answers how many nodes were re-embedded. */
async function migrateAgainAndAgain(
  parent: string,
  store: SqliteNodeStore,
  signal: AbortSignal,
): Promise<number> {
  let nodes = 0;
  for (let turn = 0; !signal.aborted; turn++)
    nodes += await inFolder(parent, async (folder) => {
      const [source, target] = turn % 2 === 0 ? [before, after] : [after, before];
      await using manager = await newRegistry(join(folder, 'registry.sqlite'), store, source);
      const { planId } = await manager.createMigration({
        targetModelId: target.modelId,
        targetVersion: target.version,
        batchSize: BATCH,
        throttleMs: 0,
      });
      const plan = await manager.runMigration(planId, { signal });
      return plan.completedNodes;
    });
  return nodes;
}
