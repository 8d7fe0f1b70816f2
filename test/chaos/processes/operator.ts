/** The operator: makes plans, pauses, resumes, tunes, cancels and rolls back, as told. */
import { join } from 'node:path';
import { EmbeddingVersionManager, isRegistryError, type RegistryErrorCode } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import { faultyNodeStore, faultyRegistryStore, testEmbedder } from '@registry/core/testing';
import { type ModelName, models } from '../../crash/models.ts';
import { Chance } from '../chance.ts';
import { MOST_LANES, openNodes, registryPath } from '../ground.ts';
import { steeredClock } from '../steered-clock.ts';
import { isAlive, optionsOf, type StopAt, stoppingAt, tell, untilAskedToRest } from './voice.ts';

/** What an operator does until it is asked to rest. */
export type Order =
  | {
      readonly kind: 'plan';
      readonly target: ModelName;
      readonly activate: boolean;
      readonly batchSize: number;
    }
  | { readonly kind: 'steer'; readonly planId: string; readonly rollsNodesBack: boolean }
  | { readonly kind: 'cancel' | 'roll back' | 'resume'; readonly planId: string };

export interface OperatorOptions {
  readonly folder: string;
  readonly seed: number;
  readonly order: Order;
  readonly stopAt?: StopAt;
}

const { folder, seed, order, stopAt } = optionsOf<OperatorOptions>();
const chance = new Chance(seed);
const clock = steeredClock(join(folder, 'clock'));
const script = stoppingAt(stopAt);
const nodes = await openNodes(folder, clock);
const registry = await openRegistry({ path: registryPath(folder), actor: 'operator', clock });
const manager = await EmbeddingVersionManager.open({
  registryStore: faultyRegistryStore(registry, script),
  nodeStore: faultyNodeStore(nodes, script),
  embedders: Object.values(models).map((spec) => testEmbedder({ spec })),
  clock,
  isDead: ({ pid }) => !isAlive(pid),
});
const leaving = new AbortController();
const asked = untilAskedToRest().then(() => leaving.abort());

await obey();
await manager.close();
await nodes.close();
await registry.close();
process.stdin.destroy();
tell({ kind: 'rested' });

async function obey(): Promise<void> {
  tell({ kind: 'ready' });
  if (order.kind === 'plan') await plan(order);
  else if (order.kind === 'steer') await steer(order);
  else if (order.kind === 'roll back') await rollBack(order.planId);
  else await move(order.kind, order.planId);
}

/** Asks until there is a plan: whoever was killed while it asked cannot know whether it was made. */
async function plan({ target, activate, batchSize }: Extract<Order, { kind: 'plan' }>): Promise<void> {
  const { modelId: targetModelId, version: targetVersion } = models[target];
  const wanted = {
    targetModelId,
    targetVersion,
    batchSize,
    throttleMs: 0,
    maxParallelWorkers: 3,
    maxRetries: 3,
  };
  for (;;) {
    const { items } = await manager.listMigrations({ limit: 1 });
    const made = items.find(
      ({ status, targetSpec }) => targetSpec.equals(models[target]) && status !== 'rolled_back',
    );
    if (made !== undefined) return tell({ kind: 'planned', planId: made.planId });
    await unlessRefused('plan', ['PLAN_OVERLAP', 'PLAN_UNKNOWN'], () =>
      activate
        ? manager.switchActiveModel({ ...wanted, migrateExisting: true })
        : manager.createMigration(wanted),
    );
  }
}

async function steer({ planId, rollsNodesBack }: Extract<Order, { kind: 'steer' }>): Promise<void> {
  // The one before may have been killed while the plan was paused.
  await move('resume', planId);
  while (!leaving.signal.aborted) {
    await clock.sleep(chance.between(500, 4_000), leaving.signal);
    const acts = [pause, () => tune(planId), () => tune(planId), () => look(planId)];
    if (rollsNodesBack) acts.push(() => rollOneBack(planId));
    await chance.pick(acts)();
  }
  async function pause() {
    await unlessRefused('pause', ['PLAN_STATE'], () => manager.pauseMigration(planId));
    await clock.sleep(chance.between(100, 3_000), leaving.signal);
    await move('resume', planId);
  }
}

async function tune(planId: string): Promise<void> {
  const tuning = {
    batchSize: chance.between(2, 16),
    maxParallelWorkers: chance.between(1, MOST_LANES),
    throttleMs: chance.pick([0, 0, 50, 500]),
  };
  await unlessRefused('tune', ['PLAN_STATE'], () => manager.tuneMigration({ planId, ...tuning }));
}

async function look(planId: string): Promise<void> {
  await manager.getMigration(planId);
  await manager.listTasks({ planId, status: 'in_progress', limit: 1000 });
  await manager.getWorkerStats();
}

async function rollOneBack(planId: string): Promise<void> {
  const { items } = await manager.listTasks({ planId, status: 'completed', limit: 1000 });
  if (items.length === 0) return;
  const { nodeId } = chance.pick(items);
  const refusals: RegistryErrorCode[] = ['PLAN_STATE', 'BACKUP_MISSING', 'PLAN_OVERLAP'];
  await unlessRefused('roll one back', refusals, () =>
    manager.rollbackMigration({ planId, nodeId, signal: leaving.signal }),
  );
}

/** Begun here, and sometimes left to the workers. */
async function rollBack(planId: string): Promise<void> {
  const signal = chance.is(0.5) ? AbortSignal.abort() : leaving.signal;
  await unlessRefused('roll back', [], () => manager.rollbackMigration({ planId, signal }));
}

async function move(kind: 'cancel' | 'resume', planId: string): Promise<void> {
  await unlessRefused(kind, ['PLAN_STATE'], () =>
    kind === 'cancel' ? manager.cancelMigration(planId) : manager.resumeMigration(planId),
  );
}

/** Tells how it went. A lock that somebody frozen holds is asked for again. */
async function unlessRefused(
  what: string,
  refusals: readonly RegistryErrorCode[],
  ask: () => Promise<unknown>,
): Promise<void> {
  try {
    await ask();
    tell({ kind: 'did', what });
  } catch (error) {
    if (leaving.signal.aborted) return;
    const expected: readonly string[] = [...refusals, 'DATABASE_LOCKED'];
    if (!isRegistryError(error) || !expected.includes(error.code)) throw error;
    tell({ kind: 'refused', what, code: error.code });
    await clock.sleep(500, leaving.signal);
    if (what !== 'plan' && error.code === 'DATABASE_LOCKED') await unlessRefused(what, refusals, ask);
  }
}
void asked;
