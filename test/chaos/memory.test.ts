/** What is held at once, where texts are of a megabyte and vectors of 64 KB: so many nodes and bytes, however many there are. */
import { vectorBytes } from '@registry/core';
import { expectedVector, testEmbedder } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { openScene, storeWith } from '../scene.ts';

const NODES = 40;
const DIMENSION = 16_384;
const TEXT_LENGTH = 1_000_000;
/** Nodes whose size nobody knows yet. */
const FIRST_CHUNK = 16;
const NODE_BYTES = 2 * TEXT_LENGTH + 4 * DIMENSION;
const AT_MOST_BYTES = 8 * 1024 * 1024 + FIRST_CHUNK * NODE_BYTES;

it('a migration, its rollback and a preview read no more than a handful of large nodes at once', async () => {
  let most = 0;
  const target = testEmbedder({ modelId: 'new-model', dimension: DIMENSION });
  const { manager, store, to } = await openScene({
    nodes: 0,
    target,
    config: { migrationBatchSize: 500, maxParallelWorkers: 1, migrationThrottleMs: 0 },
    wrap: (inner) =>
      storeWith(inner, {
        async read(ids, options) {
          const nodes = await inner.read(ids, options);
          const bytes = nodes.map(
            (node) => 2 * (node.content?.length ?? 0) + (node.vector ? vectorBytes(node.vector).length : 0),
          );
          most = Math.max(
            most,
            bytes.reduce((sum, each) => sum + each, 0),
          );
          return nodes;
        },
      }),
  });
  const wide = testEmbedder({ modelId: 'wide', dimension: DIMENSION });
  for (let index = 0; index < NODES; index++) {
    const content = `${index} `.padEnd(TEXT_LENGTH, 'x');
    await store.upsert([
      { id: `node-${index}`, content, vector: expectedVector(wide.spec, `${index}`), ...wide.spec.info },
    ]);
  }
  expect(NODES * NODE_BYTES).toBeGreaterThan(1.5 * AT_MOST_BYTES);
  const { planId } = await manager.createMigration(to);
  expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', completedNodes: NODES });
  expect(await manager.rollbackMigration({ planId, dryRun: true })).toMatchObject({ restored: NODES });
  expect(await manager.rollbackMigration({ planId })).toMatchObject({ restored: NODES, succeeded: true });
  expect(most).toBeGreaterThan(NODE_BYTES);
  expect(most).toBeLessThanOrEqual(AT_MOST_BYTES);
});
