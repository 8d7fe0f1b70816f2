/** What can be seen of a migration: its progress, events, journal, backups and workers. */
import { EmbedderError, type MigrationProgress, type RegistryEvents } from '@registry/core';
import { ManualClock, testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { nodeId, openScene, refusalOf, rowsOf } from '../scene.ts';

const slow = { batchSize: 2, throttleMs: 1_000, maxParallelWorkers: 1 };
const fields = { modelId: 'new-model', dimension: 12 };
const refusing = () =>
  testEmbedder({
    ...fields,
    onCall: (texts) => {
      if (texts.some((text) => text.includes('number 1.'))) throw new EmbedderError('refused', 'No.');
    },
  });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('watching a plan', () => {
  it('tells the present state first, then each change, also from another process, and ends when it rests', async () => {
    const clock = new ManualClock();
    const { manager, open, to } = await openScene({ nodes: 6, clock });
    const { planId } = await manager.createMigration({ ...to, ...slow });
    const watcher = await open({ nodeStore: undefined as never, embedders: [] });
    const seen: MigrationProgress[] = [];
    const watching = (async () => {
      for await (const progress of watcher.watchMigration(planId)) seen.push(progress);
    })();
    await clock.untilSleeping(1);
    expect(seen.map(({ plan, heldBackBy, workers }) => [plan.status, heldBackBy, workers])).toEqual([
      ['pending', 'noWorker', 0],
    ]);
    const running = manager.runMigration(planId);
    await clock.runUntil(Promise.all([watching, running]));
    const last = seen.at(-1);
    expect(last?.plan).toMatchObject({ status: 'completed', completedNodes: 6, progressPercent: 100 });
    const settled = seen.map(({ plan }) => plan.completedNodes);
    expect(settled).toEqual([...settled].sort((a, b) => a - b));
    expect(new Set(settled).size).toBeGreaterThanOrEqual(3);
    const midway = seen.find(({ nodesPerSecond, plan }) => nodesPerSecond > 0 && plan.completedNodes < 6);
    expect(midway?.etaSeconds).toBeGreaterThan(0);
    expect(midway?.workers).toBe(1);
  });

  it('says in every process that no worker has the embedder of its target', async () => {
    const clock = new ManualClock();
    const { manager, open, to } = await openScene({ nodes: 2, clock });
    const { planId } = await manager.createMigration(to);
    const unfit = await open({ embedders: [] });
    await unfit.startWorker();
    const stopping = new AbortController();
    const seen: MigrationProgress[] = [];
    const watching = (async () => {
      for await (const progress of manager.watchMigration(planId, { signal: stopping.signal })) {
        seen.push(progress);
        if (progress.heldBackBy === 'noEmbedder') stopping.abort();
      }
    })();
    await clock.runUntil(watching);
    expect(seen.at(-1)).toMatchObject({ heldBackBy: 'noEmbedder', workers: 1, plan: { status: 'pending' } });
    expect(await manager.listWorkers()).toMatchObject([
      { planIds: [], waiting: [{ planId, code: 'EMBEDDER_MISSING' }] },
    ]);
    await clock.runUntil(unfit.stopWorker());
  });

  it.each(['paused', 'cancelled', 'rolled_back'] as const)('that is %s tells it and ends', async (status) => {
    const { manager, to } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration(to);
    if (status === 'paused') await manager.pauseMigration(planId);
    else if (status === 'cancelled') await manager.cancelMigration(planId);
    else await manager.rollbackMigration({ planId });
    const seen = await all(manager.watchMigration(planId));
    expect(seen.map(({ plan }) => plan.status)).toEqual([status]);
  });

  it('ends quietly when it is aborted or no longer listened to', async () => {
    const clock = new ManualClock();
    const { manager, to } = await openScene({ nodes: 1, clock });
    const { planId } = await manager.createMigration(to);
    const stopping = new AbortController();
    const seen = all(manager.watchMigration(planId, { signal: stopping.signal }));
    await clock.untilSleeping(1);
    stopping.abort();
    expect(await seen).toHaveLength(1);
    for await (const { plan } of manager.watchMigration(planId)) {
      expect(plan.planId).toBe(planId);
      break;
    }
    expect(clock.sleepers).toBe(0);
  });

  it('that is held tells what by', async () => {
    const clock = new ManualClock();
    const onCall = (_: unknown, { index }: { index: number }) => {
      if (index === 0) throw new EmbedderError('rateLimited', 'Slow down.', { retryAfterMs: 60_000 });
    };
    const { manager, to } = await openScene({ nodes: 1, clock, target: testEmbedder({ ...fields, onCall }) });
    const { planId } = await manager.createMigration(to);
    const watching = all(manager.watchMigration(planId));
    await clock.runUntil(Promise.all([watching, manager.runMigration(planId)]));
    const held = (await watching).find(({ plan }) => plan.hold !== undefined);
    expect(held).toMatchObject({
      heldBackBy: 'rateLimit',
      plan: { status: 'in_progress', hold: { code: 'RATE_LIMITED' } },
    });
    expect((await watching).at(-1)?.plan).toMatchObject({ status: 'completed' });
  });
});

describe('events', () => {
  it('tell what happens here, in order, with frozen snapshots', async () => {
    const { manager, to } = await openScene({ nodes: 3, target: refusing() });
    const names = [
      'model:registered',
      'model:activated',
      'plan:created',
      'plan:changed',
      'batch:settled',
      'task:failed',
      'worker:changed',
    ] as const satisfies readonly (keyof RegistryEvents)[];
    const heard: string[] = [];
    for (const name of names)
      manager.on(name, (event) => {
        expect(Object.isFrozen('plan' in event ? event.plan : event) || name === 'worker:changed').toBe(true);
        heard.push(
          'plan' in event && 'from' in event ? `${name} ${event.from} → ${event.plan.status}` : name,
        );
      });
    await manager.registerModel({ modelId: 'm', version: 1, dimension: 3, checksum: 'c' });
    const { planId } = await manager.createMigration({ ...to, maxRetries: 0 });
    await manager.runMigration(planId);
    expect(heard.filter((name) => name !== 'worker:changed')).toEqual([
      'model:registered',
      'plan:created',
      'plan:changed pending → in_progress',
      'task:failed',
      'batch:settled',
      'plan:changed in_progress → failed',
    ]);
  });

  it('stop no work when a listener throws or rejects: it is logged, and the others are told', async () => {
    const errors: { message: string; error: unknown }[] = [];
    const quiet = () => {};
    const error = (message: string, details?: object) =>
      void errors.push({ message, error: (details as { error: unknown }).error });
    const { manager, to } = await openScene({
      nodes: 2,
      logger: { debug: quiet, info: quiet, warn: quiet, error },
    });
    const heard: string[] = [];
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')];
    manager.on('plan:created', () => {
      throw thrown;
    });
    manager.on('plan:created', (async () => {
      throw rejected;
    }) as () => void);
    manager.on('plan:created', ({ planId }) => heard.push(planId));
    const { planId } = await manager.createMigration(to);
    expect((await manager.runMigration(planId)).status).toBe('completed');
    expect(heard).toEqual([planId]);
    expect(errors.map((one) => one.error)).toEqual([thrown, rejected]);
    for (const { message } of errors) expect(message).toContain('plan:created');
  });

  it('end when they are no longer wanted', async () => {
    const { manager, to } = await openScene({ nodes: 0 });
    const heard: unknown[] = [];
    const off = manager.on('plan:created', (plan) => heard.push(plan));
    await manager.createMigration({ ...to, nodeIds: ['a'] });
    off();
    off();
    await manager.createMigration({ ...to, nodeIds: ['b'] });
    expect(heard).toHaveLength(1);
  });
});

describe('the journal', () => {
  it('holds who did what to which model or plan, newest first, and no batch or node', async () => {
    const { manager, to } = await openScene({ nodes: 20 });
    const { planId } = await manager.createMigration({ ...to, batchSize: 1, throttleMs: 0 });
    await manager.tuneMigration({ planId, batchSize: 5 });
    await manager.pauseMigration(planId);
    await manager.resumeMigration(planId);
    await manager.runMigration(planId);
    await manager.finalizeMigration({ planId });
    const { items } = await manager.listJournal({ planId });
    expect(items.map(({ action }) => action)).toEqual([
      'plan:finalized',
      'plan:completed',
      'plan:in_progress',
      'plan:paused',
      'plan:tuned',
      'plan:created',
    ]);
    for (const entry of items) {
      expect(entry.planId).toBe(planId);
      expect(entry.actor).toMatch(/@.+:\d+$/);
      expect(Date.parse(entry.at)).not.toBeNaN();
    }
    expect(items.find(({ action }) => action === 'plan:tuned')?.details).toEqual({
      batchSize: { from: 1, to: 5 },
    });
  });

  it('comes in pages', async () => {
    const { manager } = await openScene({ nodes: 0 });
    const whole = (await manager.listJournal({ limit: 10_000 })).items;
    const paged: unknown[] = [];
    let after: string | undefined;
    do {
      const page = await manager.listJournal({ limit: 2, ...(after !== undefined && { after }) });
      paged.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    expect(paged).toEqual(whole);
    expect(whole.length).toBeGreaterThan(3);
  });

  it('names dead letters, and never their content', async () => {
    const { manager, to } = await openScene({ nodes: 3, target: refusing() });
    const { planId } = await manager.createMigration({ ...to, maxRetries: 0 });
    await manager.runMigration(planId);
    const { items } = await manager.listJournal({ planId });
    expect(items.find(({ action }) => action === 'task:failed')?.details).toMatchObject({
      nodeId: nodeId(1),
      code: 'EMBEDDER_FAILED',
    });
    expect(JSON.stringify(items)).not.toContain('text of node');
  });
});

describe('lists', () => {
  it('of plans and tasks come in pages, filtered', async () => {
    const { manager, to } = await openScene({ nodes: 7, target: refusing() });
    const first = await manager.createMigration({ ...to, nodeIds: [0, 1, 2].map(nodeId), maxRetries: 0 });
    const second = await manager.createMigration({ ...to, nodeIds: [3, 4].map(nodeId) });
    const third = await manager.createMigration({ ...to, nodeIds: [5].map(nodeId) });
    await manager.runMigration(first.planId);
    const page = await manager.listMigrations({ limit: 2 });
    const rest = await manager.listMigrations({ limit: 2, after: page.next! });
    expect([...page.items, ...rest.items].map(({ planId }) => planId)).toEqual(
      [third, second, first].map(({ planId }) => planId),
    );
    expect(rest.next).toBeUndefined();
    expect((await manager.listMigrations({ status: 'pending' })).items).toHaveLength(2);
    const { planId } = first;
    const ids = async (query: object) =>
      (await manager.listTasks({ planId, ...query })).items.map(({ nodeId: id }) => id);
    expect(await ids({ status: 'failed' })).toEqual([nodeId(1)]);
    expect(await ids({ errorCode: 'EMBEDDER_FAILED' })).toEqual([nodeId(1)]);
    expect(await ids({ nodeId: nodeId(2) })).toEqual([nodeId(2)]);
    expect(await ids({ limit: 1, after: nodeId(0) })).toEqual([nodeId(1)]);
  });

  it('of workers name those of every process, while they run', async () => {
    const { manager, open } = await openScene({ nodes: 0 });
    const other = await open();
    await manager.startWorker();
    await other.startWorker();
    const workers = await manager.listWorkers();
    expect(workers).toHaveLength(2);
    expect(workers).toEqual(await other.listWorkers());
    for (const worker of workers) expect(worker).toMatchObject({ pid: process.pid, planIds: [] });
    await other.stopWorker();
    expect(await manager.listWorkers()).toHaveLength(1);
  });
});

describe('opened for reading', () => {
  it('everything can be seen, nothing can be changed, and no trace is left', async () => {
    const { manager, open, to, dbPath, store } = await openScene({ nodes: 3 });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    await manager.close();
    const before = rowsOf(dbPath);
    const reader = await open({ readOnly: true });
    expect(await reader.getMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 3 });
    expect((await reader.listTasks({ planId })).items).toHaveLength(3);
    expect(await reader.getBackup({ planId, nodeId: nodeId(0) })).toHaveProperty('vector');
    expect(await reader.searchAcrossModels('query', { k: 1 })).toHaveLength(1);
    expect(await all(reader.watchMigration(planId))).toHaveLength(1);
    for (const call of [
      () => reader.registerModel({ modelId: 'm', version: 1, dimension: 3, checksum: 'c' }),
      () => reader.createMigration({ ...to, nodeIds: ['a'] }),
      () => reader.rollbackMigration({ planId }),
      () => reader.finalizeMigration({ planId }),
      () => reader.startWorker(),
    ]) {
      const error = await refusalOf(call);
      expect(error.code).toBe('DATABASE_READONLY');
      expect(error.message).toContain('readOnly');
    }
    await reader.close();
    expect(rowsOf(dbPath)).toEqual(before);
    expect(await store.count()).toBe(3);
  });
});
