/** What is done to models, single nodes and whole plans; after each step the disk is asked. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, type Project } from './project.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

const NODES = 40;
let window: Window;
let project: Project;
let before: string;
let planId = '';

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async (workspace) => {
    project = await makeProject(workspace, NODES);
    await project.addUnstamped(5);
    before = await project.fingerprint();
    // Tells which key a process was given, as a service would notice.
    const config = join(workspace, 'embedding-registry.config.ts');
    writeFileSync(
      config,
      `import { writeFileSync } from 'node:fs';\nif (process.env.SERVICE_KEY) writeFileSync('key-of-service', process.env.SERVICE_KEY);\n${readFileSync(config, 'utf8')}`,
    );
  });
  await window.workbench.activity('Embedding Registry').click();
});
afterAll(() => window?.close());

const plan = () => project.look((manager) => manager.getMigration(planId));

describe('models', () => {
  it('show how many nodes each has made, and how many nobody knows about', async () => {
    const { workbench } = window;
    await workbench.row(`active · ${NODES} nodes · 256 × bit`).waitFor();
    await workbench.row('0 nodes · 64 × float32').waitFor();
    await workbench.row('Without a stamp').filter({ hasText: '5 nodes' }).waitFor();
    await workbench.pictures('models-with-nodes');
  });

  it('are given to nodes without a stamp, after a sample agreed', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Stamp Nodes As');
    await workbench.pick('hashed_ngram_64');
    await workbench.dialog('Stamp 5 nodes as hashed_ngram_64:v1?').waitFor();
    await workbench.press('Stamp');
    await workbench.notification('5 of 5 stored vectors are not what hashed_ngram_64:v1').waitFor();
    expect(await project.countAt(undefined)).toBe(5);
    await workbench.runCommand('Embedding Registry: Stamp Nodes As');
    await workbench.pick('binary_hdv_256');
    await workbench.press('Stamp');
    await workbench.notification('Stamped 5 nodes as binary_hdv_256:v1.').waitFor();
    await workbench.row(`active · ${NODES + 5} nodes`).waitFor();
    await workbench.row('Without a stamp').waitFor({ state: 'detached' });
    expect(await project.countAt('binary_hdv_256')).toBe(NODES + 5);
    before = await project.fingerprint();
  });

  it('show their details on the page of the registry', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Show Model Details');
    await workbench.pick('binary_hdv_256');
    const page = workbench.webview();
    await page.getByRole('heading', { name: 'binary_hdv_256:v1' }).waitFor();
    await page.getByText(/^binary_hdv_256:v1:[0-9a-f]{8}$/).waitFor();
    await page.getByRole('definition').filter({ hasText: /^45$/ }).waitFor();
    await workbench.pictures('model-details');
    await workbench.runCommand('View: Close All Editors');
  });
});

describe('the key of a service', () => {
  it('is kept as a secret, and reaches the processes that need it', async () => {
    const { workbench, home } = window;
    const told = join(home.workspace, 'key-of-service');
    await workbench.runCommand('Embedding Registry: Set API Key for Workers');
    await workbench.answer('service-key', 'Capital letters');
    await workbench.answer('SERVICE_KEY');
    await workbench.answer('s3cret-of-a-service');
    expect(existsSync(told)).toBe(false);
    await workbench.runCommand('Embedding Registry: Migrate to Model');
    await workbench.pick('hashed_ngram_64');
    await workbench.dialog('Plan a migration of 45 nodes').waitFor();
    await workbench.press('Cancel');
    expect(readFileSync(told, 'utf8')).toBe('s3cret-of-a-service');
  });
});

describe('a plan that is done', () => {
  beforeAll(async () => {
    planId = await project.migrate();
    await window.workbench.row('Completed').waitFor();
  });

  it('gives one node back, with the keyboard alone', async () => {
    const { workbench } = window;
    const { keyboard } = workbench.page;
    await workbench.runCommand('Embedding Registry: Focus on Migrations View');
    await keyboard.press('Home');
    await workbench.focused('Completed').waitFor();
    for (const row of ['→ hashed_ngram_64:v1', /^Completed\s*45$/, 'import-0']) {
      await keyboard.press('ArrowRight');
      await workbench.row(row).first().waitFor();
      await keyboard.press('ArrowDown');
      await workbench.focused(row).waitFor();
    }
    await keyboard.press('Shift+F10');
    await workbench.menuItem('Roll Back…').waitFor();
    await keyboard.press('End');
    await keyboard.press('Enter');
    await workbench.dialog('Roll back node import-0?').waitFor();
    await workbench.picture('rollback-node');
    await keyboard.press('Enter');
    await workbench.notification('1 restored').waitFor();
    expect((await plan()).rolledBackNodes).toBe(1);
    const line = (text: string) => text.split('\n').find((each) => each.startsWith('import-0 '));
    expect(line(await project.fingerprint())).toBe(line(before));
  });

  it('is cut over, after a question', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Cut Over');
    await workbench.pick(planId);
    // Sixty-four numbers find less than the bits did, and the gate says so before anybody agrees.
    const dialog = workbench.dialog('Make hashed_ngram_64:v1 the active model?');
    await dialog.filter({ hasText: 'The gate says no-go.' }).waitFor();
    await dialog.filter({ hasText: '44 of 45 nodes are done' }).waitFor();
    await workbench.picture('cut-over');
    await workbench.press('Cut Over All the Same…');
    await workbench.answer('it is a test');
    await workbench.notification('hashed_ngram_64:v1 is the active model.').waitFor();
    const active = await project.look((manager) => manager.getActiveModel());
    expect(active.modelId).toBe('hashed_ngram_64');
    expect((await plan()).cutOverAt).toBeDefined();
    const { items } = await project.look((manager) => manager.listJournal());
    expect(JSON.stringify(items)).toContain('it is a test');
  });

  it('gives its backups up, after a question, and the node store knows it', async () => {
    const { workbench } = window;
    const mark = await project.mark();
    await workbench.runCommand('Embedding Registry: Give Backups Up');
    await workbench.pick(planId);
    await workbench.dialog('The old vectors of 44 nodes are deleted').waitFor();
    await workbench.press('Give Backups Up');
    await expect.poll(async () => (await plan()).finalizedAt, { timeout: 30_000 }).toBeDefined();
    await expect.poll(() => project.mark(), { timeout: 30_000 }).toBeGreaterThan(mark);
  });
});
