import { expectedVector } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import {
  ALIAS,
  all,
  COLLECTION,
  isSame,
  openScene,
  type QdrantScene,
  refusalOf,
  seen,
  stampPayload,
  textOf,
} from './scene.ts';

async function migrate(scene: QdrantScene, strategy?: 'shadow' | 'namedVector' | 'inPlace') {
  const plan = await scene.manager.createMigration({ ...scene.to, ...(strategy && { strategy }) });
  return scene.manager.runMigration(plan.planId);
}

const aliasOf = async ({ client }: QdrantScene) => (await client.getAliases()).aliases[0]?.collection_name;
const collectionsOf = async ({ client }: QdrantScene) =>
  (await client.getCollections()).collections.map(({ name }) => name).sort();

describe.each(['text', ''])('a second collection behind the alias, of vector "%s"', (vectorName) => {
  it('is the default, and is migrated to, cut over, rolled back and finalized', async () => {
    const scene = await openScene({ vectorName });
    const { manager } = scene;
    const plan = await migrate(scene);
    expect(plan).toMatchObject({ status: 'completed', strategy: 'shadow', completedNodes: 10 });
    expect(plan.strategyReason).toMatch(/second collection behind the alias/);
    expect([await aliasOf(scene), await seen(scene)]).toEqual([COLLECTION, all('old-model')]);
    await manager.cutoverMigration({ planId: plan.planId });
    const second = await aliasOf(scene);
    expect(second).toMatch(/^texts-2024-new-model-v1-/);
    expect(await seen(scene)).toEqual(all('new-model'));
    expect((await manager.getActiveModel()).modelId).toBe('new-model');
    const hits = await manager.searchAcrossModels(textOf(3), { k: 3 });
    expect(hits[0]).toMatchObject({ nodeId: '3', info: { embeddingModelId: 'new-model' } });
    await manager.rollbackMigration({ planId: plan.planId });
    expect([await aliasOf(scene), await seen(scene)]).toEqual([COLLECTION, all('old-model')]);
    expect((await manager.getActiveModel()).modelId).toBe('old-model');
    const refusal = await refusalOf(manager.finalizeMigration({ planId: plan.planId }));
    expect(refusal).toMatchObject({ code: 'CONFIRMATION_MISSING', details: { name: second } });
    await manager.finalizeMigration({ planId: plan.planId, drop: second! });
    expect(await collectionsOf(scene)).toEqual([COLLECTION]);
  });
});

