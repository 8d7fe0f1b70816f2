/** Contents that cannot be embedded, nodes that change under the worker, and node stores that are the wrong ones. */
import { join } from 'node:path';
import { EmbeddingVersionManager, RegistryError } from '@registry/core';
import { ManualClock, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  nodeId,
  openScene,
  refusalOf,
  rowsOf,
  type Scene,
  storeWith,
  temporaryFolder,
  textOf,
  vectorsOf,
} from '../scene.ts';

const fields = { modelId: 'new-model', dimension: 12 };

describe('a node', () => {
  it('with empty content fails alone, and goes on once it has some', async () => {
    const { manager, store, to } = await openScene({ nodes: 2 });
    await store.insert({ id: 'mute', content: '' });
    const { planId } = await manager.createMigration(to);
    expect(await manager.runMigration(planId)).toMatchObject({
      status: 'failed',
      completedNodes: 2,
      failedNodes: 1,
    });
    const { items } = await manager.listTasks({ planId, status: 'failed' });
    expect(items).toMatchObject([{ nodeId: 'mute', errorCode: 'CONTENT_MISSING', retryCount: 0 }]);
    expect(items[0]?.errorMessage).toMatch(/give it one, or delete it/);
    await store.update('mute', { content: 'words' });
    expect(await manager.retryFailed({ planId, nodeIds: ['mute'] })).toBe(1);
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 3 });
  });

  const long = `${'secret '.repeat(20)}end`;
  const openLimited = async (countsTokens: { exact: boolean }) => {
    const scene = await openScene({ nodes: 2, target: testEmbedder({ ...fields, countsTokens }) });
    await scene.manager.updateModel({ modelId: 'new-model', version: 1, maxInputTokens: 20 });
    await scene.store.insert({ id: 'long', content: long });
    return scene;
  };

  it('longer than the model takes fails alone, with the figures and without a word of it', async () => {
    const { manager, to, target, store } = await openLimited({ exact: true });
    const { planId } = await manager.createMigration(to);
    expect(await manager.runMigration(planId)).toMatchObject({
      status: 'failed',
      completedNodes: 2,
      failedNodes: 1,
    });
    const [task] = (await manager.listTasks({ planId, errorCode: 'CONTENT_TOO_LONG' })).items;
    expect(task?.errorMessage).toMatch(/21 tokens.*takes 20.*shorten or split/);
    expect(JSON.stringify([task, await manager.listJournal()])).not.toContain('secret');
    expect(target.textsSeen).not.toContain(long);
    expect((await store.get('long'))?.vector).toBeUndefined();
    expect((await refusalOf(manager.embed([long], { modelId: 'new-model', version: 1 }))).code).toBe(
      'CONTENT_TOO_LONG',
    );
  });

  it('longer by an estimate is left to the model to judge', async () => {
    const { manager, to } = await openLimited({ exact: false });
    const { planId } = await manager.createMigration(to);
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 3 });
  });
});

describe('a node that, between being read and being written,', () => {
  type Meddle = (scene: Scene) => Promise<unknown>;

  /** Something happens to the first node at each call of the embedder, as often as `times` says. */
  async function runMeddled(meddle: Meddle, times: number) {
    const clock = new ManualClock();
    let scene: Scene | undefined;
    const target: TestEmbedder = testEmbedder({
      ...fields,
      onCall: async (texts, { index }) => {
        if (scene && index < times && texts.length > 0) await meddle(scene);
      },
    });
    scene = await openScene({ nodes: 3, target, clock });
    const { planId } = await scene.manager.createMigration(scene.to);
    const plan = await clock.runUntil(scene.manager.runMigration(planId));
    return { ...scene, planId, plan };
  }

  it('is deleted is skipped, and stays deleted', async () => {
    const { plan, store } = await runMeddled(({ store }) => store.delete(nodeId(0)), 1);
    expect(plan).toMatchObject({
      status: 'completed',
      completedNodes: 2,
      skippedNodes: 1,
      progressPercent: 100,
    });
    expect(await store.get(nodeId(0))).toBeUndefined();
  });

  it('is edited keeps the edit, and is embedded anew without a retry being charged', async () => {
    const { plan, store, manager, planId, target } = await runMeddled(
      ({ store }) => store.update(nodeId(0), { content: 'edited' }),
      1,
    );
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 3 });
    expect(await store.get(nodeId(0))).toMatchObject({ content: 'edited', ...target.spec.info });
    expect(target.textsSeen).toContain('edited');
    expect((await manager.listTasks({ planId, nodeId: nodeId(0) })).items[0]?.retryCount).toBe(0);
  });

  it.each(['another text', textOf(0)])(
    'is deleted and made again with %j is the new one',
    async (content) => {
      const { plan, store, target, manager, planId } = await runMeddled(async ({ store }) => {
        await store.delete(nodeId(0));
        await store.insert({ id: nodeId(0), content, metadata: { is: 'new' } });
      }, 1);
      expect(plan).toMatchObject({ status: 'completed', completedNodes: 3 });
      expect(await store.get(nodeId(0))).toMatchObject({
        content,
        metadata: { is: 'new' },
        ...target.spec.info,
      });
      // Its backup is what it was when it was overwritten: a node without a vector.
      expect(await manager.getBackup({ planId, nodeId: nodeId(0) })).not.toHaveProperty('vector');
      await manager.rollbackMigration({ planId });
      expect((await store.get(nodeId(0)))?.vector).toBeUndefined();
    },
  );

  it('is edited every time ends as a dead letter that says so', async () => {
    let edits = 0;
    const { plan, manager, planId, store } = await runMeddled(
      ({ store }) => store.update(nodeId(0), { content: `edit ${++edits}` }),
      1_000,
    );
    expect(plan).toMatchObject({ status: 'failed', completedNodes: 2, failedNodes: 1 });
    expect((await manager.listTasks({ planId, status: 'failed' })).items).toMatchObject([
      { nodeId: nodeId(0), errorCode: 'EDITED_TOO_OFTEN', retryCount: 0 },
    ]);
    expect((await store.get(nodeId(0)))?.content).toBe(`edit ${edits}`);
    expect(edits).toBe(10);
  });
});

