/** What a migration would take: counted, measured, and written down nowhere. */
import { statSync } from 'node:fs';
import { EmbedderError } from '@registry/core';
import { expectedVector, ManualClock, testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, rowsOf, textOf } from '../scene.ts';

const fields = { modelId: 'new-model', dimension: 12 };
const counting = (exact = true) => testEmbedder({ ...fields, countsTokens: { exact } });
const TOKENS = 6;

describe('an estimate', () => {
  it('counts nodes by their models, texts, tokens and dollars, and writes nothing', async () => {
    const { manager, store, to, dbPath, nodesPath, target, old } = await openScene({
      nodes: 30,
      target: counting(),
    });
    const { modelId, version } = target.spec;
    await manager.updateModel({ modelId, version, pricePerMillionTokens: 0.5 });
    const vector = expectedVector(old.spec, 'x');
    await store.upsert([
      { id: 'bare', content: textOf(100) },
      { id: 'foreign', content: textOf(101), vector, ...old.spec.info, embeddingModelId: 'gone' },
      { id: 'empty', content: '' },
    ]);
    const before = [rowsOf(dbPath), rowsOf(nodesPath)];
    const found = await manager.estimateMigration(to);
    expect([rowsOf(dbPath), rowsOf(nodesPath)]).toEqual(before);
    expect(found).toMatchObject({
      nodes: 33,
      atTarget: 0,
      missing: 0,
      withoutContent: 1,
      strategy: 'inPlace',
    });
    expect(found.sources.map(({ source, nodes }) => [source?.embeddingModelId, nodes])).toEqual([
      ['old-model', 30],
      [undefined, 2],
      ['gone', 1],
    ]);
    const exact = (value: number) => ({ value, low: value, high: value, basis: 'exact' });
    expect(found.distinctTexts).toEqual(exact(32));
    expect(found.textsToEmbed).toEqual(exact(32));
    expect(found.tokens).toEqual(exact(32 * TOKENS));
    expect(found.dollars?.value).toBeCloseTo((32 * TOKENS * 0.5) / 1e6, 12);
    expect(found).not.toHaveProperty('cachedTexts');
    expect(found.sample).toEqual({ texts: 12, calls: 5 });
    expect(target.textsSeen).toHaveLength(12);
    expect(new Set(target.textsSeen).size).toBe(12);
    // It foretells what the plan then sends.
    const { planId } = await manager.createMigration({ ...to, spendCap: { tokens: 1_000_000 } });
    const words = target.witnessCalls[0]!.texts.map((text) => text.split(/\s+/).length);
    const witness = words.reduce((sum, count) => sum + count);
    expect(await manager.runMigration(planId)).toMatchObject({
      totalNodes: 33,
      failedNodes: 1,
      spentTokens: found.tokens!.value + witness,
    });
  });

  it('takes the selections of createMigration', async () => {
    const { manager, to, target, store } = await openScene({ nodes: 10 });
    const [done] = embeddedNodes(target.spec, 1, 20);
    await store.upsert([done!]);
    expect((await manager.estimateMigration({ ...to, where: { parity: 'odd' } })).nodes).toBe(5);
    const listed = [nodeId(1), nodeId(2), nodeId(1), 'nobody', nodeId(20)];
    expect(await manager.estimateMigration({ ...to, nodeIds: listed })).toMatchObject({
      nodes: 2,
      missing: 1,
      atTarget: 1,
    });
    const none = await manager.estimateMigration({ ...to, nodeIds: [nodeId(20)] });
    expect(none).toMatchObject({ nodes: 0, atTarget: 1, sample: { texts: 0, calls: 0 } });
    const error = await refusalOf(manager.estimateMigration({ targetModelId: 'nobody', targetVersion: 1 }));
    expect(error.code).toBe('MODEL_UNKNOWN');
  });

  it('counts an equal text once in each batch, or once where a cache keeps it', async () => {
    const target = counting();
    const { manager, store, to, old } = await openScene({ nodes: 0, target });
    const equal = (from: number) =>
      embeddedNodes(old.spec, 4, from).map((node) => ({ ...node, content: textOf(0) }));
    await store.upsert([...equal(0), ...equal(4), ...embeddedNodes(old.spec, 4, 8)]);
    const found = await manager.estimateMigration({ ...to, batchSize: 4 });
    expect(found.distinctTexts.value).toBe(5);
    expect(found.textsToEmbed).toEqual({ value: 6, low: 5, high: 12, basis: 'estimated' });
    expect(found.tokens).toMatchObject({ value: 6 * TOKENS, low: 5 * TOKENS, high: 12 * TOKENS });
    target.cached = async (texts) => texts.map((text) => text === textOf(9));
    const cached = await manager.estimateMigration({ ...to, batchSize: 4 });
    expect(cached.textsToEmbed).toMatchObject({ value: 4, low: 4, high: 4, basis: 'exact' });
    expect([cached.cachedTexts?.value, cached.tokens?.value]).toEqual([1, 4 * TOKENS]);
  });

  it('says how sure it is of tokens', async () => {
    const estimating = await openScene({ nodes: 20, target: counting(false) });
    const found = await estimating.manager.estimateMigration(estimating.to);
    expect(found.tokens).toMatchObject({ value: 20 * TOKENS, basis: 'estimated' });
    expect(found.tokens?.low).toBeLessThan(20 * TOKENS * 0.7);
    expect(found.tokens?.high).toBeGreaterThan(20 * TOKENS * 1.3);
    const silent = await openScene({ nodes: 20 });
    expect(await silent.manager.estimateMigration(silent.to)).not.toHaveProperty('tokens');
    const { modelId, version } = silent.target.spec;
    await silent.manager.updateModel({ modelId, version, pricePerMillionTokens: 1 });
    const { tokens } = await silent.manager.estimateMigration(silent.to);
    expect(tokens?.basis).toBe('estimated');
    expect(tokens?.low).toBeLessThan(20 * TOKENS);
    expect(tokens?.high).toBeGreaterThan(20 * TOKENS);
  });

  it('goes on without an embedder, and says why where it fails', async () => {
    const { open, to, manager, target } = await openScene({ nodes: 4 });
    const without = await open({ embedders: [] });
    const found = await without.estimateMigration(to);
    expect(found).toMatchObject({ nodes: 4, sample: { texts: 0, calls: 0 } });
    expect(found).not.toHaveProperty('seconds');
    target.onCall = () => {
      throw new EmbedderError('fatal', 'The key was refused.');
    };
    const failed = await manager.estimateMigration(to);
    expect(failed.sample).toMatchObject({ texts: 1, calls: 1, problem: { message: 'The key was refused.' } });
    expect(failed).not.toHaveProperty('seconds');
    target.onCall = undefined;
    const unasked = await manager.estimateMigration({ ...to, sampleSize: 0 });
    expect(unasked.sample).toEqual({ texts: 0, calls: 0 });
  });

  it('tells space by the bytes that are there: the registry grows as foretold', async () => {
    const dimension = 384;
    const { manager, to, dbPath, store, old } = await openScene({
      nodes: 0,
      target: testEmbedder({ ...fields, dimension: 768 }),
    });
    const vector = new Float32Array(dimension).fill(0.5);
    await manager.registerModel({ modelId: 'wide', version: 1, dimension, checksum: 'w' });
    const info = { embeddingModelId: 'wide', embeddingVersion: 1, embeddingChecksum: 'w' };
    await store.upsert(embeddedNodes(old.spec, 600).map((node) => ({ ...node, ...info, vector })));
    const found = await manager.estimateMigration(to);
    expect(found.storeBytes.value).toBe(600 * (768 - 384) * 4);
    const size = () => statSync(dbPath).size + statSync(`${dbPath}-wal`, { throwIfNoEntry: false })!.size;
    const before = size();
    const { planId } = await manager.createMigration(to);
    await manager.runMigration(planId);
    await manager.close();
    const growth = statSync(dbPath).size - before;
    expect(growth).toBeGreaterThan(found.registryBytes.low - 200_000);
    expect(growth).toBeLessThan(found.registryBytes.high);
  });

  it('warns of the end of the target and of what made the nodes', async () => {
    const clock = new ManualClock();
    const { manager, to, old, target } = await openScene({ nodes: 3, clock });
    await manager.updateModel({ modelId: old.spec.modelId, version: 1, shutdownAt: '2026-01-11' });
    await manager.updateModel({ modelId: target.spec.modelId, version: 1, shutdownAt: '2026-03-01' });
    const found = await clock.runUntil(manager.estimateMigration(to));
    expect(found.calendar.map(({ modelId, daysLeft, nodes }) => [modelId, daysLeft, nodes])).toEqual([
      ['old-model', 10, 3],
      ['new-model', 59, 3],
    ]);
  });
});

