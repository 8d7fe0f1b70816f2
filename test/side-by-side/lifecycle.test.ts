import { isRegistryError, type NodeStore } from '@registry/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeId, type Opened, SideScene, textOf } from './scene.ts';

let scene: SideScene;
let opened: Opened;

beforeEach(async () => {
  scene = await SideScene.make();
  opened = await scene.open();
});
afterEach(() => scene.close());

const codeOf = (call: Promise<unknown>) =>
  scene.run(call).then(
    () => 'not refused',
    (error: unknown) => (isRegistryError(error) ? error.code : String(error)),
  );

const all = (model: string, count = 6) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [nodeId(index), `${model}: ${textOf(index)}`]),
  );

const active = async () => (await opened.manager.getActiveModel()).modelId;

async function migrated(): Promise<string> {
  const planId = await scene.plan(opened);
  await scene.run(opened.manager.runMigration(planId));
  return planId;
}

async function cutOver(): Promise<string> {
  const planId = await migrated();
  await scene.run(opened.manager.cutoverMigration({ planId }));
  return planId;
}

describe('a plan side by side', () => {
  it('fills the new side while readers and the active model stay', async () => {
    const planId = await scene.plan(opened);
    const plan = await scene.run(opened.manager.runMigration(planId));
    expect(plan).toMatchObject({ status: 'completed', strategy: 'shadow', completedNodes: 6 });
    expect(await scene.seen()).toEqual(all('old-model'));
    expect(await active()).toBe('old-model');
  });

  it('brings a node over that was deleted, and put on the old side again by somebody late', async () => {
    const id = nodeId(2);
    const again = scene.node(id, 'put there again');
    const wrap = (store: SideScene['store']): NodeStore => {
      const sideBySide = store.sideBySide.bind(store);
      return Object.assign(store, {
        sideBySide: async (plan: Parameters<typeof sideBySide>[0]) => {
          const sides = await sideBySide(plan);
          const cutover = sides.cutover.bind(sides);
          const late = async () => {
            await scene.app.put([again]);
            await cutover();
          };
          return Object.assign(sides, { cutover: late });
        },
      });
    };
    opened = await scene.open({ wrap });
    const planId = await migrated();
    await scene.app.remove(id);
    await scene.run(opened.manager.cutoverMigration({ planId }));
    expect(await scene.seen()).toEqual({ ...all('new-model'), [id]: 'new-model: put there again' });
  });

  it('keeps a node on the old side that was rolled back alone before the cutover', async () => {
    const planId = await migrated();
    const taken = nodeId(2);
    await scene.run(opened.manager.rollbackMigration({ planId, nodeId: taken }));
    await scene.run(opened.manager.cutoverMigration({ planId, acceptBehind: 1 }));
    expect(await scene.seen()).not.toHaveProperty(taken);
    await scene.run(opened.manager.rollbackMigration({ planId }));
    expect(await scene.seen()).toEqual(all('old-model'));
  });

  it('moves readers and the active model together', async () => {
    const planId = await cutOver();
    expect(await scene.seen()).toEqual(all('new-model'));
    expect(await active()).toBe('new-model');
    const plan = await opened.manager.getMigration(planId);
    expect(plan).toMatchObject({ status: 'completed', previousActive: { modelId: 'old-model', version: 1 } });
    expect(plan.cutOverAt).toBeDefined();
    const { items } = await opened.manager.listJournal({ planId });
    expect(items.map(({ action }) => action)).toContain('plan:cutover');
    await scene.run(opened.manager.cutoverMigration({ planId }));
    expect(await opened.manager.getMigration(planId)).toEqual(plan);
  });

  it('is what switchActiveModel makes where the store prefers it', async () => {
    const why = 'The new vectors have another length.';
    const wrap = (store: SideScene['store']): NodeStore =>
      Object.assign(store, { chooseStrategy: async () => ({ strategy: 'shadow' as const, why }) });
    const { manager } = await scene.open({ wrap });
    const plan = await manager.switchActiveModel({ ...scene.to, migrateExisting: true });
    expect(plan).toMatchObject({ strategy: 'shadow', strategyReason: why, totalNodes: 6 });
    expect((await manager.getMigration(plan!.planId)).strategyReason).toBe(why);
    expect(await active()).toBe('old-model');
    await scene.run(manager.runMigration(plan!.planId));
    await scene.run(manager.cutoverMigration({ planId: plan!.planId }));
    expect(await active()).toBe('new-model');
  });

  it('is refused over a list or a filter, and where the store does not offer it', async () => {
    const { manager } = opened;
    const asked = { ...scene.to, strategy: 'shadow' } as const;
    expect(await codeOf(manager.createMigration({ ...asked, nodeIds: [nodeId(1)] }))).toBe(
      'STRATEGY_UNSUITABLE',
    );
    expect(await codeOf(manager.createMigration({ ...asked, where: { kind: 'a' } }))).toBe(
      'STRATEGY_UNSUITABLE',
    );
    const named = { ...asked, strategy: 'namedVector' } as const;
    expect(await codeOf(manager.createMigration(named))).toBe('STRATEGY_UNSUITABLE');
    expect((await manager.listMigrations()).items).toEqual([]);
  });

  it('searches with the model that readers have, on both sides of the cutover', async () => {
    const planId = await migrated();
    for (const model of ['old-model', 'new-model']) {
      const counts = await scene.store.countByModel();
      expect(counts.map(({ info }) => info?.embeddingModelId)).toEqual([model]);
      if (model === 'old-model') await scene.run(opened.manager.cutoverMigration({ planId }));
    }
  });
});

