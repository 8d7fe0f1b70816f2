import { isCompatible } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, rowsOf } from '../scene.ts';

const model = { modelId: 'm', version: 1, dimension: 12, checksum: 'c1' };

describe('models', () => {
  it('keeps version 1 when version 2 is registered, and the active model active, also after a restart', async () => {
    const { manager, open } = await openScene({ nodes: 0 });
    await manager.registerModel({ ...model, setActive: true });
    await manager.registerModel({ ...model, version: 2, checksum: 'c2' });
    await manager.close();
    const models = await (await open()).listModels();
    expect(models.map((one) => [one.modelId, one.version, one.isActive])).toEqual([
      ['binary_hdv', 1, false],
      ['old-model', 1, false],
      ['new-model', 1, false],
      ['m', 1, true],
      ['m', 2, false],
    ]);
  });

  it('does not take the first eight characters of a checksum for the model', async () => {
    const { manager, store, to, target } = await openScene({ nodes: 0 });
    const twin = {
      ...target.spec.toJSON(),
      checksum: `${target.spec.checksum.slice(0, 8)}-and-then-another`,
    };
    expect((await refusalOf(manager.registerModel(twin))).code).toBe('MODEL_CONFLICT');
    const [node] = embeddedNodes(target.spec, 1);
    await store.insert({ ...node!, embeddingChecksum: twin.checksum });
    const plan = await manager.createMigration(to);
    expect(plan.totalNodes).toBe(1);
    expect(
      isCompatible({ stamp: { ...target.spec.info, embeddingChecksum: twin.checksum } }, target.spec),
    ).toBe(false);
  });

  it.each([{ checksum: 'other' }, { dimension: 13 }, { distance: 'dot' as const }])(
    'refuses another %j for a version that is registered, and keeps the first',
    async (change) => {
      const { manager } = await openScene({ nodes: 0 });
      await manager.registerModel(model);
      const error = await refusalOf(manager.registerModel({ ...model, ...change }));
      expect(error.code).toBe('MODEL_CONFLICT');
      expect(error.message).toContain('version 2');
      expect(await manager.getModel(model)).toMatchObject(model);
    },
  );
});

