/** What names a model, plan or node wrongly is refused with what was wrong and a way out, and changes nothing. */
import type { EmbeddingVersionManager } from '@registry/core';
import { describe, expect, it } from 'vitest';
import { nodeId, openScene, refusalOf, rowsOf } from '../scene.ts';

const model = { modelId: 'm', version: 1, dimension: 12, checksum: 'c1' };
const untyped = (value: unknown) => value as never;

describe('a model that is', () => {
  it.each([
    ['without id', { modelId: '' }, 'modelId'],
    ['with an id of blanks', { modelId: '  ' }, 'modelId'],
    ['with a control character in its id', { modelId: 'a\u0000b' }, 'modelId'],
    ['with a lone surrogate in its id', { modelId: 'a\ud800' }, 'modelId'],
    ['of version 0', { version: 0 }, 'version'],
    ['of version true', { version: true }, 'version'],
    ['of version "1"', { version: '1' }, 'version'],
    ['of dimension 2.5', { dimension: 2.5 }, 'dimension'],
    ['of dimension NaN', { dimension: Number.NaN }, 'dimension'],
    ['with a blank in its checksum', { checksum: 'a b' }, 'checksum'],
    ['with a control character in its checksum', { checksum: 'a\tb' }, 'checksum'],
    ['without checksum', { checksum: undefined }, 'checksum'],
    ['of bits compared by cosine', { datatype: 'bit', distance: 'cosine' }, 'distance'],
    ['with a misspelt field', { dimensions: 12 }, 'dimensions'],
    ['with a date that is none', { shutdownAt: 'soon' }, 'shutdownAt must be a date'],
    ['with a day that no month has', { deprecatedAt: '2027-02-30' }, '(was "2027-02-30")'],
    ['with a date in words', { shutdownAt: 'May 5, 2027' }, '(was "May 5, 2027")'],
    ['with a time of nowhere', { shutdownAt: '2027-05-05T10:00:00' }, '(was "2027-05-05T10:00:00")'],
  ])('%s', async (_, change, named) => {
    const { manager, dbPath } = await openScene({ nodes: 0 });
    const before = rowsOf(dbPath);
    const error = await refusalOf(manager.registerModel(untyped({ ...model, ...change })));
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toContain(named);
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it('registered with other content names what differs, and the version that is free', async () => {
    const { manager, dbPath } = await openScene({ nodes: 2 });
    await manager.registerModel(model);
    const before = rowsOf(dbPath);
    const error = await refusalOf(manager.registerModel({ ...model, checksum: 'c2', setActive: true }));
    expect(error).toMatchObject({ code: 'MODEL_CONFLICT', details: { field: 'checksum' } });
    expect(error.message).toMatch(/c1.*c2.*version 2/);
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it('of a lower version needs to be allowed', async () => {
    const { manager } = await openScene({ nodes: 0 });
    await manager.registerModel({ ...model, version: 3 });
    const error = await refusalOf(manager.registerModel(model));
    expect(error.code).toBe('MODEL_CONFLICT');
    expect(error.message).toContain('allowLowerVersion');
    await manager.registerModel({ ...model, allowLowerVersion: true });
    expect(await manager.getModel(model)).toMatchObject(model);
  });

  const target = { targetModelId: 'm', targetVersion: 1 };
  it.each<[string, (manager: EmbeddingVersionManager) => Promise<unknown>]>([
    ['updateModel', (manager) => manager.updateModel({ modelId: 'm', version: 1, name: 'n' })],
    ['removeModel', (manager) => manager.removeModel({ modelId: 'm', version: 1 })],
    ['switchActiveModel', (manager) => manager.switchActiveModel(target)],
    [
      'switchActiveModel with migration',
      (manager) => manager.switchActiveModel({ ...target, migrateExisting: true }),
    ],
    [
      'switchActiveModel without',
      (manager) => manager.switchActiveModel({ ...target, migrateExisting: false }),
    ],
    ['createMigration', (manager) => manager.createMigration(target)],
    ['createMigration of a list', (manager) => manager.createMigration({ ...target, nodeIds: [nodeId(0)] })],
    ['embed', (manager) => manager.embed(['text'], { modelId: 'm', version: 1 })],
    ['stampNodes', (manager) => manager.stampNodes({ modelId: 'm', version: 1 })],
  ])('unknown to %s', async (_, call) => {
    const { manager, dbPath } = await openScene({ nodes: 1 });
    const before = rowsOf(dbPath);
    const error = await refusalOf(call(manager));
    expect(error.code).toBe('MODEL_UNKNOWN');
    expect(error.message).toContain('m:v1');
    expect(error.message).toContain('register');
    expect(rowsOf(dbPath)).toEqual(before);
  });
});

describe('a plan that is unknown to', () => {
  const calls: Record<string, (manager: EmbeddingVersionManager) => Promise<unknown>> = {
    getMigration: (manager) => manager.getMigration('p'),
    listTasks: (manager) => manager.listTasks({ planId: 'p' }),
    getBackup: (manager) => manager.getBackup({ planId: 'p', nodeId: 'n' }),
    watchMigration: (manager) => manager.watchMigration('p')[Symbol.asyncIterator]().next(),
    pauseMigration: (manager) => manager.pauseMigration('p'),
    resumeMigration: (manager) => manager.resumeMigration('p'),
    cancelMigration: (manager) => manager.cancelMigration('p'),
    tuneMigration: (manager) => manager.tuneMigration({ planId: 'p', batchSize: 1 }),
    retryFailed: (manager) => manager.retryFailed({ planId: 'p' }),
    cutoverMigration: (manager) => manager.cutoverMigration({ planId: 'p' }),
    rollbackMigration: (manager) => manager.rollbackMigration({ planId: 'p' }),
    'rollbackMigration of a node': (manager) => manager.rollbackMigration({ planId: 'p', nodeId: 'n' }),
    'rollbackMigration as a preview': (manager) => manager.rollbackMigration({ planId: 'p', dryRun: true }),
    finalizeMigration: (manager) => manager.finalizeMigration({ planId: 'p' }),
    runMigration: (manager) => manager.runMigration('p'),
  };

  it.each(Object.entries(calls))('%s', async (_, call) => {
    const { manager, dbPath } = await openScene({ nodes: 0 });
    const before = rowsOf(dbPath);
    const error = await refusalOf(call(manager));
    expect(error.code).toBe('PLAN_UNKNOWN');
    expect(error.message).toContain('"p"');
    expect(error.message).toContain('listMigrations');
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it.each<[string, (manager: EmbeddingVersionManager, id: never) => Promise<unknown>]>([
    ['getMigration', (manager, id) => manager.getMigration(id)],
    ['pauseMigration', (manager, id) => manager.pauseMigration(id)],
    ['runMigration', (manager, id) => manager.runMigration(id)],
    ['watchMigration', (manager, id) => manager.watchMigration(id)[Symbol.asyncIterator]().next()],
    ['rollbackMigration', (manager, id) => manager.rollbackMigration(id)],
    ['finalizeMigration', (manager, id) => manager.finalizeMigration({ planId: id })],
  ])('%s since it is no id at all', async (_, call) => {
    const { manager } = await openScene({ nodes: 0 });
    for (const id of [undefined, null, 5, '', ['p']])
      expect((await refusalOf(async () => call(manager, untyped(id)))).code, String(id)).toBe('SPEC_INVALID');
    expect((await refusalOf(manager.getMigration(untyped({ planId: 'p' })))).code).toBe('SPEC_INVALID');
  });
});

describe('a node that is', () => {
  it('unknown to a plan', async () => {
    const { manager, to } = await openScene({ nodes: 2 });
    const { planId } = await manager.createMigration({ ...to, nodeIds: [nodeId(0)] });
    await manager.runMigration(planId);
    const error = await refusalOf(manager.rollbackMigration({ planId, nodeId: nodeId(1) }));
    expect(error.code).toBe('NODE_UNKNOWN');
    expect(error.message).toContain(nodeId(1));
    expect(await manager.getBackup({ planId, nodeId: nodeId(1) })).toBeUndefined();
    expect((await manager.listTasks({ planId, nodeId: nodeId(1) })).items).toEqual([]);
    expect(
      await manager.retryFailed({
        planId: (await manager.createMigration({ ...to, nodeIds: [nodeId(1)] })).planId,
        nodeIds: ['x'],
      }),
    ).toBe(0);
  });

  it('named with a lone surrogate', async () => {
    const { manager, store, to, nodesPath, dbPath } = await openScene({ nodes: 1 });
    const [nodes, rows] = [rowsOf(nodesPath), rowsOf(dbPath)];
    const id = 'half \ud83d of one';
    for (const call of [
      manager.createMigration({ ...to, nodeIds: [nodeId(0), id] }),
      manager.stampNodes({ modelId: 'old-model', version: 1, nodeIds: [id] }),
      store.insert({ id, content: 'text' }),
    ]) {
      const error = await refusalOf(call);
      expect(error.code).toBe('SPEC_INVALID');
      expect(error.message).toContain('lone surrogate');
      expect(error.message.isWellFormed()).toBe(true);
    }
    expect(rowsOf(nodesPath).nodes).toEqual(nodes.nodes);
    expect(rowsOf(dbPath).plans).toEqual(rows.plans);
    expect(rowsOf(dbPath).tasks).toEqual([]);
  });
});

describe('settings of a plan', () => {
  it.each([
    [{ batchSize: 0 }, '1 to 10000'],
    [{ batchSize: 10_001 }, '1 to 10000'],
    [{ throttleMs: -1 }, '0 to 3600000'],
    [{ maxParallelWorkers: 65 }, '1 to 64'],
    [{ maxRetries: 101 }, '0 to 100'],
    [{ batchSize: '5' }, 'batchSize'],
  ])(
    '%j are refused by createMigration, switchActiveModel and tuneMigration alike',
    async (tuning, allowed) => {
      const { manager, to } = await openScene({ nodes: 1 });
      const { planId } = await manager.createMigration(to);
      const before = await manager.getMigration(planId);
      for (const call of [
        manager.createMigration(untyped({ ...to, nodeIds: ['other'], ...tuning })),
        manager.switchActiveModel(untyped({ ...to, migrateExisting: true, ...tuning })),
        manager.tuneMigration(untyped({ planId, ...tuning })),
      ]) {
        const error = await refusalOf(call);
        expect(error.code).toBe('SPEC_INVALID');
        expect(error.message).toContain(Object.keys(tuning)[0]);
        expect(error.message).toContain(allowed);
      }
      expect(await manager.getMigration(planId)).toEqual(before);
    },
  );

  it.each([
    [{ nodeIds: ['a'], where: { parity: 'odd' } }, 'SPEC_INVALID'],
    [{ where: {} }, 'SPEC_INVALID'],
    [{ where: { parity: ['odd'] } }, 'SPEC_INVALID'],
    [{ priority: 4 }, 'SPEC_INVALID'],
    [{ strategy: 'somewhere' }, 'SPEC_INVALID'],
    [{ strategy: 'shadow' }, 'STRATEGY_UNSUITABLE'],
    [{ batchsize: 5 }, 'SPEC_INVALID'],
    [{ targetVersion: 0 }, 'SPEC_INVALID'],
    [{ signal: 'now' }, 'SPEC_INVALID'],
  ])('%j are refused', async (change, code) => {
    const { manager, to } = await openScene({ nodes: 1 });
    expect((await refusalOf(manager.createMigration(untyped({ ...to, ...change })))).code).toBe(code);
    expect((await manager.listMigrations()).items).toEqual([]);
  });

  it.each([
    [{ limit: 0 }],
    [{ limit: 10_001 }],
    [{ limit: 1.5 }],
    [{ after: 'x' }],
    [{ after: '1 OR 1' }],
    [{ status: 'done' }],
    [{ where: {} }],
  ])('a list asked for with %j is refused', async (page) => {
    const { manager, to } = await openScene({ nodes: 0 });
    const { planId } = await manager.createMigration({ ...to, nodeIds: ['a'] });
    expect((await refusalOf(manager.listMigrations(untyped(page)))).code).toBe('SPEC_INVALID');
    expect((await refusalOf(manager.listJournal(untyped(page)))).code).toBe('SPEC_INVALID');
    if (!('after' in page))
      expect((await refusalOf(manager.listTasks(untyped({ planId, ...page })))).code).toBe('SPEC_INVALID');
  });
});