describe('a cutover', () => {
  it('is refused while nodes are behind and nobody here can embed them, with the count and the ways out', async () => {
    const planId = await scene.plan(opened);
    const { manager } = await scene.open({ embeds: ['old'] });
    await expect(manager.cutoverMigration({ planId })).rejects.toMatchObject({
      code: 'NODES_BEHIND',
      details: { behind: 6 },
      message: expect.stringMatching(/6 nodes.*dualWrite.*acceptBehind/s),
    });
    await scene.run(opened.manager.runMigration(planId));
    await scene.app.edit(nodeId(2), 'edited since');
    await scene.app.remove(nodeId(3));
    await expect(manager.cutoverMigration({ planId })).rejects.toMatchObject({
      code: 'NODES_BEHIND',
      details: { behind: 1, extra: 1 },
    });
    expect(await active()).toBe('old-model');
    const plan = await manager.cutoverMigration({ planId, acceptBehind: 2 });
    expect(plan.cutOverAt).toBeDefined();
    await scene.run(opened.manager.runMigration(planId));
    expect(await scene.seen()).toMatchObject({ [nodeId(2)]: 'new-model: edited since' });
    expect(await scene.seen()).not.toHaveProperty(nodeId(3));
  });

  it('catches up first where the embedder is here', async () => {
    const planId = await migrated();
    await scene.app.edit(nodeId(2), 'edited since');
    await scene.app.put([scene.node('born-since', 'a text')]);
    await scene.run(opened.manager.cutoverMigration({ planId }));
    expect(await scene.seen()).toEqual({
      ...all('new-model'),
      [nodeId(2)]: 'new-model: edited since',
      'born-since': 'new-model: a text',
    });
  });

  it('makes no dead letter of a node that its application edits all the while', async () => {
    const planId = await migrated();
    for (let round = 0; round < 6; round++) {
      await scene.app.edit(nodeId(2), `edited ${round}`);
      await opened.manager.resumeMigration(planId);
      const plan = await scene.run(opened.manager.runMigration(planId));
      expect(plan).toMatchObject({ status: 'completed', failedNodes: 0 });
    }
  });

  it('waits for a paused plan, and leaves failed nodes behind only where that was said', async () => {
    const { manager } = opened;
    await scene.app.put([{ ...scene.node('empty', ''), content: '' }]);
    const planId = await scene.plan(opened);
    await manager.pauseMigration(planId);
    expect(await codeOf(manager.cutoverMigration({ planId }))).toBe('NODES_BEHIND');
    await manager.resumeMigration(planId);
    expect(await scene.run(manager.runMigration(planId))).toMatchObject({ status: 'failed', failedNodes: 1 });
    expect(await codeOf(manager.cutoverMigration({ planId }))).toBe('PLAN_STATE');
    expect(await scene.seen()).toMatchObject(all('old-model'));
    await scene.run(manager.cutoverMigration({ planId, acceptFailed: true }));
    expect(await scene.seen()).toEqual(all('new-model'));
  });

  it('takes over what was written on the old side late, and nothing of what was deleted since', async () => {
    const planId = await migrated();
    const late = scene.store.application('nodes');
    const { manager } = await scene.open({ embeds: ['old'] });
    await manager.cutoverMigration({ planId });
    await late.edit(nodeId(0), 'edited late');
    await late.put([scene.node('late', 'born late')]);
    await scene.app.remove(nodeId(1));
    await scene.app.put([scene.node('new', 'born on the new side', 'target')]);
    await scene.run(opened.manager.runMigration(planId));
    const { [nodeId(1)]: _, ...rest } = all('new-model');
    expect(await scene.seen()).toEqual({
      ...rest,
      [nodeId(0)]: 'new-model: edited late',
      late: 'new-model: born late',
      new: 'new-model: born on the new side',
    });
  });
});

