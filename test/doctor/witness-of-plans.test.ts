/** What the witness of its target does to a plan. */
import { EmbedderError, isRegistryError } from '@registry/core';
import { expectedVector, ManualClock } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { openScene } from '../scene.ts';

/** From now on the embedder makes the vectors of another version under its old name. */
function drift({ target }: Awaited<ReturnType<typeof openScene>>): void {
  const { spec } = target;
  target.onWitness = (texts) => texts.map((text) => expectedVector(spec, `another prefix ${text}`));
}

it('registration keeps it, and one call before the first batch compares', async () => {
  const { manager, target, to } = await openScene();
  expect(target.witnessCalls).toHaveLength(1);
  const plan = await manager.createMigration({ ...to, batchSize: 2, maxParallelWorkers: 3 });
  expect((await manager.runMigration(plan.planId)).status).toBe('completed');
  expect(target.witnessCalls).toHaveLength(2);
  expect(target.textsSeen).toHaveLength(10);
  const { items } = await manager.listJournal();
  expect(items.filter(({ action }) => action === 'model:witnessed')).toHaveLength(2);
});

it('drift pauses the plan before a node is written, and names itself; a resume looks again', async () => {
  const scene = await openScene();
  const { manager, store, target, to } = scene;
  const before = await store.read(['node-000', 'node-001']);
  const { planId } = await manager.createMigration(to);
  drift(scene);
  const paused = await manager.runMigration(planId);
  expect(paused).toMatchObject({ status: 'paused', completedNodes: 0, reason: { code: 'MODEL_DRIFTED' } });
  expect(paused.reason?.message).toMatch(
    /no longer makes the vectors .* 7 of 7 pinned texts .* as version 2/s,
  );
  expect(paused.reason?.message.length).toBeLessThanOrEqual(500);
  expect(target.textsSeen).toEqual([]);
  expect(await store.read(['node-000', 'node-001'])).toEqual(before);

  await manager.resumeMigration(planId);
  expect((await manager.runMigration(planId)).reason?.code).toBe('MODEL_DRIFTED');
  target.onWitness = undefined;
  await manager.resumeMigration(planId);
  expect((await manager.runMigration(planId)).status).toBe('completed');
});

it('a run that goes on while the plan is paused and resumed looks again', async () => {
  const scene = await openScene({ nodes: 40 });
  const { manager, target, to } = scene;
  const { planId } = await manager.createMigration({ ...to, batchSize: 10 });
  const first = target.witnessCalls.length;
  let isPaused = false;
  target.onCall = async () => {
    if (isPaused) return;
    isPaused = true;
    await manager.pauseMigration(planId);
    drift(scene);
    await manager.resumeMigration(planId);
  };
  expect((await manager.runMigration(planId)).reason?.code).toBe('MODEL_DRIFTED');
  expect(target.witnessCalls.length - first).toBe(2);
});

it('a failing embedder holds the plan, and is no drift', async () => {
  const clock = new ManualClock();
  const { manager, target, to } = await openScene({ clock });
  let failures = 3;
  target.onWitness = () => {
    if (failures-- > 0) throw new EmbedderError('transient', 'The connection was reset.');
  };
  const { planId } = await manager.createMigration(to);
  const plan = await clock.runUntil(manager.runMigration(planId));
  expect([plan.status, plan.failedNodes]).toEqual(['completed', 0]);
  expect(failures).toBeLessThan(0);
});

it('it is filled in by the first that comes, once, and never by a reader', async () => {
  const { manager, open, old, target } = await openScene();
  const ref = { modelId: target.spec.modelId, version: 1 };
  const reader = await open({ readOnly: true });
  expect((await reader.checkWitness(ref)).state).toBe('agrees');
  await manager.removeModel(ref);
  const bare = await open({ embedders: [] });
  await bare.registerModel(target.spec.toJSON());
  expect((await reader.checkWitness(ref)).state).toBe('unchecked');
  const reports = await Promise.all([manager.checkWitness(ref), (await open()).checkWitness(ref)]);
  expect(reports.map(({ state }) => state).sort()).toEqual(['agrees', 'made']);
  expect((await manager.checkWitness()).model.modelId).toBe(old.spec.modelId);
  const missing = await bare.checkWitness(ref).catch((error: unknown) => error);
  expect(isRegistryError(missing, 'EMBEDDER_MISSING')).toBe(true);
});

it('one that makes one vector of everything gets none, and embeds nothing', async () => {
  const { manager, target, to } = await openScene();
  const ref = { modelId: target.spec.modelId, version: 1 };
  target.onWitness = (texts) => texts.map(() => expectedVector(target.spec, 'all the same'));
  await expect(manager.checkWitness({ ...ref, renew: true })).rejects.toMatchObject({
    code: 'VECTOR_INVALID',
  });
  await expect(manager.checkWitness(ref)).rejects.toMatchObject({ code: 'MODEL_DRIFTED' });
  await manager.removeModel(ref);
  await manager.registerModel(target.spec.toJSON());
  const { planId } = await manager.createMigration(to);
  expect((await manager.runMigration(planId)).reason).toMatchObject({ code: 'VECTOR_INVALID' });
});

it('is renewed where somebody says so, and the journal tells it', async () => {
  const scene = await openScene();
  const { manager, target } = scene;
  const ref = { modelId: target.spec.modelId, version: 1 };
  drift(scene);
  await expect(manager.checkWitness(ref)).rejects.toMatchObject({ code: 'MODEL_DRIFTED' });
  expect((await manager.checkWitness({ ...ref, renew: true })).state).toBe('made');
  expect((await manager.checkWitness(ref)).state).toBe('agrees');
  expect((await manager.listJournal()).items[0]?.action).toBe('model:rewitnessed');
});

it('a verdict is of the model that it was given for: one that has drifted since is cut over to by nobody', async () => {
  const scene = await openScene({ nodes: 12 });
  const { manager, target, to } = scene;
  const { planId } = await manager.createMigration(to);
  await manager.runMigration(planId);
  expect((await manager.evaluateMigration({ planId, sampleSize: 10, seed: 1 })).verdict).not.toBe('no-go');
  drift(scene);
  await expect(manager.cutoverMigration({ planId })).rejects.toSatisfy(
    (error) => isRegistryError(error, 'GATE_NO_GO') && /no longer makes the vectors/.test(error.message),
  );
  expect((await manager.getActiveModel()).equals(target.spec)).toBe(false);
  target.onWitness = undefined;
  await manager.cutoverMigration({ planId });
  expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
});
