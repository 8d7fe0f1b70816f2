/** Databases that another process has locked, and disks that are full: it is said, it waits, nothing is lost. */
import { ManualClock } from '@registry/core/testing';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, rowsOf, vectorsOf } from '../scene.ts';
import { lock } from '../write-lock.ts';

/** Waits for a lock are many and short, and each costs real time: here they are few and long. */
class CoarseClock extends ManualClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(ms > 0 && ms < 100 ? 500 : ms, signal);
  }
}

describe('a registry that another process has locked', () => {
  it('refuses a change after a while, with the file and a way out, and answers reads meanwhile', async () => {
    const clock = new CoarseClock();
    const { manager, dbPath, to } = await openScene({ nodes: 1, clock });
    const before = rowsOf(dbPath);
    const release = await lock(dbPath);
    for (const call of [
      async () => manager.registerModel({ modelId: 'm', version: 1, dimension: 3, checksum: 'c' }),
      async () => manager.createMigration(to),
      async () => manager.switchActiveModel({ ...to, migrateExisting: true }),
      async () => manager.startWorker(),
    ]) {
      const startedAt = clock.now();
      const error = await refusalOf(clock.runUntil<unknown>(call()));
      expect(error.code).toBe('DATABASE_LOCKED');
      expect(error.message).toContain(dbPath);
      expect(error.message).toContain('try again');
      expect(clock.now() - startedAt).toBeGreaterThanOrEqual(5_000);
      expect(clock.now() - startedAt).toBeLessThan(7_000);
    }
    expect((await manager.listModels()).length).toBe(3);
    expect(rowsOf(dbPath)).toEqual(before);
    await release();
    expect((await manager.createMigration(to)).totalNodes).toBe(1);
  });

  it('can still be opened for what needs no change', async () => {
    const clock = new CoarseClock();
    const { dbPath, open } = await openScene({ nodes: 0 });
    await lock(dbPath);
    expect(await (await open({ clock })).listModels()).toHaveLength(3);
  });

  it('makes a running worker wait, which says for what, and go on when it is let go', async () => {
    const clock = new CoarseClock();
    const { manager, dbPath, to, open } = await openScene({ nodes: 3, clock });
    const other = await open();
    await manager.startWorker();
    await clock.untilSleeping(2); // its nap and its heartbeat
    const { planId } = await other.createMigration(to);
    const release = await lock(dbPath);
    while ((await manager.getWorkerStats()).waiting.length === 0) await clock.advanceToNext();
    expect((await manager.getWorkerStats()).waiting).toMatchObject([{ code: 'DATABASE_LOCKED' }]);
    await release();
    while ((await manager.getMigration(planId)).status !== 'completed') await clock.advanceToNext();
    expect(await manager.getMigration(planId)).toMatchObject({ completedNodes: 3, failedNodes: 0 });
    await clock.runUntil(manager.stopWorker());
  });
});

it('a node store that another process has locked makes the plan wait, and costs no node a retry', async () => {
  const clock = new CoarseClock();
  const { manager, nodesPath, to, target } = await openScene({ nodes: 3, clock });
  const locked = Promise.withResolvers<() => Promise<void>>();
  target.onCall = async (_, { index }) => {
    if (index === 0) locked.resolve(await lock(nodesPath));
  };
  const { planId } = await manager.createMigration(to);
  const run = manager.runMigration(planId);
  const release = await locked.promise;
  while (target.calls.length < 2) await clock.advanceToNext();
  await release();
  expect(await clock.runUntil(run)).toMatchObject({ status: 'completed', completedNodes: 3, failedNodes: 0 });
  const { items } = await manager.listTasks({ planId });
  expect(items.map(({ retryCount }) => retryCount)).toEqual([0, 0, 0]);
});