describe('planning', () => {
  it('makes a plan when it switches with migrateExisting, and re-embeds', async () => {
    const { manager, to, target } = await openScene({ nodes: 4 });
    const plan = await manager.switchActiveModel({ ...to, migrateExisting: true });
    expect(plan?.totalNodes).toBe(4);
    expect((await manager.runMigration(plan!.planId)).completedNodes).toBe(4);
    expect(target.textsSeen.length).toBeGreaterThanOrEqual(4);
  });

  it('migrates to the model that is active already, from what the nodes really have', async () => {
    const { manager, to, old } = await openScene({ nodes: 3 });
    await manager.switchActiveModel({ ...to, migrateExisting: false });
    const { planId, totalNodes } = await manager.createMigration(to);
    const { items } = await manager.listTasks({ planId });
    expect(totalNodes).toBe(3);
    expect(items.map(({ source }) => source)).toEqual([old.spec.info, old.spec.info, old.spec.info]);
  });

  it.each([[[]], [undefined]])('completes a plan over no node (%j)', async (nodeIds) => {
    const { manager, to } = await openScene({ nodes: 0 });
    const plan = await manager.createMigration({ ...to, ...(nodeIds && { nodeIds }) });
    expect(plan).toMatchObject({
      status: 'completed',
      totalNodes: 0,
      progressPercent: 100,
      isComplete: true,
    });
    const later = await manager.createMigration({ ...to, nodeIds: ['absent'] });
    expect((await manager.runMigration(later.planId)).status).toBe('completed');
  });

  it('makes one task of an id that is given twice', async () => {
    const { manager, to } = await openScene({ nodes: 2 });
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0), nodeId(0), nodeId(1)] });
    expect(await manager.runMigration(planId)).toMatchObject({
      totalNodes: 2,
      completedNodes: 2,
      status: 'completed',
    });
  });

  it('takes ids from generators, async ones too', async () => {
    const { manager, to } = await openScene({ nodes: 4 });
    function* first() {
      yield nodeId(0);
      yield nodeId(1);
    }
    async function* last() {
      yield nodeId(2);
      yield nodeId(3);
    }
    expect((await manager.createMigration({ ...to, nodeIds: first() })).totalNodes).toBe(2);
    expect((await manager.createMigration({ ...to, nodeIds: last() })).totalNodes).toBe(2);
  });

  it.each([['xyz'], [5], [[5]], [['']], [['\ud800']], [{}]])(
    'refuses %j as ids, and leaves no plan behind',
    async (nodeIds) => {
      const { manager, to } = await openScene({ nodes: 0 });
      expect((await refusalOf(manager.createMigration({ ...to, nodeIds: nodeIds as never }))).code).toBe(
        'SPEC_INVALID',
      );
      expect((await manager.listMigrations()).items).toEqual([]);
    },
  );

  it('leaves no plan behind when the iterator of ids throws', async () => {
    const { manager, to } = await openScene({ nodes: 1 });
    async function* broken() {
      yield nodeId(0);
      throw new Error('the list ends here');
    }
    await expect(manager.createMigration({ ...to, nodeIds: broken() })).rejects.toThrow('the list ends here');
    expect((await manager.listMigrations()).items).toEqual([]);
    expect((await manager.createMigration({ ...to, nodeIds: [nodeId(0)] })).totalNodes).toBe(1);
  });

  it('leaves no plan behind when it is aborted half-way', async () => {
    const { manager, to, dbPath } = await openScene({ nodes: 2 });
    const aborting = new AbortController();
    const reason = new Error('changed my mind');
    async function* ids() {
      yield nodeId(0);
      aborting.abort(reason);
      yield nodeId(1);
    }
    const call = manager.createMigration({ ...to, nodeIds: ids(), signal: aborting.signal });
    await expect(call).rejects.toBe(reason);
    expect(rowsOf(dbPath)).toMatchObject({ plans: [], tasks: [], leases: [] });
  });

  it('makes plans that are asked for at once one after the other', async () => {
    const { manager, to } = await openScene({ nodes: 3 });
    const ids = [0, 1, 2].map(nodeId);
    const plans = await Promise.all(ids.map((id) => manager.createMigration({ ...to, nodeIds: [id] })));
    expect(new Set(plans.map(({ planId }) => planId)).size).toBe(3);
    expect((await manager.listMigrations()).items).toHaveLength(3);
  });

  it.each([
    { batchSize: 0 },
    { batchSize: -1 },
    { throttleMs: -5 },
    { maxParallelWorkers: 0 },
    { maxRetries: 1.5 },
  ])('refuses %j', async (tuning) => {
    const { manager, to } = await openScene({ nodes: 0 });
    const error = await refusalOf(manager.createMigration({ ...to, ...tuning }));
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toContain(Object.keys(tuning)[0]);
  });

  it('refuses nodes of another unfinished plan, and says which and how many', async () => {
    const { manager, to } = await openScene({ nodes: 4 });
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0), nodeId(1)] });
    const error = await refusalOf(manager.createMigration({ ...to, nodeIds: [nodeId(1), nodeId(2)] }));
    expect(error).toMatchObject({ code: 'PLAN_OVERLAP', details: { planId, count: 1 } });
    expect((await refusalOf(manager.createMigration(to))).code).toBe('PLAN_OVERLAP');
    await manager.cancelMigration(planId);
    expect((await manager.createMigration(to)).totalNodes).toBe(4);
  });

  it('goes back from version 3 to version 1 like to any other model', async () => {
    const versions = [1, 3].map((version) => testEmbedder({ modelId: 'm', version, dimension: 12 }));
    const [first, third] = versions as [(typeof versions)[0], (typeof versions)[0]];
    const { manager, store, open } = await openScene({ nodes: 3 });
    for (const { spec } of versions) await manager.registerModel(spec.toJSON());
    const other = await open({ embedders: versions });
    for (const { spec } of [third, first]) {
      const plan = await other.switchActiveModel({
        targetModelId: 'm',
        targetVersion: spec.version,
        migrateExisting: true,
      });
      await other.runMigration(plan!.planId);
      expect(await store.countByModel()).toEqual([{ info: spec.info, count: 3 }]);
    }
  });
});
