import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRegistry } from './registries.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

let window: Window;
let before: readonly string[];

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async (workspace) => {
    await fillRegistry(workspace);
    const folder = join(workspace, 'data');
    chmodSync(join(folder, 'embedding_registry.sqlite'), 0o444);
    chmodSync(folder, 0o555);
    before = traces(folder);
  });
});
afterAll(async () => {
  chmodSync(join(window.home.workspace, 'data'), 0o755);
  await window.close();
});

/** Every file of a folder, and the folder, with what changes when one is written, made or removed. */
function traces(folder: string): readonly string[] {
  return ['.', ...readdirSync(folder).toSorted()].map((name) => {
    const { size, mtimeNs, ctimeNs, mode } = statSync(join(folder, name), { bigint: true });
    return [name, size, mtimeNs, ctimeNs, mode].join(' ');
  });
}

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
    await workbench.toggle(/^EMBEDDER_FAILED\d/);
    await workbench.row('doc-00013').waitFor();
    await workbench.picture('migrations');
  });

  it('and a document leave no trace of having been looked at, in a folder that cannot be written', async () => {
    const { workbench } = window;
    await workbench.openFile('embedding_registry.sqlite');
    await workbench.webview().getByRole('cell', { name: 'e5-small:v2' }).waitFor();
    await workbench.webview().getByRole('tab', { name: 'Journal' }).click();
    await workbench.webview().getByRole('cell', { name: 'plan:failed' }).first().waitFor();
    await workbench.runCommand('View: Close All Editors');
    expect(traces(join(window.home.workspace, 'data'))).toEqual(before);
  });
});
