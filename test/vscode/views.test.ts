import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRegistry } from './registries.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

let window: Window;

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(fillRegistry);
});
afterAll(() => window?.close());

/** One plan that failed for three nodes, one that is paused, and nobody at work. */
async function fillRegistry(workspace: string): Promise<void> {
  await using scene = await makeRegistry(workspace);
  const to = { targetModelId: 'e5-small', targetVersion: 2 };
  const failing = await scene.manager.createMigration({
    ...to,
    nodeIds: ids(0, 30),
    batchSize: 8,
    maxRetries: 0,
  });
  await scene.manager.runMigration(failing.planId);
  const paused = await scene.manager.createMigration({ ...to, nodeIds: ids(30, 60), priority: 1 });
  await scene.manager.pauseMigration(paused.planId);
}

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `doc-${String(from + index).padStart(5, '0')}`);

const registryFiles = () =>
  readdirSync(join(window.home.workspace, 'data')).filter((name) => name.startsWith('emb'));

describe('the views', () => {
  it('show the models, the active one marked', async () => {
    const { workbench } = window;
    await workbench.activity('Embedding Registry').click();
    await workbench.row('minilm').first().waitFor();
    await workbench.row('active: v1').waitFor();
    await workbench.toggle('e5-small');
    await workbench.row('12 × float32').first().waitFor();
    await workbench.picture('models');
  });

  it('show the plans by status, the failed nodes by cause', async () => {
    const { workbench } = window;
    await workbench.row('Paused').waitFor();
    await workbench
      .activity('1 plan with failed nodes: 3')
      .locator('.badge')
      .filter({ hasText: '1' })
      .waitFor();
    await workbench.toggle('Failed');
    await workbench.toggle('3 failed');
    await workbench.row(/^Failed3$/).waitFor();
    await workbench.toggle(/^Failed3$/);
    await workbench.toggle('EMBEDDER_FAILED');
    await workbench.row('doc-00013').waitFor();
    await workbench.picture('migrations');
  });

  it('leave no trace beside the registry', () => {
    expect(registryFiles()).toEqual(['embedding_registry.sqlite']);
  });
});
