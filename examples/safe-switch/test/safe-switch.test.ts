import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sampleRuntime } from '../../../test/sample-runtime.ts';

/** Windows has none: there a process that is asked to stop ends at once. */
const hasSignals = process.platform !== 'win32';

const main = resolve(import.meta.dirname, '../main.ts');
const texts = resolve(import.meta.dirname, '../../../packages/embedders/node_modules/ai');

/** The example in a folder of its own, also for what it would leave among temporary files. */
function start(...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'registry-safe-switch-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawn(sampleRuntime, [main, ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const heard = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += String(data);
      for (const listener of heard) listener();
    });
  const until = (text: string) =>
    new Promise<void>((done) => {
      const look = () => output.includes(text) && done();
      heard.add(look);
      look();
    });
  return { child, folder, until, ended: once(child, 'close'), output: () => output };
}

it('tells the whole story, every claim proved, in plain lines of 78 columns', {
  timeout: 120_000,
}, async () => {
  const run = start(texts, '200');
  const [code] = await run.ended;
  expect(code, run.output()).toBe(0);
  const lines = run.output().split('\n');
  expect(lines.filter((line) => line.includes('✗') || line.length > 78)).toEqual([]);
  expect(run.output()).toContain('rehearsed: safe to run');
  expect(run.output()).toMatch(/(\d+) of \1 claims above hold/);
  expect(readdirSync(run.folder)).toEqual(['safe-switch.html']);
});

it.runIf(hasSignals)('stops cleanly at Ctrl-C and leaves nothing', { timeout: 120_000 }, async () => {
  const run = start(texts, '200');
  await run.until('A rehearsal on copies');
  run.child.kill('SIGINT');
  const [code] = await run.ended;
  expect(code, run.output()).toBe(130);
  expect(run.output()).toContain('What it had stored is removed');
  expect(existsSync(join(run.folder, 'safe-switch.html'))).toBe(false);
  expect(readdirSync(run.folder)).toEqual([]);
});
