import assert from 'node:assert/strict';
import { EmbeddingModelSpec } from '../../model/model-spec.ts';
import { nodeIds, refused, type SceneCase } from './scene.ts';

/** Models: what is fixed, what may change, and which one is active. */
export const modelCases: Readonly<Record<string, SceneCase>> = {
  'registers a model with its notes': async ({ store, clock, second }) => {
    const spec = new EmbeddingModelSpec({
      modelId: 'nomic-embed-text:latest',
      version: 3,
      dimension: 16,
      checksum: 'hash',
      datatype: 'bit',
    });
    const notes = {
      name: 'Nömic "v3"',
      pricePerMillionTokens: 0.02,
      successor: { modelId: 'x', version: 1 },
    };
    const model = await store.putModel({ spec, notes, activate: false, allowLowerVersion: false });
    assert.deepEqual(model.toJSON(), {
      ...spec.toJSON(),
      ...notes,
      createdAt: new Date(clock.now()).toISOString(),
      isActive: false,
    });
    const listed = (await second.models()).find(({ modelId }) => modelId === spec.modelId);
    assert.deepEqual(listed, model);
  },

  'keeps a model and its notes when it is registered again': async ({ store, old, clock }) => {
    const put = { spec: old, activate: false, allowLowerVersion: false };
    const before = (await store.putNotes(old, { name: 'first' })).toJSON();
    await clock.advance(1000);
    assert.deepEqual((await store.putModel({ ...put, notes: { name: 'second' } })).toJSON(), before);
    const known = (await store.journal()).items.length;
    await store.putModel({ ...put, notes: {} });
    assert.equal((await store.journal()).items.length, known);
  },

  'refuses another specification of a model, field by field': async ({ store, target }) => {
    const before = await store.models();
    const fields = target.toJSON();
    const changes = [
      ['checksum', { checksum: 'another' }],
      ['dimension', { dimension: 8 }],
      ['datatype', { datatype: 'bit', distance: 'hamming' }],
      ['distance', { distance: 'dot' }],
    ] as const;
    for (const [field, change] of changes) {
      const spec = new EmbeddingModelSpec({ ...fields, ...change });
      for (const activate of [false, true]) {
        const put = store.putModel({ spec, notes: {}, activate, allowLowerVersion: true });
        assert.equal((await refused(put, 'MODEL_CONFLICT')).details.field, field);
      }
    }
    assert.deepEqual(await store.models(), before);
  },

  'lets the versions of a model grow, and fall only on request': async ({ store, target }) => {
    const put = (version: number, allowLowerVersion = false) =>
      store.putModel({
        spec: new EmbeddingModelSpec({ ...target.toJSON(), version, checksum: `v${version}` }),
        notes: {},
        activate: false,
        allowLowerVersion,
      });
    assert.equal((await put(7)).version, 7);
    await refused(put(5), 'MODEL_CONFLICT');
    assert.equal((await put(5, true)).version, 5);
    assert.equal((await put(8)).version, 8);
  },

  'changes the notes that are named, and no others': async ({ store, old }) => {
    await store.putNotes(old, { name: 'a', description: 'b', successor: { modelId: 'x', version: 1 } });
    const model = await store.putNotes(old, { name: 'c', successor: { modelId: 'y', version: 2 } });
    const { name, description, successor } = model;
    assert.deepEqual(
      { name, description, successor },
      { name: 'c', description: 'b', successor: { modelId: 'y', version: 2 } },
    );
    assert.equal(model.equals(old), true);
    await refused(store.putNotes({ modelId: 'model', version: 9 }, {}), 'MODEL_UNKNOWN');
  },

  'has one active model': async ({ store, second, old, target }) => {
    assert.equal((await store.activate(target)).isActive, true);
    const active = (await second.models()).filter((model) => model.isActive);
    assert.deepEqual(
      active.map((model) => model.version),
      [target.version],
    );
    const known = (await store.journal()).items.length;
    await store.activate(target);
    assert.equal((await store.journal()).items.length, known, 'activating again is not journalled');
    await store.putModel({ spec: old, notes: {}, activate: true, allowLowerVersion: false });
    assert.equal((await store.models()).find((model) => model.isActive)?.version, old.version);
    await refused(store.activate({ modelId: 'model', version: 9 }), 'MODEL_UNKNOWN');
  },

  'removes no model that is active or unknown': async ({ store, old, other }) => {
    await refused(store.deleteModel(old), 'MODEL_IN_USE');
    await refused(store.deleteModel({ modelId: 'model', version: 9 }), 'MODEL_UNKNOWN');
    await store.deleteModel(other);
    await refused(store.deleteModel(other), 'MODEL_UNKNOWN');
    await store.putModel({ spec: other, notes: { name: 'back' }, activate: false, allowLowerVersion: false });
    assert.equal((await store.models()).find(({ modelId }) => modelId === 'other')?.name, 'back');
  },

  'removes no model while a plan can still need it': async (scene) => {
    const { store, old, target, other } = scene;
    const creation = await store.createPlan(scene.draft());
    await refused(store.deleteModel(target), 'MODEL_IN_USE');
    await scene.addNodes(creation, nodeIds(3));
    const { planId } = await store.sealPlan(creation);
    await store.activate(other);
    for (const model of [old, target]) await refused(store.deleteModel(model), 'MODEL_IN_USE');
    await scene.finish(planId);
    await refused(store.deleteModel(old), 'MODEL_IN_USE');
    await scene.rollBack(planId);
    await store.deleteModel(target);
    await store.deleteModel(old);
    const plan = await scene.read(planId);
    assert.deepEqual(plan.targetSpec.toJSON(), target.toJSON());
  },

  'removes a model that only finalized plans name': async (scene) => {
    const { store, target } = scene;
    const { planId } = await scene.plan(nodeIds(2));
    await scene.finish(planId);
    await store.markFinalized(planId);
    await store.deleteModel(target);
    await refused(store.cutOver(planId, true), 'MODEL_UNKNOWN');
  },

  'keeps what was active before as long as a rollback can restore it': async (scene) => {
    const { store, old, target } = scene;
    const { planId } = await scene.plan(nodeIds(2), { source: scene.other, activate: true });
    assert.deepEqual((await scene.read(planId)).previousActive, { modelId: 'model', version: 1 });
    await refused(store.deleteModel(old), 'MODEL_IN_USE');
    await refused(store.deleteModel(target), 'MODEL_IN_USE');
  },

  'journals a stamping when it begins and when it ends': async (scene) => {
    const { store, other, old } = scene;
    await store.noteStamping(old);
    await store.noteStamping(old, { stamped: 3, skipped: 1, interrupted: false });
    const { items } = await store.journal({ limit: 2 });
    assert.deepEqual(
      items.map(({ action, model, details }) => [action, model?.version, details]),
      [
        ['nodes:stamped', old.version, { stamped: 3, skipped: 1, interrupted: false }],
        ['nodes:stamping', old.version, {}],
      ],
    );
    await refused(store.noteStamping({ ...other, version: 99 }), 'MODEL_UNKNOWN');
    await store.noteStamping(undefined);
    await store.noteStamping(undefined, { stamped: 2, skipped: 0, interrupted: true });
    const { items: taken } = await store.journal({ limit: 2 });
    assert.deepEqual(
      taken.map(({ action, model, details }) => [action, model, details]),
      [
        ['nodes:unstamped', undefined, { unstamped: 2, skipped: 0, interrupted: true }],
        ['nodes:unstamping', undefined, {}],
      ],
    );
  },

  'journals what notes were and are, and nothing where they stay': async (scene) => {
    const { store, old } = scene;
    const ref = { modelId: old.modelId, version: old.version };
    await store.putNotes(ref, { name: 'one', pricePerMillionTokens: 2 });
    await store.putNotes(ref, { name: 'two', pricePerMillionTokens: 2 });
    await store.putNotes(ref, { name: 'two' });
    const updates = (await store.journal({ limit: 500 })).items.filter(
      ({ action }) => action === 'model:updated',
    );
    assert.deepEqual(
      updates.map(({ details }) => details),
      [
        { name: { from: 'one', to: 'two' } },
        { name: { from: null, to: 'one' }, pricePerMillionTokens: { from: null, to: 2 } },
      ],
    );
  },
};
