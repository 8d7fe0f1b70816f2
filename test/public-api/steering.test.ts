/** Tuning, retrying, rolling back and finalizing a plan, and embedding an application's own texts. */
import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EmbedderError } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import { atPoint, expectedVector, faultyNodeStore, testEmbedder } from '@registry/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, rowsOf, textOf, vectorsOf } from '../scene.ts';

const fields = { modelId: 'new-model', dimension: 12 };

describe('tuning', () => {
  it('changes the pace from the next batch on, from any process', async () => {
    const { manager, open, to, target } = await openScene({ nodes: 12 });
    const { planId } = await manager.createMigration({
      ...to,
      batchSize: 2,
      throttleMs: 0,
      maxParallelWorkers: 1,
    });
    const other = await open();
    let tuned: Promise<unknown> | undefined;
    target.onCall = async () => {
      tuned ??= other.tuneMigration({ planId, batchSize: 5 });
      await tuned;
    };
    await manager.runMigration(planId);
    expect(target.calls.map(({ texts }) => texts.length)).toEqual([2, 5, 5]);
    expect(await manager.getMigration(planId)).toMatchObject({
      batchSize: 5,
      throttleMs: 0,
      maxParallelWorkers: 1,
    });
  });

  it('with nothing changes nothing', async () => {
    const { manager, to, dbPath } = await openScene({ nodes: 1 });
    const plan = await manager.createMigration(to);
    const before = rowsOf(dbPath);
    expect(await manager.tuneMigration({ planId: plan.planId })).toEqual(plan);
    expect(rowsOf(dbPath)).toEqual(before);
  });

  it('of a plan that is over is refused', async () => {
    const { manager, to } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    const error = await refusalOf(manager.tuneMigration({ planId, batchSize: 5 }));
    expect(error.code).toBe('PLAN_STATE');
    expect(error.message).toContain('completed');
  });
});

describe('pausing', () => {
  it('again is a no-op that keeps the reason', async () => {
    const onCall = () => {
      throw new EmbedderError('fatal', 'The key was refused.');
    };
    const { manager, to, dbPath } = await openScene({
      nodes: 1,
      target: testEmbedder({ ...fields, onCall }),
    });
    const { planId } = await manager.createMigration(to);
    const paused = await manager.runMigration(planId);
    const before = rowsOf(dbPath);
    expect(await manager.pauseMigration(planId)).toEqual(paused);
    expect(paused.reason?.message).toBe('The key was refused.');
    expect(rowsOf(dbPath)).toEqual(before);
  });
});

describe('retrying', () => {
  const failing = new Set<string>();
  const openFailed = async () => {
    for (const index of [1, 2]) failing.add(textOf(index));
    const onCall = (texts: readonly string[]) => {
      if (texts.some((text) => failing.has(text))) throw new EmbedderError('refused', 'No.');
    };
    const scene = await openScene({ nodes: 4, target: testEmbedder({ ...fields, onCall }) });
    const { planId } = await scene.manager.createMigration({ ...scene.to, maxRetries: 0 });
    await scene.manager.runMigration(planId);
    return { ...scene, planId };
  };

  it('puts all failed nodes, or those named, back to work', async () => {
    const { manager, planId } = await openFailed();
    failing.clear();
    expect(await manager.retryFailed({ planId, nodeIds: [nodeId(1), nodeId(3), 'absent'] })).toBe(1);
    expect(await manager.runMigration(planId)).toMatchObject({
      status: 'failed',
      completedNodes: 3,
      failedNodes: 1,
    });
    expect(await manager.retryFailed({ planId })).toBe(1);
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 4 });
    expect(
      await manager
        .retryFailed({ planId: (await manager.listMigrations()).items[0]!.planId })
        .catch((error) => error.code),
    ).toBe('PLAN_STATE');
  });

  it('is refused once a newer plan holds the nodes, or the plan is finalized', async () => {
    const { manager, planId, to } = await openFailed();
    const newer = await manager.createMigration({ ...to, nodeIds: [nodeId(1)] });
    const error = await refusalOf(manager.retryFailed({ planId }));
    expect(error).toMatchObject({ code: 'PLAN_OVERLAP', details: { planId: newer.planId } });
    await manager.cancelMigration(newer.planId);
    await manager.finalizeMigration({ planId });
    expect((await refusalOf(manager.retryFailed({ planId }))).code).toBe('PLAN_FINALIZED');
  });

  it.each([['xyz'], [5], [[5]], [['\ud800']]])('of %j is refused', async (nodeIds) => {
    const { manager, planId } = await openFailed();
    expect((await refusalOf(manager.retryFailed({ planId, nodeIds: nodeIds as never }))).code).toBe(
      'SPEC_INVALID',
    );
  });
});

