/** A store of real texts and built-in embedders, made ill in every way the doctor knows. */
import { join } from 'node:path';
import { type Embedder, EmbeddingModelSpec, EmbeddingVersionManager, type FindingCode } from '@registry/core';
import { hashedNgram, withCache } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { witnessTexts } from '../../packages/core/src/model/witness-texts.ts';
import { storeWith, temporaryFolder } from '../scene.ts';

const embedder = hashedNgram({ dimension: 64 });
const { spec } = embedder;
const texts = Array.from(
  { length: 40 },
  (_, index) =>
    `Day ${index}: the ${['river', 'harbour', 'library', 'kitchen'][index % 4]} was ${['quiet', 'crowded', 'closed'][index % 3]}.`,
);

async function openStore(path: string): Promise<SqliteNodeStore> {
  const store = await SqliteNodeStore.open({ path });
  onTestFinished(() => store.close());
  const vectors = await embedder.embed(texts, { purpose: 'document' });
  for (const [index, content] of texts.entries())
    await store.upsert({ id: `day-${index}`, content, vector: vectors[index]!, ...spec.info });
  return store;
}

async function openClinic(embedders: readonly Embedder[] = [embedder]) {
  const folder = temporaryFolder();
  const dbPath = join(folder, 'registry.sqlite');
  const store = await openStore(join(folder, 'nodes.sqlite'));
  const manager = await EmbeddingVersionManager.open({ dbPath, nodeStore: store, embedders });
  onTestFinished(() => manager.close());
  await manager.registerModel({ ...spec.toJSON(), setActive: true });
  return { dbPath, store, manager };
}

/** Writes what no store would take, as a program past every check does. */
async function put(store: SqliteNodeStore, nodeId: string, set: object): Promise<void> {
  const [node] = await store.read([nodeId]);
  const { vector, embeddedHash, embeddingModelId, embeddingVersion, embeddingChecksum } = node!;
  const stamp = { embeddingModelId, embeddingVersion, embeddingChecksum } as typeof spec.info;
  await store.write([
    {
      nodeId,
      fence: node!.fence,
      set: { ...stamp, vector: vector!, embeddedHash: embeddedHash!, ...set },
      restore: true,
    },
  ]);
}

async function codesOf(manager: EmbeddingVersionManager): Promise<Partial<Record<FindingCode, number>>> {
  const { findings } = await manager.diagnose();
  return Object.fromEntries(findings.map(({ code, count }) => [code, count]));
}

it('finds nothing in a store that is well, and says how much it looked at', async () => {
  const { manager } = await openClinic();
  expect(await manager.diagnose()).toMatchObject({
    findings: [],
    nodes: 40,
    sampled: 16,
    models: [{ isActive: true, nodes: 40, witness: { state: 'agrees', similarity: 1 } }],
  });
});

it('finds each fault of a node with its count and ids, and changes nothing', async () => {
  const { manager, store } = await openClinic();
  await put(store, 'day-0', { vector: new Float32Array(32).fill(1) });
  await put(store, 'day-1', { vector: new Float32Array(64) });
  await put(store, 'day-2', { vector: new Float32Array(64).fill(Number.NaN) });
  await put(store, 'day-3', { embeddingChecksum: '' });
  await put(store, 'day-4', { embeddingChecksum: 'another' });
  await put(store, 'day-5', { embeddingModelId: 'nobody' });
  await put(store, 'day-6', { embeddedHash: 'of another text' });
  await put(store, 'day-7', { embeddedHash: 'of another text' });
  const [vector] = await embedder.embed(['raw'], { purpose: 'document' });
  await store.upsert({ id: 'raw', content: 'raw', vector: vector! });
  await store.upsert({ id: 'todo', content: 'not embedded yet' });
  await store.upsert({ id: 'empty', content: ' ' });
  const ids = [...texts.keys()].map((index) => `day-${index}`);
  const before = await store.read(ids);
  const heard: string[] = [];
  const { findings } = await manager.diagnose({ onNode: (code, id) => heard.push(`${code} ${id}`) });
  const told = Object.fromEntries(findings.map(({ code, count, sample }) => [code, [count, ...sample]]));
  expect(told).toEqual({
    WRONG_LENGTH: [1, 'day-0'],
    ZERO_VECTOR: [1, 'day-1'],
    NOT_FINITE: [1, 'day-2'],
    CHECKSUM_EMPTY: [1, 'day-3'],
    CHECKSUM_DIFFERS: [1, 'day-4'],
    STAMP_UNKNOWN: [1, 'day-5'],
    STALE: [2, 'day-6', 'day-7'],
    UNSTAMPED: [1, 'raw'],
    NOT_EMBEDDED: [1, 'todo'],
    EMPTY_CONTENT: [1, 'empty'],
    MIXED_MODELS: [40],
  });
  expect(heard).toContain('STALE day-7');
  const order = findings.map(({ severity }) => ['error', 'warning', 'note'].indexOf(severity));
  expect(order).toEqual(order.toSorted());
  expect(await store.read(ids)).toEqual(before);

  // What the remedies say mends it.
  await manager.unstampNodes({ nodeIds: ['day-0', 'day-1', 'day-2', 'nobody'] });
  const plan = await manager.createMigration({ targetModelId: spec.modelId, targetVersion: 1 });
  await manager.runMigration(plan.planId);
  expect(Object.keys(await codesOf(manager)).sort()).toEqual(['EMPTY_CONTENT', 'PLAN_FAILED_NODES']);
});