describe('a rollback', () => {
  it('before the cutover removes the new side', async () => {
    const planId = await migrated();
    const report = await scene.run(opened.manager.rollbackMigration({ planId }));
    expect(report).toMatchObject({ restored: 6, remaining: 0, succeeded: true });
    expect([...scene.store.sides.keys()]).toEqual(['nodes']);
    expect(await opened.manager.getMigration(planId)).toMatchObject({
      status: 'rolled_back',
      rolledBackNodes: 6,
    });
    const again = await migrated();
    expect(again).not.toBe(planId);
  });

  it('after it moves readers and the active model back', async () => {
    const planId = await cutOver();
    const asked = opened.old.calls.length;
    const report = await scene.run(opened.manager.rollbackMigration({ planId }));
    expect(report).toMatchObject({ restored: 6, remaining: 0, succeeded: true });
    expect(await scene.seen()).toEqual(all('old-model'));
    expect(await active()).toBe('old-model');
    expect(opened.old.calls).toHaveLength(asked);
  });

  it('carries back what was written since, with the old model', async () => {
    const planId = await cutOver();
    await scene.app.edit(nodeId(0), 'edited since');
    await scene.app.remove(nodeId(1));
    await scene.app.put([scene.node('born', 'born since', 'target')]);
    const preview = await opened.manager.rollbackMigration({ planId, dryRun: true });
    expect(preview).toMatchObject({ restored: 6, remaining: 2 });
    const report = await scene.run(opened.manager.rollbackMigration({ planId }));
    expect(report).toMatchObject({ remaining: 0, succeeded: true });
    const { [nodeId(1)]: _, ...rest } = all('old-model');
    expect(await scene.seen()).toEqual({
      ...rest,
      [nodeId(0)]: 'old-model: edited since',
      born: 'old-model: born since',
    });
  });

  it('is refused with the count where nobody can embed that, unless its loss is said', async () => {
    const planId = await cutOver();
    await scene.app.edit(nodeId(0), 'edited since');
    await scene.app.put([scene.node('born', 'born since', 'target')]);
    const { manager } = await scene.open({ embeds: ['target'] });
    await expect(manager.rollbackMigration({ planId })).rejects.toMatchObject({
      code: 'LATER_WRITES',
      details: { count: 2 },
    });
    expect(await manager.getMigration(planId)).toMatchObject({ status: 'completed' });
    expect(await active()).toBe('new-model');
    const report = await scene.run(manager.rollbackMigration({ planId, laterWrites: 'lose' }));
    // What was lost is told: it stands on the new side until that is dropped.
    expect(report).toMatchObject({ restored: 6, remaining: 2, succeeded: false });
    expect(await scene.seen()).toEqual(all('old-model'));
    expect((await manager.getMigration(planId)).reason?.code).toBe('LATER_WRITES');
  });

  it('of one node takes it off before the cutover, and is unsupported after it', async () => {
    const planId = await migrated();
    const { manager } = opened;
    const report = await scene.run(manager.rollbackMigration({ planId, nodeId: nodeId(2) }));
    expect(report).toMatchObject({ restored: 1, succeeded: true });
    await manager.resumeMigration(planId);
    await scene.run(manager.runMigration(planId));
    await expect(scene.run(manager.cutoverMigration({ planId }))).rejects.toMatchObject({
      code: 'NODES_BEHIND',
      message: expect.stringContaining('rolled back alone'),
    });
    await scene.run(manager.cutoverMigration({ planId, acceptBehind: 1 }));
    expect(await codeOf(manager.rollbackMigration({ planId, nodeId: nodeId(3) }))).toBe(
      'ROLLBACK_UNSUPPORTED',
    );
  });

  it('needs no backups of vectors', async () => {
    opened = await scene.open({ config: { backupOldVectors: false } });
    const planId = await cutOver();
    await scene.run(opened.manager.rollbackMigration({ planId }));
    expect(await scene.seen()).toEqual(all('old-model'));
  });
});

describe('finalizing', () => {
  it('drops the old side only by its name', async () => {
    const planId = await cutOver();
    const { manager } = opened;
    await expect(manager.finalizeMigration({ planId })).rejects.toMatchObject({
      code: 'CONFIRMATION_MISSING',
      details: { name: 'nodes' },
    });
    expect(await codeOf(manager.finalizeMigration({ planId, drop: 'node' }))).toBe('CONFIRMATION_MISSING');
    expect((await manager.getMigration(planId)).finalizedAt).toBeUndefined();
    const plan = await manager.finalizeMigration({ planId, drop: 'nodes' });
    expect(plan.finalizedAt).toBeDefined();
    expect(scene.store.sides.has('nodes')).toBe(false);
    expect(await scene.seen()).toEqual(all('new-model'));
    expect(await codeOf(manager.rollbackMigration({ planId }))).toBe('PLAN_FINALIZED');
    expect(await manager.finalizeMigration({ planId })).toEqual(plan);
  });

  it('is refused before readers have moved or gone back', async () => {
    const planId = await migrated();
    expect(await codeOf(opened.manager.finalizeMigration({ planId }))).toBe('PLAN_STATE');
    await opened.manager.resumeMigration(planId);
    await opened.manager.cancelMigration(planId);
    const left = [...scene.store.sides.keys()].at(-1)!;
    expect(await codeOf(opened.manager.finalizeMigration({ planId }))).toBe('CONFIRMATION_MISSING');
    await opened.manager.finalizeMigration({ planId, drop: left });
    expect([...scene.store.sides.keys()]).toEqual(['nodes']);
  });
});
