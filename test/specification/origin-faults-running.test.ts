/** What the origin system promised and did not do. Each name is the behaviour that is to be, not the fault. */
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  EmbedderError,
  EmbeddingVersionManager,
  type MigrationPlan,
  Priority,
  systemClock,
} from '@registry/core';
import { ManualClock, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeId, openScene, refusalOf, temporaryFolder, vectorsOf } from '../scene.ts';

const model = { modelId: 'm', version: 1, dimension: 12, checksum: 'c1' };
const brisk = { throttleMs: 0, batchSize: 2 };

describe('working', () => {
  it('calls a node that does not exist skipped, and activates nothing by itself', async () => {
    const { manager, to, old } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0), 'absent'] });
    expect(await manager.runMigration(planId)).toMatchObject({
      completedNodes: 1,
      skippedNodes: 1,
      progressPercent: 100,
    });
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
  });

  it('retries a failing text as often as the plan says, then leaves a dead letter that can be retried', async () => {
    const clock = new ManualClock();
    let isBroken = true;
    const target = testEmbedder({
      modelId: 'new-model',
      dimension: 12,
      onCall: (texts) => {
        if (isBroken && texts.some((text) => text.includes('number 1.')))
          throw new EmbedderError('refused', 'No.');
      },
    });
    const { manager, to } = await openScene({ nodes: 3, target, clock });
    const { planId } = await manager.createMigration({ ...to, maxRetries: 2 });
    const ended = await clock.runUntil(manager.runMigration(planId));
    expect(ended).toMatchObject({
      status: 'failed',
      completedNodes: 2,
      failedNodes: 1,
      reason: { code: 'EMBEDDER_FAILED' },
    });
    expect(target.textsSeen.filter((text) => text.includes('number 1.')).length).toBeGreaterThanOrEqual(3);
    isBroken = false;
    expect(await manager.retryFailed({ planId })).toBe(1);
    expect(await clock.runUntil(manager.runMigration(planId))).toMatchObject({
      status: 'completed',
      completedNodes: 3,
    });
    expect((await manager.listTasks({ planId, nodeId: nodeId(1) })).items[0]).not.toHaveProperty(
      'errorMessage',
    );
  });

  it('puts work that a dead process held back to work', async () => {
    const inHand = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const target = testEmbedder({
      modelId: 'new-model',
      dimension: 12,
      onCall: () => {
        inHand.resolve();
        return released.promise;
      },
    });
    const { manager, to, folder, old } = await openScene({ nodes: 5, target });
    const { planId } = await manager.createMigration({ ...to, ...brisk });
    void manager.runMigration(planId);
    await inHand.promise;
    onTestFinished(() => released.resolve());
    // What a power cut leaves behind: the files as they are.
    const copy = temporaryFolder();
    cpSync(folder, copy, { recursive: true });
    const store = await SqliteNodeStore.open({ path: `${copy}/nodes.sqlite` });
    const clock = { ...systemClock, now: () => systemClock.now() + 31_000 };
    const embedders = [old, testEmbedder({ spec: target.spec })];
    const heir = await EmbeddingVersionManager.open({
      dbPath: `${copy}/registry.sqlite`,
      nodeStore: store,
      embedders,
      clock,
    });
    onTestFinished(async () => {
      await heir.close();
      await store.close();
    });
    expect((await heir.listTasks({ planId, status: 'in_progress' })).items).not.toEqual([]);
    expect(await heir.runMigration(planId)).toMatchObject({
      status: 'completed',
      completedNodes: 5,
      failedNodes: 0,
    });
  });

  it('lets a more urgent plan run first, whenever it was made', async () => {
    const { manager, to } = await openScene({ nodes: 4 });
    const late = await manager.createMigration({
      ...to,
      nodeIds: [nodeId(0), nodeId(1)],
      priority: Priority.LOW,
      ...brisk,
    });
    const soon = await manager.createMigration({
      ...to,
      nodeIds: [nodeId(2), nodeId(3)],
      priority: Priority.CRITICAL,
      ...brisk,
    });
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      manager.on('plan:changed', ({ plan }) => {
        if (plan.status === 'completed') order.push(plan.planId);
        if (order.length === 2) resolve();
      });
    });
    await manager.startWorker();
    await done;
    expect(order).toEqual([soon.planId, late.planId]);
  });

  it('keeps as many batches in flight as the plan allows, and no more', async () => {
    let now = 0;
    let most = 0;
    const three = Promise.withResolvers<void>();
    const target = testEmbedder({
      modelId: 'new-model',
      dimension: 12,
      onCall: async () => {
        now += 1;
        most = Math.max(most, now);
        if (now === 3) three.resolve();
        await three.promise;
        now -= 1;
      },
    });
    const { manager, to } = await openScene({ nodes: 12, target });
    const { planId } = await manager.createMigration({ ...to, ...brisk, maxParallelWorkers: 3 });
    expect((await manager.runMigration(planId)).status).toBe('completed');
    expect(most).toBe(3);
  });

  it('leaves the event loop its turns at throttle 0', async () => {
    const { manager, to } = await openScene({ nodes: 40 });
    const { planId } = await manager.createMigration({ ...to, throttleMs: 0, batchSize: 1 });
    let turns = 0;
    let isOver = false;
    const counting = (async () => {
      for (; !isOver; turns++) await nextTurn();
    })();
    await manager.runMigration(planId);
    isOver = true;
    await counting;
    expect(turns).toBeGreaterThanOrEqual(40);
  });

  it('stops while a plan waits', async () => {
    const { manager, to, old, open } = await openScene({ nodes: 1 });
    await manager.createMigration(to);
    const poor = await open({ embedders: [old] });
    await poor.startWorker();
    await poor.stopWorker();
    expect((await poor.getWorkerStats()).state).toBe('idle');
  });
});

