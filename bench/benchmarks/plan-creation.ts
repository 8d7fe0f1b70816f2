import { join } from 'node:path';
import type { Benchmark } from '../benchmark.ts';
import { alternate, ratios, secondsOf } from '../measure.ts';
import { figure, verdict } from '../report.ts';
import { after, BATCH, filledStore, inFolder, newRegistry } from '../scene.ts';
import { planByOneStatement, planByPages } from '../sqlite/raw-planning.ts';

export const planCreation: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = isFull ? 1_000_000 : 200_000;
  const path = join(folder, 'nodes.sqlite');
  const store = await filledStore(path, size);
  const raw = (plan: typeof planByPages) => () =>
    inFolder(folder, async (round) => size / (await secondsOf(() => plan(path, join(round, 'raw.sqlite')))));
  const measured = await alternate(rounds, {
    ours: () =>
      inFolder(folder, async (round) => {
        await using manager = await newRegistry(join(round, 'registry.sqlite'), store);
        return size / (await secondsOf(() => manager.createMigration(toAfter)));
      }),
    pages: raw(planByPages),
    statement: raw(planByOneStatement),
  });
  await store.close();
  return {
    name: 'plan-creation',
    title: `Plan creation, ${size.toLocaleString('en')} nodes`,
    figures: [
      figure('createMigration', 'nodes/s', measured.ours),
      figure('raw loop, pages of 10,000', 'nodes/s', measured.pages),
      figure('one INSERT … SELECT', 'nodes/s', measured.statement),
    ],
    verdicts: [verdict('beside the raw loop', '×', ratios(measured.ours, measured.pages), '≥', 0.7)],
    remarks: [],
  };
};

const toAfter = {
  targetModelId: after.modelId,
  targetVersion: after.version,
  batchSize: BATCH,
  throttleMs: 0,
};
