import assert from 'node:assert/strict';
import { vectorBytes } from '../../model/vector.ts';
import type { BackedUpNode, TaskOutcome } from '../../ports/registry-store.ts';
import { batchResult, nodeIds, nodesOf, type SceneCase } from './scene.ts';

const error = { code: 'CONTENT_TOO_LONG', message: 'Longer than the model accepts.' } as const;

/** A signalling NaN, a negative zero, infinities and a denormal: numbers that a conversion would change. */
function oddFloats(offset: number): Float32Array {
  const bits = Uint32Array.of(0x7fa00001, 0x80000000, 0xff800000, 0x00000001);
  const bytes = new Uint8Array(offset * 4 + bits.byteLength + 4);
  bytes.set(new Uint8Array(bits.buffer), offset * 4);
  return new Float32Array(bytes.buffer, offset * 4, bits.length);
}

function assertSameBackup(
  read: Partial<BackedUpNode> | undefined,
  { nodeId, ...written }: BackedUpNode,
): void {
  const { vector, nodeId: _, ...rest } = read ?? {};
  const { vector: expected, ...others } = written;
  assert.deepEqual(rest, others, nodeId);
  assert.equal(vector?.constructor, expected?.constructor, nodeId);
  assert.deepEqual(vector && vectorBytes(vector), expected && vectorBytes(expected), nodeId);
}

