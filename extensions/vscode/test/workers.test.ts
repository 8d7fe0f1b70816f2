import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { endProcess, isProcessGone } from '../src/host-process.ts';
import { Workers } from '../src/work/workers.ts';
import { temporaryFolder } from './scene.ts';

type Parts = ConstructorParameters<typeof Workers>[0];

/** What windows share: a folder, and what the editor remembers. */
function openWorkspace(program: string) {
  const folder = temporaryFolder();
  const script = join(folder, 'worker.mjs');
  writeFileSync(script, program);
  const values = new Map<string, unknown>();
  const memory = {
    get: (key: string, other: unknown) => values.get(key) ?? other,
    update: async (key: string, value: unknown) => void values.set(key, value),
  } as unknown as Parts['memory'];
  const logs = join(folder, 'logs');
  /** A window that has been loaded, with the lines of its log. */
  const load = () => {
    const lines: string[] = [];
    const heard = new EventTarget();
    const write = (line: string) => {
      lines.push(line);
      heard.dispatchEvent(new Event('line'));
    };
    const log = { info: write, warn: write, error: write } as unknown as Parts['log'];
    const workers = new Workers({ folder: logs, memory, log });
    const crash = new Promise<string>((resolve) => {
      workers.onCrash = (_, message) => resolve(message);
    });
    onTestFinished(() => workers.dispose());
    const line = async (part: string) => {
      while (!lines.some((each) => each.includes(part))) await once(heard, 'line');
      return lines.find((each) => each.includes(part))!;
    };
    return { workers, line, lines, crash };
  };
  const invocation = { program: script, runtimeParameters: [], parameters: [], folder, variables: {} };
  const worker = { path: 'registry', planId: 'p', name: 'a:v1 → b:v1' };
  const isOver = () => isProcessGone((values.get('workers') as { pid: number }[])[0]!.pid);
  return { load, invocation, worker, isOver, logs: () => readdirSync(logs) };
}

const say = (event: string, data: object) =>
  `console.log(JSON.stringify({ event: '${event}', data: ${JSON.stringify(data)} }));`;
const endless = `console.log(JSON.stringify({ event: 'started', data: { pid: process.pid, embedders: ['b'] } }));\nprocess.stdin.resume(); await new Promise(() => {});\n`;

it('a window that is loaded later reads the log of a worker from its beginning, and notices its end', async () => {
  const { load, invocation, worker, logs } = openWorkspace(
    `import { createServer } from 'node:net';\n${endless.replace('process.stdin.resume();', 'createServer().listen(0);')}`,
  );
  const first = load();
  first.workers.start(worker, invocation);
  const started = await first.line('runs as process');
  first.workers.dispose();
  const second = load();
  second.workers.findAgain();
  expect(await second.line('runs as process')).toBe(started);
  endProcess(Number(/process (\d+)/.exec(started)![1]));
  // Told by whoever follows the registry; the process may need a moment to be gone.
  const asking = askingOn(() => second.workers.check('registry'));
  expect(await second.crash).toBe('Its process ended by itself.');
  asking.stop();
  expect(logs()).toEqual([]);
  const third = load();
  third.workers.findAgain();
  expect(third.lines).toEqual([]);
});

/** Asks again and again, between other things. */
function askingOn(ask: () => void) {
  let isAsking = true;
  const turn = () => {
    if (!isAsking) return;
    ask();
    setImmediate(turn);
  };
  turn();
  return { stop: () => (isAsking = false) };
}

it('a worker that says its result is over; one that was refused says why, in words of the editor', async () => {
  const done = openWorkspace(say('result', { plan: {} }).replace('data:', 'exitCode: 0, data:'));
  const rests = done.load();
  rests.workers.start(done.worker, done.invocation);
  await rests.line('is at rest');
  expect(done.logs()).toEqual([]);

  const error = { code: 'PLAN_UNKNOWN', message: 'There is no plan "p"; listMigrations names them.' };
  const refused = openWorkspace(
    `console.log(JSON.stringify({ event: 'result', exitCode: 2, error: ${JSON.stringify(error)} }));`,
  );
  const window = refused.load();
  window.workers.start(refused.worker, refused.invocation);
  expect(await window.crash).toBe('There is no plan "p".');
});

it('a worker that came to its end while no window was there is no crash', async () => {
  const { load, invocation, worker, isOver, logs } = openWorkspace(
    say('result', { plan: {} }).replace('data:', 'exitCode: 0, data:'),
  );
  const first = load();
  first.workers.start(worker, invocation);
  first.workers.dispose();
  while (!isOver()) await new Promise((resolve) => setImmediate(resolve));
  const second = load();
  second.workers.findAgain();
  const ended = await Promise.race([second.crash, second.line('is at rest')]);
  expect(ended).toContain('is at rest');
  expect(logs()).toEqual([]);
});

it('a worker that dies at its start says its last line', async () => {
  const { load, invocation, worker } = openWorkspace(`console.error('No such thing.'); process.exit(7);`);
  const { workers, crash } = load();
  workers.start(worker, invocation);
  expect(await crash).toBe('Its process ended by itself. No such thing.');
});

it('a worker that cannot be started is told, and leaves nothing behind', async () => {
  const { load, invocation, worker, logs } = openWorkspace('');
  const { workers, crash } = load();
  workers.start(worker, { ...invocation, folder: join(invocation.folder, 'gone') });
  expect(await crash).toMatch(/^Its process could not be started: .*ENOENT/);
  expect(logs()).toEqual([]);
});

it('ends a process, and one that is gone without a complaint', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)']);
  endProcess(child.pid!);
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  endProcess(child.pid!);
});
