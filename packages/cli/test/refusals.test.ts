import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { EmbeddingVersionManager } from '@registry/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { program } from './built-program.ts';
import { environment, evr, sources } from './evr.ts';
import { emptyFolder, notes, Project } from './project.ts';

/** Refuses each second text, in words that would clear a screen. */
const picky = `import { defineRegistryConfig } from '@registry/cli';
import { EmbedderError } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
const embedder = hashedNgram({ dimension: 64 });
let refuses = process.env.REFUSES !== 'nothing';
export default defineRegistryConfig({
  registry: { registryDbPath: './registry.sqlite' },
  nodeStore: () => SqliteNodeStore.open({ path: './nodes.sqlite' }),
  embedders: [{
    spec: embedder.spec,
    embed: async (texts, options) => {
      if (refuses && texts.some((text) => text.includes('odd'))) throw new EmbedderError('refused', 'Not\\u001b[2J\\u202ethis.');
      return embedder.embed(texts, options);
    },
  }],
});
`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
const harmful = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;

describe('failed tasks', () => {
  it('are told by reason with counts, in text that does nothing to a terminal, and retried', async () => {
    const id = 'evil\u001b[31m\u0007\u009b2J';
    const nodes = [...notes(3), { id, content: 'odd one' }, { id: 'odd', content: 'another odd one' }];
    const project = await Project.make({ nodes, config: picky });
    const planId = await project.planned(['--max-retries', '0']);
    const run = await project.run(['run', planId]);
    expect(run).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('3 of 5 nodes done, 2 failed'),
    });
    const tasks = await project.run(['tasks', planId, '--status', 'failed']);
    expect(tasks.stdout).toMatch(
      /^\s*FAILED {2}BECAUSE +FOR EXAMPLE\n +2 {2}EMBEDDER_FAILED +Not\\u001b\[2J/,
    );
    expect(tasks.stdout).toContain('evil\\u001b[31m\\u0007\\u009b2J');
    const show = await project.run(['show', planId]);
    const raw = await project.run(['tasks', planId, '--json']);
    for (const { stdout, stderr } of [run, tasks, show, raw]) expect(stdout + stderr).not.toMatch(harmful);

    const { data } = await project.json(['tasks', planId, '--error', 'EMBEDDER_FAILED']);
    expect(data.failures).toMatchObject([{ code: 'EMBEDDER_FAILED', count: 2 }]);
    expect(data.items.map((task: { nodeId: string }) => task.nodeId).sort()).toEqual([id, 'odd'].sort());
    expect((await project.json(['cutover', planId, '--yes'])).error?.code).toBe('PLAN_STATE');
    expect((await project.json(['retry', planId, '--node', 'odd'])).data.count).toBe(1);
    expect((await project.json(['retry', planId, '--error', 'CONTENT_MISSING'])).data.count).toBe(0);
    expect((await project.json(['retry', planId, '--error', 'EMBEDDER_FAILED'])).data.count).toBe(1);
    const again = await project.json(['run', planId], { env: { REFUSES: 'nothing' } });
    expect(again).toMatchObject({ exitCode: 0, data: { plan: { failedNodes: 0, completedNodes: 5 } } });
  });
});

describe('names', () => {
  it('may be shortened as long as only one begins so', async () => {
    const project = await Project.make({ config: '' });
    const json = (...parameters: string[]) => project.json([...parameters, '--db', 'r.sqlite']);
    for (const version of ['1', '2', '10'])
      await json('models', 'register', '--id', 'text', '--model-version', version, '--dimension', '4');
    expect((await json('models', 'show', 'text')).error).toMatchObject({
      code: 'AMBIGUOUS',
      details: { candidates: ['text:v1', 'text:v2', 'text:v10'] },
    });
    expect((await json('models', 'show', 'text:v1')).data.version).toBe(1);
    expect((await json('models', 'show', 'text:v10')).data.version).toBe(10);
    expect((await json('models', 'show', 'tex:v1')).error).toMatchObject({ code: 'MODEL_UNKNOWN' });

    const absent = await json('plan', '--to', 'text:v2', '--nodes', 'absent.txt');
    expect(absent).toMatchObject({ exitCode: 2, error: { code: 'USAGE' } });
    // Of seventeen ids in hexadecimal two begin alike.
    const manager = await EmbeddingVersionManager.open({ dbPath: project.path('r.sqlite') });
    const target = { targetModelId: 'text', targetVersion: 2, nodeIds: [] };
    for (let index = 0; index < 17; index++) await manager.createMigration(target);
    await manager.close();
    const { items } = (await json('list', '--limit', '100')).data as { items: { planId: string }[] };
    const beginnings = items.map(({ planId }) => planId[0]);
    const twice = beginnings.find((letter, index) => beginnings.indexOf(letter) !== index)!;
    const candidates = items.filter(({ planId }) => planId.startsWith(twice)).map(({ planId }) => planId);
    const refused = await json('show', twice);
    expect(refused).toMatchObject({ exitCode: 2, error: { code: 'AMBIGUOUS' } });
    for (const planId of candidates) expect(String(refused.error?.details.candidates)).toContain(planId);
    expect((await json('show', items[0]!.planId)).data.plan.planId).toBe(items[0]!.planId);
    expect((await json('show', 'zzz')).error?.code).toBe('PLAN_UNKNOWN');
  });
});

const stack = /\n +at .*:\d+/;