describe('a second collection', () => {
  it('takes points whole: payload, ids, other dense, sparse and multi-vectors', async () => {
    const scene = await openScene({ points: 0, isNamed: true });
    const { client, manager, old, double } = scene;
    await client.deleteCollection(COLLECTION);
    const cosine = (size: number) => ({ size, distance: 'Cosine' as const });
    await client.createCollection(COLLECTION, {
      vectors: {
        text: cosine(8),
        image: cosine(3),
        many: { ...cosine(2), multivector_config: { comparator: 'max_sim' } },
      },
      sparse_vectors: { words: {} },
    });
    await client.updateCollectionAliases({
      actions: [{ create_alias: { alias_name: ALIAS, collection_name: COLLECTION } }],
    });
    await client.createPayloadIndex(COLLECTION, {
      field_name: 'parity',
      field_schema: 'integer',
      wait: true,
    });
    const id = '5c56c793-69f3-4fbf-87e6-c4bf54c28c26';
    const vector = {
      text: [...(expectedVector(old.spec, textOf(1)) as Float32Array)],
      image: [0, 0, 1],
      many: [
        [1, 0],
        [0, 1],
      ],
      words: { indices: [3, 7], values: [0.5, 0.25] },
    };
    const payload = { text: textOf(1), nested: { list: [1, { a: null }] }, parity: 1, ...stampPayload(old) };
    await client.upsert(ALIAS, {
      wait: true,
      points: [
        { id, vector, payload },
        { id: 7, vector: { text: vector.text }, payload },
      ],
    });
    const plan = await migrate(scene, 'shadow');
    await manager.cutoverMigration({ planId: plan.planId });
    const [point] = await client.retrieve(ALIAS, { ids: [id], with_payload: true, with_vector: true });
    expect(point?.payload).toMatchObject({ text: textOf(1), nested: { list: [1, { a: null }] }, parity: 1 });
    const { text, ...others } = point!.vector as unknown as typeof vector;
    expect(others).toEqual({
      image: [0, 0, 1],
      many: [
        [1, 0],
        [0, 1],
      ],
      words: vector.words,
    });
    expect(text).toHaveLength(12);
    const made = await client.getCollection(ALIAS);
    expect(made.payload_schema).toHaveProperty('parity');
    expect(made.payload_schema).toMatchObject({
      embedding_model_id: { data_type: 'keyword' },
      embedding_version: { data_type: 'integer' },
    });
    expect(double.takeViolations()).toEqual([]);
  });

  it('keeps up with an application that writes all the while, and needs no carrying back with dualWrite', async () => {
    const scene = await openScene();
    const { manager, store, old, target, client } = scene;
    const plan = await migrate(scene, 'shadow');
    const [edited] = await old.embed(['edited'], { purpose: 'document' });
    const payload = { text: 'edited', ...stampPayload(old) };
    const whole = { id: 1, vector: { text: [...(edited as Float32Array)] }, payload };
    await client.upsert(ALIAS, { wait: true, points: [whole] });
    await client.delete(ALIAS, { wait: true, points: [2] });
    await manager.cutoverMigration({ planId: plan.planId });
    expect(await seen(scene)).toMatchObject({ 1: 'new-model: edited' });
    expect(await seen(scene)).not.toHaveProperty('2');
    const both = async (text: string) => {
      const made = await Promise.all([old, target].map((one) => one.embed([text], { purpose: 'document' })));
      return [old, target].map(({ spec }, index) => ({ ...spec.info, vector: made[index]![0]! }));
    };
    const writer = store.dualWrite();
    await writer.upsert([
      { id: 'a text id', payload: { text: 'born later' }, embeddings: await both('born later') },
    ]);
    expect(
      await writer.update('3', {
        payload: { text: 'edited by both' },
        embeddings: await both('edited by both'),
      }),
    ).toBe(true);
    expect(await writer.update('absent', { payload: { text: 'x' } })).toBe(false);
    await writer.delete(['4']);
    const calls = old.calls.length;
    const report = await manager.rollbackMigration({ planId: plan.planId });
    expect(report).toMatchObject({ remaining: 0, succeeded: true });
    expect(old.calls).toHaveLength(calls);
    const after = await seen(scene);
    expect(after).toMatchObject({
      1: 'old-model: edited',
      3: 'old-model: edited by both',
      'a text id': 'old-model: born later',
    });
    expect(after).not.toHaveProperty('4');
  });
});

describe('a second vector of the same points', () => {
  it('is migrated to, cut over, rolled back, and finalized into the only one', async () => {
    const scene = await openScene();
    const { manager, store, client, target } = scene;
    const plan = await migrate(scene, 'namedVector');
    expect(plan).toMatchObject({ status: 'completed', strategy: 'namedVector' });
    expect([await store.searchVectorName(), await seen(scene)]).toEqual(['text', all('old-model')]);
    await manager.cutoverMigration({ planId: plan.planId });
    expect([await store.searchVectorName(), await seen(scene)]).toEqual(['new-model-v1', all('new-model')]);
    await manager.rollbackMigration({ planId: plan.planId });
    expect([await store.searchVectorName(), await seen(scene)]).toEqual(['text', all('old-model')]);
    await manager.finalizeMigration({ planId: plan.planId, drop: 'new-model-v1' });
    const again = await migrate(scene, 'namedVector');
    await manager.cutoverMigration({ planId: again.planId });
    await manager.finalizeMigration({ planId: again.planId, drop: 'text' });
    expect(await seen(scene)).toEqual(all('new-model'));
    const [point] = await client.retrieve(ALIAS, { ids: [3], with_payload: true, with_vector: true });
    expect(point?.payload).toMatchObject(stampPayload(target));
    expect(point?.payload?.embeddings).toEqual({});
    expect(Object.keys(point?.vector as object)).toEqual(['new-model-v1']);
  });

  it('can be migrated to in part, and taken off a single node again', async () => {
    const scene = await openScene();
    const { manager } = scene;
    const plan = await manager.createMigration({ ...scene.to, nodeIds: ['1', '2'] });
    expect(plan.strategy).toBe('namedVector');
    await manager.runMigration(plan.planId);
    expect(await refusalOf(manager.cutoverMigration({ planId: plan.planId }))).toMatchObject({
      code: 'NODES_BEHIND',
      details: { behind: 8 },
    });
    expect(await manager.rollbackMigration({ planId: plan.planId, nodeId: '1' })).toMatchObject({
      restored: 1,
    });
    const [node] = await (await scene.store.sideBySide(plan)).forward.read(['1']);
    expect(node?.vector).toBeUndefined();
  });
});

