import {
  type EmbeddingVersionManager,
  type MigrationPlan,
  type MigrationProgress,
  RegistryError,
  systemClock,
} from '@registry/core';
import { z } from 'zod';
import { type Call, opened } from '../call.ts';
import { planOf } from '../names.ts';
import type { Ending, Output } from '../output.ts';
import { endingOf, ProgressReport } from '../progress.ts';
import { counted, modelName, reasonText, shortId, statusWord } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';

const schema = z.object({
  plan: z.string().optional(),
  watch: z.boolean().optional(),
  stopWithParent: z.boolean().optional(),
  progress: z.boolean().optional(),
});
const LOOK_EVERY_MS = 1_000;
/** Nothing more is heard of them by themselves. */
const ended: readonly MigrationPlan['status'][] = ['completed', 'failed', 'cancelled', 'rolled_back'];

export const run = opened('work', schema, async (call, o, { manager, resolved, embedders }) => {
  const plan = o.plan === undefined ? undefined : await planOf(manager, o.plan);
  const signal = terminal.stopSignal();
  if (o.stopWithParent) terminal.stopWithParent();
  manager.on('worker:changed', ({ state }) => {
    if (state === 'running') call.hasBegun = true;
  });
  call.output.event('started', {
    pid: terminal.pid,
    registry: resolved.dbPath,
    planId: plan?.planId,
    embedders: embedders.map(({ spec }) => spec.qualifiedId),
  });
  const report = new ProgressReport(call.output, o.progress);
  return plan === undefined
    ? serve(call, manager, report, signal)
    : runPlan({ call, manager, report, watch: o.watch ?? false, signal }, plan);
});

interface Run {
  readonly call: Call;
  readonly manager: EmbeddingVersionManager;
  readonly report: ProgressReport;
  readonly watch: boolean;
  readonly signal: AbortSignal;
}

/** One plan until it rests; with `watch` a pause is waited out. */
async function runPlan({ call, manager, report, watch, signal }: Run, plan: MigrationPlan): Promise<Ending> {
  for (;;) {
    const following = new AbortController();
    const shown = report.follow(
      withWorker(manager.watchMigration(plan.planId, { signal: following.signal })),
    );
    const ended = await manager.runMigration(plan.planId, { signal }).finally(() => following.abort());
    await shown;
    if (!watch || ended.status !== 'paused' || signal.aborted) return endingOf(call.output, ended);
    call.output.note(`Plan ${shortId(plan)} is paused; this waits until it goes on.`);
    call.output.event('plan', { plan: ended });
    while (!signal.aborted && (await manager.getMigration(plan.planId)).status === 'paused')
      await systemClock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** What is seen before the worker of this process has announced itself has no worker. */
async function* withWorker(all: AsyncIterable<MigrationProgress>): AsyncGenerator<MigrationProgress> {
  for await (const { heldBackBy, ...rest } of all)
    yield heldBackBy === undefined || heldBackBy === 'noWorker' ? rest : { ...rest, heldBackBy };
}

/** All plans, until stopped. */
async function serve(
  { output }: Call,
  manager: EmbeddingVersionManager,
  report: ProgressReport,
  signal: AbortSignal,
): Promise<Ending> {
  const served = new ServedPlans(output, manager, report);
  await manager.startWorker();
  if ((await manager.getWorkerStats()).state === 'disabled')
    throw new RegistryError(
      'REGISTRY_DISABLED',
      'The configuration says workerEnabled: false; no worker runs here.',
    );
  output.note('Serving all plans of the registry; Ctrl-C stops after the batches in hand.');
  while (!signal.aborted && (await served.look())) await systemClock.sleep(LOOK_EVERY_MS, signal);
  await manager.stopWorker();
  const stats = await manager.getWorkerStats();
  output.progress('');
  output.say(
    `Stopped: ${counted(stats.processedCount, 'node')} re-embedded, ${counted(stats.failedCount, 'failure')}${stats.rolledBackCount > 0 ? `, ${stats.rolledBackCount} rolled back` : ''}`,
  );
  if (signal.aborted) output.note('evr run goes on.');
  return { exitCode: signal.aborted ? 3 : 1, data: { stats } };
}

/** Says how the plans go on that this worker serves, also what other processes do to them. */
class ServedPlans {
  readonly #output: Output;
  readonly #manager: EmbeddingVersionManager;
  readonly #statuses = new Map<string, MigrationPlan['status']>();
  #waits = '';

  constructor(output: Output, manager: EmbeddingVersionManager, report: ProgressReport) {
    this.#output = output;
    this.#manager = manager;
    manager.on('batch:settled', (progress) => {
      this.#tell(progress.plan);
      report.show(progress);
    });
    manager.on('plan:changed', ({ plan }) => this.#tell(plan));
  }

  /** False once the worker has stopped by itself. */
  async look(): Promise<boolean> {
    const { waiting, isRunning } = await this.#manager.getWorkerStats();
    for (const planId of this.#statuses.keys()) this.#tell(await this.#manager.getMigration(planId));
    const waits = JSON.stringify(waiting);
    if (waits !== this.#waits && (waiting.length > 0 || this.#waits !== '')) {
      this.#output.event('waiting', { items: waiting });
      for (const { planId, ...why } of waiting)
        this.#output.note(
          `${planId === '' ? 'The worker' : `Plan ${shortId({ planId })}`} waits: ${reasonText(why, planId || undefined)}`,
        );
    }
    this.#waits = waits;
    return isRunning;
  }

  #tell(plan: MigrationPlan): void {
    const from = this.#statuses.get(plan.planId);
    if (from === plan.status) return;
    this.#statuses.set(plan.planId, plan.status);
    this.#output.event('plan', { plan, from });
    if (plan.status !== 'in_progress') this.#output.progress('');
    const name = `Plan ${shortId(plan)} to ${modelName(plan.targetSpec)}`;
    this.#output.note(`${name}: ${statusWord(plan.status)}`);
    if (ended.includes(plan.status)) this.#statuses.delete(plan.planId);
  }
}
