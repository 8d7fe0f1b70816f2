import { describe, expect, it } from 'vitest';
import type { RegistryStore } from '../../src/ports/registry-store.ts';
import { done, expectBoth, mini, mini2, opened, plan, tasksOf } from '../fixtures/origin-openings.ts';

describe('backups', () => {
  it('a plan that ended has none and says so', async () => {
    await expectBoth(
      (origin) => origin.plan(plan({ status: 'completed', tasks: [done('a')] })),
      async (store) => {
        expect(await store.plan('p1')).toMatchObject({ backupOldVectors: false, adoptedNodes: 1 });
        expect(await tasksOf(store)).toMatchObject([{ canRollback: false }]);
      },
    );
  });

  it('its rollback is refused', async () => {
    const [[, store], [, other]] = (await opened((origin) =>
      origin.plan(plan({ status: 'completed', tasks: [done('a')] })),
    )) as [[string, RegistryStore], [string, RegistryStore]];
    await other.close();
    await expect(store.beginRollback('p1')).rejects.toMatchObject({ code: 'BACKUP_MISSING' });
    await store.close();
  });

  it('old vectors that someone put into the table are kept', async () => {
    const floats = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
    const source = { ...mini, dimension: 3 };
    const tasks = [
      { ...done('a'), old_vector_backup: floats },
      { ...done('b'), old_vector_backup: new Uint8Array([1, 2, 3]) },
      { ...done('c'), old_vector_backup: 'text' },
      done('d'),
    ];
    await expectBoth(
      (origin) => origin.plan(plan({ status: 'completed', source, target: mini2, tasks })),
      async (store) => {
        const vectorOf = async (nodeId: string) => (await store.backup({ planId: 'p1', nodeId }))?.vector;
        expect(await vectorOf('a')).toEqual(new Float32Array([1, 2, 3]));
        expect([...((await vectorOf('b')) ?? [])]).toEqual([1, 2, 3]);
        expect([...((await vectorOf('c')) ?? [])]).toEqual([...Buffer.from('text')]);
        expect(await vectorOf('d')).toBeUndefined();
        expect((await tasksOf(store)).map((task) => task.canRollback)).toEqual([true, true, true, false]);
        expect(await store.plan('p1')).toMatchObject({ backupOldVectors: true, adoptedNodes: 1 });
        expect((await store.backups('p1', { after: 0, limit: 10 })).map((found) => found.nodeId)).toEqual([
          'a',
          'b',
          'c',
        ]);
      },
    );
  });

  it('what runs from now on keeps them: a resumed plan, failed tasks tried again, a follow-up', async () => {
    const failed = { node_id: 'f', status: 'failed' };
    const [[, store], [, other]] = (await opened((origin) =>
      origin
        .plan(plan({ tasks: [{ node_id: 'a' }] }))
        .plan(plan({ plan_id: 'failed', tasks: [failed] }))
        .plan(plan({ plan_id: 'ended', tasks: [done('c')] })),
    )) as [[string, RegistryStore], [string, RegistryStore]];
    await other.close();
    expect((await store.movePlan('p1', 'in_progress')).plan).toMatchObject({ backupOldVectors: true });
    expect(await store.retryFailed('failed')).toBe(1);
    expect(await store.plan('failed')).toMatchObject({ status: 'in_progress', backupOldVectors: true });
    const { followUp } = await store.cutOver('ended', false);
    expect(followUp).toMatchObject({ backupOldVectors: true, totalNodes: 1 });
    await store.close();
  });
});

describe('after the upgrade', () => {
  it('a paused plan is resumed and claimed', async () => {
    const [[, store], [, other]] = (await opened((origin) =>
      origin.plan(
        plan({
          status: 'in_progress',
          tasks: [done('a'), { node_id: 'b', status: 'in_progress' }, { node_id: 'c' }],
        }),
      ),
    )) as [[string, RegistryStore], [string, RegistryStore]];
    await other.close();
    expect(await store.runnable()).toEqual([]);
    await store.movePlan('p1', 'in_progress');
    const claim = await store.claim({ planId: 'p1', workerId: 'w', leaseMs: 30_000 });
    expect(claim).toMatchObject({ lease: { tasks: [{ nodeId: 'b' }, { nodeId: 'c' }] } });
    await store.close();
  });

  it('of plans that share nodes one may run', async () => {
    const [[, store], [, other]] = (await opened((origin) =>
      origin
        .plan(plan({ tasks: [{ node_id: 'a' }, { node_id: 'b' }] }))
        .plan(plan({ plan_id: 'p2', tasks: [{ node_id: 'b' }] }))
        .plan(plan({ plan_id: 'p3', tasks: [{ node_id: 'c' }] })),
    )) as [[string, RegistryStore], [string, RegistryStore]];
    await other.close();
    await expect(store.movePlan('p1', 'in_progress')).rejects.toMatchObject({
      code: 'PLAN_OVERLAP',
      details: { planId: 'p2', count: 1 },
    });
    await store.movePlan('p3', 'in_progress');
    await store.movePlan('p2', 'cancelled');
    expect((await store.movePlan('p1', 'in_progress')).plan.status).toBe('in_progress');
    await store.close();
  });
});