describe('backups and rolling back', () => {
  it('keep what a node was, byte for byte, "no vector" included', async () => {
    const { manager, store, old, to } = await openScene({ nodes: 1 });
    await store.insert({ id: 'bare', content: 'no vector yet' });
    const before = await vectorsOf(store);
    const { planId } = await manager.createMigration(to);
    expect(await manager.getBackup({ planId, nodeId: nodeId(0) })).toBeUndefined();
    await manager.runMigration(planId);
    expect(await manager.getBackup({ planId, nodeId: nodeId(0) })).toMatchObject({
      ...old.spec.info,
      vector: expectedVector(old.spec, textOf(0)),
    });
    const bare = await manager.getBackup({ planId, nodeId: 'bare' });
    expect(Object.keys(bare ?? {})).toEqual(['contentHash']);
    const preview = await manager.rollbackMigration({ planId, dryRun: true });
    expect((await manager.getMigration(planId)).status).toBe('completed');
    const report = await manager.rollbackMigration({ planId });
    expect(report).toEqual(preview);
    expect(report).toMatchObject({ restored: 2, succeeded: true });
    expect(await vectorsOf(store)).toEqual(before);
    expect(await manager.rollbackMigration({ planId })).toEqual(report);
  });

  it('report what was not put back, and the call that brings it back', async () => {
    const { manager, store, target, to } = await openScene({ nodes: 4 });
    const plan = await manager.switchActiveModel({ ...to, migrateExisting: true });
    const { planId } = plan!;
    await manager.runMigration(planId);
    const fresh = await manager.embed(['edited']);
    await store.update(nodeId(0), { content: 'edited', vector: fresh.vectors[0]!, ...fresh.info });
    await store.delete(nodeId(1));
    await store.insert(embeddedNodes(target.spec, 1, 50));
    const report = await manager.rollbackMigration({ planId });
    expect(report).toMatchObject({
      restored: 2,
      skipped: 1,
      conflicts: 1,
      failed: 0,
      remaining: 2,
      conflictSample: [nodeId(0)],
      remainingSample: [nodeId(0), nodeId(50)],
      succeeded: false,
      wayBack: { call: 'createMigration', targetModelId: 'old-model', targetVersion: 1 },
    });
    expect((await store.get(nodeId(0)))?.content).toBe('edited');
    const { targetModelId, targetVersion } = report.wayBack!;
    const back = await manager.createMigration({ targetModelId, targetVersion });
    expect(await manager.runMigration(back.planId)).toMatchObject({ status: 'completed', completedNodes: 2 });
  });

  it('go in order: a plan under a later one is refused until that is rolled back', async () => {
    const { manager, store, to } = await openScene({ nodes: 2 });
    const before = await vectorsOf(store);
    const there = await manager.createMigration(to);
    await manager.runMigration(there.planId);
    const back = await manager.createMigration({ targetModelId: 'old-model', targetVersion: 1 });
    await manager.runMigration(back.planId);
    const error = await refusalOf(manager.rollbackMigration({ planId: there.planId }));
    expect(error).toMatchObject({ code: 'PLAN_OVERLAP', details: { laterPlanId: back.planId } });
    await manager.rollbackMigration({ planId: back.planId });
    expect((await manager.rollbackMigration({ planId: there.planId })).succeeded).toBe(true);
    expect(await vectorsOf(store)).toEqual(before);
  });
});