describe('statuses', () => {
  it('do not go back: what has ended is neither resumed, paused nor cancelled', async () => {
    const { manager, to } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    for (const call of ['resumeMigration', 'pauseMigration', 'cancelMigration'] as const) {
      const error = await refusalOf(manager[call](planId));
      expect(error.code).toBe('PLAN_STATE');
      expect(error.message).toContain('completed');
    }
    expect(await manager.getMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 1 });
  });

  it('change between batches, by another process too', async () => {
    const { manager, to, open } = await openScene({ nodes: 20 });
    const { planId } = await manager.createMigration({ ...to, ...brisk, maxParallelWorkers: 1 });
    const other = await open();
    const paused = new Promise<MigrationPlan>((resolve) => {
      const off = manager.on('batch:settled', () => {
        off();
        resolve(other.pauseMigration(planId));
      });
    });
    const rested = await manager.runMigration(planId);
    await paused;
    expect(rested.status).toBe('paused');
    expect(rested.completedNodes).toBeLessThan(20);
    await other.resumeMigration(planId);
    expect((await manager.runMigration(planId)).completedNodes).toBe(20);
  });

  it('and counters stay true when nodes are rolled back one by one', async () => {
    const { manager, store, to } = await openScene({ nodes: 2 });
    const before = await vectorsOf(store);
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    for (const id of [nodeId(0), nodeId(1)]) await manager.rollbackMigration({ planId, nodeId: id });
    expect(await manager.getMigration(planId)).toMatchObject({
      completedNodes: 0,
      rolledBackNodes: 2,
      isComplete: true,
    });
    expect(await vectorsOf(store)).toEqual(before);
    expect(await manager.rollbackMigration({ planId })).toMatchObject({ succeeded: true });
    expect((await manager.getMigration(planId)).status).toBe('rolled_back');
  });
});

describe('several processes', () => {
  it('see each other’s models and plans at once', async () => {
    const { manager, open, to } = await openScene({ nodes: 1 });
    const other = await open();
    await manager.registerModel(model);
    expect(await other.getModel(model)).toMatchObject(model);
    const { planId } = await manager.createMigration(to);
    expect((await other.listMigrations()).items.map((plan) => plan.planId)).toEqual([planId]);
    await other.cancelMigration(planId);
    expect((await manager.getMigration(planId)).status).toBe('cancelled');
  });

  it('share a plan without losing an update or doing a node twice', async () => {
    const { manager, open, to, target } = await openScene({ nodes: 60 });
    const other = await open();
    const { planId } = await manager.createMigration({ ...to, ...brisk, maxParallelWorkers: 4 });
    const [plan] = await Promise.all([manager.runMigration(planId), other.runMigration(planId)]);
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 60, totalNodes: 60, failedNodes: 0 });
    expect(target.textsSeen).toHaveLength(60);
  });
});

it('releases its files when it is closed', async () => {
  const { manager, store, folder } = await openScene({ nodes: 1 });
  const handles = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);
  const before = handles();
  for (let time = 0; time < 50; time++)
    await manager.updateModel({ modelId: 'old-model', version: 1, name: `${time}` });
  expect(handles()).toBe(before);
  await manager.close();
  await manager.close();
  await store.close();
  expect(readdirSync(folder).sort()).toEqual(['nodes.sqlite', 'registry.sqlite']);
  expect((await refusalOf(manager.listModels())).code).toBe('DATABASE_UNAVAILABLE');
});
