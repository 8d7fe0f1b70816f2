import assert from 'node:assert/strict';
import { EmbeddingModelSpec } from '../../model/model-spec.ts';
import type { WitnessSample } from '../../model/witness.ts';
import { nodeIds, refused, type SceneCase } from './scene.ts';

const samples: readonly WitnessSample[] = [
  { text: 'b, given first', vector: Float32Array.of(0.25, -0, 1e-40, 3) },
  { text: 'a, ünïcode 🎉\n', vector: Float32Array.of(1, 2, 3, 4) },
];
const others: readonly WitnessSample[] = [{ text: 'c', vector: Float32Array.of(4, 3, 2, 1) }];

/** Witnesses: kept byte for byte, the first one for good; and backups that no plan wants. */
export const witnessCases: Readonly<Record<string, SceneCase>> = {
  'keeps a witness byte for byte, with its time': async ({ store, second, clock, target, old }) => {
    assert.equal(await store.witness(target), undefined);
    assert.equal(await store.putWitness(target, samples), true);
    const witness = { madeAt: new Date(clock.now()).toISOString(), samples };
    assert.deepEqual(await second.witness(target), witness);
    assert.equal(await store.witness(old), undefined);
    assert.equal(await store.witness({ modelId: 'nobody', version: 1 }), undefined);
  },

  'keeps packed bits': async ({ store }) => {
    const spec = new EmbeddingModelSpec({
      modelId: 'bits',
      version: 1,
      dimension: 12,
      checksum: 'c',
      datatype: 'bit',
    });
    await store.putModel({ spec, notes: {}, activate: false, allowLowerVersion: false });
    const packed = [{ text: 't', vector: Uint8Array.of(0xff, 0x10) }];
    await store.putWitness(spec, packed);
    const kept = (await store.witness(spec))?.samples[0]?.vector;
    assert.deepEqual(kept && [...kept], [0xff, 0x10]);
  },

  'keeps the first witness, until it is told to replace it': async ({ store, second, clock, target }) => {
    await store.putWitness(target, samples);
    const first = await store.witness(target);
    await clock.advance(1000);
    assert.equal(await second.putWitness(target, others), false);
    assert.deepEqual(await store.witness(target), first);
    assert.equal(await store.putWitness(target, [], { replace: true }), false);
    assert.equal(await second.putWitness(target, others, { replace: true }), true);
    assert.deepEqual((await store.witness(target))?.samples, others);
    const actions = (await store.journal()).items.map(({ action }) => action);
    assert.deepEqual(actions.slice(0, 2), ['model:rewitnessed', 'model:witnessed']);
  },

  'keeps no witness of a model that is not registered so': async ({ store, target }) => {
    await refused(
      store.putWitness({ modelId: 'nobody', version: 1, checksum: 'c' }, samples),
      'MODEL_UNKNOWN',
    );
    const { modelId, version } = target;
    await refused(store.putWitness({ modelId, version, checksum: 'other' }, samples), 'MODEL_UNKNOWN');
    assert.equal(await store.witness(target), undefined);
  },

  'lets a witness go with its model': async ({ store, other }) => {
    await store.putWitness(other, samples);
    await store.deleteModel(other);
    assert.equal(await store.witness(other), undefined);
    await store.putModel({ spec: other, notes: {}, activate: false, allowLowerVersion: false });
    assert.equal(await store.witness(other), undefined);
  },

  'tells the backups that a finalized plan has left': async (scene) => {
    const { store, second } = scene;
    const { planId: kept } = await scene.plan(nodeIds(3));
    await scene.finish(kept);
    const { planId } = await scene.plan(nodeIds(5, 11));
    await scene.finish(planId);
    assert.deepEqual(await store.strayBackups(), []);
    await store.markFinalized(planId);
    assert.deepEqual(await second.strayBackups(), [{ planId, count: 5 }]);
    await store.dropBackups(planId, 3);
    assert.deepEqual(await store.strayBackups(), [{ planId, count: 2 }]);
    while (!(await store.dropBackups(planId, 3)));
    assert.deepEqual(await store.strayBackups(), []);
  },
};
