import { join } from 'node:path';
import type { Benchmark } from '../benchmark.ts';
import { alternate, ratios } from '../measure.ts';
import { Child } from '../processes/child.ts';
import type { ReEmbedAnswer, ReEmbedJob } from '../processes/re-embed.ts';
import { figure, verdict } from '../report.ts';
import { filledStore, inFolder } from '../scene.ts';

/** What the editor starts a worker with; V8 alone gives young objects as much room as the machine has. */
const lean = ['--max-semi-space-size=16'];

/** The rate and the memory of a migration ten times as large, each round in a process of its own. */
export const growth: Benchmark = async ({ folder, isFull, rounds }) => {
  const sizes = isFull ? ([100_000, 1_000_000] as const) : ([15_000, 150_000] as const);
  const sides = await Promise.all(sizes.map((size) => migratedStore(folder, size)));
  const [small, large] = sides as [MigratedStore, MigratedStore];
  await small.migrate();
  small.megabytes.length = 0;
  const rates = await alternate(isFull ? rounds : 2, { small: small.migrate, large: large.migrate });
  const leanMegabytes = [await large.migrateLean()];
  const [few, many] = sizes.map((size) => size.toLocaleString('en'));
  return {
    name: 'growth',
    title: `Re-embedding ${many} nodes beside ${few}`,
    figures: [
      figure(`${few} nodes`, 'nodes/s', rates.small),
      figure(`${many} nodes`, 'nodes/s', rates.large),
      figure(`peak memory at ${few}`, 'MB', small.megabytes),
      figure(`peak memory at ${many}, as the editor starts a worker`, 'MB', leanMegabytes),
    ],
    verdicts: [
      verdict('rate beside that of the small one', '×', ratios(rates.large, rates.small), '≥', 0.9),
      verdict('peak memory beside it', '×', ratios(large.megabytes, small.megabytes), '≤', 1.2),
      verdict(`peak memory at ${many}`, 'MB', large.megabytes, '≤', 250),
    ],
    remarks: [],
  };
};

interface MigratedStore {
  /** Migrates the store to the other model; answers nodes per second. */
  readonly migrate: () => Promise<number>;
  /** The same, as the editor starts a worker; answers the megabytes it took. */
  readonly migrateLean: () => Promise<number>;
  readonly megabytes: number[];
}

async function migratedStore(folder: string, size: number): Promise<MigratedStore> {
  const path = join(folder, `nodes-${size}.sqlite`);
  await (await filledStore(path, size)).close();
  const megabytes: number[] = [];
  let [from, to]: ReEmbedJob['from'][] = ['before', 'after'];
  const run = (runtime: readonly string[]) =>
    inFolder(folder, async (round) => {
      const job = { store: path, registry: join(round, 'registry.sqlite'), from, to };
      await using child = new Child<ReEmbedAnswer>('re-embed.ts', job, { runtime });
      const { seconds, nodes, peakBytes } = await child.answer();
      if (nodes !== size) throw new Error(`${nodes} of ${size} nodes were migrated`);
      [from, to] = [to, from];
      return { rate: size / seconds, peak: peakBytes / 2 ** 20 };
    });
  const migrate = async () => {
    const { rate, peak } = await run([]);
    megabytes.push(peak);
    return rate;
  };
  return { migrate, migrateLean: async () => (await run(lean)).peak, megabytes };
}
