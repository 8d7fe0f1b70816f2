import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OriginDatabase } from '../../core/test/fixtures/origin-database.ts';
import { done, mini, plan } from '../../core/test/fixtures/origin-openings.ts';
import { evr, evrJson } from './evr.ts';
import { emptyFolder, notes, Project } from './project.ts';

const originFresh = join(import.meta.dirname, '../../core/test/fixtures/origin-fresh.sqlite');

/** Names, sizes, times to the nanosecond and contents. */
function listing(folder: string): readonly string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { size, mtimeNs } = statSync(path, { bigint: true });
      return `${name} ${size} ${mtimeNs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
    });
}

describe('evr inspect', () => {
  it('reads models, plans, tasks by filter and page, and the journal, and leaves no trace', async () => {
    const project = await Project.make({ nodes: notes(5) });
    const planId = await project.planned();
    await project.json(['run', planId]);
    const cwd = emptyFolder();
    copyFileSync(project.path('registry.sqlite'), join(cwd, 'some.sqlite'));
    const before = listing(cwd);
    const inspect = (...parameters: string[]) => evrJson(['inspect', 'some.sqlite', ...parameters], { cwd });

    const { data } = await inspect();
    expect(data.models).toHaveLength(2);
    expect(data.plans.items).toMatchObject([{ planId, completedNodes: 5 }]);
    expect(data.journal.items.map((entry: { action: string }) => entry.action)).toContain('plan:completed');
    const first = await inspect('tasks', '--plan', planId.slice(0, 4), '--limit', '3');
    expect(first.data.items.map((task: { nodeId: string }) => task.nodeId)).toEqual([
      'note-000',
      'note-001',
      'note-002',
    ]);
    const second = await inspect('tasks', '--plan', planId, '--limit', '3', '--after', first.data.next);
    expect(second.data.items.map((task: { nodeId: string }) => task.nodeId)).toEqual([
      'note-003',
      'note-004',
    ]);
    expect(second.data.next).toBeUndefined();
    expect((await inspect('tasks', '--plan', planId, '--status', 'failed')).data.items).toEqual([]);
    expect((await inspect('tasks', '--plan', planId, '--node', 'note-002')).data.items).toHaveLength(1);
    expect((await inspect('journal', '--plan', planId, '--limit', '1')).data.items).toHaveLength(1);
    const journal = await evr(['inspect', 'some.sqlite', 'journal'], { cwd });
    expect(journal.stdout).toMatch(/plan:created .* total nodes 5, whole store/m);
    expect(journal.stdout).toMatch(/plan:completed .* from in progress$/m);
    expect((await inspect('tasks')).error?.message).toContain('--plan');
    expect(listing(cwd)).toEqual(before);
  });

  it('is not alone: commands that only look leave no trace either', async () => {
    const project = await Project.make({ nodes: notes(2) });
    const planId = await project.planned();
    const cwd = emptyFolder();
    copyFileSync(project.path('registry.sqlite'), join(cwd, 'some.sqlite'));
    copyFileSync(originFresh, join(cwd, 'origin.sqlite'));
    const before = listing(cwd);
    for (const call of [
      ['status'],
      ['models'],
      ['models', 'show', 'hashed'],
      ['list'],
      ['show', planId],
      ['tasks', planId],
    ])
      expect((await evrJson([...call, '--db', 'some.sqlite'], { cwd })).exitCode).toBe(0);
    // Opened for writing, one of the origin would be upgraded.
    for (const call of [['status'], ['list']])
      expect((await evrJson([...call, '--db', 'origin.sqlite'], { cwd })).exitCode).toBe(0);
    expect(listing(cwd)).toEqual(before);
  });

  it('reads a registry that is at work', async () => {
    const project = await Project.make({ nodes: notes(10) });
    const planId = await project.planned([
      '--batch-size',
      '5',
      '--parallel',
      '1',
      '--throttle-ms',
      '3600000',
    ]);
    const run = project.start(['run']);
    await run.line(({ data }) => data?.plan?.completedNodes === 5);
    const { data } = await evrJson(['inspect', project.path('registry.sqlite'), '--plan', planId], {
      cwd: emptyFolder(),
    });
    expect(data.plan).toMatchObject({ status: 'in_progress', completedNodes: 5 });
    run.child.kill('SIGTERM');
    await run.ended;
  });

  it('reads files of the origin system as they are', async () => {
    const cwd = emptyFolder();
    copyFileSync(originFresh, join(cwd, 'fresh.sqlite'));
    const origin = new OriginDatabase(join(cwd, 'used.sqlite'));
    origin.model(mini, true).plan(plan({ tasks: [done('a'), { node_id: 'b' }] }));
    origin.close();
    const before = listing(cwd);
    const fresh = await evr(['inspect', 'fresh.sqlite'], { cwd });
    expect(fresh).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('binary_hdv:v1') });
    const { data } = await evrJson(['inspect', 'used.sqlite', 'plans'], { cwd });
    expect(data.items).toMatchObject([{ status: 'paused', totalNodes: 2, reason: { code: 'ORIGIN_PLAN' } }]);
    const tasks = await evrJson(['inspect', 'used.sqlite', 'tasks', '--plan', data.items[0].planId], { cwd });
    expect(tasks.data.items.map((task: { nodeId: string }) => task.nodeId)).toEqual(['a', 'b']);
    expect(listing(cwd)).toEqual(before);
  });

  it('refuses what is no registry, and makes no file that is not there', async () => {
    const cwd = emptyFolder();
    writeFileSync(join(cwd, 'text.sqlite'), 'no database');
    const before = listing(cwd);
    expect(await evrJson(['inspect', 'absent.sqlite'], { cwd })).toMatchObject({
      exitCode: 2,
      error: { code: 'DATABASE_UNAVAILABLE' },
    });
    expect(await evrJson(['inspect', 'text.sqlite'], { cwd })).toMatchObject({
      exitCode: 2,
      error: { code: 'DATABASE_INVALID' },
    });
    expect(listing(cwd)).toEqual(before);
  });
});

describe('a registry of the origin that is to be worked with', () => {
  it('is upgraded with a yes alone', async () => {
    const cwd = emptyFolder();
    copyFileSync(originFresh, join(cwd, 'old.sqlite'));
    const before = listing(cwd);
    const register = ['models', 'register', '--id', 'm', '--dimension', '4', '--db', 'old.sqlite'];
    expect(await evrJson(register, { cwd })).toMatchObject({
      exitCode: 2,
      error: { code: 'DATABASE_ORIGIN' },
    });
    expect(listing(cwd)).toEqual(before);
    const asked = await evrJson([...register, '--yes'], { cwd });
    expect(asked.exitCode).toBe(0);
    expect(readdirSync(cwd).filter((name) => name.startsWith('old.sqlite.bak-'))).toHaveLength(1);
  });
});
