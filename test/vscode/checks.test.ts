/** What says whether a switch is safe, in the editor: each is asked of the real store, and shown as text. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@registry/core';
import { SqliteNodeStore } from '@registry/node-memory';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeProject, type Project } from './project.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

const DAY_MS = 86_400_000;
const hostile = '<img src=x onerror=alert(1)>[click](command:x)\u202efdp.exe';
const target = { modelId: 'hashed_ngram_64', version: 1 };
let window: Window;
let project: Project;

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async (workspace) => {
    project = await makeProject(workspace, 60);
    const shutdownAt = new Date(systemClock.now() + 12 * DAY_MS).toISOString();
    await project.change((manager) =>
      manager.updateModel({ modelId: 'binary_hdv_256', version: 1, shutdownAt, successor: target }),
    );
    await using store = await SqliteNodeStore.open({ path: project.nodesPath });
    const vector = new Float32Array(8).fill(1);
    const stamp = { embeddingModelId: `m${hostile}`, embeddingVersion: 1, embeddingChecksum: 'c' };
    await store.upsert([
      { id: `unstamped-${hostile}`, content: 'Nobody knows who embedded this.', vector },
      { id: 'stray', content: 'The model of this is nowhere.', vector, ...stamp },
    ]);
  });
  await window.workbench.activity('Embedding Registry').click();
});
afterAll(() => window?.close());

const page = () => window.workbench.webview();
const plan = () => project.look(async (manager) => (await manager.listMigrations()).items[0]!);
const isText = async () => expect(await page().locator('#page').locator('img, script, a').count()).toBe(0);

it('the end of a model is told on its row, with the days left', async () => {
  await window.workbench.row('shuts down in 12 days').first().waitFor();
  await window.workbench.pictures('model-ends');
});

it('a diagnosis lists what is wrong, where, and what mends it, as text', async () => {
  const { workbench } = window;
  await workbench.runCommand('Embedding Registry: Diagnose');
  await page().getByRole('heading', { name: /error/ }).first().waitFor();
  await page().getByText('1 × UNSTAMPED').waitFor();
  await page().getByText('<img src=x onerror=alert(1)>[click](command:x)\\u202efdp.exe').first().waitFor();
  await page().getByText('60 × MODEL_CLOSING').waitFor();
  await page().getByRole('button', { name: 'Migrate to hashed_ngram_64:v1…' }).first().waitFor();
  await isText();
  await workbench.pictures('diagnosis');
  await page().getByRole('button', { name: 'Stamp Nodes As…' }).click();
  await workbench.pick('hashed_ngram_64');
  await workbench.dialog('Stamp 1 node as hashed_ngram_64:v1?').waitFor();
  await workbench.press('Cancel');
  await workbench.runCommand('View: Close All Editors');
});

it('the diagnosis is known still after a reload of the window', async () => {
  const { workbench } = window;
  await workbench.page.reload();
  await workbench.activity('Embedding Registry').click();
  await workbench.openFile('embedding_registry.sqlite');
  await page().getByRole('tab', { name: 'Health' }).click();
  await page().getByText('1 × UNSTAMPED').waitFor();
  await workbench.runCommand('View: Close All Editors');
});

it('the witness of a model agrees', async () => {
  const { workbench } = window;
  await workbench.runCommand('Embedding Registry: Check Witness');
  await workbench.pick('binary_hdv_256');
  await workbench.notification('binary_hdv_256:v1 makes the vectors it made before').waitFor();
});

it('a plan is estimated before it is made, and takes the limits that were set', async () => {
  const { workbench } = window;
  await workbench.runCommand('Embedding Registry: Migrate to Model');
  await workbench.pick('hashed_ngram_64');
  const dialog = workbench.dialog('Plan a migration of 62 nodes to hashed_ngram_64:v1?');
  await dialog.filter({ hasText: /Time: .*Registry grows by: /s }).waitFor();
  await workbench.picture('plan-estimate');
  await workbench.press('Set Limits…');
  await workbench.answer('5', 'An amount such as 5 usd');
  await workbench.answer('90000 tokens');
  await workbench.answer('50');
  await dialog.filter({ hasText: /Duty cycle: 50 %.*Spend cap: 90,000 tokens/s }).waitFor();
  await workbench.press('Create Plan');
  await workbench.row('no worker').waitFor();
  expect(await plan()).toMatchObject({ dutyCycle: 0.5, spendCap: { tokens: 90_000 } });
});

it('the panel changes the limits, and says what it does not take', async () => {
  const { workbench } = window;
  await workbench.runCommand('Embedding Registry: Watch Migration');
  await workbench.pick('hashed_ngram_64');
  await page().getByText('no worker', { exact: true }).waitFor();
  const duty = page().getByLabel('Duty cycle (%)');
  await duty.fill('25');
  await duty.press('Enter');
  await expect.poll(async () => (await plan()).dutyCycle).toBe(0.25);
  const cap = page().getByLabel('Spend cap (usd or tokens)');
  await cap.fill('much');
  await cap.press('Enter');
  await page().getByRole('alert').filter({ hasText: 'An amount such as 5 usd' }).waitFor();
  expect((await plan()).spendCap).toEqual({ tokens: 90_000 });
});

it('the gate is asked, and why it says what it says stands on the panel', async () => {
  const { workbench } = window;
  await page().getByRole('button', { name: 'Ask the Gate' }).click();
  await workbench.notification('The gate says').getByRole('button', { name: 'Show Why' }).click();
  await page()
    .getByRole('heading', { name: /^Gate (go|no-go|inconclusive)$/ })
    .waitFor();
  await page()
    .getByRole('cell', { name: /in the new one|of the texts/ })
    .first()
    .waitFor();
  await isText();
  await workbench.pictures('watch-gate');
  await workbench.runCommand('View: Close All Editors');
});

it('a report is written where one says, and shown', async () => {
  const { workbench } = window;
  const { planId } = await plan();
  await workbench.runCommand('Embedding Registry: Write Report');
  await workbench.pick('hashed_ngram_64');
  await workbench.page
    .locator('.quick-input-widget input.input[value*="migration-"]')
    .or(workbench.page.locator('.quick-input-title').filter({ hasText: 'Write Report' }))
    .first()
    .waitFor();
  await workbench.page.keyboard.press('Enter');
  await page().getByRole('heading', { name: 'Journal' }).waitFor();
  const path = join(window.home.workspace, `migration-${planId.slice(0, 8)}.html`);
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path, 'utf8')).toContain(planId);
  // A browser of this machine could not read a file of the one on which this editor runs.
  await workbench.notification('The report was written to').waitFor();
  expect(
    await workbench
      .notification('The report was written to')
      .getByRole('button', { name: 'Open in Browser' })
      .count(),
  ).toBe(0);
  await workbench.pictures('report');
  for (const theme of ['vs-dark', 'hc-black', 'vs'] as const) {
    await workbench.theme(theme);
    const paper = () => page().locator('body').evaluate('getComputedStyle(document.body).backgroundColor');
    await expect.poll(async () => Number(/\d+/.exec(String(await paper()))?.[0]) > 128).toBe(theme === 'vs');
  }
});
