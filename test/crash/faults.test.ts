/** What an embedder may do wrong: whose fault it is taken for, what it costs, and that everything else goes on. */
import { EmbedderError, type EmbedderFailure, type MigrationPlan, type Vector } from '@registry/core';
import { type EmbedderHook, expectedVector } from '@registry/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertCompleted, assertSound, tasksOf } from './invariants.ts';
import { models } from './models.ts';
import { planTo, seededWorld } from './seeds.ts';
import type { Worker, World } from './world.ts';

const HOUR_MS = 3_600_000;
const poison = 'a plain text';

let world: World;
beforeEach(async () => {
  world = await seededWorld();
});
afterEach(() => world.close());

const fails = (kind: EmbedderFailure, retryAfterMs?: number) =>
  new EmbedderError(kind, 'The server says no.', retryAfterMs === undefined ? {} : { retryAfterMs });

/** Fails the first calls with this, and works then. */
function firstCalls(count: number, fail: () => unknown): EmbedderHook {
  return (_, { index }) => (index < count ? fail() : undefined);
}

/** What the embedder would answer, with the vector of the poison replaced. */
function spoiled(texts: readonly string[], vector: Vector): readonly Vector[] | undefined {
  if (!texts.includes(poison)) return undefined;
  return texts.map((text) => (text === poison ? vector : expectedVector(models.b, text)));
}

async function open(onEmbed: EmbedderHook): Promise<{ worker: Worker; planId: string }> {
  const worker = await world.open({ onEmbed });
  return { worker, planId: await planTo(worker, 'b') };
}

async function run(onEmbed: EmbedderHook): Promise<{ worker: Worker; plan: MigrationPlan }> {
  const { worker, planId } = await open(onEmbed);
  return { worker, plan: await world.run(worker.manager.runMigration(planId), 5 * HOUR_MS) };
}

const throwing = (error: () => unknown) => () => {
  throw error();
};

