/** A worker that is stopped again and again, and what lies on the disk each time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { copiedFrames, type Durable, durableOf } from './wal-file.ts';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));

export const files = ['registry', 'nodes'] as const;
export type FileName = (typeof files)[number];

interface FileSnapshot {
  readonly database: Buffer;
  readonly log: Buffer;
  readonly durable: Durable;
  /** How many frames of the log a checkpoint has copied into the database already. */
  readonly copied: number;
}

/** What lay there while nothing of the process went on, and what of the logs had certainly reached the disk. */
export interface Snapshot {
  readonly at: string;
  readonly files: Readonly<Record<FileName, FileSnapshot>>;
  /** What the application wrote, in order; the last one it may have been about to write. */
  readonly edits: readonly (readonly [nodeId: string, content: string])[];
}

/** Whom to stop, and how often: from 0, never, to 1, whenever it may be. */
export interface Stopped {
  readonly often: number;
  readonly folder: string;
  readonly direction: 'forward' | 'back';
  readonly planId: string;
  readonly seed: number;
}

function start(o: Stopped, stops: number): { process: ChildProcess; exit: Promise<unknown> } {
  const process = spawn(
    globalThis.process.execPath,
    [child, o.folder, o.direction, o.planId, String(o.seed), String(stops)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return { process, exit: once(process, 'exit') };
}

/** It stops itself after steps it has drawn, and tells what was durable just before each. */
export async function* atSteps(o: Stopped): AsyncGenerator<Snapshot> {
  const { process, exit } = start(o, o.often);
  try {
    for await (const line of createInterface({ input: process.stdout! })) {
      const told = JSON.parse(line) as { at: string; before: Record<FileName, Durable> };
      await untilStopped(process);
      yield snapshot(o.folder, told.at, told.before);
      process.kill('SIGCONT');
    }
    await ended(process, exit);
  } finally {
    await end(process, exit);
  }
}

/** It is stopped at any moment, also within a transaction. */
export async function* anywhere(o: Stopped, random: () => number): AsyncGenerator<Snapshot> {
  const { process, exit } = start(o, 0);
  // It tells when it begins.
  await once(process.stdout!.resume(), 'data');
  try {
    while (process.exitCode === null) {
      for (let turns = Math.floor((random() * 3_000) / o.often); turns > 0; turns--) await nextTurn();
      if (!process.kill('SIGSTOP')) break;
      if (!(await untilStopped(process))) break;
      yield snapshot(o.folder, 'any moment');
      process.kill('SIGCONT');
    }
    await ended(process, exit);
  } finally {
    await end(process, exit);
  }
}

async function ended(process: ChildProcess, exit: Promise<unknown>): Promise<void> {
  await exit;
  if (process.exitCode !== 0) throw new Error(`The worker ended with ${process.exitCode}.`);
}

async function end(process: ChildProcess, exit: Promise<unknown>): Promise<void> {
  if (process.exitCode === null) process.kill('SIGKILL');
  await exit;
}

/** All threads of it; false where it has ended. */
async function untilStopped(process: ChildProcess): Promise<boolean> {
  const tasks = `/proc/${process.pid}/task`;
  const isStopped = () =>
    readdirSync(tasks).every((task) => / [Tt] /.test(readFileSync(join(tasks, task, 'stat'), 'utf8')));
  while (process.exitCode === null) {
    try {
      if (isStopped()) return true;
    } catch {
      // A thread, or the process, has ended meanwhile.
    }
    await nextTurn();
  }
  return false;
}

function snapshot(folder: string, at: string, before?: Record<FileName, Durable>): Snapshot {
  const fileOf = (name: FileName): FileSnapshot => {
    const path = join(folder, `${name}.sqlite`);
    // Who ends properly takes log and index away.
    const beside = (suffix: string) =>
      existsSync(path + suffix) ? readFileSync(path + suffix) : Buffer.alloc(100);
    return {
      database: readFileSync(path),
      log: beside('-wal'),
      durable: before?.[name] ?? durableOf(beside('-shm')),
      copied: copiedFrames(beside('-shm')),
    };
  };
  const path = join(folder, 'edits');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  const edits = lines.map((line) => JSON.parse(line) as [string, string]);
  return { at, files: { registry: fileOf('registry'), nodes: fileOf('nodes') }, edits };
}
