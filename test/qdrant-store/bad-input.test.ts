import { QdrantClient } from '@qdrant/js-client-rest';
import { EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { QdrantNodeStore } from '@registry/qdrant';
import { startQdrantDouble } from '@registry/qdrant-double';
import { describe, expect, it, onTestFinished } from 'vitest';
import { applicationOn, clientOf } from './harness.ts';
import { ALIAS, all, COLLECTION, openScene, refusalOf, seen, stampPayload } from './scene.ts';

const storeOf = (client: QdrantClient, more = {}) =>
  new QdrantNodeStore({ client, collection: ALIAS, contentFields: ['text'], ...more });

const shadow = { strategy: 'shadow' } as const;

describe('a Qdrant that cannot be used, before anything is written', () => {
  it('does not answer', { timeout: 20_000 }, async () => {
    const double = await startQdrantDouble();
    const client = clientOf(double);
    await double.close();
    const error = await refusalOf(storeOf(client).ready());
    expect(error).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining('check address'),
    });
  });

  it('refuses the key', async () => {
    const double = await startQdrantDouble({ apiKey: 'right' });
    onTestFinished(() => double.close());
    const client = new QdrantClient({
      url: double.url,
      headers: { 'api-key': 'wrong' },
      checkCompatibility: false,
    });
    const error = await refusalOf(storeOf(client).ready());
    expect(error).toMatchObject({ code: 'SERVER_DENIED', message: expect.stringContaining('key') });
    expect(error.message).not.toContain('wrong');
  });

  it('has no such collection, and makes it where the model is told', async () => {
    const double = await startQdrantDouble();
    onTestFinished(() => double.close());
    const client = clientOf(double);
    expect(await refusalOf(storeOf(client).ready())).toMatchObject({ code: 'COLLECTION_UNKNOWN' });
    const { spec } = testEmbedder({ modelId: 'old-model', dimension: 8 });
    await storeOf(client).ensureCollections(spec);
    const made = await client.getCollection(ALIAS);
    expect(made.config.params.vectors).toMatchObject({ size: 8, distance: 'Cosine' });
    expect(made.payload_schema).toMatchObject({
      embedding_model_id: { data_type: 'keyword' },
      embedding_version: { data_type: 'integer' },
    });
    const wider = testEmbedder({ modelId: 'old-model', dimension: 9 });
    expect(await refusalOf(storeOf(client).ensureCollections(wider.spec))).toMatchObject({
      code: 'COLLECTION_MISMATCH',
      message: expect.stringMatching(/of 8.*have 9/),
    });
  });

  it('is too old for any of it, for a second collection, for a second vector', async () => {
    const old = await startQdrantDouble({ version: '1.15.4' });
    onTestFinished(() => old.close());
    expect(await refusalOf(storeOf(clientOf(old)).ready())).toMatchObject({
      code: 'SERVER_TOO_OLD',
      message: expect.stringMatching(/1\.16.*1\.15\.4/),
    });
    const { manager, to, store } = await openScene({ version: '1.16.3' });
    expect(store.capabilities.strategies).toEqual(['inPlace']);
    expect(await refusalOf(manager.createMigration({ ...to, ...shadow }))).toMatchObject({
      code: 'SERVER_TOO_OLD',
      message: expect.stringMatching(/1\.17.*1\.16\.3/),
    });
    expect(await refusalOf(manager.createMigration({ ...to, strategy: 'namedVector' }))).toMatchObject({
      code: 'SERVER_TOO_OLD',
    });
    expect(await refusalOf(manager.createMigration(to))).toMatchObject({
      code: 'STRATEGY_UNSUITABLE',
      message: expect.stringMatching(/1\.17.*1\.18.*inPlace/s),
    });
    const newer = await openScene({ version: '1.17.0' });
    expect(newer.store.capabilities.strategies).toEqual(['shadow', 'inPlace']);
    expect((await newer.manager.createMigration(newer.to)).strategy).toBe('shadow');
  });

  it('has a collection of another shape', async () => {
    const { client } = await openScene();
    const vectors = { a: { size: 4, distance: 'Dot' as const }, b: { size: 4, distance: 'Dot' as const } };
    await client.createCollection('two', { vectors });
    expect(await refusalOf(storeOf(client, { collection: 'two' }).ready())).toMatchObject({
      code: 'COLLECTION_MISMATCH',
      message: expect.stringContaining('pass vectorName'),
    });
    expect(await refusalOf(storeOf(client, { collection: 'two', vectorName: 'c' }).ready())).toMatchObject({
      code: 'COLLECTION_MISMATCH',
    });
    const many = {
      size: 4,
      distance: 'Dot' as const,
      multivector_config: { comparator: 'max_sim' as const },
    };
    await client.createCollection('many', { vectors: many });
    expect(await refusalOf(storeOf(client, { collection: 'many' }).ready())).toMatchObject({
      code: 'COLLECTION_MISMATCH',
      message: expect.stringContaining('multi-vector'),
    });
    await client.createPayloadIndex('two', {
      field_name: 'embedding_version',
      field_schema: 'keyword',
      wait: true,
    });
    const error = await refusalOf(storeOf(client, { collection: 'two', vectorName: 'a' }).ready());
    expect(error).toMatchObject({ code: 'COLLECTION_MISMATCH', details: { field: 'embedding_version' } });
  });

  it('is told too much, or too little', async () => {
    const { client } = await openScene({ points: 0 });
    const make = (options: object) => () => new QdrantNodeStore({ client, collection: ALIAS, ...options });
    const invalid = expect.objectContaining({ code: 'CONFIG_INVALID' });
    expect(make({})).toThrow(invalid);
    expect(make({ contentFields: ['text'], resolveContents: async () => [] })).toThrow(invalid);
    expect(make({ contentFields: [] })).toThrow(invalid);
    expect(make({ contentFields: ['text'], client: {} })).toThrow(invalid);
    expect(make({ contentFields: ['text'], colection: 'x' })).toThrow(invalid);
  });
});

