/** What `dualWrite` notes on a point decides whether a node on the old side alone was deleted or is new. */
import { ManualClock } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { all, COLLECTION, openScene, type QdrantScene, seen } from './scene.ts';

async function bothOf({ old, target }: QdrantScene, text: string) {
  const made = await Promise.all([old, target].map((one) => one.embed([text], { purpose: 'document' })));
  return [old, target].map(({ spec }, index) => ({ ...spec.info, vector: made[index]![0]! }));
}

async function migrated(scene: QdrantScene): Promise<string> {
  const { planId } = await scene.manager.createMigration({ ...scene.to, strategy: 'shadow' });
  await scene.manager.runMigration(planId);
  return planId;
}

describe('dualWrite', () => {
  it('has a node brought over that only the old side got before the cutover', async () => {
    const scene = await openScene();
    const planId = await migrated(scene);
    const [old] = await bothOf(scene, 'of one model');
    await scene.store
      .dualWrite()
      .upsert([{ id: '20', payload: { text: 'of one model' }, embeddings: [old!] }]);
    await scene.manager.cutoverMigration({ planId, acceptBehind: 1 });
    expect(await seen(scene)).toEqual({ ...all('new-model'), 20: 'new-model: of one model' });
  });

  it('has a node brought over whose second write was refused', async () => {
    const scene = await openScene();
    const planId = await migrated(scene);
    scene.double.inject({
      on: ({ operation, collection }) => operation === 'upsert_points' && collection !== COLLECTION,
      fault: { kind: 'status', when: 'before', status: 507 },
    });
    const embeddings = await bothOf(scene, 'half written');
    const writing = scene.store
      .dualWrite()
      .upsert([{ id: '20', payload: { text: 'half written' }, embeddings }]);
    await expect(writing).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
    await scene.manager.cutoverMigration({ planId, acceptBehind: 1 });
    expect(await seen(scene)).toMatchObject({ 20: 'new-model: half written' });
  });

  it('notes on the old side that both have a node, which is not resurrected once readers have deleted it', async () => {
    const scene = await openScene();
    const planId = await migrated(scene);
    const embeddings = await bothOf(scene, 'on both');
    await scene.store.dualWrite().upsert([{ id: '20', payload: { text: 'on both' }, embeddings }]);
    await scene.manager.cutoverMigration({ planId });
    await scene.client.delete('texts', { wait: true, points: [20] });
    await scene.manager.rollbackMigration({ planId });
    expect(await seen(scene)).toEqual(all('old-model'));
  });

  it('leaves no note that a later migration would take for its own', async () => {
    const scene = await openScene();
    const first = await migrated(scene);
    const embeddings = await bothOf(scene, 'of the first');
    const writer = scene.store.dualWrite();
    await writer.upsert([{ id: '20', payload: { text: 'of the first' }, embeddings }]);
    await scene.manager.rollbackMigration({ planId: first });
    const second = await migrated(scene);
    // As a node that failed: the second migration has not brought it over.
    await scene.manager.rollbackMigration({ planId: second, nodeId: '20' });
    await scene.manager.cutoverMigration({ planId: second, acceptBehind: 1 });
    await scene.manager.rollbackMigration({ planId: second });
    expect(await seen(scene)).toEqual({ ...all('old-model'), 20: 'old-model: of the first' });
  });
});

/** What becomes of a write of node 3 whose answer never came; `meanwhile` somebody else may have written. */
describe.each<{
  name: string;
  operation: string;
  write: (scene: QdrantScene, embeddings: Awaited<ReturnType<typeof bothOf>>) => Promise<unknown>;
  done: string | undefined;
}>([
  {
    name: 'an upsert',
    operation: 'upsert_points',
    write: ({ store }, embeddings) =>
      store.dualWrite().upsert([{ id: '3', payload: { text: 'of ours' }, embeddings: [embeddings[0]!] }]),
    done: 'of ours',
  },
  {
    name: 'an update',
    operation: 'set_payload',
    write: ({ store }) => store.dualWrite().update('3', { payload: { text: 'of ours' } }),
    done: 'of ours',
  },
  {
    name: 'a deletion',
    operation: 'delete_points',
    write: ({ store }) => store.dualWrite().delete(['3']),
    done: undefined,
  },
])('$name whose outcome is not known', ({ operation, write, done }) => {
  const textOf = ({ double }: QdrantScene) =>
    double.peek(COLLECTION).find(({ id }) => id === 3)?.payload.text;

  async function reset(when: 'before' | 'after', meanwhile?: (scene: QdrantScene) => Promise<unknown>) {
    const clock = new ManualClock();
    const scene = await openScene({ clock });
    const embeddings = await bothOf(scene, 'of ours');
    const { double } = scene;
    const met = double.inject({
      on: (request) => request.operation === operation && request.sender !== 'other',
      fault: { kind: 'reset', when },
    });
    // The second time that the point is read: after the reset, before anything is repeated.
    if (meanwhile !== undefined)
      double.inject({
        on: (request) => request.operation === 'get_points' && met.met > 0,
        fault: { kind: 'run', when: 'before', run: () => meanwhile(scene) },
      });
    await clock.runUntil(write(scene, embeddings), { limitMs: 3_600_000 });
    const sent = double.requests.filter((request) => request.operation === operation).length;
    return { scene, sent };
  }

  it('is repeated where it had no effect', async () => {
    const { scene, sent } = await reset('before');
    expect([textOf(scene), sent]).toEqual([done, 2 + (operation === 'upsert_points' ? 1 : 0)]);
  });

  it('is not repeated where it had', async () => {
    const { scene, sent } = await reset('after');
    expect([textOf(scene), sent]).toEqual([done, 1 + (operation === 'upsert_points' ? 1 : 0)]);
  });

  it('overwrites nobody who came later', async () => {
    const { scene } = await reset('after', ({ client }) =>
      client.upsert(COLLECTION, {
        points: [{ id: 3, vector: { text: Array(8).fill(1) }, payload: { text: 'later' } }],
      }),
    );
    expect(textOf(scene)).toBe('later');
  });
});
