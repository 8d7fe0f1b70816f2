import { expect, it } from 'vitest';
import { liveAlias } from './application.ts';
import { assertAccount, assertServed, targetModel } from './invariants.ts';
import { planOf, seededWorld } from './seeds.ts';
import type { World } from './world.ts';

const old = 'documents';

/** Readers use the new side. */
async function cutOver(): Promise<{ world: World; planId: string }> {
  const world = await seededWorld('shadow');
  const planId = await planOf(world, 'shadow');
  const { manager } = await world.open();
  await manager.runMigration(planId);
  await manager.cutoverMigration({ planId });
  return { world, planId };
}

/** A writer that has not noticed yet. */
async function editLate({ application }: World, id: number): Promise<void> {
  await application.client.setPayload(old, {
    payload: { text: `late text of ${id}` },
    filter: { must: [{ has_id: [id] }] },
  });
}

it.for(['before it is read', 'once it was read'] as const)(
  'does not bring a node again that was edited late on the old side and deleted on the new one %s',
  async (when) => {
    const { world, planId } = await cutOver();
    const { application, double, nextSender } = world;
    try {
      await editLate(world, 3);
      const worker = await world.open();
      const deletes = () => application.remove(3);
      if (when === 'once it was read') worker.embedders.wide.onCall = deletes;
      else
        double.inject({
          on: ({ sender, operation, collection, body }) =>
            sender === nextSender &&
            operation === 'get_points' &&
            collection === old &&
            JSON.stringify(body).includes('3'),
          fault: { kind: 'run', when: 'before', run: deletes },
        });
      await worker.manager.cutoverMigration({ planId });
      expect(application.contents.get(3)).toBeUndefined();
      assertAccount(world);
      expect(double.peek(old).map(({ id }) => id)).toContain(3);
      await worker.manager.cutoverMigration({ planId });
      await assertServed(world, worker, targetModel('shadow'));
      await worker.manager.rollbackMigration({ planId });
      assertAccount(world);
    } finally {
      await world.close();
    }
  },
);

it('brings a node that was put on the old side late, also where it was deleted there before', async () => {
  const { world, planId } = await cutOver();
  const { application } = world;
  try {
    const { manager } = await world.open();
    await editLate(world, 3);
    await application.remove(3);
    await manager.cutoverMigration({ planId });
    expect(world.served().map(({ id }) => id)).not.toContain(3);
    await application.client.delete(old, { points: [9], wait: true });
    await manager.cutoverMigration({ planId });
    expect(world.served().map(({ id }) => id)).not.toContain(9);
    await application.client.upsert(old, {
      points: [{ id: 9, vector: Array(16).fill(1), payload: { text: 'put late', kind: 'late' } }],
    });
    await manager.cutoverMigration({ planId });
    expect(world.double.peek(liveAlias).find(({ id }) => id === 9)?.payload.text).toBe('put late');
  } finally {
    await world.close();
  }
});

it('does not leave on the old side what a rollback carried there and the application then deleted', async () => {
  const { world, planId } = await cutOver();
  const { application, double, nextSender } = world;
  try {
    await application.put(1000, 'put on the new side');
    double.inject({
      on: ({ sender, operation, collection }) =>
        sender === nextSender && operation === 'batch_update' && collection === old,
      fault: { kind: 'run', when: 'after', run: () => application.remove(1000) },
    });
    const worker = await world.open();
    await worker.manager.rollbackMigration({ planId });
    expect(application.contents.has(1000) && application.contents.get(1000)).toBeUndefined();
    assertAccount(world);
  } finally {
    await world.close();
  }
});