describe('finalizing', () => {
  const sizeAfter = async (backupOldVectors: boolean) => {
    const old = testEmbedder({ modelId: 'wide', dimension: 384 });
    const scene = await openScene({ nodes: 0, config: { backupOldVectors } });
    const { store, open, to, dbPath, target } = scene;
    await store.insert(embeddedNodes(old.spec, 2_000));
    const manager = await open({ embedders: [old, target] });
    await manager.registerModel(old.spec.toJSON());
    const { planId } = await manager.createMigration({ ...to, throttleMs: 0 });
    await manager.runMigration(planId);
    const full = statSync(dbPath).size + statSync(`${dbPath}-wal`).size;
    const plan = await manager.finalizeMigration({ planId });
    expect(plan.finalizedAt).toBeDefined();
    await scene.manager.close();
    await manager.close();
    return { full, size: statSync(dbPath).size };
  };

  it('gives the space of the backups back: the file is as large as without them', async () => {
    const withBackups = await sizeAfter(true);
    const without = await sizeAfter(false);
    expect(withBackups.full).toBeGreaterThan(2_000 * 384 * 4);
    expect(Math.abs(withBackups.size - without.size)).toBeLessThanOrEqual(without.size * 0.1);
  });

  it('ends the right to roll back, for the plan and for its nodes, and may be repeated', async () => {
    const { manager, store, to } = await openScene({ nodes: 2 });
    const { planId } = await manager.createMigration(to);
    expect((await refusalOf(manager.finalizeMigration({ planId }))).code).toBe('PLAN_STATE');
    await manager.runMigration(planId);
    const after = await vectorsOf(store);
    const plan = await manager.finalizeMigration({ planId });
    expect(await manager.finalizeMigration({ planId })).toEqual(plan);
    for (const one of [{ planId }, { planId, dryRun: true }, { planId, nodeId: nodeId(0) }]) {
      const error = await refusalOf(manager.rollbackMigration(one));
      expect(error.code).toBe('PLAN_FINALIZED');
      expect(error.message).toContain('createMigration');
    }
    expect(await manager.getBackup({ planId, nodeId: nodeId(0) })).toBeUndefined();
    expect((await manager.listTasks({ planId })).items.map(({ canRollback }) => canRollback)).toEqual([
      false,
      false,
    ]);
    expect(await vectorsOf(store)).toEqual(after);
  });
});

describe('embedding', () => {
  it('uses the active model, or the one named, for the purpose told', async () => {
    const { manager, old, target } = await openScene({ nodes: 0 });
    const { vectors, info } = await manager.embed(['a', 'b']);
    expect(vectors).toEqual(['a', 'b'].map((text) => expectedVector(old.spec, text)));
    expect(info).toEqual(old.spec.info);
    const other = await manager.embed(['a'], { modelId: 'new-model', version: 1, purpose: 'query' });
    expect(other).toEqual({ vectors: [expectedVector(target.spec, 'a')], info: target.spec.info });
    expect([...old.calls, ...target.calls].map(({ purpose }) => purpose)).toEqual(['document', 'query']);
    expect(await manager.embed([])).toEqual({ vectors: [], info: old.spec.info });
  });

  it.each([
    [{ texts: 2 }, [2, 2, 1]],
    [{ tokens: 3 }, [2, 1, 2]],
  ])('makes calls no larger than the embedder takes: %j', async (limits, sizes) => {
    const target = testEmbedder({ ...fields, limits, countsTokens: { exact: true } });
    const { manager } = await openScene({ nodes: 0, target });
    const texts = ['a', 'b b', 'c c c', 'd', 'e'];
    const { vectors } = await manager.embed(texts, { modelId: 'new-model', version: 1 });
    expect(vectors).toEqual(texts.map((text) => expectedVector(target.spec, text)));
    expect(target.calls.map((call) => call.texts.length)).toEqual(sizes);
  });

  it('tells how long the server asked to wait', async () => {
    const onCall = () => {
      throw new EmbedderError('rateLimited', 'Slow down.', { retryAfterMs: 7_000 });
    };
    const { manager } = await openScene({ nodes: 0, target: testEmbedder({ ...fields, onCall }) });
    const error = await refusalOf(manager.embed(['a'], { modelId: 'new-model', version: 1 }));
    expect(error).toMatchObject({ kind: 'rateLimited', retryAfterMs: 7_000 });
  });

  it('gives a stamp that is spread into the node, which then needs no plan', async () => {
    const { manager, store } = await openScene({ nodes: 0 });
    const { vectors, info } = await manager.embed(['words']);
    await store.insert({ id: 'new', content: 'words', vector: vectors[0]!, ...info });
    const { modelId: targetModelId, version: targetVersion } = await manager.getActiveModel();
    expect((await manager.createMigration({ targetModelId, targetVersion })).totalNodes).toBe(0);
  });

  it.each([{ modelId: 'new-model' }, { version: 1 }])('with %j alone is refused', async (ref) => {
    const { manager } = await openScene({ nodes: 0 });
    expect((await refusalOf(manager.embed(['a'], ref))).code).toBe('SPEC_INVALID');
  });
});

