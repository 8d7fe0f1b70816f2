/** Files with a page that is no longer what was written, and files that another process keeps for itself. */
import { closeSync, copyFileSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../scene.ts';
import { lock } from '../../write-lock.ts';
import {
  assertUnharmed,
  type Folders,
  nodesOf,
  operations,
  Program,
  pathOf,
  reasonIn,
} from './operations.ts';

const newFolders = (): Folders => ({ registry: temporaryFolder(), nodes: temporaryFolder() });

/** Overwrites every page of a table or index, as a disk does that has lost them. Nobody may have the file open. */
function damage(path: string, name: string): void {
  const raw = new Database(path);
  const pages = raw.prepare('SELECT pageno FROM dbstat WHERE name = ?').pluck().all(name) as number[];
  const size = raw.pragma('page_size', { simple: true }) as number;
  raw.close();
  expect(pages.length).toBeGreaterThan(0);
  const file = openSync(path, 'r+');
  for (const page of pages) writeSync(file, Buffer.alloc(size, 0x5a), 0, size, (page - 1) * size);
  closeSync(file);
}

const damages = [
  { file: 'registry', table: 'tasks', isMetBy: ['a worker', 'a creation', 'a rollback'] },
  {
    file: 'registry',
    table: 'plans',
    isMetBy: ['a worker', 'a creation', 'a rollback', 'giving backups up'],
  },
  { file: 'nodes', table: 'nodes', isMetBy: ['a worker', 'a rollback', 'stamping'] },
  { file: 'nodes', table: 'nodes_embeddings', isMetBy: ['a worker', 'a rollback', 'stamping'] },
] as const;

describe.each(damages)('in the $file the pages of $table are lost', ({ file, table, isMetBy }) => {
  const met = operations.filter(({ name }) => (isMetBy as readonly string[]).includes(name));
  it.each(met)('$name', async ({ begin, act, isDone }) => {
    const folders = newFolders();
    const planId = await begin(folders);
    const path = pathOf(folders, file);
    copyFileSync(path, `${path}.copy`);
    damage(path, table);
    expect(reasonIn(await attempt(folders, (program) => act(program, planId)))).toMatchObject({
      code: 'DATABASE_INVALID',
      message: expect.stringContaining(path),
    });
    copyFileSync(`${path}.copy`, path);
    await using program = await Program.open(folders);
    await program.run(act(program, planId));
    expect(await isDone(program, planId)).toBe(true);
    await assertUnharmed(program);
  });
});

// A worker under a lock, and a plan that is made under one: see `test/bad-input`.
describe.each(['registry', 'nodes'] as const)('another process has locked the %s', (file) => {
  const others = operations.filter(
    ({ name, writes }) => writes.includes(file) && !/worker|creation/.test(name),
  );
  it.each(others)('$name', async ({ begin, act, isDone }) => {
    const folders = newFolders();
    const planId = await begin(folders);
    await using program = await Program.open(folders);
    const before = await nodesOf(program);
    const release = await lock(pathOf(folders, file));
    const stop = new AbortController();
    const acting = act(program, planId, stop.signal).catch((error: unknown) => error);
    // Calls are refused after seconds. A rollback that has begun waits; whoever asked for it may leave.
    await Promise.race([acting, program.clock.advance(30_000)]);
    stop.abort();
    const answer = await program.run(acting);
    expect(reasonIn(answer)?.code ?? 'waited').toMatch(/DATABASE_LOCKED|waited/);
    expect(await isDone(program, planId)).toBe(false);
    expect(await nodesOf(program)).toEqual(before);
    await release();
    await program.run(act(program, planId));
    expect(await isDone(program, planId)).toBe(true);
    await assertUnharmed(program);
  });
});

async function attempt(folders: Folders, act: (program: Program) => Promise<unknown>): Promise<unknown> {
  try {
    await using program = await Program.open(folders);
    return await program.run(act(program));
  } catch (error) {
    return error;
  }
}
