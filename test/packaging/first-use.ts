/** What somebody does who has just installed the packages: each command as a program, none of it in this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { run } from './steps.ts';

interface Place {
  readonly cwd: string;
  readonly path: string;
}

/** After its first batch the one lane rests for an hour: what happens then is up to the steps. */
const slow = ['--batch-size', '20', '--parallel', '1', '--throttle-ms', '3600000'];

/** From `evr init` to a rollback, with a pause and a kill on the way. @throws Error at what is not as it should be */
export async function firstUse(place: Place): Promise<void> {
  const evr = (...parameters: string[]) => run('evr', parameters, place);
  await evr('init');
  expectCode(2, (await ended(start(place, 'init'))).code);
  await run('node', ['fill.mjs'], place);
  expectText(await evr('models', 'register'), 'Registered: hashed_ngram_512:v1');
  expectText(await evr('plan', '--to', 'hashed', '--dry-run'), '60 nodes would be re-embedded');
  const planId = /Plan: +(\S+)/.exec(await evr('plan', '--to', 'hashed', ...slow))?.[1] ?? '';

  const first = start(place, 'run', planId);
  await until(first, 20);
  const watch = start(place, 'watch', planId.slice(0, 8));
  await until(watch, 20);
  await evr('pause', planId);
  expectCode(3, (await ended(first)).code);
  expectCode(3, (await ended(watch)).code);

  await evr('resume', planId);
  const second = start(place, 'run', planId);
  await until(second, 40);
  second.kill('SIGKILL');
  await ended(second);
  await evr('tune', planId, '--throttle-ms', '0');
  expectText(await evr('run', planId), '60 of 60 nodes done');
  expectText(await evr('cutover', planId, '--yes'), 'Active: hashed_ngram_512:v1');
  expectText(await evr('rollback', planId, '--yes'), '60 nodes, byte for byte');
  expectText(await evr('status'), 'binary_hdv:v1');
  expectText(await evr('inspect', 'data/embedding_registry.sqlite'), 'rolled back');
}

/** @throws Error unless `node`, an older one, is told what it lacks, without a stack */
export async function refusesOldRuntime(node: string, program: string, place: Place): Promise<void> {
  const child = spawn(node, [program, 'status', '--json'], {
    cwd: place.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, text } = await ended(child);
  expectCode(2, code);
  expectText(text, '"code":"RUNTIME_TOO_OLD"');
}

function start({ cwd, path }: Place, ...parameters: string[]): ChildProcess {
  const env = { ...process.env, PATH: path };
  return spawn('evr', [...parameters, '--json'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  child.stderr?.on('data', (chunk) => (text += chunk));
  if (child.exitCode !== null || child.signalCode !== null) return { code: child.exitCode, text };
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

/** Waits for the line of progress that counts so many nodes. */
async function until(child: ChildProcess, nodes: number): Promise<void> {
  for await (const line of createInterface({ input: child.stdout! }))
    if (line.includes(`"completedNodes":${nodes}`)) return;
  throw new Error(`The program ended before ${nodes} nodes were done.`);
}

function expectCode(expected: number, code: number | null): void {
  if (code !== expected) throw new Error(`It ended with ${code} instead of ${expected}.`);
}

function expectText(text: string, expected: string): void {
  if (!text.includes(expected)) throw new Error(`There is no ${JSON.stringify(expected)} in:\n${text}`);
}