describe('what concerns no node costs no retry, and the plan goes on by itself', () => {
  it.each<[string, EmbedderHook]>([
    [
      'too many requests',
      firstCalls(
        3,
        throwing(() => fails('rateLimited')),
      ),
    ],
    [
      'too many requests, with a time',
      firstCalls(
        2,
        throwing(() => fails('rateLimited', 90_000)),
      ),
    ],
    [
      'a server error',
      firstCalls(
        3,
        throwing(() => fails('transient')),
      ),
    ],
    [
      'a plain error',
      firstCalls(
        3,
        throwing(() => new TypeError('fetch failed')),
      ),
    ],
    [
      'something thrown that is no error',
      firstCalls(
        3,
        throwing(() => 'no'),
      ),
    ],
    ['no answer', firstCalls(2, () => new Promise(() => {}))],
  ])('%s', async (_, hook) => {
    const { worker, plan } = await run(hook);
    await assertCompleted(world, worker, plan.planId);
  });

  it.each([0, -5, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'too many requests, with %s ms to wait: not at once again, and not never',
    async (retryAfterMs) => {
      const began = world.clock.now();
      const { worker, plan } = await run(
        firstCalls(
          5,
          throwing(() => fails('rateLimited', retryAfterMs)),
        ),
      );
      await assertCompleted(world, worker, plan.planId);
      expect(world.clock.now() - began).toBeGreaterThan(1_000);
      expect(world.clock.now() - began).toBeLessThan(HOUR_MS);
    },
  );

  it('waits as long as the server asks, whoever works on the plan', async () => {
    const { worker, planId } = await open(
      firstCalls(
        1,
        throwing(() => fails('rateLimited', 90_000)),
      ),
    );
    const other = await world.open();
    await worker.manager.startWorker();
    await other.manager.startWorker();
    await world.clock.advance(89_000);
    expect(worker.embedders.b.calls).toHaveLength(1);
    expect(other.embedders.b.calls).toHaveLength(0);
    expect((await worker.manager.getMigration(planId)).hold?.code).toBe('RATE_LIMITED');
    await world.clock.advance(20_000);
    await assertCompleted(world, worker, planId);
    await world.run(Promise.all([worker.manager.stopWorker(), other.manager.stopWorker()]));
  });
});

describe('what concerns every text pauses the plan at once', () => {
  it('a refused key', async () => {
    let isMended = false;
    const { worker, plan } = await run(() => {
      if (!isMended) throw fails('fatal');
    });
    expect([plan.status, plan.reason?.code]).toEqual(['paused', 'EMBEDDER_FAILED']);
    expect(worker.embedders.b.calls).toHaveLength(1);
    isMended = true;
    await worker.manager.resumeMigration(plan.planId);
    await world.run(worker.manager.runMigration(plan.planId));
    await assertCompleted(world, worker, plan.planId);
  });

  it.each<[string, string, EmbedderHook]>([
    [
      'too few vectors',
      'VECTOR_INVALID',
      (texts) => texts.slice(1).map((text) => expectedVector(models.b, text)),
    ],
    [
      'vectors of another model',
      'VECTOR_INVALID',
      (texts) => texts.map((text) => expectedVector(models.a, text)),
    ],
    ['nothing', 'VECTOR_INVALID', () => null],
    ['all zero', 'VECTOR_INVALID', (texts) => texts.map(() => new Uint8Array(8))],
    ['a refusal of whatever it is sent', 'EMBEDDER_FAILED', throwing(() => fails('refused'))],
  ])('%s, for every text', async (_, code, hook) => {
    const { worker, plan } = await run(hook);
    expect([plan.status, plan.reason?.code]).toEqual(['paused', code]);
    expect(plan.failedNodes).toBe(0);
    await assertSound(world, worker, plan.planId);
    expect(await world.nodeStates()).toEqual(world.start);
  });
});

describe('what concerns one text ends as one dead letter, while all others are done', () => {
  it.each<[string, string, EmbedderHook]>([
    ['refused', 'EMBEDDER_FAILED', (texts) => texts.includes(poison) && Promise.reject(fails('refused'))],
    [
      'a server error',
      'EMBEDDER_FAILED',
      (texts) => texts.includes(poison) && Promise.reject(fails('transient')),
    ],
    ['no answer', 'EMBEDDER_FAILED', (texts) => (texts.includes(poison) ? new Promise(() => {}) : undefined)],
    [
      'one vector too many',
      'VECTOR_INVALID',
      (texts) =>
        texts.includes(poison) ? [...texts, ''].map((text) => expectedVector(models.b, text)) : undefined,
    ],
    ['all zero', 'VECTOR_INVALID', (texts) => spoiled(texts, new Uint8Array(8))],
    ['too long', 'VECTOR_INVALID', (texts) => spoiled(texts, new Uint8Array(9).fill(1))],
    ['NaN', 'VECTOR_INVALID', (texts) => spoiled(texts, new Float32Array(64).fill(Number.NaN))],
  ])('%s', async (_, code, hook) => {
    const { worker, plan } = await run((...call) => hook(...call) || undefined);
    expect(plan.status).toBe('failed');
    await assertSound(world, worker, plan.planId, { mayFail: ['plain'] });
    const tasks = await tasksOf(worker, plan.planId);
    const failed = tasks.filter(({ status }) => status !== 'completed');
    expect(failed.map(({ nodeId, status, errorCode }) => [nodeId, status, errorCode])).toEqual([
      ['plain', 'failed', code],
    ]);
    expect(failed[0]?.retryCount).toBe(plan.maxRetries);
    expect(failed[0]?.errorMessage).not.toContain(poison);
    expect((await world.nodeStates()).get('plain')).toBe(world.start.get('plain'));
  });

  it('and is done after all once the text is accepted', async () => {
    let isAccepted = false;
    const { worker, plan } = await run((texts) => {
      if (texts.includes(poison) && !isAccepted) throw fails('refused');
    });
    isAccepted = true;
    expect(await worker.manager.retryFailed({ planId: plan.planId })).toBe(1);
    await world.run(worker.manager.runMigration(plan.planId));
    await assertCompleted(world, worker, plan.planId);
  });
});

describe('a server that is down', () => {
  it('for two hours: the plan is paused after one, nothing is lost, and it goes on when resumed', async () => {
    const began = world.clock.now();
    const { worker, plan } = await run(() => {
      if (world.clock.now() - began < 2 * HOUR_MS) throw fails('transient');
    });
    expect(plan.status).toBe('paused');
    const pausedAfterMs = world.clock.now() - began;
    expect(pausedAfterMs).toBeGreaterThanOrEqual(HOUR_MS);
    expect(pausedAfterMs).toBeLessThan(1.2 * HOUR_MS);
    await assertSound(world, worker, plan.planId);
    await world.clock.advance(HOUR_MS);
    await worker.manager.resumeMigration(plan.planId);
    await world.run(worker.manager.runMigration(plan.planId));
    await assertCompleted(world, worker, plan.planId);
  });

  it('is asked by one batch at a time, and ever more seldom', async () => {
    const began = world.clock.now();
    const asked: number[] = [];
    const worker = await world.open({
      onEmbed() {
        asked.push(world.clock.now() - began);
        if (world.clock.now() - began < HOUR_MS / 2) throw fails('transient');
      },
    });
    const planId = await planTo(worker, 'b', { batchSize: 2, maxParallelWorkers: 3 });
    await world.run(worker.manager.runMigration(planId), 2 * HOUR_MS);
    await assertCompleted(world, worker, planId);
    const times = [...new Set(asked.filter((ms) => ms < HOUR_MS / 2))];
    const pauses = times.slice(1).map((ms, index) => ms - times[index]!);
    expect(pauses[0]).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5.5 * 60_000);
    expect(pauses.length).toBeLessThan(25);
    for (const [index, pause] of pauses.entries())
      if (index > 0) expect(pause).toBeGreaterThanOrEqual(Math.min(pauses[index - 1]!, 4.9 * 60_000) * 0.9);
    // The three lanes of the first attempt; after it one batch, and one fixed text that tells server and text apart.
    const perTime = times.slice(1).map((time) => asked.filter((ms) => ms === time).length);
    expect(Math.max(...perTime)).toBeLessThanOrEqual(2);
  });

  it('lets the next plan run that does not need it', async () => {
    const worker = await world.open({ onEmbed: throwing(() => fails('transient')) });
    const held = await planTo(worker, 'b', { nodeIds: ['plain', 'same-1'] });
    const next = await planTo(worker, 'c', { nodeIds: ['tagged'] });
    await worker.manager.startWorker();
    await world.clock.advance(30_000);
    expect((await worker.manager.getMigration(next)).status).toBe('completed');
    const plan = await worker.manager.getMigration(held);
    expect([plan.status, plan.completedNodes]).toEqual(['in_progress', 0]);
    expect((await worker.manager.getWorkerStats()).waiting.map(({ planId }) => planId)).toEqual([held]);
    await world.run(worker.manager.stopWorker());
  });

  it('is not taken for down while each batch gets a little further', async () => {
    for (let index = 0; index < 16; index++)
      await world.application.put([{ id: `more-${index}`, content: `text ${index}` }]);
    const worker = await world.open({
      limits: { texts: 1 },
      onEmbed(_, { index }) {
        if (index % 2 === 1) throw fails('rateLimited', 240_000);
      },
    });
    const planId = await planTo(worker, 'b', { batchSize: 50 });
    await world.run(worker.manager.runMigration(planId), 24 * HOUR_MS);
    await assertCompleted(world, worker, planId);
  });
});
