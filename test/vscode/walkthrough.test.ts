/** The way of somebody who has nothing yet: a sample, a whole migration in it, and the way back. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddingVersionManager, type MigrationPlan } from '@registry/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

let window: Window;

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async () => {});
});
afterAll(() => window?.close());

const folder = () => join(window.home.workspace, 'embedding-registry-sample');
async function plan(): Promise<MigrationPlan> {
  const dbPath = join(folder(), 'embedding_registry.sqlite');
  await using manager = await EmbeddingVersionManager.open({ dbPath, readOnly: true });
  return (await manager.listMigrations()).items[0]!;
}

async function setThrottle(milliseconds: string): Promise<void> {
  const { workbench } = window;
  await workbench.runCommand('Embedding Registry: Tune Migration');
  await workbench.pick('hashed_ngram_256');
  await workbench.pick('Throttle');
  await workbench.answer(milliseconds);
  await expect.poll(async () => (await plan()).throttleMs).toBe(Number(milliseconds));
}

describe('a workspace without a registry', () => {
  it('says what to do in both views', async () => {
    const { workbench } = window;
    await workbench.activity('Embedding Registry').click();
    await workbench.text('No embedding registry was found in this workspace.').waitFor();
    await workbench.text('Migrations are shown here, once there is a registry.').waitFor();
    await workbench.pictures('welcome');
  });

  it('has a walkthrough of four steps, whose first makes a sample', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Open Walkthrough');
    const steps = workbench.page.locator('.getting-started-step');
    await steps.first().waitFor();
    expect(await steps.count()).toBe(4);
    await workbench.picture('walkthrough');
    await workbench.page
      .locator('.getting-started-step')
      .getByRole('button', { name: 'Create Sample' })
      .click();
    await workbench.row('binary_hdv_1024').waitFor();
    await workbench.row('active · 480 nodes · 1024 × bit').waitFor();
    expect(readdirSync(folder())).toEqual(
      expect.arrayContaining(['embedding-registry.config.mjs', 'embedding_registry.sqlite', 'nodes.sqlite']),
    );
  });

  it('migrates it with what came along: nothing was installed', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Migrate to Model');
    await workbench.pick('hashed_ngram_256');
    await workbench.dialog('Plan a migration of 480 nodes').waitFor();
    await workbench.press('Create Plan');
    await workbench.notification('Planned: 480 nodes').getByRole('button', { name: 'Start' }).click();
    await workbench.row(/[1-9]\d* % · .*\/s/).waitFor();
    await workbench.row('Workers').waitFor();
    // So slow that it is still at work after what follows, on whatever machine.
    await setThrottle('5000');
  });

  it('shows the log of its worker again after a reload', async () => {
    const { workbench } = window;
    await workbench.page.reload();
    await workbench.row(/% · .*throttled/).waitFor();
    await workbench.runCommand('Embedding Registry: Show Logs');
    await workbench.output('started before this window was loaded').waitFor();
    await workbench.output('[worker] runs as process').waitFor();
    await workbench.picture('log-after-reload');
    await workbench.runCommand('View: Hide Panel');
  });

  it('puts it back, byte for byte', async () => {
    const { workbench } = window;
    await setThrottle('0');
    await expect.poll(async () => (await plan()).status, { timeout: 100_000 }).toBe('completed');
    await workbench.row('Completed').waitFor();
    await workbench.runCommand('Embedding Registry: Roll Back');
    await workbench.pick('hashed_ngram_256');
    await workbench.dialog('480 nodes get their old vectors back').waitFor();
    await workbench.press('Roll Back');
    await workbench.notification('480 restored').waitFor();
    expect(await plan()).toMatchObject({ status: 'rolled_back', rolledBackNodes: 480 });
  });
});

describe('a registry of the origin', () => {
  const path = () => join(window.home.workspace, 'old', 'embedding_registry.sqlite');
  const names = () => readdirSync(join(window.home.workspace, 'old'));
  const register = async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Register Model');
    await workbench.pick('Describe a model by hand');
    await workbench.pick('old/embedding_registry.sqlite');
    for (const text of ['later-model', '1', '8', 'sum']) await workbench.answer(text);
    await workbench.pick('float32');
    await workbench.dialog('This registry was written by MnemoCore').waitFor();
  };

  it('is shown as it is, and upgraded only where somebody says so', async () => {
    const { workbench } = window;
    mkdirSync(join(window.home.workspace, 'old'));
    copyFileSync(resolve('packages/core/test/fixtures/origin-fresh.sqlite'), path());
    const bytes = readFileSync(path());
    await workbench.runCommand('Embedding Registry: Refresh');
    await workbench.row('old/embedding_registry.sqlite').first().waitFor();
    await register();
    await workbench.picture('origin');
    await workbench.press('Cancel');
    expect(names()).toEqual(['embedding_registry.sqlite']);
    expect(readFileSync(path()).equals(bytes)).toBe(true);
    await register();
    await workbench.press('Upgrade');
    await expect.poll(names, { timeout: 30_000 }).toContainEqual(expect.stringContaining('.bak-'));
    await using manager = await EmbeddingVersionManager.open({ dbPath: path(), readOnly: true });
    await expect.poll(() => manager.getModel({ modelId: 'later-model', version: 1 })).toBeDefined();
  });
});

// Last, since the page takes the keyboard to itself whenever a part of it is drawn.
it('ticks the walkthrough off by what was done', async () => {
  const { workbench } = window;
  await workbench.runCommand('Embedding Registry: Open Walkthrough');
  const done = workbench.page.locator('.getting-started-step .codicon-getting-started-step-checked');
  await expect.poll(() => done.count()).toBe(4);
  await workbench.picture('walkthrough-done');
});
