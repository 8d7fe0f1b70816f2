import { type MigrationPlan, systemClock, type WorkerInfo } from '@registry/core';
import { z } from 'zod';
import { opened } from '../call.ts';
import { allPlans, isUnfinished, shortIds } from '../names.ts';
import type { Output } from '../output.ts';
import { ago, grouped, modelName, reasonText } from '../screen/phrases.ts';
import { warnOfEnds } from './ends.ts';
import { activeModel } from './models.ts';
import { heldBackNow, showPlans } from './plans.ts';

const LATEST = 5;

export const status = opened('read', z.object({}), async (call, _, { manager, resolved }) => {
  const { output } = call;
  const [active, models, all, workers] = [
    await activeModel(manager),
    await manager.listModels(),
    await allPlans(manager),
    await manager.listWorkers(),
  ];
  const open = all.filter(isUnfinished);
  const ended = all.filter((plan) => !isUnfinished(plan)).slice(0, LATEST);
  output.fields([
    ['registry', `${resolved.dbPath}${resolved.name === undefined ? '' : ` (${resolved.name})`}`],
    ['active model', active === undefined ? 'none' : modelName(active)],
    ['models', grouped(models.length)],
    ['plans', `${grouped(open.length)} unfinished of ${grouped(all.length)}`],
    ['workers', workers.length === 0 ? 'none' : grouped(workers.length)],
  ]);
  const shown = [...open, ...ended];
  if (shown.length > 0) {
    output.say();
    showPlans(output, shown);
  }
  const short = shortIds(all);
  const heldBack = await Promise.all(
    open.map(async (plan) => ({ planId: plan.planId, ...(await heldBackNow(manager, plan)) })),
  );
  // That no worker runs is said once, of all.
  for (const { planId, heldBackBy, said } of heldBack)
    if (said !== undefined && heldBackBy !== 'noWorker')
      output.say(`Plan ${short(planId)} is held back: ${said}.`);
  showWorkers(output, workers, short);
  const calendar = warnOfEnds(output, models);
  if (open.some(isRunnable) && workers.length === 0)
    output.note('\nPlans wait and no worker is running: evr run works on them.');
  return {
    data: {
      registry: resolved.dbPath,
      configFile: resolved.file,
      name: resolved.name,
      active,
      plans: shown,
      heldBack: heldBack.flatMap(({ planId, heldBackBy }) => (heldBackBy ? [{ planId, heldBackBy }] : [])),
      workers,
      calendar,
    },
  };
});

const isRunnable = (plan: MigrationPlan) => plan.status !== 'paused';

function showWorkers(
  output: Output,
  workers: readonly WorkerInfo[],
  short: (planId: string) => string,
): void {
  if (workers.length === 0) return;
  const now = systemClock.now();
  output.say();
  output.table<WorkerInfo>(
    [
      { title: 'WORKER', cell: ({ workerId }) => workerId.slice(0, 8) },
      { title: 'HOST', cell: ({ host }) => host, least: 8 },
      { title: 'PID', cell: ({ pid }) => String(pid), align: 'right' },
      { title: 'HEARD OF', cell: ({ heartbeatAt }) => ago(heartbeatAt, now) },
      { title: 'AT', cell: ({ planIds }) => planIds.map(short).join(' ') || 'rest', least: 8, spare: 1 },
    ],
    workers,
  );
  for (const { workerId, waiting } of workers)
    for (const { planId, ...why } of waiting)
      output.note(
        `Worker ${workerId.slice(0, 8)} cannot go on with plan ${short(planId)}: ${reasonText(why, planId)}`,
      );
}
