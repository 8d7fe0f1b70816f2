/** The way of a user through a whole migration, in the editor's windows; after each step the disk is asked. */
import type { MigrationPlan } from '@registry/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, type Project } from './project.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';

let window: Window;
let project: Project;
let before: string;

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async (workspace) => {
    project = await makeProject(workspace);
    before = await project.fingerprint();
  });
});
afterAll(() => window?.close());

const plan = async (): Promise<MigrationPlan> =>
  project.look(async (manager) => (await manager.listMigrations()).items[0]!);

describe('a migration in the editor', () => {
  it('shows what is there', async () => {
    const { workbench } = window;
    await workbench.activity('Embedding Registry').click();
    await workbench.row('binary_hdv').first().waitFor();
    await workbench.row('hashed_ngram').first().waitFor();
    await workbench.text('No migration was planned yet.').waitFor();
    await workbench.picture('no-plan');
  });

  it('registers a model with an input that checks while one types', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Register Model');
    await workbench.pick('Describe a model by hand');
    await workbench.answer(' ', 'A model needs an id.');
    await workbench.answer('my-model');
    await workbench.answer('0', 'A whole number of at least 1.');
    await workbench.answer('1');
    await workbench.answer('384');
    await workbench.answer('two words', 'Printable signs without blanks.');
    await workbench.picture('register-model');
    await workbench.answer('sha256:1a2b3c4d');
    await workbench.pick('float32');
    await workbench.row('my-model').waitFor();
    const model = await project.look((manager) => manager.getModel({ modelId: 'my-model', version: 1 }));
    expect(model).toMatchObject({ dimension: 384, checksum: 'sha256:1a2b3c4d', isActive: false });
  });

  it('plans a migration after it has counted', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Migrate to Model');
    await workbench.pick('hashed_ngram');
    await workbench.dialog('Plan a migration of 600 nodes').waitFor();
    await workbench.picture('plan-preview');
    await workbench.press('Create Plan');
    await workbench.row('no worker').waitFor();
    expect(await plan()).toMatchObject({ status: 'pending', totalNodes: 600, throttleMs: 1_000 });
  });

  it('starts a worker of its own and shows its progress', async () => {
    const { workbench } = window;
    await workbench.notification('Planned: 600 nodes').getByRole('button', { name: 'Start' }).click();
    await workbench.row('Running').waitFor();
    await workbench.row(/[1-9]\d* % · .*\/s · .* left/).waitFor();
    await workbench.statusItem(/% ·/).waitFor();
    await workbench.picture('running');
    expect(await plan()).toMatchObject({ status: 'in_progress' });
  });

  it('pauses and tunes it', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Pause Migration');
    await workbench.pick('hashed_ngram');
    await workbench.row('Paused').waitFor();
    expect((await plan()).status).toBe('paused');
    await workbench.runCommand('Embedding Registry: Tune Migration');
    await workbench.pick('hashed_ngram');
    await workbench.pick('Throttle');
    await workbench.answer('-1', 'A whole number from 0');
    await workbench.answer('0');
    await expect.poll(async () => (await plan()).throttleMs).toBe(0);
    await workbench.picture('paused');
  });

  it('resumes it, and a started worker brings it to its end', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Resume Migration');
    await workbench.pick('hashed_ngram');
    await expect.poll(async () => (await plan()).status).toBe('in_progress');
    await workbench.row('no worker').waitFor();
    await workbench.runCommand('Embedding Registry: Start Migration');
    await workbench.pick('hashed_ngram');
    await workbench.row('Completed').waitFor();
    const done = await plan();
    expect(done).toMatchObject({ status: 'completed', completedNodes: 600, failedNodes: 0 });
    expect(await project.fingerprint()).not.toBe(before);
  });

  it('rolls it back, byte for byte, after a preview with counts', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Roll Back');
    await workbench.pick('hashed_ngram');
    await workbench.dialog('600 nodes get their old vectors back').waitFor();
    await workbench.picture('rollback-preview');
    await workbench.press('Roll Back');
    await workbench.row('Rolled Back').waitFor();
    await workbench.notification('600 restored').waitFor();
    expect((await plan()).status).toBe('rolled_back');
    expect(await project.fingerprint()).toBe(before);
  });
});
