/** Texts that are edited without a new vector, while and after a plan has written their nodes. */
import { expectedVector } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { nodeId, openScene } from '../scene.ts';

const edited = 'A text that came after the first vector of the target.';

it('a text edited after its node was written is embedded again, and the original backup stays', async () => {
  const { manager, store, to, old, target } = await openScene({ nodes: 6 });
  const { planId } = await manager.createMigration({
    ...to,
    batchSize: 2,
    throttleMs: 0,
    maxParallelWorkers: 1,
  });
  target.onCall = async (_texts, call) => {
    // The first batch is written when the third is embedded.
    if (call.index === 2) await store.update(nodeId(0), { content: edited });
    return undefined;
  };
  expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed' });
  expect((await store.get(nodeId(0)))?.vector).toEqual(expectedVector(target.spec, edited));

  const backup = await manager.getBackup({ planId, nodeId: nodeId(0) });
  expect(backup).toMatchObject({ ...old.spec.info });
  const report = await manager.rollbackMigration({ planId });
  expect(report).toMatchObject({ restored: 5, conflicts: 1, remaining: 1, succeeded: false });
  expect(await store.get(nodeId(0))).toMatchObject({ content: edited, ...target.spec.info });
});
