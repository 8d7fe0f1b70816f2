/** Two windows, a reload during a run, processes that crash, a file that is deleted or locked. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, type Project } from './project.ts';
import { openWindow, picturesOfFailures, type Window } from './window.ts';
import type { Workbench } from './workbench.ts';

let window: Window;
let other: Workbench;
let project: Project;
let planId = '';

picturesOfFailures(() => window);
beforeAll(async () => {
  window = await openWindow(async (workspace) => {
    project = await makeProject(workspace, 4_000);
    planId = await project.change(async (manager) => {
      const ids = Array.from({ length: 4_000 }, (_, index) => `page-${String(index).padStart(4, '0')}`);
      const to = { targetModelId: 'hashed_ngram_64', targetVersion: 1 };
      return (await manager.createMigration({ ...to, nodeIds: ids, batchSize: 2, throttleMs: 1_000 })).planId;
    });
  });
  await window.workbench.activity('Embedding Registry').click();
  await window.workbench.row('no worker').waitFor();
});
afterAll(() => window?.close());

const workers = () => project.look((manager) => manager.listWorkers());

/** Processes of the editor that read registries. */
function readers(): number[] {
  const processes = execFileSync('ps', ['-eo', 'pid=,pgid=,args='], { encoding: 'utf8' }).split('\n');
  return processes
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)/.exec(line))
    .filter((found) => Number(found?.[2]) === window.editor.group && found?.[3]?.includes('registry-process'))
    .map((found) => Number(found![1]));
}

describe('a window', () => {
  it('that is reloaded finds its worker again, which has gone on', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Start Migration');
    await workbench.pick(planId);
    await workbench.row(/% · .*\/s/).waitFor();
    const [before] = await workers();
    await workbench.page.reload();
    await workbench.row(/% · .*\/s/).waitFor();
    expect((await workers()).map(({ pid }) => pid)).toEqual([before?.pid]);
  });

  it('shows what another window does', async () => {
    other = await window.workbench.another();
    await other.goTo(window.editor.url, window.home.workspace);
    await other.activity('Embedding Registry').click();
    await other.row(/% · .*\/s/).waitFor();
    await other.runCommand('Embedding Registry: Tune Migration');
    await other.pick(planId);
    await other.pick('Batch size');
    await other.answer('3');
    await expect
      .poll(async () => (await project.look((manager) => manager.getMigration(planId))).batchSize)
      .toBe(3);
    await other.runCommand('Embedding Registry: Pause Migration');
    await other.pick(planId);
    await window.workbench.row('Paused').waitFor();
    await window.workbench.runCommand('Embedding Registry: Resume Migration');
    await window.workbench.pick(planId);
    await other.row('Running').waitFor();
    await other.page.close();
  });

  it('stops a worker cleanly', async () => {
    const { workbench } = window;
    await expect.poll(async () => (await workers()).length).toBe(0);
    await workbench.runCommand('Embedding Registry: Start Migration');
    await workbench.pick(planId);
    await workbench.row(/% · .*\/s/).waitFor();
    const [worker] = await workers();
    await workbench.runCommand('Embedding Registry: Stop Workers');
    await workbench.row('no worker').waitFor();
    expect(() => process.kill(worker!.pid, 0)).toThrow('ESRCH');
    const plan = await project.look((manager) => manager.getMigration(planId));
    expect(plan.status).toBe('in_progress');
  });

  it('tells that a worker crashed, and starts it again', async () => {
    const { workbench } = window;
    await workbench.runCommand('Embedding Registry: Start Migration');
    await workbench.pick(planId);
    await workbench.row(/% · .*\/s/).waitFor();
    const [worker] = await workers();
    process.kill(worker!.pid, 'SIGKILL');
    const told = workbench.notification('ended: Its process ended by itself.');
    await told.waitFor();
    await workbench.picture('worker-crashed');
    await told.getByRole('button', { name: 'Start Again' }).click();
    await expect.poll(async () => (await workers()).filter(({ pid }) => pid !== worker!.pid).length).toBe(1);
    await workbench.runCommand('Embedding Registry: Stop Workers');
    await workbench.row('no worker').waitFor();
  });

  it('reads on after the process that reads has crashed', async () => {
    const { workbench } = window;
    for (const pid of readers()) process.kill(pid, 'SIGKILL');
    await project.change((manager) => manager.pauseMigration(planId));
    await workbench.row('Paused').waitFor();
    await project.change((manager) => manager.resumeMigration(planId));
    await workbench.row('no worker').waitFor();
    expect(readers()).toHaveLength(1);
  });

  it('reads a registry that another program has locked, and says why it cannot change it', async () => {
    const { workbench } = window;
    const holder = new Database(project.registryPath);
    holder.exec('BEGIN IMMEDIATE');
    await workbench.runCommand('Embedding Registry: Pause Migration');
    await workbench.pick(planId);
    await workbench.notification(/lock/).waitFor();
    await workbench.picture('locked');
    holder.exec('ROLLBACK');
    holder.close();
    await workbench.runCommand('Embedding Registry: Pause Migration');
    await workbench.pick(planId);
    await workbench.row('Paused').waitFor();
  });

  it('notices that the registry of its configuration was deleted, and that it is back', async () => {
    const { workbench } = window;
    await workbench.openFile('embedding_registry.sqlite');
    await workbench.webview().getByRole('cell', { name: 'hashed_ngram_64:v1' }).waitFor();
    const away = join(window.home.folder, 'away.sqlite');
    renameSync(project.registryPath, away);
    await workbench.row('cannot be read').first().waitFor();
    await workbench.webview().getByRole('alert').filter({ hasText: 'There is no file' }).waitFor();
    await workbench.picture('deleted');
    copyFileSync(away, project.registryPath);
    await workbench.row('Paused').waitFor();
    await workbench.webview().getByRole('cell', { name: 'hashed_ngram_64:v1' }).waitFor();
  });
});
