/** What people do to collections and aliases themselves, while a plan knows nothing of it. */
import { describe, expect, it } from 'vitest';
import { ALIAS, all, COLLECTION, openScene, type QdrantScene, refusalOf, seen } from './scene.ts';

async function migrated(scene: QdrantScene): Promise<string> {
  const { planId } = await scene.manager.createMigration({ ...scene.to, strategy: 'shadow' });
  await scene.manager.runMigration(planId);
  return planId;
}

const pointAt = ({ client }: QdrantScene, collection_name: string) =>
  client.updateCollectionAliases({ actions: [{ create_alias: { alias_name: ALIAS, collection_name } }] });

describe('an alias that was moved elsewhere', () => {
  it('is not taken for a cutover', async () => {
    const scene = await openScene();
    const { client, manager } = scene;
    const planId = await migrated(scene);
    await client.createCollection('elsewhere', { vectors: { text: { size: 8, distance: 'Cosine' } } });
    await pointAt(scene, 'elsewhere');
    expect(await refusalOf(manager.cutoverMigration({ planId }))).toMatchObject({
      code: 'COLLECTION_MISMATCH',
      details: { served: 'elsewhere', old: COLLECTION },
    });
    expect((await manager.getMigration(planId)).cutOverAt).toBeUndefined();
    expect((await manager.getActiveModel()).modelId).toBe('old-model');
    await pointAt(scene, COLLECTION);
    await manager.cutoverMigration({ planId });
    expect(await seen(scene)).toEqual(all('new-model'));
  });
});

describe('an old collection, after the cutover', () => {
  it.each(['emptied', 'made anew'])('that was %s takes nothing from the new one along', async (what) => {
    const scene = await openScene();
    const { client, manager, store } = scene;
    const planId = await migrated(scene);
    await manager.cutoverMigration({ planId });
    if (what === 'emptied') await client.delete(COLLECTION, { wait: true, filter: {} });
    else {
      await client.deleteCollection(COLLECTION);
      await client.createCollection(COLLECTION, { vectors: { text: { size: 8, distance: 'Cosine' } } });
    }
    const { forward } = await store.sideBySide(await manager.getMigration(planId));
    const { gone } = await forward.reconcile({});
    expect(gone).toHaveLength(10);
    expect(await refusalOf(forward.remove(gone))).toMatchObject({ code: 'COLLECTION_MISMATCH' });
    expect(await seen(scene)).toEqual(all('new-model'));
  });
});

describe('a payload index', () => {
  it('that somebody died before making on the new side is made when the plan goes on', async () => {
    const scene = await openScene();
    const { client, manager } = scene;
    const field_schema = 'integer' as const;
    await client.createPayloadIndex(COLLECTION, { field_name: 'parity', field_schema, wait: true });
    const { planId } = await manager.createMigration({ ...scene.to, strategy: 'shadow' });
    const met = scene.double.inject({
      on: ({ body }) => /parity/.test(JSON.stringify(body)),
      fault: { kind: 'status', status: 507 },
    });
    await manager.runMigration(planId);
    expect(met.met).toBe(1);
    await manager.resumeMigration(planId);
    await manager.runMigration(planId);
    await manager.cutoverMigration({ planId });
    expect((await client.getCollection(ALIAS)).payload_schema).toHaveProperty('parity');
  });
});

describe('a collection of whole numbers', () => {
  it('gives its place to one of float32, and takes no embeddings itself', async () => {
    const scene = await openScene({ points: 0, targetDimension: 8 });
    const { client, manager, to } = scene;
    await client.deleteCollection(COLLECTION);
    await client.createCollection(COLLECTION, {
      vectors: { text: { size: 8, distance: 'Cosine', datatype: 'uint8' } },
    });
    await pointAt(scene, COLLECTION);
    expect(await refusalOf(manager.createMigration({ ...to, strategy: 'inPlace' }))).toMatchObject({
      code: 'STRATEGY_UNSUITABLE',
      message: expect.stringContaining('uint8'),
    });
    const planId = await migrated(scene);
    await manager.cutoverMigration({ planId });
    const { vectors } = (await client.getCollection(ALIAS)).config.params;
    expect(vectors).toMatchObject({ text: { datatype: 'float32' } });
  });
});

describe('a second vector that somebody has dropped', () => {
  it('leaves nothing behind that bars the next migration, once its plan is finalized', async () => {
    const scene = await openScene();
    const { client, manager, to } = scene;
    const { planId } = await manager.createMigration({ ...to, strategy: 'namedVector' });
    await manager.runMigration(planId);
    await manager.cutoverMigration({ planId });
    await manager.rollbackMigration({ planId });
    await client.deleteVectorName(COLLECTION, 'new-model-v1');
    await manager.finalizeMigration({ planId });
    const next = await manager.createMigration({ ...to, strategy: 'shadow' });
    expect(await manager.runMigration(next.planId)).toMatchObject({ status: 'completed' });
  });
});