/** Backups before the write, and what becomes of the tasks of a batch. */
export const batchCases: Readonly<Record<string, SceneCase>> = {
  'keeps backups byte for byte': async (scene) => {
    const { store, second } = scene;
    const { planId } = await scene.plan(nodeIds(6), { batchSize: 9 });
    const lease = await scene.lease(planId);
    const stranger = { embeddingModelId: 'elsewhere', embeddingVersion: 7, embeddingChecksum: '' };
    const backups: BackedUpNode[] = [
      { nodeId: 'node-001', ...scene.old.info, vector: oddFloats(1), contentHash: 'c', embeddedHash: 'e' },
      { nodeId: 'node-002', ...stranger, vector: Uint8Array.of(0, 255, 128).subarray(1), contentHash: '' },
      { nodeId: 'node-003', contentHash: 'no vector, no stamp' },
      { nodeId: 'node-004', vector: oddFloats(0), contentHash: 'no stamp', embeddedHash: '' },
      { nodeId: 'node-005', ...stranger, vector: new Float32Array(5000).fill(0.1), contentHash: 'long' },
    ];
    assert.equal(await store.backUp(lease, backups), true);
    for (const backup of backups)
      assertSameBackup(await second.backup({ planId, nodeId: backup.nodeId }), backup);
    assert.equal(await store.backup({ planId, nodeId: 'node-006' }), undefined);
    assert.equal(await store.backup({ planId: 'no such plan', nodeId: 'node-001' }), undefined);
    const page = await store.backups(planId, { after: 0, limit: 9 });
    for (const [index, { seq, ...backup }] of page.entries()) {
      assert.equal(backup.nodeId, backups[index]?.nodeId);
      assert.ok(seq > (page[index - 1]?.seq ?? 0));
      assertSameBackup(backup, backups[index]!);
    }
    const { items } = await store.tasks({ planId });
    assert.deepEqual(
      items.map((task) => task.canRollback),
      [true, true, true, true, true, false],
    );
  },

  'replaces an older backup and keeps its place': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(3));
    const lease = await scene.lease(planId);
    await store.backUp(
      lease,
      nodesOf(lease).map((nodeId) => scene.backupOf(nodeId)),
    );
    const before = await store.backups(planId, { after: 0, limit: 9 });
    const newer = { nodeId: 'node-002', contentHash: 'edited since' };
    assert.equal(await store.backUp(lease, [newer, scene.backupOf('node-003')]), true);
    assertSameBackup(await store.backup({ planId, nodeId: 'node-002' }), newer);
    assertSameBackup(await store.backup({ planId, nodeId: 'node-001' }), scene.backupOf('node-001'));
    const after = await store.backups(planId, { after: 0, limit: 9 });
    const places = (page: typeof after) => page.map(({ seq, nodeId }) => [seq, nodeId]);
    assert.deepEqual(places(after), places(before));
  },

  'keeps the original when a vector of the target is backed up after it': async (scene) => {
    const { store, target } = scene;
    const { planId } = await scene.plan(nodeIds(3));
    const lease = await scene.lease(planId);
    const original = scene.backupOf('node-001');
    await store.backUp(lease, [original]);
    const edited = { ...target.info, vector: Float32Array.of(9), contentHash: 'edited' };
    const found = nodeIds(2).map((nodeId) => ({ nodeId, ...edited }));
    assert.equal(await store.backUp(lease, found), true);
    assertSameBackup(await store.backup({ planId, nodeId: 'node-001' }), original);
    assertSameBackup(await store.backup({ planId, nodeId: 'node-002' }), { nodeId: 'node-002', ...edited });
  },

  'keeps the backups of two plans apart': async (scene) => {
    const { store } = scene;
    const a = await scene.plan(nodeIds(3));
    const b = await scene.plan(nodeIds(3, 4));
    for (const { planId } of [a, b]) await scene.work(await scene.lease(planId));
    for (const [plan, from] of [
      [a, 1],
      [b, 4],
    ] as const) {
      const page = await store.backups(plan.planId, { after: 0, limit: 9 });
      assert.deepEqual(
        page.map((backup) => backup.nodeId),
        nodeIds(3, from),
      );
      assert.deepEqual(await store.backups(plan.planId, { after: page.at(-1)?.seq ?? 0, limit: 9 }), []);
    }
  },

  'settles every outcome, and counts it': async (scene) => {
    const { store, clock } = scene;
    const { planId } = await scene.plan(nodeIds(9), { batchSize: 9 });
    const lease = await scene.lease(planId);
    await store.backUp(lease, [scene.backupOf('node-002')]);
    await clock.advance(2500);
    const outcomes: TaskOutcome[] = [
      { nodeId: 'node-001', status: 'completed' },
      { nodeId: 'node-002', status: 'completed' },
      { nodeId: 'node-003', status: 'skipped' },
      { nodeId: 'node-004', status: 'failed', error },
      { nodeId: 'node-005', status: 'failed', error },
      { nodeId: 'node-006', status: 'pending' },
      { nodeId: 'node-007', status: 'pending', charge: 'retry', error, notBefore: clock.now() + 1000 },
      { nodeId: 'node-008', status: 'pending', charge: 'conflict', notBefore: clock.now() + 1000 },
    ];
    await store.backUp(lease, [scene.backupOf('node-009')]);
    assert.equal(await store.settle(lease, batchResult(outcomes)), true);
    const { items } = await store.tasks({ planId });
    assert.deepEqual(
      items.map((task) => [task.status, task.retryCount, task.errorCode, task.durationSeconds]),
      [
        ['completed', 0, undefined, 2.5],
        ['completed', 0, undefined, 2.5],
        ['skipped', 0, undefined, 2.5],
        ['failed', 0, error.code, 2.5],
        ['failed', 0, error.code, 2.5],
        ['pending', 0, undefined, undefined],
        ['pending', 1, error.code, undefined],
        ['pending', 0, undefined, undefined],
        ['completed', 0, undefined, 2.5],
      ],
    );
    assert.equal(items[3]?.errorMessage, error.message);
    const plan = await scene.read(planId);
    assert.deepEqual([plan.completedNodes, plan.adoptedNodes, plan.progressPercent], [3, 1, (4 / 9) * 100]);
    const dead = (await scene.actions(planId)).filter((action) => action === 'task:failed');
    assert.equal(dead.length, 2, 'dead letters are journalled, batches are not');
  },

  'remembers attempts and conflicts for the next claim': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    for (let round = 0; round < 3; round++) {
      const lease = await scene.lease(planId);
      assert.deepEqual(lease.tasks, [
        { nodeId: 'node-001', attempts: round, conflicts: 0 },
        { nodeId: 'node-002', attempts: 0, conflicts: round },
      ]);
      await store.settle(
        lease,
        batchResult([
          { nodeId: 'node-001', status: 'pending', charge: 'retry', error },
          { nodeId: 'node-002', status: 'pending', charge: 'conflict' },
        ]),
      );
    }
    await scene.work(await scene.lease(planId));
    const { items } = await store.tasks({ planId });
    assert.deepEqual(
      items.map((task) => [task.status, task.retryCount, task.errorCode]),
      [
        ['completed', 3, undefined],
        ['completed', 0, undefined],
      ],
    );
  },

  'settles tasks that were given back before, in every way': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(5), { batchSize: 9 });
    await store.endLease(await scene.lease(planId));
    const lease = await scene.lease(planId);
    assert.deepEqual(nodesOf(lease), nodeIds(5));
    await store.backUp(lease, [scene.backupOf('node-005')]);
    const settled = await store.settle(
      lease,
      batchResult([
        { nodeId: 'node-001', status: 'completed' },
        { nodeId: 'node-002', status: 'skipped' },
        { nodeId: 'node-003', status: 'failed', error },
        { nodeId: 'node-004', status: 'pending' },
      ]),
    );
    assert.equal(settled, true);
    assert.deepEqual(Object.values(await scene.statuses(planId)), [
      'completed',
      'skipped',
      'failed',
      'pending',
      'completed',
    ]);
    assert.equal((await scene.read(planId)).adoptedNodes, 1);
  },

  'says by a backup of nothing whether a lease is still there': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const lease = await scene.lease(planId);
    assert.equal(await store.backUp(lease, []), true);
    await store.endLease(lease);
    assert.equal(await store.backUp(lease, []), false);
  },

  'settles a lease once': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(4));
    const lease = await scene.lease(planId);
    await scene.work(lease);
    const before = await scene.read(planId);
    assert.equal(await store.settle(lease, batchResult([{ nodeId: 'node-001', status: 'skipped' }])), false);
    assert.deepEqual(await scene.read(planId), before);
  },

  'calls no node adopted that it wrote and then found at the target': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    const lease = await scene.lease(planId);
    await store.backUp(
      lease,
      nodesOf(lease).map((nodeId) => scene.backupOf(nodeId)),
    );
    await store.endLease(lease);
    const found = nodeIds(2).map((nodeId) => ({ nodeId, status: 'completed' }) as const);
    await store.settle(await scene.lease(planId), batchResult(found));
    assert.equal((await scene.read(planId)).adoptedNodes, 0);
  },

  'works without backups where the plan keeps none': async (scene) => {
    const { store } = scene;
    const { planId } = await scene.plan(nodeIds(8), { backupOldVectors: false, wholeStore: true });
    await scene.work(await scene.lease(planId));
    const found = nodeIds(4, 5).map((nodeId) => ({ nodeId, status: 'completed' }) as const);
    await store.settle(await scene.lease(planId), batchResult(found));
    const sweep = await scene.lease(planId, 'sweep');
    await store.sweep(sweep, [{ nodeId: 'node-001' }, { nodeId: 'node-005' }]);
    await store.endSweep(sweep, true);
    const plan = await scene.finish(planId);
    assert.deepEqual([plan.completedNodes, plan.adoptedNodes >= 0], [8, true]);
    const { items } = await store.tasks({ planId });
    assert.equal(
      items.some((task) => task.canRollback),
      false,
    );
  },
};