describe('a full disk', () => {
  let connections: Database.Database[] = [];

  // The limit belongs to a connection, and ours are kept to themselves: they are met where they set themselves up.
  beforeEach(() => {
    connections = [];
    const { pragma } = Database.prototype;
    const spy = vi.spyOn(Database.prototype, 'pragma').mockImplementation(function (
      this: Database.Database,
      ...args
    ) {
      if (!connections.includes(this)) connections.push(this);
      return pragma.apply(this, args);
    });
    onTestFinished(() => spy.mockRestore());
  });

  /** Lets a database grow no more; answers the function that makes room again. */
  function fill(path: string): () => void {
    const own = connections.filter((connection) => connection.open && connection.name === path);
    const limit = (pages: number) => {
      for (const connection of own) connection.pragma(`max_page_count=${pages}`);
    };
    expect(own).not.toEqual([]);
    limit(1); // SQLite makes it as many as there are.
    return () => limit(1_000_000);
  }

  it('under the registry refuses a new plan whole, and leaves what there is', async () => {
    const { manager, dbPath } = await openScene({ nodes: 0 });
    const before = rowsOf(dbPath);
    const makeRoom = fill(dbPath);
    const nodeIds = Array.from(
      { length: 5_000 },
      (_, index) => `a-rather-long-node-id-to-fill-pages-${index}`,
    );
    const to = { targetModelId: 'new-model', targetVersion: 1 };
    const error = await refusalOf(manager.createMigration({ ...to, nodeIds }));
    expect(error.code).toBe('DISK_FULL');
    expect(error.message).toContain(dbPath);
    expect(error.message).toContain('make room');
    expect((await manager.listMigrations()).items).toEqual([]);
    expect(rowsOf(dbPath).tasks).toEqual(before.tasks);
    makeRoom();
    expect((await manager.createMigration({ ...to, nodeIds })).totalNodes).toBe(5_000);
    expect((await manager.listMigrations()).items).toHaveLength(1);
  });

  it('under the registry keeps a backup from being made, so the node is not written; the plan goes on with room', async () => {
    const { manager, dbPath, store, to } = await openScene({ nodes: 400 });
    const { planId } = await manager.createMigration({ ...to, throttleMs: 0 });
    const before = await vectorsOf(store);
    const makeRoom = fill(dbPath);
    const stopped = new AbortController();
    const troubled = new Promise<void>((resolve) => {
      manager.on('plan:changed', ({ plan }) => plan.status === 'paused' && resolve());
    });
    await Promise.race([troubled, manager.runMigration(planId, { signal: stopped.signal })]);
    stopped.abort();
    const paused = await manager.getMigration(planId);
    const done = (await store.countByModel()).find(({ info }) => info?.embeddingModelId === 'new-model');
    expect(paused).toMatchObject({ status: 'paused', reason: { code: 'DISK_FULL' }, failedNodes: 0 });
    expect(done?.count ?? 0).toBe(paused.completedNodes);
    makeRoom();
    await manager.resumeMigration(planId);
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 400 });
    expect((await manager.rollbackMigration({ planId })).succeeded).toBe(true);
    expect(await vectorsOf(store)).toEqual(before);
  });

  it('under the node store pauses the plan with the reason, and loses neither node nor backup', async () => {
    const { manager, nodesPath, store, old, open, to } = await openScene({ nodes: 0 });
    await store.upsert(embeddedNodes(old.spec, 50).map(({ vector: _, ...node }) => node));
    const before = await vectorsOf(store);
    const { planId } = await manager.createMigration({ ...to, throttleMs: 0 });
    const makeRoom = fill(nodesPath);
    expect(await manager.runMigration(planId)).toMatchObject({
      status: 'paused',
      reason: { code: 'DISK_FULL', message: expect.stringContaining(nodesPath) },
      failedNodes: 0,
    });
    makeRoom();
    const heir = await open();
    await heir.resumeMigration(planId);
    expect(await heir.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 50 });
    expect((await store.get(nodeId(7)))?.vector).toBeInstanceOf(Float32Array);
    expect((await heir.rollbackMigration({ planId })).succeeded).toBe(true);
    expect(await vectorsOf(store)).toEqual(before);
  });
});
