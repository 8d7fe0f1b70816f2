/** Declaring which model made vectors that carry no stamp: checked first, and no vector is changed. */
import { EmbedderError } from '@registry/core';
import { type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import {
  embeddedNodes,
  nodeId,
  openScene,
  refusalOf,
  type Scene,
  storeWith,
  textOf,
  vectorsOf,
} from '../scene.ts';

const old = { modelId: 'old-model', version: 1 };

/** A store whose vectors were made by `maker` and carry no stamp. */
async function openUnstamped(
  count: number,
  maker: TestEmbedder = testEmbedder({ modelId: 'old-model', dimension: 8 }),
): Promise<Scene> {
  const scene = await openScene({ nodes: 0 });
  const bare = ({ id, content, vector, metadata }: ReturnType<typeof embeddedNodes>[0]) => ({
    id,
    content,
    vector,
    metadata,
  });
  await scene.store.insert(embeddedNodes(maker.spec, count).map(bare));
  return scene;
}

const bytesOf = async ({ store }: Scene) =>
  (await vectorsOf(store)).map((node) => (node as { vector?: string }).vector);

describe('stamping', () => {
  it('writes stamps and hashes, and leaves every vector as it is', async () => {
    const scene = await openUnstamped(40);
    const before = await bytesOf(scene);
    expect(await scene.manager.stampNodes(old)).toEqual({ stamped: 40, skipped: 0 });
    expect(await bytesOf(scene)).toEqual(before);
    expect(await scene.store.countByModel()).toEqual([{ info: scene.old.spec.info, count: 40 }]);
    const [node] = await scene.store.read([nodeId(3)]);
    expect(node?.embeddedHash).toBe(node?.contentHash);
    expect(scene.old.textsSeen).toHaveLength(16);
    expect(new Set(scene.old.calls.map(({ purpose }) => purpose))).toEqual(new Set(['document']));
    expect(
      (await scene.manager.createMigration({ targetModelId: 'old-model', targetVersion: 1 })).totalNodes,
    ).toBe(0);
  });

  it('is refused where the model makes other vectors of the contents, and then changes nothing', async () => {
    const scene = await openUnstamped(20, testEmbedder({ modelId: 'somebody-else', dimension: 8 }));
    const before = await vectorsOf(scene.store);
    const error = await refusalOf(scene.manager.stampNodes(old));
    expect(error).toMatchObject({ code: 'STAMP_MISMATCH', details: { sample: 16 } });
    expect(error.message).toMatch(/16 of 16 stored vectors.*migrate the nodes/);
    expect(JSON.stringify(error)).not.toContain('text of node');
    expect(await vectorsOf(scene.store)).toEqual(before);
  });

  it('is refused where the vectors have another length', async () => {
    const scene = await openUnstamped(3, testEmbedder({ modelId: 'old-model', dimension: 9 }));
    expect((await refusalOf(scene.manager.stampNodes(old))).code).toBe('STAMP_MISMATCH');
  });

  it('leaves vectors unstamped that are seen to be of another text', async () => {
    const scene = await openUnstamped(16);
    const nodes = embeddedNodes(scene.old.spec, 16);
    for (const index of [2, 9]) {
      const { id, vector } = nodes[index]!;
      await scene.store.upsert({ id, vector, content: 'edited' });
    }
    // What is seen to be of another text is left for a plan to embed anew.
    expect(await scene.manager.stampNodes(old)).toEqual({ stamped: 14, skipped: 2 });
  });

  it('takes no edited text for the one that its vector was made of', async () => {
    const scene = await openUnstamped(40);
    for (let index = 0; index < 20; index++)
      await scene.store.update(nodeId(index), { content: `edited ${index}` });
    expect(await scene.manager.stampNodes(old)).toEqual({ stamped: 40, skipped: 0 });
    expect(scene.old.textsSeen).not.toContain('edited 3');
    const plan = await scene.manager.createMigration({ targetModelId: 'old-model', targetVersion: 1 });
    expect(plan.totalNodes).toBe(20);
  });

  it('goes unchecked with sampleSize 0, and only then; it needs no embedder', async () => {
    const scene = await openUnstamped(5, testEmbedder({ modelId: 'somebody-else', dimension: 8 }));
    const manager = await scene.open({ embedders: [] });
    expect((await refusalOf(manager.stampNodes(old))).code).toBe('EMBEDDER_MISSING');
    expect(await manager.stampNodes({ ...old, sampleSize: 0 })).toEqual({ stamped: 5, skipped: 0 });
  });

  it('is refused where there is no content to check a vector against', async () => {
    const scene = await openUnstamped(0);
    await scene.store.insert({ id: 'mute', content: '', vector: new Float32Array(8).fill(1) });
    const error = await refusalOf(scene.manager.stampNodes(old));
    expect(error.code).toBe('CONTENT_MISSING');
    expect(error.message).toContain('sampleSize: 0');
    expect((await scene.manager.stampNodes({ ...old, sampleSize: 0 })).stamped).toBe(1);
  });

  it('skips nodes without a vector and those that have a stamp', async () => {
    const scene = await openUnstamped(3);
    await scene.store.insert({ id: 'waiting', content: 'no vector yet' });
    await scene.store.insert(embeddedNodes(scene.target.spec, 2, 10));
    expect(await scene.manager.stampNodes(old)).toEqual({ stamped: 3, skipped: 3 });
    expect(await scene.manager.stampNodes(old)).toEqual({ stamped: 0, skipped: 3 });
    expect((await scene.store.get('waiting'))?.embeddingModelId).toBeUndefined();
    expect((await scene.store.get(nodeId(10)))?.embeddingModelId).toBe('new-model');
  });

  it('takes a list, an iterator that gives its ids once, or a filter', async () => {
    const scene = await openUnstamped(1_203);
    async function* ids() {
      for (let index = 0; index < 600; index++) yield nodeId(index);
    }
    expect(await scene.manager.stampNodes({ ...old, nodeIds: ids() })).toEqual({ stamped: 600, skipped: 0 });
    const list = [nodeId(600), nodeId(600), nodeId(601), 'absent'];
    expect(await scene.manager.stampNodes({ ...old, nodeIds: list })).toEqual({ stamped: 2, skipped: 1 });
    expect(await scene.manager.stampNodes({ ...old, where: { parity: 'odd' } })).toEqual({
      stamped: 300,
      skipped: 0,
    });
    expect((await scene.manager.stampNodes(old)).stamped).toBe(301);
  });

  it('that was aborted is gone on with by the next call', async () => {
    const scene = await openUnstamped(1_300);
    const aborting = new AbortController();
    let writes = 0;
    const nodeStore = storeWith(scene.store, {
      write: async (writing) => {
        if (++writes === 2) aborting.abort(new Error('stopped by hand'));
        return scene.store.write(writing);
      },
    });
    const manager = await scene.open({ nodeStore });
    await expect(manager.stampNodes({ ...old, signal: aborting.signal })).rejects.toThrow('stopped by hand');
    const [stamped] = (await scene.store.countByModel()).filter(({ info }) => info !== undefined);
    expect(stamped?.count).toBe(1_000);
    expect(await manager.stampNodes(old)).toEqual({ stamped: 300, skipped: 0 });
  });

  it('leaves a node alone that is edited meanwhile', async () => {
    const scene = await openUnstamped(3);
    const nodeStore = storeWith(scene.store, {
      write: async (writing) => {
        await scene.store.update(nodeId(1), { content: 'edited meanwhile' });
        return scene.store.write(writing);
      },
    });
    const manager = await scene.open({ nodeStore });
    expect(await manager.stampNodes(old)).toEqual({ stamped: 2, skipped: 1 });
    expect((await scene.store.get(nodeId(1)))?.embeddingModelId).toBeUndefined();
  });

  it('is refused where the embedder fails, and tells its kind', async () => {
    const scene = await openUnstamped(3);
    scene.old.onCall = () => {
      throw new EmbedderError('fatal', `No key for ${textOf(0)}`);
    };
    const error = await refusalOf(scene.manager.stampNodes(old));
    expect(error).toMatchObject({ code: 'EMBEDDER_FAILED', kind: 'fatal' });
    expect(error.message).not.toContain('text of node');
  });

  it.each([
    [{ sampleSize: -1 }],
    [{ sampleSize: 2.5 }],
    [{ nodeIds: 'xyz' }],
    [{ nodeIds: ['a'], where: { parity: 'odd' } }],
    [{ sample: 3 }],
  ])('is not to be had with %j', async (change) => {
    const { manager } = await openUnstamped(1);
    expect((await refusalOf(manager.stampNodes({ ...old, ...change } as never))).code).toBe('SPEC_INVALID');
  });
});
