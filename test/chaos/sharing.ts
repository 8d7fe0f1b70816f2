/** How much faster several workers in processes of their own are with one plan than one of them, on this machine. */
import { models } from '../crash/models.ts';
import { Chance } from './chance.ts';
import { ChaosProcess } from './processes/process.ts';
import type { WorkerOptions } from './processes/worker.ts';
import { assertCompleted } from './verdict.ts';
import { ChaosWorld } from './world.ts';

const ROUNDS = 3;
const NODES = 1_500;
const WORKERS = 3;

/** Rates of three workers by those of one, in this order; alternating, since machines are noisy. */
export async function measureSharing(parent: string): Promise<readonly number[]> {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await secondsWith(parent, 1);
    ratios.push(alone / (await secondsWith(parent, WORKERS)));
  }
  return ratios.sort((a, b) => a - b);
}

async function secondsWith(parent: string, count: number): Promise<number> {
  const world = await ChaosWorld.make(parent, new Chance(1), NODES);
  const options = (seed: number): WorkerOptions => ({ folder: world.folder, seed, embedMs: 20 });
  const workers = Array.from({ length: count }, (_, seed) => new ChaosProcess('worker', options(seed)));
  const { manager, close } = await world.open();
  try {
    for (const worker of workers) await worker.heard('ready');
    world.witness.begin('b');
    const { modelId: targetModelId, version: targetVersion } = models.b;
    const pace = { batchSize: 16, throttleMs: 0, maxParallelWorkers: 2 * WORKERS };
    const startedAt = performance.now();
    const { planId } = await manager.createMigration({ targetModelId, targetVersion, ...pace });
    for await (const { plan } of manager.watchMigration(planId)) if (plan.completedAt !== undefined) break;
    const seconds = (performance.now() - startedAt) / 1_000;
    assertCompleted(world, await manager.getMigration(planId), 'b', 'a');
    return seconds;
  } finally {
    await Promise.all(workers.map((worker) => worker.rest()));
    await close();
    world.close();
  }
}
