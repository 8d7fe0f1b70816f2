import assert from 'node:assert/strict';
import { atPoint, type FaultPoint, FaultyProcess, pointName, recordPoints } from '@registry/core/testing';
import type { Worker, WorkerOptions, World } from './world.ts';

/** A lease and a little more. */
export const LEASE_MS = 31_000;

/** Something that can be interrupted anywhere: where it begins, what is done, and how it is seen through. */
export interface Story {
  readonly name: string;
  /** The world just before; each run gets its own copy. */
  readonly begin: () => Promise<{ world: World; planId: string }>;
  readonly act: (worker: Worker, planId: string) => Promise<unknown>;
  /** Whoever comes afterwards does this. */
  readonly finish: (worker: Worker, planId: string) => Promise<unknown>;
  readonly check: (world: World, worker: Worker, planId: string, answer: unknown) => Promise<void>;
  readonly options?: Omit<WorkerOptions, 'script' | 'process'>;
  /** The call that looks through the store for the last time; `scan` unless told. */
  readonly lastLook?: string;
}

/** The points that an undisturbed run goes through, by name. */
export async function pointsOf(story: Story): Promise<readonly string[]> {
  const { world, planId } = await begin(story);
  try {
    const { script, points } = recordPoints();
    const worker = await world.open({ ...story.options, nodeByNode: true, script });
    const answer = await world.run(story.act(worker, planId));
    const names = points.map(pointName);
    await story.check(world, worker, planId, answer);
    return names;
  } finally {
    await world.close();
  }
}

const beginnings = new WeakMap<Story, Promise<{ world: World; planId: string }>>();

/** Removes the worlds that were kept to be copied; another file of tests may begin the same stories anew. */
export async function forgetBeginnings(...stories: readonly Story[]): Promise<void> {
  for (const story of stories) {
    const made = beginnings.get(story);
    beginnings.delete(story);
    await (await made)?.world.close();
  }
}

/** A copy of the story's world, which is made once. */
async function begin(story: Story): Promise<{ world: World; planId: string }> {
  const made = beginnings.get(story) ?? story.begin();
  beginnings.set(story, made);
  const { world, planId } = await made;
  return { world: await world.fork(), planId };
}

/** Plays the story in a process of its own, with a script at one point. */
interface Played {
  readonly process: FaultyProcess;
  /** The open and the act; settles with a worker where it was not killed. */
  readonly acting: Promise<{ worker: Worker; answer: unknown }>;
  readonly arrival: Promise<void>;
}

function play(
  story: Story,
  world: World,
  planId: string,
  name: string,
  act: (point: FaultPoint, process: FaultyProcess) => unknown,
): Played {
  const process = new FaultyProcess();
  const fault = atPoint(name, (point) => act(point, process));
  const acting = (async () => {
    const worker = await world.open({ ...story.options, nodeByNode: true, script: fault.script, process });
    return { worker, answer: await story.act(worker, planId) };
  })();
  acting.catch(() => {});
  return { process, acting, arrival: fault.arrival };
}

/** Kills the process at the point; another one comes and finishes. */
export async function killAt(story: Story, name: string, isDead?: WorkerOptions['isDead']): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    const { arrival, acting } = play(story, world, planId, name, (_, process) => process.kill());
    await world.run(Promise.race([arrival, acting.then(() => neverReached(name))]));
    if (isDead === undefined) await world.clock.advance(LEASE_MS);
    const worker = await world.open({ ...story.options, ...(isDead && { isDead }) });
    const done = world.textsDone();
    const answer = await world.run(story.finish(worker, planId));
    const again = worker.embedders.b.textsSeen.filter((text) => done.has(text));
    assert.deepEqual(again, [], 'texts that were embedded and written before, and embedded again');
    await story.check(world, worker, planId, answer);
  } finally {
    await world.close();
  }
}

/** One call fails; the same process goes on, and is told to finish where it gave up. */
export async function throwAt(story: Story, name: string, error: () => unknown): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    const { acting } = play(story, world, planId, name, () => {
      throw error();
    });
    const played = await world.run(acting).catch(() => undefined);
    const worker = played?.worker ?? (await world.open(story.options ?? {}));
    // A creation that failed has not let go of its lease where that call itself failed.
    if (played === undefined) await world.clock.advance(LEASE_MS);
    const answer = await world.run(story.finish(worker, planId));
    await story.check(world, worker, planId, answer);
  } finally {
    await world.close();
  }
}

/**
 * The application does something just then; then everything goes on. `isLate`: nobody looked through the store
 * after it, so what it left behind there is nobody's fault.
 */
export async function interfereAt(
  story: Story,
  name: string,
  interfere: (world: World, point: FaultPoint) => Promise<unknown>,
  checkLate: Story['check'],
): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    let isLate = true;
    const fault = atPoint(name, (point) => interfere(world, point));
    const worker = await world.open({
      ...story.options,
      nodeByNode: true,
      async script(point) {
        await fault.script(point);
        if (!fault.reached || point.when !== 'before') return;
        if (point.method === (story.lastLook ?? 'scan')) isLate = false;
      },
    });
    const answer = await world.run(story.act(worker, planId));
    await (isLate ? checkLate : story.check)(world, worker, planId, answer);
  } finally {
    await world.close();
  }
}

/** A process is frozen at the point, another one does its work in the meantime, and the first one goes on. */
export async function freezeAt(
  story: Story,
  name: string,
  meanwhile: (world: World, other: Worker, planId: string) => Promise<void>,
  check: (world: World, other: Worker, planId: string) => Promise<void>,
): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    const { process, arrival, acting } = play(story, world, planId, name, (_, frozen) => frozen.freeze());
    await world.run(Promise.race([arrival, acting.then(() => neverReached(name))]));
    const other = await world.open(story.options ?? {});
    await meanwhile(world, other, planId);
    process.thaw();
    await world.run(acting.catch(() => undefined));
    await check(world, other, planId);
  } finally {
    await world.close();
  }
}

function neverReached(name: string): never {
  throw new Error(`The run never came to ${name}.`);
}