describe('what was not asked for rightly', () => {
  it.each([
    [[], /Usage: evr/],
    [['modls'], /USAGE {2}unknown command 'modls'\n.*Did you mean models/],
    [['plan'], /USAGE {2}required option '--to <model>'/],
    [['list', '--status', 'done'], /USAGE {2}.*'done' is invalid.*Allowed choices are pending/],
    [['list', '--limit', 'many'], /USAGE {2}--limit takes a whole number \(was "many"\)/],
    [['plan', '--to', 'm', '--where', 'kind'], /USAGE {2}--where takes key=value/],
    [
      ['retry', 'a', '--error', 'refused'],
      /USAGE {2}--error takes the code of an error, .*\(was "refused"\)/,
    ],
    [['retry', 'a', '--node', 'n', '--error', 'DISK_FULL'], /USAGE {2}Pass --node or --error, not both/],
    [['show'], /USAGE {2}missing required argument 'plan'/],
    [['show', 'a', 'b'], /USAGE {2}too many arguments/],
    [['status'], /USAGE {2}There is no registry at .*embedding_registry\.sqlite\.\n.*evr init/],
  ])('%j ends with 2 and says what to do', async (parameters, expected) => {
    const { exitCode, stdout, stderr } = await evr(parameters, { cwd: emptyFolder() });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(expected);
    expect(stderr).not.toMatch(stack);
  });

  it('has the one shape with --json, and a stack with --verbose only', async () => {
    const cwd = emptyFolder();
    const { stdout, stderr } = await evr(['plan', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({
      event: 'result',
      exitCode: 2,
      error: { code: 'USAGE', details: {} },
    });
    expect(stderr).toBe('');
    const verbose = await evr(['status', '--verbose'], { cwd });
    expect(verbose.stderr).toMatch(stack);
  });

  it('makes no registry in a database of others unless that is confirmed', async () => {
    const project = await Project.make({ config: '' });
    const path = project.path('app.sqlite');
    const app = new Database(path);
    app.exec('CREATE TABLE customers (id INTEGER PRIMARY KEY)');
    app.close();
    const before = readFileSync(path);
    const register = ['models', 'register', '--id', 'text', '--dimension', '4', '--db', 'app.sqlite'];
    const refused = await project.json(register);
    expect(refused).toMatchObject({
      exitCode: 2,
      error: { code: 'NOT_CONFIRMED', details: { dbPath: path } },
    });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(await project.json([...register, '--yes'])).toMatchObject({ exitCode: 0 });
    expect((await project.json(['models', '--db', 'app.sqlite'])).exitCode).toBe(0);
  });

  it('previews no rollback of a node that the plan does not know', async () => {
    const project = await Project.make({ nodes: notes(2) });
    const planId = await project.planned();
    await project.json(['run', planId]);
    for (const parameters of [['--dry-run'], ['--yes'], []]) {
      const answer = await project.json(['rollback', planId, '--node', 'nobody', ...parameters]);
      expect(answer).toMatchObject({ exitCode: 2, error: { code: 'NODE_UNKNOWN' } });
    }
  });

  it('says nothing of a reader that has gone', async () => {
    const project = await Project.make({ nodes: notes(1) });
    await project.json(['models', 'register']);
    const run = project.start(['models']);
    run.child.stdout?.destroy();
    expect(await run.ended).toBe(0);
    const misspelt = project.start(['modls']);
    misspelt.child.stdout?.destroy();
    expect(await misspelt.ended).toBe(2);
  });

  it('comes to the end of a change whose reader has gone', async () => {
    const project = await Project.make({ nodes: notes(2) });
    const planId = await project.planned();
    await project.json(['run', planId]);
    const child = spawn(process.execPath, [program, 'rollback', planId, '--yes'], {
      cwd: project.folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect((await project.json(['show', planId])).data.plan.status).toBe('rolled_back');
  });
});

describe('help', () => {
  const words = [
    'init',
    'models',
    'models list',
    'models show',
    'models register',
    'models update',
    'models activate',
    'models remove',
    'stamp',
    'plan',
    'list',
    'show',
    'tasks',
    'run',
    'watch',
    'pause',
    'resume',
    'cancel',
    'retry',
    'tune',
    'cutover',
    'rollback',
    'finalize',
    'status',
    'inspect',
  ];

  it('of every command shows an example', async () => {
    const cwd = emptyFolder();
    const helps = await Promise.all(words.map((word) => evr([...word.split(' '), '--help'], { cwd })));
    for (const [index, { exitCode, stdout }] of helps.entries()) {
      expect({ word: words[index], exitCode }).toEqual({ word: words[index], exitCode: 0 });
      expect(stdout).toMatch(new RegExp(`Examples?:\n {2}\\$ evr ${words[index]!.split(' ')[0]}`));
    }
  });

  it('loads no part of the library', async () => {
    const cwd = emptyFolder();
    writeFileSync(
      `${cwd}/loaded.mjs`,
      `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process._rawDebug(url); return next(url, context); } });`,
    );
    const env = { NODE_OPTIONS: `--import=${cwd}/loaded.mjs` };
    const { stderr } = await evr(['--help'], { cwd, env, program: sources });
    const loaded = stderr.split('\n').filter((url) => /\/(core|zod|jiti|@clack|better-sqlite3)\//.test(url));
    expect(stderr).toContain('/commander/');
    expect(loaded).toEqual([]);
  });
});