it('finds nodes behind the active model, texts that it does not take, and a write that died half-way', async () => {
  const wide = hashedNgram({ dimension: 128 });
  const countTokens = async (given: readonly string[]) => ({
    tokens: given.map((text) => text.split(' ').length),
    exact: true,
  });
  const { manager, dbPath, store } = await openClinic([embedder, wide]);
  await manager.registerModel({ ...wide.spec.toJSON(), maxInputTokens: 12 });
  const { modelId } = wide.spec;
  await manager.switchActiveModel({ targetModelId: modelId, targetVersion: 1, migrateExisting: false });
  await store.upsert([{ id: 'day-3', content: 'a text of more words than '.repeat(3) }]);
  const dying = storeWith(store, {
    read: async (ids, o) =>
      (await store.read(ids, o)).map((node) => (node.id === 'day-5' ? { ...node, inTransit: true } : node)),
  });
  const other = await EmbeddingVersionManager.open({
    ...{ dbPath, nodeStore: dying, embedders: [embedder, { ...wide, countTokens }] },
  });
  onTestFinished(() => other.close());
  const { findings } = await other.diagnose();
  expect(findings.map(({ code, count, sample }) => [code, count, sample])).toEqual(
    expect.arrayContaining([
      ['CONTENT_TOO_LONG', 1, ['day-3']],
      ['IN_TRANSIT', 1, ['day-5']],
    ]),
  );
  const behind = findings.find(({ code }) => code === 'BEHIND');
  expect(behind).toMatchObject({
    severity: 'warning',
    count: 40 - findings.filter(({ code }) => code === 'NOT_EMBEDDED').length,
  });
  expect(behind?.message).toContain('are still at hashed_ngram_64:v1');
  expect(behind?.remedy).toContain('createMigration to hashed_ngram_128');

  // It is what a plan refuses too; the remedy brings the others over.
  const plan = await other.createMigration({ targetModelId: modelId, targetVersion: 1 });
  expect(await other.runMigration(plan.planId)).toMatchObject({ completedNodes: 39, failedNodes: 1 });
  const after = await codesOf(other);
  expect(after).toMatchObject({ CONTENT_TOO_LONG: 1, PLAN_FAILED_NODES: 1 });
  expect(after.BEHIND ?? 0).toBeLessThanOrEqual(1);
});

it('finds an embedder that makes one vector of all texts, which no witness is made of', async () => {
  const { manager, dbPath, store } = await openClinic();
  const constant = hashedNgram({ dimension: 128 });
  const broken: Embedder = {
    spec: constant.spec,
    embed: async (given, o) => {
      const [one] = await constant.embed(['always this'], o);
      return given.map(() => one!.slice());
    },
  };
  await manager.registerModel(constant.spec.toJSON());
  const other = await EmbeddingVersionManager.open({
    dbPath,
    nodeStore: store,
    embedders: [embedder, broken],
  });
  onTestFinished(() => other.close());
  const { findings } = await other.diagnose();
  const found = findings.find(({ code }) => code === 'MODEL_COLLAPSED');
  expect(found).toMatchObject({ severity: 'error', count: 1, remedy: 'Mend the embedder.' });
  const { modelId } = constant.spec;
  await expect(other.checkWitness({ modelId, version: 1 })).rejects.toMatchObject({ code: 'VECTOR_INVALID' });
  expect(await other.diagnose()).toMatchObject({ models: expect.anything(), findings });
});

it('finds drift behind a cache, which goes on answering what the model once made', async () => {
  let isUpdated = false;
  const updated: Embedder = {
    spec,
    embed: (given, o) => embedder.embed(isUpdated ? given.map((text) => `query: ${text}`) : given, o),
  };
  const cached = withCache(updated, { path: join(temporaryFolder(), 'cache.sqlite') });
  onTestFinished(() => cached[Symbol.asyncDispose]());
  const { manager } = await openClinic([cached]);
  const { modelId } = spec;
  // The texts of the witness are in the cache now, as those of an application may be.
  await cached.embed([...witnessTexts, ...texts], { purpose: 'document' });
  expect(await codesOf(manager)).toEqual({});
  isUpdated = true;
  expect(await cached.embed(texts.slice(0, 1), { purpose: 'document' })).toEqual(
    await embedder.embed(texts.slice(0, 1), { purpose: 'document' }),
  );
  await expect(manager.checkWitness({ modelId, version: 1 })).rejects.toMatchObject({
    code: 'MODEL_DRIFTED',
  });
  expect(await codesOf(manager)).toMatchObject({ MODEL_DRIFTED: 1 });
});

