/** Registry documents and the watch panel, while another process works on the registry. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRegistry, type RegistryScene } from './registries.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

const NODES = 1_500;
let window: Window;
let scene: RegistryScene;
let failedPlan = '';

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async (workspace) => {
    scene = await makeRegistry(workspace, NODES);
    const to = { targetModelId: 'e5-small', targetVersion: 2 };
    const failing = await scene.manager.createMigration({
      ...to,
      nodeIds: [...scene.ids(0, 120), ...scene.ids(1_400, 1_430)],
      batchSize: 8,
      throttleMs: 0,
      maxRetries: 0,
    });
    failedPlan = failing.planId;
    await scene.manager.runMigration(failedPlan);
    writeFileSync(join(workspace, 'notes.sqlite'), 'no database');
  });
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await window?.close();
});

const page = () => window.workbench.webview();

describe('a registry document', () => {
  it('is what its file opens with', async () => {
    await window.workbench.openFile('embedding_registry.sqlite');
    await page().getByRole('heading', { name: 'embedding_registry.sqlite' }).waitFor();
    await page().getByRole('cell', { name: 'e5-small:v2' }).waitFor();
    await window.workbench.picture('document-models');
  });

  it('lists plans, and tasks by status in pages', async () => {
    await page().getByRole('tab', { name: 'Plans' }).click();
    await page().getByRole('button', { name: 'minilm:v1 → e5-small:v2' }).waitFor();
    await window.workbench.pictures('document-plans');
    await page().getByRole('tab', { name: 'Tasks' }).click();
    await page().getByRole('cell', { name: 'doc-00049' }).waitFor();
    await page().getByRole('button', { name: 'Next' }).click();
    await page().getByRole('cell', { name: 'doc-00050' }).waitFor();
    await page().getByRole('button', { name: 'Previous' }).click();
    await page().getByLabel('Status').selectOption('failed');
    // The page before had more rows, and failed ones among them: it is gone once there is no such row any more.
    const rows = page().getByRole('row');
    await rows.nth(34).waitFor({ state: 'detached' });
    await rows.nth(33).waitFor();
    expect(await rows.count()).toBe(34);
    expect(
      await page()
        .getByRole('cell', { name: /longer than the model reads/ })
        .count(),
    ).toBe(33);
    await window.workbench.picture('document-tasks');
  });

  it('shows the journal', async () => {
    await page().getByRole('tab', { name: 'Journal' }).click();
    await page().getByRole('cell', { name: 'plan:failed' }).first().waitFor();
  });

  it('says in a sentence that a file is no registry', async () => {
    await window.workbench.openFile('notes.sqlite');
    await window.workbench.page.getByRole('tab', { name: 'notes.sqlite' }).waitFor();
    await window.workbench.runCommand('View: Reopen Editor With...');
    await window.workbench.pick('Embedding Registry');
    await page().getByRole('alert').filter({ hasText: 'is not a SQLite database' }).waitFor();
    await window.workbench.runCommand('View: Close All Editors');
  });
});

describe('the watch panel', () => {
  it('shows why nodes of a plan failed, page by page, and tries one of them again, then all of a cause', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Watch Migration');
    await workbench.pick(failedPlan);
    await page().getByText('33 × EMBEDDER_FAILED').click();
    await page().getByRole('cell', { name: 'doc-00013', exact: true }).waitFor();
    await workbench.pictures('watch-failed');
    await page().locator('details').getByRole('button', { name: 'Next' }).click();
    await page().getByRole('cell', { name: 'doc-01429', exact: true }).waitFor();
    await page().getByRole('button', { name: 'Retry: doc-01429' }).click();
    await page().getByText('32 × EMBEDDER_FAILED').waitFor();
    const [task] = (await scene.manager.listTasks({ planId: failedPlan, nodeId: 'doc-01429' })).items;
    expect(task).toMatchObject({ status: 'pending', retryCount: 0 });
    await page().getByRole('button', { name: 'Retry All of This Cause' }).click();
    await page().getByText('32 × EMBEDDER_FAILED').waitFor({ state: 'detached' });
    expect(await scene.manager.listFailures(failedPlan)).toEqual([]);
    await workbench.runCommand('View: Close All Editors');
  });

  it('follows a plan that another process works on, and steers it', async () => {
    const { workbench } = window;
    const plan = await scene.manager.createMigration({
      targetModelId: 'e5-small',
      targetVersion: 2,
      nodeIds: scene.ids(120, 1_400),
      batchSize: 4,
      throttleMs: 1_000,
    });
    const running = scene.manager.runMigration(plan.planId);
    await workbench.runCommand('Embedding Registry: Watch Migration');
    await workbench.pick(plan.planId);
    await page()
      .getByRole('img', { name: /^Rate over the last/ })
      .waitFor();
    await page()
      .getByText(/\d+ (s|min) left/)
      .waitFor();
    await workbench.pictures('watch-running');
    await page().getByLabel('Throttle (ms)').fill('900');
    await page().getByLabel('Throttle (ms)').press('Enter');
    await expect.poll(async () => (await scene.manager.getMigration(plan.planId)).throttleMs).toBe(900);
    await page().getByRole('button', { name: 'Pause' }).click();
    await running;
    await page().getByRole('button', { name: 'Resume' }).waitFor();
    expect((await scene.manager.getMigration(plan.planId)).status).toBe('paused');
  });

  it('is there again after a reload of the window', async () => {
    const { workbench } = window;
    // Orderly: the editor keeps what is open only now and then, and when it is told to go.
    await workbench.runCommand('Developer: Reload Window');
    await page().getByRole('button', { name: 'Resume' }).waitFor();
    await page().getByRole('button', { name: 'Resume' }).click();
    await page().getByText('Running').waitFor();
  });
});
