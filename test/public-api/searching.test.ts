/** A search over nodes of several models: each is asked in its own space, and the lists are fused by rank. */

import { testEmbedder } from '@registry/core/testing';
import { hashedNgram } from '@registry/embedders';
import { describe, expect, it } from 'vitest';
import { embeddedNodes, nodeId, openScene, refusalOf, storeWith, textOf } from '../scene.ts';

describe('searching', () => {
  it('asks each model over its own nodes only, with the query as that model embeds it', async () => {
    const asked: { at: string; length: number }[] = [];
    const wrap = (store: Awaited<ReturnType<typeof openScene>>['store']) =>
      storeWith(store, {
        search: async (vector, options) => {
          asked.push({ at: options.at.embeddingModelId, length: vector.length });
          return store.search(vector, options);
        },
      });
    const { manager, store, old, target } = await openScene({ nodes: 10, wrap });
    await store.upsert(embeddedNodes(target.spec, 4));
    const hits = await manager.searchAcrossModels(textOf(2), { k: 10 });
    expect(asked.sort((a, b) => a.length - b.length)).toEqual([
      { at: 'old-model', length: 8 },
      { at: 'new-model', length: 12 },
    ]);
    expect([...old.calls, ...target.calls].map(({ purpose, texts }) => [purpose, texts])).toEqual([
      ['query', [textOf(2)]],
      ['query', [textOf(2)]],
    ]);
    for (const { nodeId: id, info } of hits) {
      const node = await store.get(id);
      expect(node).toMatchObject(info);
    }
    expect(new Set(hits.map(({ nodeId: id }) => id)).size).toBe(10);
  });

  it('fuses by reciprocal rank, and puts the active model first where ranks are equal', async () => {
    const { manager, store, old, target, to } = await openScene({ nodes: 10 });
    await store.upsert(embeddedNodes(target.spec, 5));
    const order = async () =>
      (await manager.searchAcrossModels('anything', { k: 4 })).map(({ info, score }) => [
        info.embeddingModelId,
        score,
      ]);
    const [first, second] = [1 / 61, 1 / 62];
    expect(await order()).toEqual([
      ['old-model', first],
      ['new-model', first],
      ['old-model', second],
      ['new-model', second],
    ]);
    await manager.switchActiveModel({ ...to, migrateExisting: false });
    expect((await order()).map(([name]) => name)).toEqual([
      'new-model',
      'old-model',
      'new-model',
      'old-model',
    ]);
    expect(old.spec.modelId).toBe('old-model');
  });

  it('finds a text at every point of a migration', async () => {
    const target = hashedNgram({ dimension: 64 });
    const { manager, store, old, open } = await openScene({ nodes: 12 });
    await manager.registerModel(target.spec.toJSON());
    const both = await open({ embedders: [old, target] });
    const { modelId: targetModelId, version: targetVersion } = target.spec;
    const plan = await both.switchActiveModel({
      targetModelId,
      targetVersion,
      migrateExisting: true,
      batchSize: 4,
      throttleMs: 0,
      maxParallelWorkers: 1,
    });
    const nearest = async () => {
      const hits = await both.searchAcrossModels(textOf(5), { k: 2 });
      return hits.map(({ nodeId: id }) => id);
    };
    const seen: string[][] = [await nearest()];
    for (let stop = 0; stop < 2; stop++) {
      const stopping = new AbortController();
      const off = both.on('batch:settled', () => stopping.abort());
      await both.runMigration(plan!.planId, { signal: stopping.signal });
      off();
      seen.push(await nearest());
    }
    await both.runMigration(plan!.planId);
    seen.push(await nearest());
    for (const ids of seen) expect(ids).toContain(nodeId(5));
    expect(await store.countByModel()).toEqual([{ info: target.spec.info, count: 12 }]);
  });

  it.each(['forward', 'back'])('finds a node once that moves %s between two searches', async (direction) => {
    let between = async () => {};
    const wrap = (store: Awaited<ReturnType<typeof openScene>>['store']) =>
      storeWith(store, {
        search: async (vector, options) => {
          const hits = await store.search(vector, options);
          await between();
          return hits;
        },
      });
    const { manager, store, to, open } = await openScene({ nodes: 12, wrap });
    const other = await open();
    const pace = { batchSize: 4, throttleMs: 0, maxParallelWorkers: 1 };
    const { planId } = (await manager.switchActiveModel({ ...to, migrateExisting: true, ...pace }))!;
    const stopping = new AbortController();
    manager.on('batch:settled', () => stopping.abort());
    await manager.runMigration(planId, { signal: stopping.signal });
    expect(await store.countByModel()).toHaveLength(2);
    // Begun, and left to whoever works.
    if (direction === 'back') await other.rollbackMigration({ planId, signal: AbortSignal.abort() });
    between = async () => {
      between = async () => {};
      await other.runMigration(planId);
    };
    const ids = (await manager.searchAcrossModels(textOf(2), { k: 20 })).map((hit) => hit.nodeId);
    expect(ids.sort()).toEqual(Array.from({ length: 12 }, (_, index) => nodeId(index)));
  });

  it('heeds a filter', async () => {
    const { manager } = await openScene({ nodes: 10 });
    const hits = await manager.searchAcrossModels(textOf(0), { k: 10, where: { parity: 'even' } });
    expect(hits.map(({ nodeId: id }) => id).sort()).toEqual([0, 2, 4, 6, 8].map(nodeId));
  });

  it('leaves nodes without a vector out, and asks nobody where there are none', async () => {
    const { manager, store, old } = await openScene({ nodes: 0 });
    await store.insert({ id: 'waiting', content: 'words' });
    expect(await manager.searchAcrossModels('words', { k: 3 })).toEqual([]);
    expect(old.calls).toEqual([]);
  });

  it('asks once for nodes with and without a checksum in their stamp', async () => {
    const { manager, store, old } = await openScene({ nodes: 2 });
    const [node] = embeddedNodes(old.spec, 1, 7);
    await store.insert({ ...node!, embeddingChecksum: '' });
    const hits = await manager.searchAcrossModels(textOf(7), { k: 5 });
    expect(hits.map(({ nodeId: id }) => id).sort()).toEqual([nodeId(0), nodeId(1), nodeId(7)]);
    expect(old.calls).toHaveLength(1);
  });

  it('says which embedder or model is missing rather than leave nodes out', async () => {
    const { open, store, target, manager } = await openScene({ nodes: 2 });
    const poor = await open({ embedders: [target] });
    const missing = await refusalOf(poor.searchAcrossModels('query', { k: 1 }));
    expect(missing.code).toBe('EMBEDDER_MISSING');
    expect(missing.message).toContain('old-model');
    const stranger = testEmbedder({ modelId: 'stranger', dimension: 5 });
    await store.insert(embeddedNodes(stranger.spec, 3, 20));
    const unknown = await refusalOf(manager.searchAcrossModels('query', { k: 1 }));
    expect(unknown.code).toBe('MODEL_UNKNOWN');
    expect(unknown.message).toMatch(/3 nodes.*stranger:v1/);
  });

  it('is refused by a store that cannot', async () => {
    const { open, store } = await openScene({ nodes: 1 });
    const { search: _, ...without } = storeWith(store, {});
    const manager = await open({ nodeStore: without });
    expect((await refusalOf(manager.searchAcrossModels('query', { k: 1 }))).code).toBe('STRATEGY_UNSUITABLE');
  });

  it.each([
    ['', { k: 1 }],
    [undefined, { k: 1 }],
    [['a'], { k: 1 }],
    ['query', { k: 0 }],
    ['query', {}],
    ['query', undefined],
    ['query', { k: 1, where: { a: null } }],
    ['query', { k: 1, limit: 3 }],
  ])('for %j with %j is refused', async (query, options) => {
    const { manager } = await openScene({ nodes: 1 });
    expect((await refusalOf(manager.searchAcrossModels(query as never, options as never))).code).toBe(
      'SPEC_INVALID',
    );
  });

  it('ends with the caller’s reason when it is aborted', async () => {
    const { manager } = await openScene({ nodes: 1 });
    const reason = new Error('typed on');
    await expect(
      manager.searchAcrossModels('query', { k: 1, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});