describe('closing', () => {
  it('lets a run end after its batch, and answer', async () => {
    const { manager, to, open } = await openScene({ nodes: 50 });
    const { planId } = await manager.createMigration({ ...to, batchSize: 2, throttleMs: 0 });
    const settled = new Promise<void>((resolve) => manager.on('batch:settled', () => resolve()));
    const run = manager.runMigration(planId);
    await settled;
    await manager.close();
    const plan = await run;
    expect(plan.status).toBe('in_progress');
    expect(plan.completedNodes).toBeLessThan(50);
    expect(await (await open()).runMigration(planId)).toMatchObject({
      status: 'completed',
      completedNodes: 50,
    });
  });

  it('lets a rollback rest where it is; any worker goes on with it', async () => {
    const { manager, store, to, open } = await openScene({ nodes: 1_500 });
    const before = await vectorsOf(store);
    const { planId } = await manager.createMigration({ ...to, batchSize: 1_000, throttleMs: 0 });
    await manager.runMigration(planId);
    const begun = new Promise<void>((resolve) => {
      manager.on('plan:changed', ({ plan }) => plan.status === 'rolling_back' && resolve());
    });
    const rollback = manager.rollbackMigration({ planId });
    await begun;
    await manager.close();
    expect((await rollback).restored).toBeLessThan(1_500);
    const heir = await open();
    expect((await heir.getMigration(planId)).status).toBe('rolling_back');
    expect(await heir.rollbackMigration({ planId })).toMatchObject({ restored: 1_500, succeeded: true });
    expect(await vectorsOf(store)).toEqual(before);
  });

  it('waits for a call that is in the middle of its work', async () => {
    const gate = Promise.withResolvers<void>();
    const { script, arrival } = atPoint('nodes.write #1 before', () => gate.promise);
    const { manager, to } = await openScene({ nodes: 1, wrap: (store) => faultyNodeStore(store, script) });
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    const rollback = manager.rollbackMigration({ planId, nodeId: nodeId(0) });
    await arrival;
    const closing = manager.close();
    // Whatever does not wait has closed the registry by then.
    await nextTurn();
    gate.resolve();
    expect((await rollback).restored).toBe(1);
    await closing;
  });

  it('lets nobody begin to work any more, whoever holds the registry', async () => {
    const { manager, to, dbPath, open } = await openScene({ nodes: 1 });
    const { planId } = await manager.createMigration(to);
    const registryStore = await openRegistry({ path: dbPath, actor: 'somebody' });
    onTestFinished(() => registryStore.close());
    const closed = await open({ registryStore });
    await closed.close();
    for (const call of [
      closed.runMigration(planId),
      closed.rollbackMigration({ planId }),
      closed.startWorker(),
    ])
      expect((await refusalOf(call)).message).toContain('The manager was closed');
  });

  it('leaves store and embedders to whoever opened them', async () => {
    const { manager, store } = await openScene({ nodes: 1 });
    await manager.close();
    expect(await store.count()).toBe(1);
  });
});
