import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import type { Benchmark } from '../benchmark.ts';
import { median, secondsOf } from '../measure.ts';
import { figure, verdict } from '../report.ts';
import { idOf } from '../scene.ts';
import { makePlan, openPlans, settleAll } from '../task-machine.ts';

const PLANS = 1_000;
const SMALL_PLAN = 200;
const TASKS = 1_000_000;
const CALLS = 100;

/** What a progress bar, a list of plans and a tree in an editor ask, in a registry that has seen a lot. */
export const seeing: Benchmark = async ({ folder, rounds }) => {
  const path = join(folder, 'registry.sqlite');
  const registry = await openPlans(path);
  for (let plan = 1; plan < PLANS; plan++) {
    const planId = await makePlan(registry, plan * SMALL_PLAN, SMALL_PLAN);
    // One in a hundred is left paused; the others are over.
    await registry.movePlan(planId, plan % 100 === 0 ? 'paused' : 'cancelled');
  }
  const first = PLANS * SMALL_PLAN;
  const planId = await makePlan(registry, first, TASKS - first);
  await settleAll(registry, planId, { batches: 1_500, failing: 500 });
  // As an editor looks: read-only, beside a connection that may write.
  await using manager = await EmbeddingVersionManager.open({ dbPath: path, readOnly: true });
  const queries = queriesOf(manager, planId, idOf(first + (TASKS - first) / 2));
  const found = Object.entries(queries).map(([what, query]) => ({ what, times: [] as number[], query }));
  for (let round = 0; round < rounds; round++)
    for (const { times, query } of found) times.push(await medianMilliseconds(query));
  await registry.close();
  const slowest = found.toSorted((a, b) => median(b.times) - median(a.times))[0]!;
  return {
    name: 'seeing',
    title: `Queries, ${TASKS.toLocaleString('en')} tasks in ${PLANS.toLocaleString('en')} plans, median of ${CALLS} calls`,
    figures: found.map(({ what, times }) => figure(what, 'ms', times)),
    verdicts: [verdict(`slowest: ${slowest.what}`, 'ms', slowest.times, '<', 2)],
    remarks: [],
  };
};

type Query = () => Promise<unknown>;

function queriesOf(
  manager: EmbeddingVersionManager,
  planId: string,
  middle: string,
): Readonly<Record<string, Query>> {
  return {
    'progress of a plan': () => manager.getMigration(planId),
    'newest 100 plans': () => manager.listMigrations(),
    '100 plans from the middle': () => manager.listMigrations({ after: String(PLANS / 2) }),
    'running plans': () => manager.listMigrations({ status: 'in_progress' }),
    'cancelled plans': () => manager.listMigrations({ status: 'cancelled' }),
    models: () => manager.listModels(),
    workers: () => manager.listWorkers(),
    'first 100 tasks of a plan': () => manager.listTasks({ planId }),
    '100 tasks from the middle': () => manager.listTasks({ planId, after: middle }),
    '100 failed tasks': () => manager.listTasks({ planId, status: 'failed' }),
    '100 tasks by error': () => manager.listTasks({ planId, errorCode: 'CONTENT_MISSING' }),
    'one task': () => manager.listTasks({ planId, nodeId: middle }),
    'one backup': () => manager.getBackup({ planId, nodeId: middle }),
    'newest 100 journal entries': () => manager.listJournal(),
    'journal of a plan': () => manager.listJournal({ planId }),
  };
}

async function medianMilliseconds(query: Query): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < CALLS; call++) times.push(1000 * (await secondsOf(query)));
  return median(times);
}
