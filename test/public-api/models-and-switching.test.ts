/** Which model is active, and when readers and writers move to another one. */
import { EmbedderError } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, rowsOf, vectorsOf } from '../scene.ts';

const model = { modelId: 'm', version: 1, dimension: 12, checksum: 'c1' };
const fields = { modelId: 'new-model', dimension: 12 };

describe('registering', () => {
  it('the same again changes nothing, keeps the notes and tells nobody', async () => {
    const { manager, dbPath } = await openScene({ nodes: 0 });
    await manager.registerModel({ ...model, name: 'First' });
    const before = rowsOf(dbPath);
    const heard: unknown[] = [];
    manager.on('model:registered', (event) => heard.push(event));
    await manager.registerModel({ ...model, name: 'Second' });
    expect(rowsOf(dbPath)).toEqual(before);
    expect(heard).toEqual([]);
    await manager.registerModel({ ...model, version: 2 });
    expect(heard).toMatchObject([{ modelId: 'm', version: 2 }]);
  });

  it('as active is refused over nodes of another model, and changes nothing', async () => {
    const { manager, dbPath } = await openScene({ nodes: 3 });
    const before = rowsOf(dbPath);
    const error = await refusalOf(manager.registerModel({ ...model, setActive: true }));
    expect(error).toMatchObject({ code: 'MIGRATION_REQUIRED', details: { behind: 3 } });
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it('the active model as active goes through at every start of a program, whatever waits', async () => {
    const { manager, store, old } = await openScene({ nodes: 3 });
    await store.insert({ id: 'waiting', content: 'no vector yet' });
    const heard: unknown[] = [];
    manager.on('model:activated', (event) => heard.push(event));
    await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
    expect(heard).toEqual([]);
  });
});

describe('notes', () => {
  it('are changed one by one, outside of identity', async () => {
    const { manager } = await openScene({ nodes: 0 });
    await manager.registerModel({ ...model, name: 'Name', description: 'Words' });
    const successor = { modelId: 'm', version: 2 };
    await manager.updateModel({
      modelId: 'm',
      version: 1,
      description: 'Other words',
      shutdownAt: '2027-01-31',
      successor,
    });
    expect(await manager.getModel(model)).toMatchObject({
      name: 'Name',
      description: 'Other words',
      shutdownAt: '2027-01-31',
      successor,
    });
    await manager.registerModel(model);
    expect((await manager.getModel(model))?.description).toBe('Other words');
  });

  it.each([{ dimension: 13 }, { checksum: 'c' }, { isActive: true }])('%j is none', async (change) => {
    const { manager } = await openScene({ nodes: 0 });
    await manager.registerModel(model);
    expect(
      (await refusalOf(manager.updateModel({ modelId: 'm', version: 1, ...change } as never))).code,
    ).toBe('SPEC_INVALID');
  });
});

describe('removing a model', () => {
  it('that nothing needs takes it off the list; it may come back', async () => {
    const { manager } = await openScene({ nodes: 0 });
    await manager.registerModel(model);
    await manager.removeModel(model);
    expect(await manager.getModel(model)).toBeUndefined();
    await manager.registerModel(model);
    expect(await manager.getModel(model)).toMatchObject(model);
  });

  it('that is active, stamped on a node or needed by a plan is refused with the reason', async () => {
    const { manager, old, target, to } = await openScene({ nodes: 2 });
    const active = await refusalOf(manager.removeModel(old.spec));
    expect(active.code).toBe('MODEL_IN_USE');
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0)] });
    expect((await refusalOf(manager.removeModel(target.spec))).message).toContain(planId);
    await manager.runMigration(planId);
    expect((await refusalOf(manager.removeModel(target.spec))).message).toContain('1 nodes');
    await manager.switchActiveModel({ ...to, migrateExisting: false });
    expect((await refusalOf(manager.removeModel(old.spec))).message).toContain('1 nodes');
    expect((await manager.listModels()).length).toBe(3);
  });

  it('is possible once its plan is rolled back or finalized', async () => {
    const { manager, target, to } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    await manager.rollbackMigration({ planId });
    await manager.removeModel(target.spec);
    expect((await manager.getMigration(planId)).targetSpec.equals(target.spec)).toBe(true);
  });
});

