/** The migration, and what happens while it runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  EmbeddingModelSpec,
  EmbeddingVersionManager,
  MigrationPlan,
  WriteOutcome,
} from '@registry/core';
import type { Demo } from './demo.ts';
import { type Choice, choose, edit, type Left } from './edits.ts';
import { search } from './searches.ts';

/** So many batches whatever the number of nodes: the migration is to be watched. */
const BATCHES = 150;
const FEWEST_IN_BATCH = 5;
const PAUSE_MS = 1_500;
const LOOK_MS = 50;

/** What the edits leave to later steps. */
export interface Edited {
  readonly choice: Choice;
  readonly left: Left;
}

/** The plan to a model, where there is one. */
export async function planTo(
  { manager }: Demo,
  spec: EmbeddingModelSpec,
): Promise<MigrationPlan | undefined> {
  return (await manager.listMigrations()).items.find((plan) => plan.targetSpec.equals(spec));
}

/** Registers the target, then plans the migration of every node and makes the target active at once. Answers the plan's id. */
export async function switchModel(demo: Demo): Promise<string> {
  const { manager, store, screen, settings, targetSpec } = demo;
  const { modelId, version } = targetSpec;
  await manager.registerModel(targetSpec);
  const plan =
    (await planTo(demo, targetSpec)) ??
    (await manager.switchActiveModel({
      targetModelId: modelId,
      targetVersion: version,
      migrateExisting: true,
      batchSize: Math.max(FEWEST_IN_BATCH, Math.ceil((await store.count()) / BATCHES)),
      throttleMs: settings.throttleMs,
    }));
  if (plan === undefined) throw new Error('The switch made no plan.');
  const pace =
    plan.throttleMs === 0
      ? 'at full speed'
      : `each lane resting ${plan.throttleMs} ms after a batch, so that you can watch (--throttle 0: full speed)`;
  screen.say(
    `${modelId} is active now: what the application writes from here on is embedded with it. ${plan.totalNodes} nodes wait in one plan: batches of ${plan.batchSize}, ${plan.maxParallelWorkers} lanes, ${pace}.`,
  );
  return plan.planId;
}

export async function migrate(demo: Demo, planId: string): Promise<MigrationPlan> {
  const { manager, folder, screen } = demo;
  const unfollow = manager.on('batch:settled', ({ plan, nodesPerSecond }) => {
    const done = plan.completedNodes + plan.skippedNodes + plan.failedNodes;
    screen.progress({ label: 're-embedding', done, total: plan.totalNodes, perSecond: nodesPerSecond });
  });
  const atStart = await manager.getMigration(planId);
  if (atStart.completedNodes > 0) screen.say(`It goes on at ${Math.floor(atStart.progressPercent)} %.`);
  // An interrupted start may have left it paused.
  if (atStart.status === 'paused') await manager.resumeMigration(planId);
  await manager.startWorker();
  await reached(demo, planId, 25);
  await folder.once('edited', () => editNodes(demo, planId));
  await reached(demo, planId, 50);
  await folder.once('searched-half-way', () => searchHalfWay(demo, planId));
  await reached(demo, planId, 75);
  await folder.once('paused', () => pauseAWhile(demo, planId));
  const plan = await reached(demo, planId, Number.POSITIVE_INFINITY);
  unfollow();
  screen.endProgress();
  await manager.stopWorker();
  if (plan.status !== 'completed')
    throw new Error(`The plan is ${plan.status}: ${plan.reason?.message ?? 'some nodes failed'}`);
  return plan;
}

/** Waits until that part of the plan is done, or the plan rests. */
async function reached({ manager, signal }: Demo, planId: string, percent: number): Promise<MigrationPlan> {
  const { promise, resolve, reject } = Promise.withResolvers<MigrationPlan>();
  const look = (plan: MigrationPlan) => {
    const isAtWork = plan.status === 'pending' || plan.status === 'in_progress';
    if (plan.planId === planId && (!isAtWork || plan.progressPercent >= percent)) resolve(plan);
  };
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  const ends = [
    manager.on('batch:settled', ({ plan }) => look(plan)),
    manager.on('plan:changed', ({ plan }) => look(plan)),
  ];
  try {
    signal.throwIfAborted();
    look(await manager.getMigration(planId));
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const end of ends) end();
  }
}

