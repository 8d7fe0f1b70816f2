import assert from 'node:assert/strict';
import type { RollbackOutcome } from '../../ports/registry-store.ts';
import { LEASE_MS } from './audit.ts';
import { batchResult, nodeIds, nodesOf, refused, type Scene, type SceneCase } from './scene.ts';

async function completed(scene: Scene, ids: readonly string[], changes = {}): Promise<string> {
  const { planId } = await scene.plan(ids, changes);
  assert.equal((await scene.finish(planId)).status, 'completed');
  return planId;
}

/** Rollback of a plan: when it may begin, how it walks the backups, what it reports. */
export const rollbackCases: Readonly<Record<string, SceneCase>> = {
  'refuses a plan that has nothing to put back': async (scene) => {
    const { store } = scene;
    await refused(store.beginRollback('no such plan'), 'PLAN_UNKNOWN');
    const bare = await completed(scene, nodeIds(1), { backupOldVectors: false });
    await refused(store.beginRollback(bare), 'BACKUP_MISSING');
    const finalized = await completed(scene, nodeIds(1));
    await store.markFinalized(finalized);
    await refused(store.beginRollback(finalized), 'PLAN_FINALIZED');
    for (const planId of [bare, finalized]) assert.equal((await scene.read(planId)).status, 'completed');
  },

  'refuses a plan whose nodes belong to a later one, and names that': async (scene) => {
    const { store } = scene;
    const first = await completed(scene, nodeIds(3));
    const second = await scene.plan(['node-002', 'elsewhere'], { target: scene.other });
    const third = await scene.plan(['far away'], { target: scene.other });
    const check = async (dryRun: boolean) => {
      const error = await refused(store.beginRollback(first, { dryRun }), 'PLAN_OVERLAP');
      assert.ok(error.message.includes(second.planId));
      assert.equal(error.details.laterPlanId, second.planId);
    };
    await check(true);
    await check(false);
    await refused(scene.takeNode(first, 'node-002'), 'PLAN_OVERLAP');
    assert.equal(await store.endLease(await scene.nodeLease(first, 'node-001')), true);
    await scene.finish(second.planId);
    await scene.finish(third.planId);
    await check(false);
    await scene.rollBack(second.planId);
    assert.equal((await scene.rollBack(first)).status, 'rolled_back');
  },

  'refuses a plan while a cancelled later one has written its nodes': async (scene) => {
    const { store } = scene;
    const first = await completed(scene, nodeIds(4));
    const { planId: later } = await scene.plan(nodeIds(4), { target: scene.other, batchSize: 2 });
    const lease = await scene.lease(later);
    await store.backUp(lease, [scene.backupOf('node-001')]);
    await store.endLease(lease);
    await store.movePlan(later, 'cancelled');
    // Whoever backed it up may have written it, whatever its task says.
    await refused(store.beginRollback(first), 'PLAN_OVERLAP');
    await scene.rollBack(later);
    await store.beginRollback(first);
  },

  'refuses a plan while another one goes over the whole store': async (scene) => {
    const { store } = scene;
    const planId = await completed(scene, nodeIds(2));
    const whole = await scene.plan(['elsewhere'], { wholeStore: true });
    const error = await refused(store.beginRollback(planId), 'PLAN_OVERLAP');
    assert.equal(error.details.laterPlanId, whole.planId);
    await refused(scene.takeNode(planId, 'node-001'), 'PLAN_OVERLAP');
    await store.movePlan(whole.planId, 'cancelled');
    assert.equal((await scene.rollBack(planId)).status, 'rolled_back');
  },

  'says another way out where the later plan was finalized': async (scene) => {
    const first = await completed(scene, nodeIds(2));
    const later = await completed(scene, nodeIds(2), { target: scene.other });
    await scene.store.markFinalized(later);
    const error = await refused(scene.store.beginRollback(first), 'PLAN_OVERLAP');
    assert.ok(error.message.includes('createMigration'), error.message);
  },

  'changes nothing in a dry run': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(8), { activate: true });
    const lease = await scene.lease(planId);
    const before = await scene.read(planId);
    const mark = await store.mark();
    assert.deepEqual(await store.beginRollback(planId, { dryRun: true }), before);
    assert.deepEqual([await scene.read(planId), await store.mark()], [before, mark]);
    await scene.work(lease);
  },

  'ends every lease of the plan, so that late workers change nothing': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(8));
    const [early, late] = [await scene.lease(planId), await scene.lease(planId)];
    const backups = nodesOf(early).map((nodeId) => scene.backupOf(nodeId));
    await store.backUp(early, backups);
    const mark = await store.mark();
    const plan = await store.beginRollback(planId);
    assert.equal(plan.status, 'rolling_back');
    assert.ok((await store.mark()) > mark);
    assert.equal(await store.settle(early, batchResult()), false);
    assert.equal(await store.backUp(late, [scene.backupOf('node-005')]), false);
    assert.deepEqual(await store.renew({ workerId: 'worker-1', leaseMs: LEASE_MS }), []);
    assert.deepEqual(await store.beginRollback(planId), await scene.read(planId), 'again is a no-op');
    const rolledBack = await scene.finish(planId);
    assert.deepEqual([rolledBack.status, rolledBack.rolledBackNodes], ['rolled_back', 4]);
    const cancelled = Object.values(await scene.statuses(planId)).filter((status) => status === 'cancelled');
    assert.equal(cancelled.length, 4, 'what was never written is not touched');
  },

  'restores the model that was active before, where the target still is': async (scene) => {
    const { store, old, other } = scene;
    const first = await completed(scene, nodeIds(2), { activate: true });
    await store.beginRollback(first);
    assert.equal((await scene.activeModel())?.version, old.version);
    await scene.finish(first);
    const second = await completed(scene, nodeIds(2), { activate: true });
    await store.activate(other);
    await store.beginRollback(second);
    assert.equal((await scene.activeModel())?.modelId, other.modelId);
  },

  'walks the backups in pages, by a cursor that survives a crash': async (scene) => {
    const { store, clock } = scene;
    const planId = await completed(scene, nodeIds(5));
    await store.beginRollback(planId);
    const lost = await scene.lease(planId, 'rollback', 'casualty');
    assert.equal(lost.plan.status, 'rolling_back');
    assert.equal(await store.rollbackCursor(planId), 0);
    const page = await store.backups(planId, { after: 0, limit: 2 });
    const last = page.at(-1)?.seq ?? 0;
    const results = page.map(({ nodeId }) => ({ nodeId, outcome: 'restored' as const }));
    await store.settleRollback(lost, last, results);
    await clock.advance(LEASE_MS);
    const lease = await scene.lease(planId, 'rollback');
    assert.equal(await store.settleRollback(lost, last + 2, results), false);
    assert.equal(await store.rollbackCursor(planId), last);
    assert.deepEqual(
      (await store.backups(planId, { after: last, limit: 9 })).map(({ nodeId }) => nodeId),
      nodeIds(3, 3),
    );
    await scene.rollBackRest(lease);
    const plan = await scene.read(planId);
    assert.deepEqual([plan.status, plan.rolledBackNodes, plan.completedNodes], ['rolled_back', 5, 0]);
    assert.equal((await store.rollbackReport(planId)).restored, 5);
    await refused(scene.takeNode(planId, 'node-001'), 'PLAN_STATE');
    assert.deepEqual(await store.beginRollback(planId), plan, 'a second run is a no-op');
    assert.deepEqual(await scene.claim(planId), { kind: 'rest' });
  },

  'reports what became of every backup, and of what remains': async (scene) => {
    const { store, old } = scene;
    const { planId } = await scene.plan(nodeIds(40), { batchSize: 40 });
    const outcomes: RollbackOutcome[] = ['restored', 'skipped', 'conflict', 'failed'];
    await scene.work(await scene.lease(planId));
    await store.beginRollback(planId);
    const lease = await scene.lease(planId, 'rollback');
    const page = await store.backups(planId, { after: 0, limit: 40 });
    const results = page.map(({ nodeId }, index) => ({
      nodeId,
      outcome: index < 15 ? ('conflict' as const) : outcomes[index % 4]!,
      ...(index % 4 === 3 && { error: { code: 'ROLLBACK_CONFLICT', message: 'm' } as const }),
    }));
    await store.settleRollback(lease, page.at(-1)?.seq ?? 0, results);
    await store.endRollback(lease, { count: 12, sample: nodeIds(20) });
    const report = await store.rollbackReport(planId);
    const count = (wanted: string) => results.filter(({ outcome }) => outcome === wanted).length;
    assert.deepEqual(
      [report.restored, report.skipped, report.conflicts, report.failed, report.remaining, report.succeeded],
      [count('restored'), count('skipped'), count('conflict'), count('failed'), 12, false],
    );
    assert.deepEqual(report.conflictSample, nodeIds(10));
    assert.deepEqual(report.remainingSample, nodeIds(10));
    assert.deepEqual(report.wayBack, {
      call: 'createMigration',
      targetModelId: old.modelId,
      targetVersion: old.version,
    });
    const statuses = await scene.statuses(planId);
    assert.deepEqual(
      page.map(({ nodeId }) => statuses[nodeId]),
      results.map(
        ({ outcome }) =>
          ({ restored: 'rolled_back', skipped: 'skipped', conflict: 'failed', failed: 'failed' })[outcome],
      ),
    );
  },

  'reports success where nothing is left': async (scene) => {
    const planId = await completed(scene, nodeIds(3));
    assert.equal((await scene.store.rollbackReport(planId)).restored, 0);
    await scene.rollBack(planId);
    const report = await scene.store.rollbackReport(planId);
    assert.deepEqual([report.restored, report.remaining, report.succeeded], [3, 0, true]);
    assert.equal(report.wayBack, undefined);
    await refused(scene.store.rollbackReport('no such plan'), 'PLAN_UNKNOWN');
  },

  'clears the error of a node that was put back': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const lease = await scene.lease(planId);
    await store.backUp(lease, [scene.backupOf('node-001')]);
    await scene.workExcept(lease, ['node-001']);
    await scene.finish(planId);
    await scene.rollBack(planId);
    const { items } = await store.tasks({ planId, nodeId: 'node-001' });
    assert.deepEqual([items[0]?.status, items[0]?.errorCode], ['rolled_back', undefined]);
  },

  'rolls back a plan that never ran': async (scene) => {
    const { planId } = await scene.plan(nodeIds(3), { activate: true });
    const plan = await scene.rollBack(planId);
    assert.deepEqual([plan.status, plan.rolledBackNodes], ['rolled_back', 0]);
    assert.deepEqual(new Set(Object.values(await scene.statuses(planId))), new Set(['cancelled']));
    assert.equal((await scene.activeModel())?.version, scene.old.version);
  },

  'goes back along a chain of plans, last first': async (scene) => {
    const { store, old, target, other } = scene;
    const first = await completed(scene, nodeIds(2), { activate: true });
    const second = await completed(scene, nodeIds(2), { activate: true, source: target, target: other });
    await refused(store.beginRollback(first), 'PLAN_OVERLAP');
    await scene.rollBack(second);
    assert.equal((await scene.activeModel())?.version, target.version);
    await scene.rollBack(first);
    assert.equal((await scene.activeModel())?.version, old.version);
  },

  'finalizes what has ended, and gives the backups up in pages': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(5), { batchSize: 9 });
    await refused(store.markFinalized(planId), 'PLAN_STATE');
    await refused(store.markFinalized('no such plan'), 'PLAN_UNKNOWN');
    await refused(store.dropBackups(planId, 10), 'PLAN_STATE');
    await scene.finish(planId);
    const kept = await completed(scene, nodeIds(2, 6));
    const mark = await store.mark();
    const plan = await store.markFinalized(planId);
    assert.equal(plan.finalizedAt, new Date(scene.clock.now()).toISOString());
    assert.ok((await store.mark()) > mark);
    assert.deepEqual(await store.markFinalized(planId), plan);
    assert.equal(await store.backup({ planId, nodeId: 'node-001' }), undefined, 'given up at once');
    assert.equal((await store.tasks({ planId })).items[0]?.canRollback, false);
    await refused(scene.takeNode(planId, 'node-001'), 'PLAN_FINALIZED');
    for (const isDone of [false, false, true, true]) assert.equal(await store.dropBackups(planId, 2), isDone);
    assert.deepEqual(await store.backups(planId, { after: 0, limit: 9 }), []);
    assert.equal((await store.backups(kept, { after: 0, limit: 9 })).length, 2, 'of this plan only');
  },

  'keeps no backup of a batch that outlives its plan': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const lease = await scene.lease(planId);
    await store.movePlan(planId, 'cancelled');
    await store.markFinalized(planId);
    assert.equal(await store.backUp(lease, [scene.backupOf('node-001')]), false);
    assert.equal(await store.settle(lease, batchResult()), false);
    assert.deepEqual(await store.backups(planId, { after: 0, limit: 9 }), []);
  },
};