describe('a migration that cannot be made', () => {
  it('in place with another length, or with packed bits', async () => {
    const { manager, to } = await openScene();
    const error = await refusalOf(manager.createMigration({ ...to, strategy: 'inPlace' }));
    expect(error).toMatchObject({
      code: 'STRATEGY_UNSUITABLE',
      message: expect.stringMatching(/of 8.*12.*shadow/),
    });
    const { spec } = testEmbedder({ modelId: 'bits', dimension: 64, datatype: 'bit' });
    await manager.registerModel(spec.toJSON());
    const bits = { targetModelId: 'bits', targetVersion: 1 };
    expect(await refusalOf(manager.createMigration(bits))).toMatchObject({ code: 'STRATEGY_UNSUITABLE' });
    expect((await manager.listMigrations()).items).toEqual([]);
  });

  it('behind a bare name, until that is put behind an alias', async () => {
    const scene = await openScene();
    const { client, to, old, target } = scene;
    const open = async (collection: string) => {
      const nodeStore = storeOf(client, { collection });
      const manager = await EmbeddingVersionManager.open({
        dbPath: ':memory:',
        nodeStore,
        embedders: [old, target],
      });
      onTestFinished(() => manager.close());
      await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
      await manager.registerModel(target.spec.toJSON());
      return { manager, nodeStore };
    };
    const bare = await open(COLLECTION);
    const error = await refusalOf(bare.manager.createMigration({ ...to, ...shadow }));
    expect(error).toMatchObject({
      code: 'STRATEGY_UNSUITABLE',
      message: expect.stringContaining('putBehindAlias'),
    });
    expect((await bare.manager.createMigration(to)).strategy).toBe('namedVector');
    expect(await refusalOf(bare.nodeStore.putBehindAlias(COLLECTION))).toMatchObject({ code: 'ALIAS_TAKEN' });
    await bare.nodeStore.putBehindAlias('behind');
    await bare.nodeStore.putBehindAlias('behind');
    expect((await open('behind')).nodeStore.storeId).toBe(bare.nodeStore.storeId);
    const other = { vectors: { size: 4, distance: 'Dot' as const } };
    await client.createCollection('other', other);
    expect(await refusalOf(storeOf(client, { collection: 'other' }).putBehindAlias('behind'))).toMatchObject({
      code: 'ALIAS_TAKEN',
    });
  });

  it('while another registry is at it', async () => {
    const scene = await openScene();
    const { client, old, target, to, manager } = scene;
    const { planId } = await manager.createMigration({ ...to, ...shadow });
    const second = await EmbeddingVersionManager.open({
      dbPath: ':memory:',
      nodeStore: storeOf(client),
      embedders: [old, target],
      config: { migrationThrottleMs: 0 },
    });
    onTestFinished(() => second.close());
    await second.registerModel({ ...old.spec.toJSON(), setActive: true });
    await second.registerModel(target.spec.toJSON());
    await manager.runMigration(planId);
    const other = await second.createMigration({ ...to, ...shadow });
    expect(await second.runMigration(other.planId)).toMatchObject({
      status: 'paused',
      reason: { code: 'MIGRATION_BUSY' },
    });
    expect((await second.getMigration(other.planId)).reason?.message).toContain(planId);
    await manager.cutoverMigration({ planId });
    expect(await seen(scene)).toEqual(all('new-model'));
  });

  it('under strict mode that forbids the filters of guards, while a second collection is possible', async () => {
    const scene = await openScene({ targetDimension: 8 });
    const { client, manager, to } = scene;
    const strict = {
      enabled: true,
      unindexed_filtering_update: false,
      upsert_max_batchsize: 3,
      max_query_limit: 4,
    };
    await client.updateCollection(COLLECTION, { strict_mode_config: strict });
    const error = await refusalOf(manager.createMigration({ ...to, strategy: 'inPlace' }));
    expect(error).toMatchObject({
      code: 'STRICT_MODE',
      message: expect.stringMatching(/text.*keyword.*shadow/),
    });
    const { planId } = await manager.createMigration({ ...to, ...shadow });
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed' });
    await client.delete(ALIAS, { wait: true, points: [2] });
    await manager.cutoverMigration({ planId });
    const { 2: _, ...rest } = all('new-model');
    expect(await seen(scene)).toEqual(rest);
  });

  it('of a collection without stamps, which it was left as', async () => {
    const scene = await openScene();
    const { client, manager, to } = scene;
    const keys = Object.keys(stampPayload(scene.old));
    await client.deletePayload(ALIAS, { wait: true, filter: {}, keys });
    for (const strategy of [undefined, 'shadow', 'namedVector'] as const) {
      const wish = { ...to, ...(strategy && { strategy }) };
      expect(await refusalOf(manager.createMigration(wish))).toMatchObject({
        code: 'STAMPS_MISSING',
        message: expect.stringMatching(/10 vectors.*texts-2024.*stampNodes/s),
      });
    }
    expect((await client.getCollections()).collections).toHaveLength(1);
    expect((await manager.listMigrations()).items).toEqual([]);
    await manager.stampNodes({ modelId: 'old-model', version: 1 });
    expect(await manager.createMigration(to)).toMatchObject({ strategy: 'shadow' });
  });

  it('of points that have no vectors yet is no such thing', async () => {
    const { client, manager, to } = await openScene({ points: 0 });
    await client.upsert(ALIAS, { wait: true, points: [{ id: 1, vector: {}, payload: { text: 'bare' } }] });
    const { planId } = await manager.createMigration(to);
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: 1 });
  });

  it('with vectors of another length than those of the active model', async () => {
    const { client, manager, to, target } = await openScene();
    const { spec } = testEmbedder({ modelId: 'wider', dimension: 9 });
    await manager.registerModel(spec.toJSON());
    const wider = { targetModelId: 'wider', targetVersion: 1, migrateExisting: false };
    await manager.switchActiveModel(wider);
    expect(await refusalOf(manager.createMigration(to))).toMatchObject({
      code: 'DIMENSIONS_MIXED',
      message: expect.stringMatching(/texts-2024 holds vectors of 8.*wider:v1 have 9/),
    });
    expect((await client.getCollections()).collections).toHaveLength(1);
    await manager.switchActiveModel({ ...wider, targetModelId: 'old-model' });
    expect((await manager.createMigration(to)).targetSpec.equals(target.spec)).toBe(true);
  });

  it('of vectors without stamps: stampNodes declares who made them', async () => {
    const scene = await openScene();
    const { client, manager, to } = scene;
    await client.overwritePayload(ALIAS, {
      wait: true,
      points: [3],
      payload: { text: 'The text of point number 3.' },
    });
    expect(await scene.store.countByModel()).toHaveLength(2);
    expect(await manager.stampNodes({ modelId: 'old-model', version: 1 })).toEqual({
      stamped: 1,
      skipped: 0,
    });
    expect(await scene.store.countByModel()).toHaveLength(1);
    const { planId } = await manager.createMigration({ ...to, ...shadow });
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed' });
  });
});

describe('points that are two nodes', () => {
  it('are not mistaken for each other', async () => {
    const { client, store } = await openScene({ points: 0 });
    await applicationOn(client, ALIAS, 'text').put([{ id: 'a text id', content: 'a' }]);
    const [point] = (await client.scroll(ALIAS, { with_payload: true })).points;
    await client.setPayload(ALIAS, {
      wait: true,
      points: [point!.id],
      payload: { embedding_node_id: 'another' },
    });
    expect(await refusalOf(store.read(['a text id']))).toMatchObject({ code: 'NODE_ID_CLASH' });
    await client.deletePayload(ALIAS, { wait: true, points: [point!.id], keys: ['embedding_node_id'] });
    expect(await refusalOf(store.read(['a text id']))).toMatchObject({ code: 'NODE_ID_CLASH' });
  });
});
