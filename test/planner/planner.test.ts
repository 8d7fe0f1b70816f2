import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EmbeddingVersionManager, type MigrationPlan } from '@registry/core';
import { ManualClock } from '@registry/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endlessStore, models } from './endless-store.ts';

const NODES = 1_000_000;
/** Where a plan is gone on with: it is the same after a few pages as after many. */
const FEWER = 120_000;
const PAGE = 10_000;
/** Of those. */
const KILLED_AT = 8;
/** A page of seeds and heads fits; a hundred pages do not. */
const HEAP_MB = 48;
const target = { targetModelId: models[1].modelId, targetVersion: 1 };

let folder: string;
let dbPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'planner-'));
  dbPath = join(folder, 'registry.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Plans in a child process; kills it before its page of that number is read, where one is given. */
async function planInChild(
  nodes: number,
  killBeforePage = Number.POSITIVE_INFINITY,
): Promise<{ lines: string[]; killed: boolean }> {
  const program = join(import.meta.dirname, 'plan-a-million.ts');
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, program, dbPath, String(nodes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const closed = new Promise<boolean>((resolve) =>
    child.on('close', (_code, signal) => resolve(signal === 'SIGKILL')),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line === `page ${killBeforePage * PAGE}`) child.kill('SIGKILL');
  }
  return { lines, killed: await closed };
}

async function withManager<T>(
  onPage: (from: number) => void,
  body: (manager: EmbeddingVersionManager) => Promise<T>,
): Promise<T> {
  // Past the lease of the process that was killed.
  const clock = new ManualClock({ now: Date.now() + 60_000 });
  await using manager = await EmbeddingVersionManager.open({
    dbPath,
    nodeStore: endlessStore(FEWER, onPage),
    clock,
  });
  return await body(manager);
}

describe('a plan over many nodes', () => {
  it('is made in pages, of a million in a heap that could not hold them', async () => {
    const { lines } = await planInChild(NODES);
    expect(lines.at(-1)).toBe(`planned ${NODES} pending`);
    expect(lines.filter((line) => line.startsWith('page'))).toHaveLength(NODES / PAGE);
  }, 120_000);

  it('goes on where a killed process stopped, when it is asked for again', async () => {
    const { killed } = await planInChild(FEWER, KILLED_AT);
    expect(killed).toBe(true);
    const pages: number[] = [];
    const plan = await withManager(
      (from) => pages.push(from),
      (manager) => manager.createMigration(target),
    );
    expect(plan).toMatchObject({ totalNodes: FEWER, status: 'pending' });
    expect(pages[0]).toBeGreaterThanOrEqual((KILLED_AT - 2) * PAGE);
  }, 120_000);

  it('goes on by the next worker, and shows nobody the half of it', async () => {
    await planInChild(FEWER, KILLED_AT);
    const pages: number[] = [];
    const plan = await withManager(
      (from) => pages.push(from),
      async (manager) => {
        expect((await manager.listMigrations()).items).toEqual([]);
        const created = new Promise<MigrationPlan>((resolve) => manager.on('plan:created', resolve));
        await manager.startWorker();
        return created;
      },
    );
    expect(plan).toMatchObject({ totalNodes: FEWER, status: 'pending' });
    expect(pages[0]).toBeGreaterThanOrEqual((KILLED_AT - 2) * PAGE);
  }, 120_000);
});