it('finds drift by the witness, and by stored nodes where the witness came too late', async () => {
  const folder = temporaryFolder();
  const store = await openStore(join(folder, 'nodes.sqlite'));
  const drifted: Embedder = {
    spec,
    embed: (given, o) =>
      embedder.embed(
        given.map((text) => `passage: ${text}`),
        o,
      ),
  };
  const dbPath = join(folder, 'registry.sqlite');
  const open = async (embedders: readonly Embedder[]) => {
    const manager = await EmbeddingVersionManager.open({ dbPath, nodeStore: store, embedders });
    onTestFinished(() => manager.close());
    return manager;
  };
  const late = await open([drifted]);
  await late.registerModel({ ...spec.toJSON(), setActive: true });
  expect(await codesOf(late)).toEqual({ VECTORS_DIFFER: 16 });
  expect(await codesOf(await open([embedder]))).toEqual({ MODEL_DRIFTED: 1 });
  expect(await codesOf(await open([]))).toEqual({ EMBEDDER_MISSING: 1 });
});

it('finds one space under two names, an embedder that no plan needs, and one of another configuration', async () => {
  const twin: Embedder = {
    spec: new EmbeddingModelSpec({ ...spec.toJSON(), modelId: 'twin', checksum: 'twin' }),
    embed: (given, o) => embedder.embed(given, o),
  };
  const { manager, dbPath, store } = await openClinic([embedder, twin]);
  await manager.registerModel(twin.spec.toJSON());
  expect(await codesOf(manager)).toEqual({ SAME_SPACE: 1, EMBEDDER_NOT_ACTIVE: 1 });
  await manager.createMigration({ targetModelId: 'twin', targetVersion: 1 });
  expect(Object.keys(await codesOf(manager)).sort()).toEqual(['PLAN_STUCK', 'SAME_SPACE']);
  const changed = { ...embedder, spec: new EmbeddingModelSpec({ ...spec.toJSON(), checksum: 'changed' }) };
  const other = await EmbeddingVersionManager.open({ dbPath, nodeStore: store, embedders: [changed] });
  onTestFinished(() => other.close());
  expect(await codesOf(other)).toMatchObject({ EMBEDDER_MISMATCH: 1 });
});

it('finds plans that do not go on, backups of no plan, and models whose end is near', async () => {
  const wide = hashedNgram({ dimension: 128 });
  const { manager, dbPath } = await openClinic([embedder, wide]);
  await manager.registerModel(wide.spec.toJSON());
  const { planId } = await manager.createMigration({ targetModelId: wide.spec.modelId, targetVersion: 1 });
  await manager.pauseMigration(planId);
  const { modelId } = spec;
  await manager.updateModel({
    modelId,
    version: 1,
    shutdownAt: '2020-01-01',
    successor: { modelId: wide.spec.modelId, version: 1 },
  });
  const raw = new Database(dbPath);
  raw.exec(`INSERT INTO backups (backup, plan, node_id, content_hash) VALUES (900 << 32, 900, 'a', '')`);
  raw.close();
  const { findings } = await manager.diagnose();
  expect(findings.map(({ code, severity, count }) => [code, severity, count])).toEqual([
    ['MODEL_SHUT_DOWN', 'error', 40],
    ['STRAY_BACKUPS', 'warning', 1],
    ['PLAN_STUCK', 'note', 1],
  ]);
  await manager.resumeMigration(planId);
  const stuck = (await manager.diagnose()).findings.find(({ code }) => code === 'PLAN_STUCK');
  expect(stuck).toMatchObject({ severity: 'warning', planId });
});

it('an embedder that does not answer is a finding, an abort ends it', async () => {
  let isDown = false;
  const flaky: Embedder = {
    spec,
    embed: async (given, o) => {
      if (isDown) throw new Error('connection refused');
      return embedder.embed(given, o);
    },
  };
  const { manager } = await openClinic([flaky]);
  isDown = true;
  const { findings } = await manager.diagnose();
  expect(findings.map(({ code }) => code)).toEqual(['EMBEDDER_FAILED']);
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(manager.diagnose({ signal })).rejects.toThrow('enough');
  await expect(manager.diagnose({ sampleSize: -1 })).rejects.toMatchObject({ code: 'SPEC_INVALID' });
});
