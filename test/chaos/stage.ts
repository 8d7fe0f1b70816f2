/** A world for one scene of a test: processes that stop where they are told, and a manager here that looks on. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { EmbeddingVersionManager, MigrationPlan } from '@registry/core';
import { onTestFinished } from 'vitest';
import { type ModelName, models } from '../crash/models.ts';
import { Chance } from './chance.ts';
import { Flow } from './flow.ts';
import { ChaosProcess } from './processes/process.ts';
import type { WorkerOptions } from './processes/worker.ts';
import { ChaosWorld } from './world.ts';

// What is killed here is a process, not the machine: the files need not outlive a loss of power.
const memoryFolder = ['/dev/shm'].find(existsSync) ?? tmpdir();

export class Stage {
  readonly world: ChaosWorld;
  readonly manager: EmbeddingVersionManager;
  readonly flow: Flow;
  readonly #workers: ChaosProcess[] = [];

  private constructor(world: ChaosWorld, manager: EmbeddingVersionManager) {
    this.world = world;
    this.manager = manager;
    this.flow = new Flow(world.time, world.registry, () =>
      this.#workers.filter(({ state }) => state === 'running'),
    );
  }

  static async open({ nodes = 24 } = {}): Promise<Stage> {
    const world = await ChaosWorld.make(memoryFolder, new Chance(1), nodes);
    const { manager, close } = await world.open();
    const stage = new Stage(world, manager);
    onTestFinished(async () => {
      await stage.flow.stop();
      await Promise.all(stage.#workers.map((worker) => worker.kill()));
      await close();
      world.close();
    });
    world.witness.begin('b');
    return stage;
  }

  async plan(target: ModelName, tuning: { lanes: number; batchSize: number; throttleMs?: number }) {
    const { modelId: targetModelId, version: targetVersion } = models[target];
    const { lanes: maxParallelWorkers, batchSize, throttleMs = 0 } = tuning;
    const pace = { batchSize, throttleMs, maxParallelWorkers };
    return (await this.manager.createMigration({ targetModelId, targetVersion, ...pace })).planId;
  }

  /** A worker in a process of its own, once it works. */
  async worker(options: Partial<WorkerOptions> = {}): Promise<ChaosProcess> {
    const seed = this.#workers.length + 1;
    const worker = new ChaosProcess('worker', { folder: this.world.folder, seed, ...options });
    this.#workers.push(worker);
    await worker.heard('ready');
    return worker;
  }

  /** The plan once nothing more will happen to it by itself. */
  async resting(planId: string): Promise<MigrationPlan> {
    for await (const { plan } of this.manager.watchMigration(planId))
      if (plan.completedAt !== undefined) return plan;
    return this.manager.getMigration(planId);
  }
}