/** The application changes nodes while a batch with some of them is about to be written. */
async function editNodes(demo: Demo, planId: string): Promise<Edited> {
  const { manager, screen, proofs, folder, holdable } = demo;
  const held = await Promise.race([holdable.hold(), reached(demo, planId, Number.POSITIVE_INFINITY)]);
  try {
    if (!('release' in held)) throw new Error(`The plan is ${held.status} before it was to be.`);
    const before = await manager.getMigration(planId);
    const choice = await choose(demo, held.nodeIds, folder.note<Choice>('choice'));
    folder.write('choice', choice);
    const left = await edit(demo, choice);
    const after = await manager.getMigration(planId);
    const { embedded, textOnly, inserted, bare, deleted } = choice;
    screen.say(
      `At ${Math.floor(after.progressPercent)} %, with a batch about to be written, the application changes ${embedded.length + textOnly.length} texts (of nodes done, in this batch and not reached; ${textOnly.length} without a new vector), inserts ${inserted.length + bare.length} nodes (${bare.length} without a vector) and deletes ${deleted.length}.`,
    );
    proofs.show(
      'edited meanwhile',
      'the plan was running before the first of these changes and after the last one',
      [before, after].every((plan) => plan.status === 'in_progress' && !plan.isComplete),
    );
    proveRefusals(demo, choice, await held.release());
    return { choice, left };
  } finally {
    holdable.letGo();
  }
}

/** What the worker had read before the application changed it, it may not write. */
function proveRefusals({ proofs }: Demo, choice: Choice, outcomes: ReadonlyMap<string, WriteOutcome>): void {
  const inBatch = (ids: readonly string[]) => ids.filter((id) => outcomes.has(id));
  const edited = inBatch([...choice.embedded, ...choice.textOnly]);
  const deleted = inBatch(choice.deleted);
  const written = [...outcomes.values()].filter((outcome) => outcome === 'written').length;
  proofs.show(
    'refused',
    `of the ${outcomes.size} nodes of that batch the worker wrote ${written}; the ${edited.length} edited and the ${deleted.length} deleted were refused`,
    edited.length > 0 &&
      edited.every((id) => outcomes.get(id) === 'conflict') &&
      deleted.every((id) => outcomes.get(id) === 'missing') &&
      written === outcomes.size - edited.length - deleted.length,
  );
}

async function searchHalfWay(demo: Demo, planId: string) {
  const { progressPercent } = await demo.manager.getMigration(planId);
  demo.screen.say(`The same queries at ${Math.floor(progressPercent)} %, while the worker goes on:`);
  return search(demo, 'half-way');
}

async function pauseAWhile({ manager, screen, proofs, signal }: Demo, planId: string): Promise<true> {
  await manager.pauseMigration(planId);
  await inHandIsDone(manager, planId);
  const atRest = await manager.getMigration(planId);
  await sleep(PAUSE_MS, undefined, { signal });
  const later = await manager.getMigration(planId);
  screen.say(`Paused at ${Math.floor(atRest.progressPercent)} % for ${PAUSE_MS / 1000} s, and resumed.`);
  proofs.show(
    'paused',
    'no node moved while the plan was paused',
    atRest.completedNodes === later.completedNodes,
  );
  await manager.resumeMigration(planId);
  return true;
}

/** A pause lets the batches in hand finish. */
async function inHandIsDone(manager: EmbeddingVersionManager, planId: string): Promise<void> {
  while ((await manager.listWorkers()).some(({ planIds }) => planIds.includes(planId))) await sleep(LOOK_MS);
}
