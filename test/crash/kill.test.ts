/** Real processes, really killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { assertCompleted, assertRolledBack } from './invariants.ts';
import { embedded } from './models.ts';
import { planTo, seededWorld } from './seeds.ts';
import type { World } from './world.ts';

const child = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const KILLS = 6;
const NODES = 120;

/** A number of steps that a child may do before it is killed; it does some more before it dies. */
const steps = (random: () => number) => 1 + Math.floor(random() * 150);

async function stopped(process: ChildProcess, afterLines: number): Promise<'killed' | 'done'> {
  const exit = once(process, 'exit');
  let lines = 0;
  for await (const line of createInterface({ input: process.stdout! })) {
    lines += 1;
    if (line === 'done') break;
    if (lines >= afterLines) process.kill('SIGKILL');
  }
  const [code, signal] = (await exit) as [number | null, string | null];
  if (signal === 'SIGKILL') return 'killed';
  expect(code).toBe(0);
  return 'done';
}

async function killAgainAndAgain(world: World, direction: string, planId: string, random: () => number) {
  let kills = 0;
  while (kills < KILLS) {
    const process = spawn(globalThis.process.execPath, [child, world.folder, direction, planId], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if ((await stopped(process, steps(random))) === 'done') break;
    kills += 1;
    world.registry.assertConsistent();
  }
  return kills;
}

it('workers that are killed at random lose nothing, forward and back', { timeout: 120_000 }, async () => {
  const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
  console.info(`CRASH_SEED=${seed}`);
  const clock = new ManualClock({ seed });
  const draw = () => clock.random();
  const world = await seededWorld({ now: Date.now() });
  try {
    const more = Array.from({ length: NODES }, (_, index) => `text number ${index}`);
    await world.application.put(
      more.map((content, index) => ({ id: `more-${index}`, content, ...embedded('a', content) })),
    );
    world.application.written.clear();
    world.start = await world.nodeStates();
    const planId = await planTo(await world.open(), 'b', { batchSize: 10, maxParallelWorkers: 2 });

    const forward = await killAgainAndAgain(world, 'forward', planId, draw);
    const worker = await world.open({ isDead: () => true });
    await world.run(worker.manager.runMigration(planId));
    await assertCompleted(world, worker, planId);

    const back = await killAgainAndAgain(world, 'back', planId, draw);
    // Children have restored nodes that this process saw the plan write.
    world.states.forgetPlans();
    const report = await world.run(worker.manager.rollbackMigration({ planId }));
    await assertRolledBack(world, worker, planId, report);
    expect(forward + back).toBeGreaterThan(1);
  } finally {
    await world.close();
  }
});