describe('a node store', () => {
  it('without most nodes of the first batch pauses the plan; resuming confirms it', async () => {
    const { manager, to } = await openScene({ nodes: 9 });
    const nodeIds = Array.from({ length: 25 }, (_, index) => nodeId(index));
    const { planId } = await manager.createMigration({ ...to, nodeIds });
    const paused = await manager.runMigration(planId);
    expect(paused).toMatchObject({ status: 'paused', reason: { code: 'NODES_MISSING' } });
    expect(paused.reason?.message).toMatch(/16 of the first 25 nodes.*resume/);
    await manager.resumeMigration(planId);
    expect(await manager.runMigration(planId)).toMatchObject({
      status: 'completed',
      completedNodes: 9,
      skippedNodes: 16,
    });
  });

  it('of another registry is refused, and neither is changed', async () => {
    const { dbPath, store, nodesPath } = await openScene({ nodes: 1 });
    const otherPath = join(temporaryFolder(), 'other.sqlite');
    const other = await SqliteNodeStore.open({ path: otherPath });
    onTestFinished(() => other.close());
    const before = [rowsOf(dbPath), rowsOf(otherPath), rowsOf(nodesPath)];
    const error = await refusalOf(EmbeddingVersionManager.open({ dbPath, nodeStore: other }));
    expect(error).toMatchObject({
      code: 'NODE_STORE_MISMATCH',
      details: { registered: store.storeId, received: other.storeId },
    });
    expect(error.message).toContain('another registry');
    expect([rowsOf(dbPath), rowsOf(otherPath), rowsOf(nodesPath)]).toEqual(before);
  });

  it('that is not there is missed by what needs it; models and plans over a list work', async () => {
    const dbPath = join(temporaryFolder(), 'registry.sqlite');
    const embedders = [testEmbedder(fields)];
    const manager = await EmbeddingVersionManager.open({ dbPath, embedders });
    onTestFinished(() => manager.close());
    await manager.registerModel({ ...embedders[0]!.spec.toJSON(), setActive: true });
    await manager.registerModel({ ...fields, version: 2, checksum: 'c2' });
    const to = { targetModelId: 'new-model', targetVersion: 2 };
    const { planId } = await manager.createMigration({ ...to, nodeIds: ['a', 'b'] });
    expect((await manager.listTasks({ planId })).items.map(({ nodeId: id }) => id)).toEqual(['a', 'b']);
    expect((await manager.embed(['text'])).vectors).toHaveLength(1);
    const model = { modelId: 'new-model', version: 1 };
    for (const [name, call] of Object.entries({
      createMigration: () => manager.createMigration(to),
      'createMigration by metadata': () => manager.createMigration({ ...to, where: { a: 1 } }),
      switchActiveModel: () => manager.switchActiveModel({ ...to, migrateExisting: true }),
      runMigration: () => manager.runMigration(planId),
      startWorker: () => manager.startWorker(),
      rollbackMigration: () => manager.rollbackMigration({ planId }),
      'rollbackMigration of a node': () => manager.rollbackMigration({ planId, nodeId: 'a' }),
      stampNodes: () => manager.stampNodes(model),
      searchAcrossModels: () => manager.searchAcrossModels('query', { k: 3 }),
    })) {
      const error = await refusalOf(call);
      expect(error.code, name).toBe('NODE_STORE_MISSING');
      expect(error.message, name).toContain('nodeStore');
    }
    expect((await manager.getMigration(planId)).status).toBe('pending');
    expect((await manager.cancelMigration(planId)).status).toBe('cancelled');
    expect((await manager.getActiveModel()).version).toBe(1);
  });

  it('without fences is refused unless that is accepted', async () => {
    const wrap = (store: SqliteNodeStore) =>
      storeWith(store, { capabilities: { ...store.capabilities, fence: 'none' } });
    const { manager, open, store, to } = await openScene({ nodes: 2, wrap });
    const before = await vectorsOf(store);
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0)] });
    for (const call of [
      () => manager.runMigration(planId),
      () => manager.startWorker(),
      () => manager.rollbackMigration({ planId }),
    ]) {
      const error = await refusalOf(call);
      expect(error.code).toBe('STRATEGY_UNSUITABLE');
      expect(error.message).toContain('allowUnfenced');
    }
    expect(await vectorsOf(store)).toEqual(before);
    const daring = await open({ allowUnfenced: true });
    expect(await daring.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 1 });
  });

  it('that cannot filter refuses a filter instead of taking every node', async () => {
    const wrap = (store: SqliteNodeStore) =>
      storeWith(store, { capabilities: { ...store.capabilities, where: false } });
    const { manager, to } = await openScene({ nodes: 2, wrap });
    const where = { parity: 'odd' };
    for (const call of [
      () => manager.createMigration({ ...to, where }),
      () => manager.searchAcrossModels('query', { k: 1, where }),
      () => manager.stampNodes({ modelId: 'new-model', version: 1, where }),
    ]) {
      const error = await refusalOf(call);
      expect(error.code).toBe('STRATEGY_UNSUITABLE');
      expect(error.message).toContain('filter');
    }
  });

  it.each([
    ['reading', 'read'],
    ['writing', 'write'],
  ] as const)(
    'that fails at %s for a while makes the plan wait, and no node pays for it',
    async (_, method) => {
      const clock = new ManualClock();
      let failures = 3;
      const wrap = (store: SqliteNodeStore) => {
        const failing = async (...args: unknown[]) => {
          if (failures-- > 0)
            throw new RegistryError('DATABASE_UNAVAILABLE', 'The store is away; it comes back.');
          return (store[method] as (...args: unknown[]) => Promise<never>).apply(store, args);
        };
        return storeWith(store, { [method]: failing });
      };
      const { manager, to } = await openScene({ nodes: 3, wrap, clock });
      const { planId } = await manager.createMigration(to);
      const plan = await clock.runUntil(manager.runMigration(planId));
      expect(plan).toMatchObject({ status: 'completed', completedNodes: 3, failedNodes: 0 });
      expect((await manager.listTasks({ planId })).items.map(({ retryCount }) => retryCount)).toEqual([
        0, 0, 0,
      ]);
    },
  );

  it('that answers for fewer writes than it was given has the rest written again', async () => {
    let isFirst = true;
    const clock = new ManualClock();
    const { manager, store, to } = await openScene({
      nodes: 6,
      clock,
      wrap: (under) =>
        storeWith(under, {
          write(all) {
            const taken = isFirst ? all.slice(0, 2) : all;
            isFirst = false;
            return under.write(taken);
          },
        }),
    });
    const completed: number[] = [];
    manager.on('batch:settled', ({ plan }) => completed.push(plan.completedNodes));
    const { planId } = await manager.createMigration(to);
    const done = await clock.runUntil(manager.runMigration(planId));
    expect(done).toMatchObject({ status: 'completed', completedNodes: 6 });
    expect(completed[0]).toBe(2);
    expect(await store.countByModel()).toMatchObject([{ info: { embeddingModelId: 'new-model' }, count: 6 }]);
  });

  it('that does not take the mark of the registry fails no plan', async () => {
    const warnings: string[] = [];
    const quiet = () => {};
    const logger = {
      debug: quiet,
      info: quiet,
      error: quiet,
      warn: (message: string) => warnings.push(message),
    };
    const wrap = (store: SqliteNodeStore) =>
      storeWith(store, {
        mark: {
          read: () => store.mark.read(),
          write: async () => {
            throw new RegistryError('DATABASE_LOCKED', 'Busy; try again.');
          },
        },
      });
    const { manager, to } = await openScene({ nodes: 2, wrap, logger });
    const plan = await manager.switchActiveModel({ ...to, migrateExisting: true });
    expect(plan?.totalNodes).toBe(2);
    expect(warnings).toHaveLength(1);
  });
});