describe('switching the active model', () => {
  it('with migration seals the plan and activates the target in one step', async () => {
    const { manager, old, target, to } = await openScene({ nodes: 2 });
    const heard: string[] = [];
    manager.on('plan:created', ({ planId }) => heard.push(planId));
    manager.on('model:activated', ({ modelId }) => heard.push(modelId));
    const plan = await manager.switchActiveModel({ ...to, migrateExisting: true, batchSize: 7 });
    expect(plan).toMatchObject({
      batchSize: 7,
      wholeStore: true,
      previousActive: { modelId: old.spec.modelId, version: 1 },
    });
    expect(plan?.cutOverAt).toBeDefined();
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
    expect(heard).toEqual([plan?.planId, 'new-model']);
    const actions = (await manager.listJournal({ planId: plan!.planId })).items.map(({ action }) => action);
    expect(actions).toEqual(['plan:gateSkipped', 'model:activated', 'plan:created']);
  });

  it('over an empty store ends at once, and tells so', async () => {
    const { manager, to, target } = await openScene({ nodes: 0 });
    const heard: string[] = [];
    manager.on('plan:changed', ({ from, plan }) => heard.push(`${from} → ${plan.status}`));
    const plan = await manager.switchActiveModel({ ...to, migrateExisting: true });
    expect(plan).toMatchObject({ status: 'completed', totalNodes: 0, progressPercent: 100 });
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
    expect((await manager.listTasks({ planId: plan!.planId })).items).toEqual([]);
    expect(heard).toEqual(['pending → completed']);
  });

  it('goes through without a word where every node is at the target', async () => {
    const { manager, store, target, to } = await openScene({ nodes: 0 });
    await store.insert(embeddedNodes(target.spec, 3));
    expect(await manager.switchActiveModel(to)).toBeUndefined();
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
  });

  it.each([
    ['another model', async () => {}],
    ['none', async (store) => void (await store.update(nodeId(0), { vector: null }))],
    [
      'the target, of an older text',
      async (store, spec) => {
        await store.upsert(embeddedNodes(spec, 1));
        await store.update(nodeId(0), { content: 'edited since' });
      },
    ],
  ] as [
    string,
    (
      store: Awaited<ReturnType<typeof openScene>>['store'],
      spec: Parameters<typeof embeddedNodes>[0],
    ) => Promise<void>,
  ][])('is refused where a node has a vector of %s and nothing was said about it', async (_, arrange) => {
    const { manager, store, target, to, dbPath } = await openScene({ nodes: 1 });
    await arrange(store, target.spec);
    const before = rowsOf(dbPath);
    const error = await refusalOf(manager.switchActiveModel(to));
    expect(error).toMatchObject({ code: 'MIGRATION_REQUIRED', details: { behind: 1 } });
    expect(rowsOf(dbPath)).toEqual(before);
    expect(await manager.switchActiveModel({ ...to, migrateExisting: false })).toBeUndefined();
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
  });

  it.each(['rateLimited', 'transient', 'refused', 'fatal'] as const)(
    'is refused where the target’s embedder fails (%s), and activates nothing',
    async (kind) => {
      const onCall = () => {
        throw new EmbedderError(kind, 'Not today.');
      };
      const { manager, to, dbPath, store } = await openScene({
        nodes: 2,
        target: testEmbedder({ ...fields, onCall }),
      });
      const before = [rowsOf(dbPath), await vectorsOf(store)];
      expect(await refusalOf(manager.switchActiveModel({ ...to, migrateExisting: true }))).toMatchObject({
        code: 'EMBEDDER_FAILED',
        kind,
      });
      expect([rowsOf(dbPath), await vectorsOf(store)]).toEqual(before);
      const plan = await manager.switchActiveModel({ ...to, migrateExisting: true, unchecked: true });
      expect(plan?.totalNodes).toBe(2);
    },
  );

  it('asks a plain text where the model refuses the stored one: that is a matter of one node', async () => {
    const onCall = (texts: readonly string[]) => {
      if (texts[0]?.startsWith('The text')) throw new EmbedderError('refused', 'Not this one.');
    };
    const { manager, to } = await openScene({ nodes: 2, target: testEmbedder({ ...fields, onCall }) });
    expect((await manager.switchActiveModel({ ...to, migrateExisting: true }))?.totalNodes).toBe(2);
  });

  it('is refused whole where the plan is', async () => {
    const { manager, to, old } = await openScene({ nodes: 2 });
    await manager.registerModel(model);
    const { planId } = await manager.createMigration({
      targetModelId: 'm',
      targetVersion: 1,
      nodeIds: [nodeId(0)],
    });
    const error = await refusalOf(manager.switchActiveModel({ ...to, migrateExisting: true }));
    expect(error).toMatchObject({ code: 'PLAN_OVERLAP', details: { planId } });
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
    expect((await manager.listMigrations()).items).toHaveLength(1);
  });

  it('and back by rollback makes the previous model active, but not over a third one', async () => {
    const { manager, to, old } = await openScene({ nodes: 2 });
    await manager.registerModel(model);
    const heard: string[] = [];
    for (const third of [false, true]) {
      const plan = await manager.switchActiveModel({ ...to, migrateExisting: true });
      await manager.runMigration(plan!.planId);
      if (third)
        await manager.switchActiveModel({ targetModelId: 'm', targetVersion: 1, migrateExisting: false });
      const off = manager.on('model:activated', ({ modelId }) => heard.push(modelId));
      await manager.rollbackMigration({ planId: plan!.planId });
      off();
      expect((await manager.getActiveModel()).modelId).toBe(third ? 'm' : old.spec.modelId);
    }
    expect(heard).toEqual([old.spec.modelId]);
  });
});

