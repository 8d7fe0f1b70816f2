import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark } from '../benchmark.ts';
import { alternate, ratios, secondsOf } from '../measure.ts';
import { runGraphileWorker } from '../peers/graphile-worker.ts';
import { runPlainjob } from '../peers/plainjob.ts';
import { figure, verdict } from '../report.ts';
import { BATCH, inFolder } from '../scene.ts';
import { bytesPerTask, makePlan, openPlans, settleAll } from '../task-machine.ts';

/** Each task is taken and ended: two transitions. */
const TRANSITIONS = 2;

/** The task machinery alone, beside job engines that do nothing else; and how large a task is on disk. */
export const transitions: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = isFull ? 200_000 : 50_000;
  const created: number[] = [];
  const settled: number[] = [];
  const sides = {
    ours: () =>
      inFolder(folder, async (round) => {
        const path = join(round, 'registry.sqlite');
        const registry = await openPlans(path);
        const planId = await makePlan(registry, 0, size);
        const seconds = await secondsOf(() => settleAll(registry, planId));
        await registry.close();
        settled.push(statSync(path).size / size);
        created.push(await bytesPerTask(join(round, 'created.sqlite'), size));
        return (TRANSITIONS * size) / seconds;
      }),
    plainjob: () => plainjob(folder, 'as it comes'),
    durable: () => plainjob(folder, 'durable'),
    graphile: () =>
      isFull ? inFolder(folder, (round) => runGraphileWorker(round, size)) : Promise.resolve(Number.NaN),
  };
  const measured = await alternate(rounds, sides);
  const graphile = measured.graphile.map((jobs) => TRANSITIONS * jobs);
  return {
    name: 'transitions',
    title: `Task transitions (taken, ended), ${size.toLocaleString('en')} tasks, batches of ${BATCH}`,
    figures: [
      figure('registry: claim and settle', '/s', measured.ours),
      figure('plainjob (its synchronous=NORMAL)', '/s', measured.plainjob),
      figure('plainjob with synchronous=FULL', '/s', measured.durable),
      ...(isFull ? [figure('graphile-worker on PostgreSQL', '/s', graphile)] : []),
      figure('bytes of a task, plan just made', 'bytes', created),
    ],
    verdicts: [
      verdict('beside plainjob as it comes', '×', ratios(measured.ours, measured.plainjob), '≥', 2),
      verdict('registry per task, all settled', 'bytes', settled, '≤', 120),
    ],
    remarks: [],
  };
};

const plainjobs = { 'as it comes': 10_000, durable: 500 };

function plainjob(folder: string, mode: 'as it comes' | 'durable'): Promise<number> {
  return inFolder(folder, async (round) => TRANSITIONS * (await runPlainjob(round, plainjobs[mode], mode)));
}
