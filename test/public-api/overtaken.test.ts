import { EmbedderError } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { openScene, refusalOf, textOf, vectorsOf } from '../scene.ts';

it('failed nodes of a plan are not retried once a later plan brought its nodes to another model', async () => {
  const onCall = (texts: readonly string[]) => {
    if (texts.includes(textOf(3))) throw new EmbedderError('refused', 'No.');
    return undefined;
  };
  const target = testEmbedder({ modelId: 'new-model', dimension: 12, onCall });
  const newest = testEmbedder({ modelId: 'newest-model', dimension: 6 });
  const scene = await openScene({ nodes: 5, target });
  const manager = await scene.open({ embedders: [scene.old, target, newest] });
  await manager.registerModel(newest.spec.toJSON());
  const first = await manager.createMigration({ ...scene.to, maxRetries: 0, throttleMs: 0 });
  expect(await manager.runMigration(first.planId)).toMatchObject({ status: 'failed', failedNodes: 1 });
  const second = await manager.createMigration({
    targetModelId: 'newest-model',
    targetVersion: 1,
    throttleMs: 0,
  });
  expect(await manager.runMigration(second.planId)).toMatchObject({ status: 'completed' });

  const before = await vectorsOf(scene.store);
  const refusal = await refusalOf(manager.retryFailed({ planId: first.planId }));
  expect(refusal).toMatchObject({ code: 'PLAN_OVERLAP', details: { laterPlanId: second.planId } });
  expect(await vectorsOf(scene.store)).toEqual(before);

  await manager.rollbackMigration({ planId: second.planId });
  expect(await manager.retryFailed({ planId: first.planId })).toBe(1);
});