describe('cutting a plan over by hand', () => {
  it('activates while it runs, and the plan looks through the store once more before it ends', async () => {
    const { manager, store, old, target, to } = await openScene({ nodes: 4 });
    const { planId } = await manager.createMigration({
      ...to,
      batchSize: 2,
      throttleMs: 0,
      maxParallelWorkers: 1,
    });
    const stopping = new AbortController();
    target.onCall = () => stopping.abort();
    await manager.runMigration(planId, { signal: stopping.signal });
    target.onCall = undefined;
    const heard: string[] = [];
    manager.on('model:activated', ({ modelId }) => heard.push(modelId));
    manager.on('plan:cutover', (plan) => heard.push(plan.planId));
    expect(await manager.cutoverMigration({ planId })).toMatchObject({
      status: 'in_progress',
      completedNodes: 2,
    });
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
    // A writer that still had the old model in hand.
    await store.insert(embeddedNodes(old.spec, 1, 50));
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 5 });
    await manager.cutoverMigration({ planId });
    expect(heard).toEqual(['new-model', planId]);
  });

  it('of a plan that has ended makes a follow-up plan for what writers left behind since', async () => {
    const { manager, store, old, target, to } = await openScene({ nodes: 3 });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    await store.insert(embeddedNodes(old.spec, 2, 50));
    const created: string[] = [];
    manager.on('plan:created', (plan) => created.push(plan.planId));
    expect((await manager.cutoverMigration({ planId })).cutOverAt).toBeDefined();
    expect(created).toHaveLength(1);
    const followUp = await manager.runMigration(created[0]!);
    expect(followUp).toMatchObject({ status: 'completed', completedNodes: 2 });
    expect(await store.countByModel()).toEqual([{ info: target.spec.info, count: 5 }]);
    const { items } = await manager.listJournal({ planId: created[0]! });
    expect(items.find(({ action }) => action === 'plan:created')?.details).toMatchObject({
      followsUp: planId,
    });
  });

  it('of an ended plan that left nothing behind has its follow-up ended at once, so that it can be rolled back', async () => {
    const { manager, old, to } = await openScene({ nodes: 3 });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    await manager.cutoverMigration({ planId });
    const { items } = await manager.listMigrations();
    expect(items.map(({ status, totalNodes }) => [status, totalNodes])).toEqual([
      ['completed', 0],
      ['completed', 3],
    ]);
    expect(await manager.rollbackMigration({ planId })).toMatchObject({ restored: 3, succeeded: true });
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
  });

  it('over failed nodes has to be asked for', async () => {
    const onCall = (texts: readonly string[]) => {
      if (texts.some((text) => text.includes('number 1.'))) throw new EmbedderError('refused', 'No.');
    };
    const { manager, to, old, target } = await openScene({
      nodes: 3,
      target: testEmbedder({ ...fields, onCall }),
    });
    const { planId } = await manager.createMigration({ ...to, maxRetries: 0 });
    await manager.runMigration(planId);
    const error = await refusalOf(manager.cutoverMigration({ planId }));
    expect(error.code).toBe('PLAN_STATE');
    expect(error.message).toMatch(/1 nodes failed.*retryFailed.*acceptFailed/);
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
    const calls = target.calls.length;
    await manager.cutoverMigration({ planId, acceptFailed: true, overrideGate: 'Of three nodes.' });
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
    // Its follow-up has ended, and asked no embedder for what was accepted.
    const [followUp] = (await manager.listMigrations()).items;
    expect(followUp).toMatchObject({ status: 'failed', totalNodes: 1, failedNodes: 1 });
    expect(target.calls).toHaveLength(calls);
    expect((await manager.listTasks({ planId: followUp!.planId })).items).toMatchObject([
      { nodeId: nodeId(1), status: 'failed', errorCode: 'EMBEDDER_FAILED', errorMessage: 'No.' },
    ]);
    expect(await manager.retryFailed({ planId: followUp!.planId })).toBe(1);
  });

  it.each(['cancelled', 'rolled_back'] as const)('of a plan that is %s is refused', async (status) => {
    const { manager, to, old } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration(to);
    await (status === 'cancelled' ? manager.cancelMigration(planId) : manager.rollbackMigration({ planId }));
    expect((await manager.getMigration(planId)).status).toBe(status);
    expect((await refusalOf(manager.cutoverMigration({ planId }))).code).toBe('PLAN_STATE');
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
  });
});
