import { FaultyProcess } from '@registry/core/testing';
import type { Fault, Injected, SeenRequest, When } from '@registry/qdrant-double';
import { assertTruth } from './invariants.ts';
import type { Story } from './stories.ts';
import type { Worker, World } from './world.ts';

/** One request of an undisturbed run, told by its operation: of requests at once either may be the first. */
export interface Point {
  /** 0 for the worker's first request of this operation. */
  readonly index: number;
  readonly when: When;
  readonly operation: string;
  readonly toString: () => string;
}

const REQUESTS_DEFERRED = 12;

const beginnings = new WeakMap<Story, Promise<{ world: World; planId: string }>>();

async function begin(story: Story): Promise<{ world: World; planId: string }> {
  const known = beginnings.get(story) ?? story.begin();
  beginnings.set(story, known);
  const { world, planId } = await known;
  return { world: await world.fork(), planId };
}

/** Removes the worlds that were kept to be copied; another file of tests may begin the same stories anew. */
export async function forgetBeginnings(stories: readonly Story[]): Promise<void> {
  for (const story of stories) {
    const made = beginnings.get(story);
    beginnings.delete(story);
    await (await made)?.world.close();
  }
}

/** The requests that an undisturbed run makes, each twice: before and after it took effect. */
export async function pointsOf(story: Story): Promise<readonly Point[]> {
  const { world, planId } = await begin(story);
  try {
    const worker = await world.open();
    const answer = await story.act(worker, planId);
    const requests = world.requestsOf(worker.sender);
    await story.check(world, worker, planId, { answer, isDisturbed: false });
    return pointsAmong(requests);
  } finally {
    await world.close();
  }
}

function pointsAmong(requests: readonly SeenRequest[]): readonly Point[] {
  const counts = new Map<string, number>();
  return requests.flatMap(({ operation }) => {
    const index = counts.get(operation) ?? 0;
    counts.set(operation, index + 1);
    return (['before', 'after'] as const).map((when) => ({
      index,
      when,
      operation,
      toString: () => `${operation} #${index} ${when}`,
    }));
  });
}

/** Requests of that worker like the point's. */
function like(point: Point, nextSender: string): (request: SeenRequest) => boolean {
  return ({ sender, operation }) => sender === nextSender && operation === point.operation;
}

/** Looks at all points after each request, whoever made it. */
export function watch(world: World): readonly Error[] {
  const findings: Error[] = [];
  const seen = new Set<string>();
  const run = ({ collection }: SeenRequest) => {
    if (collection !== undefined) seen.add(collection);
    try {
      assertTruth(world, [...seen]);
    } catch (error) {
      findings.push(error as Error);
    }
  };
  world.double.watch(run);
  return findings;
}

export function testify(findings: readonly Error[]): void {
  if (findings[0] !== undefined) throw findings[0];
}

/**
 * Opens a worker that dies at a request: from then on the server hears nothing of it, nor the registry. Answers
 * false where it came to its end first.
 */
export async function killedAt(
  world: World,
  at: { readonly on: (request: SeenRequest) => boolean; readonly skip?: number; readonly when: When },
  act: (worker: Worker) => Promise<unknown>,
): Promise<boolean> {
  const process = new FaultyProcess();
  const { promise: killed, resolve } = Promise.withResolvers<true>();
  const end = () => {
    resolve(true);
    return process.kill();
  };
  const { nextSender } = world;
  const isOurs = ({ sender }: SeenRequest) => sender === nextSender;
  world.double.inject({
    on: (request) => isOurs(request) && at.on(request),
    ...(at.skip !== undefined && { skip: at.skip }),
    fault: { kind: 'run', when: at.when, run: end },
  });
  world.double.inject({
    on: (request) => isOurs(request) && process.state === 'killed',
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'run', run: end },
  });
  const acting = world.open(process).then(act);
  acting.catch(() => {});
  return Promise.race([killed, acting.then(() => false)]);
}

/** Kills the worker at the point: from then on the server hears nothing of it. Another one does the same again. */
export async function killAt(story: Story, point: Point): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    const findings = watch(world);
    const { nextSender } = world;
    const at = { on: like(point, nextSender), skip: point.index, when: point.when };
    const wasKilled = await killedAt(world, at, (worker) => story.act(worker, planId));
    if (!wasKilled) neverReached(point);
    const worker = await world.open();
    const answer = await story.act(worker, planId);
    await story.check(world, worker, planId, { answer, isDisturbed: false });
    testify(findings);
  } finally {
    await world.close();
  }
}

/** The request goes wrong; the same worker goes on, and is told again where it gave up. */
export async function failAt(story: Story, point: Point, fault: Fault): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    const findings = watch(world);
    const { nextSender } = world;
    const injected = world.double.inject({
      on: like(point, nextSender),
      skip: point.index,
      fault,
    });
    if (fault.kind === 'deferred') optimiseLater(world, injected);
    const worker = await world.open().catch(() => world.open());
    const answer = await persist(story, worker, planId);
    if (injected.met === 0) neverReached(point);
    await story.check(world, worker, planId, { answer, isDisturbed: false });
    testify(findings);
  } finally {
    await world.close();
  }
}

/** Points do not stay deferred: a server optimises by itself after a while. */
function optimiseLater(world: World, injected: Injected): void {
  let requests = 0;
  world.double.watch(() => {
    if (injected.met > 0 && ++requests === REQUESTS_DEFERRED) world.double.optimise();
  });
}

/** Some faults pause a plan, with a reason: somebody resumes it. */
async function persist(story: Story, worker: Worker, planId: string): Promise<unknown> {
  const answer = await story.act(worker, planId).catch(() => story.act(worker, planId));
  const { status } = await worker.manager.getMigration(planId);
  if (status !== 'paused') return answer;
  await worker.manager.resumeMigration(planId);
  return story.act(worker, planId);
}

/** The application does something just then. */
export async function interfereAt(
  story: Story,
  point: Point,
  interfere: (world: World, request: SeenRequest) => Promise<unknown>,
): Promise<void> {
  const { world, planId } = await begin(story);
  try {
    const findings = watch(world);
    const { nextSender } = world;
    const injected = world.double.inject({
      on: like(point, nextSender),
      skip: point.index,
      fault: { kind: 'run', when: point.when, run: (request) => interfere(world, request) },
    });
    const worker: Worker = await world.open();
    const answer = await story.act(worker, planId);
    // What the check asks for is no part of the run: nobody writes then.
    if (injected.met === 0) neverReached(point);
    await story.check(world, worker, planId, { answer, isDisturbed: true });
    testify(findings);
  } finally {
    await world.close();
  }
}

function neverReached(point: Point): never {
  throw new Error(`The run never came to ${point}.`);
}