describe('the time of an estimate', () => {
  /** A call takes 200 ms and 10 ms for each of its texts. */
  async function timed(settings: object, limits = {}, isSerial = false) {
    const clock = new ManualClock();
    const target = testEmbedder({ ...fields, limits });
    let busy: Promise<unknown> = Promise.resolve();
    target.onCall = async (texts) => {
      const take = () => clock.sleep(200 + 10 * texts.length);
      if (!isSerial) return void (await take());
      busy = busy.then(take);
      await busy;
    };
    const { manager, to } = await openScene({ nodes: 400, target, clock });
    const pace = { batchSize: 100, throttleMs: 0, maxParallelWorkers: 2, ...settings };
    const found = await clock.runUntil(manager.estimateMigration({ ...to, ...pace }));
    expect(found.seconds?.low).toBeLessThan(found.seconds?.value ?? 0);
    expect(found.seconds?.high).toBeGreaterThan(found.seconds?.value ?? 0);
    // Four batches, each of which waits for the disk.
    return (found.seconds?.value ?? 0) - 4 * 0.02;
  }

  it('is of batches, lanes and limits', async () => {
    expect(await timed({ maxParallelWorkers: 1 })).toBeCloseTo(4 * 1.2, 1);
    expect(await timed({})).toBeCloseTo(2 * 1.2, 1);
    expect(await timed({}, { texts: 25 })).toBeCloseTo(2 * (4 * 0.2 + 1), 1);
    expect(await timed({}, { concurrency: 1 })).toBeCloseTo(4 * 1.2, 1);
  });

  it('sees that an embedder does one thing after the other', async () => {
    expect(await timed({}, {}, true)).toBeCloseTo(4 * 1.2, 0);
  });

  it('counts the rest of lanes', async () => {
    expect(await timed({ throttleMs: 3_000 })).toBeCloseTo(2 * (1.2 + 3), 1);
    expect(await timed({ dutyCycle: 0.25 })).toBeCloseTo(2 * 1.2 * 4, 1);
  });
});