describe('in place', () => {
  it('happens where it is asked for, and is rolled back', async () => {
    const scene = await openScene({ targetDimension: 8 });
    const { manager, store, target } = scene;
    const before = await store.read(Object.keys(all('old-model')));
    const plan = await migrate(scene, 'inPlace');
    expect(plan).toMatchObject({ status: 'completed', strategy: 'inPlace' });
    expect(await seen(scene)).toEqual(all('new-model'));
    const filter = await store.searchFilter(target.spec);
    expect((await scene.client.count(ALIAS, { filter: filter as never, exact: true })).count).toBe(10);
    const report = await manager.rollbackMigration({ planId: plan.planId });
    expect(report).toMatchObject({ restored: 10, succeeded: true });
    const after = await store.read(Object.keys(all('old-model')));
    for (const node of before)
      expect(isSame(after.find(({ id }) => id === node.id)?.vector, node.vector)).toBe(true);
    expect(await seen(scene)).toEqual(all('old-model'));
  });

  it('goes on where somebody died between stamp and vector, and puts the original back', async () => {
    const scene = await openScene({ targetDimension: 8 });
    const { manager, client, store, target } = scene;
    const plan = await migrate(scene, 'inPlace');
    const transit = { embedding_model_id: 'in transit', embedding_version: 0, embedding_checksum: '' };
    await client.setPayload(ALIAS, { wait: true, points: [5], payload: transit });
    const [node] = await store.read(['5']);
    expect(node).toMatchObject({ inTransit: true });
    expect(node?.embeddingModelId).toBeUndefined();
    const hits = await store.search(expectedVector(target.spec, textOf(5)), { at: target.spec.info, k: 20 });
    expect(hits.map(({ id }) => id)).not.toContain('5');
    const report = await manager.rollbackMigration({ planId: plan.planId });
    expect(report).toMatchObject({ restored: 10, succeeded: true });
    expect(await seen(scene)).toEqual(all('old-model'));
  });
});

describe('texts that are kept elsewhere', () => {
  it('are fetched by the application, and compared again just before a write', async () => {
    const texts = new Map(Array.from({ length: 10 }, (_, index) => [String(index), textOf(index)]));
    let isEdited = false;
    const scene = await openScene({
      resolveContents: async (ids, payloads) => {
        expect(payloads).toHaveLength(ids.length);
        return ids.map((id) => texts.get(id));
      },
    });
    expect(scene.store.capabilities.fence).toBe('checked');
    const plan = await scene.manager.createMigration({ ...scene.to, strategy: 'shadow' });
    const { target } = scene;
    const original = target.embed.bind(target);
    Object.assign(target, {
      embed: async (...call: Parameters<typeof original>) => {
        const vectors = await original(...call);
        if (!isEdited) texts.set('2', 'edited meanwhile');
        isEdited = true;
        return vectors;
      },
    });
    await scene.manager.runMigration(plan.planId);
    await scene.manager.cutoverMigration({ planId: plan.planId });
    expect(await seen(scene)).toEqual({ ...all('new-model'), 2: 'new-model: edited meanwhile' });
  });
});

it('takes texts below a key, and under names with blanks, and guards them', async () => {
  const contentFields = ['meta.text', 'my title'];
  const scene = await openScene({ points: 0, targetDimension: 8, contentFields });
  const { client, old, target, store, manager } = scene;
  const vector = { text: [...(expectedVector(old.spec, 'A\na') as Float32Array)] };
  const payload = { meta: { text: 'A', page: 7 }, 'my title': 'a', ...stampPayload(old) };
  await client.upsert(ALIAS, { wait: true, points: [{ id: 1, vector, payload }] });
  expect((await store.read(['1']))[0]?.content).toBe('A\na');
  expect([...(await store.readField(['1'], 'meta.page'))]).toEqual([['1', 7]]);
  // Once, between the read and the write.
  target.onCall = async (_, { index }) => {
    if (index > 0) return;
    await client.setPayload(ALIAS, { wait: true, points: [1], payload: { text: 'B' }, key: 'meta' });
  };
  expect(await migrate(scene, 'inPlace')).toMatchObject({ status: 'completed', completedNodes: 1 });
  expect(target.textsSeen).toEqual(['A\na', 'B\na']);
  const [node] = await store.read(['1']);
  expect(node?.content).toBe('B\na');
  expect(isSame(node!.vector!, expectedVector(target.spec, 'B\na'))).toBe(true);
  expect(
    (await manager.listTasks({ planId: (await manager.listMigrations()).items[0]!.planId })).items,
  ).toMatchObject([{ status: 'completed', retryCount: 0 }]);
});
