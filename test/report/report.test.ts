/** The report of a plan as a file. In a browser it is looked at by `test/vscode/report.test.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openScene, refusalOf } from '../scene.ts';
import { eventfulPlan } from './eventful.ts';

const NODES = 260;
const hostile = '<img src=x onerror=alert(1)>"\'&%style%\u202e';

it('tells what happened to a plan', async () => {
  const { manager, planId, folder } = await eventfulPlan({ nodes: NODES });
  const path = join(folder, 'report.html');
  const { bytes } = await manager.writeReport({ planId, path });
  const page = readFileSync(path, 'utf8');
  expect(Buffer.byteLength(page)).toBe(bytes);
  expect(page).toMatch(/^<!doctype html>\n/);
  for (const words of [
    'Held',
    'RATE_LIMITED',
    'Paused',
    'batch size 20 → 50',
    'Resumed',
    'Readers and writers moved',
  ])
    expect(page).toContain(words);
  expect(page).toContain('3 of 260 nodes failed (1.15 %)');
  for (const words of ['CONTENT_MISSING', 'EMBEDDER_FAILED', 'node-0003', 'node-0017', 'plan:cutover'])
    expect(page).toContain(words);
  expect(page).not.toContain('The text of node');
});

it('adds up: every task is in its figures, whatever became of it', async () => {
  const { manager, planId, folder, clock } = await eventfulPlan({ nodes: NODES });
  const read = async () => {
    const path = join(folder, 'report.json');
    await manager.writeReport({ planId, path, format: 'json' });
    return JSON.parse(readFileSync(path, 'utf8'));
  };
  const sums = ({ pace }: { pace: { ended: { status: string; count: number }[] } }) =>
    Object.fromEntries(
      ['completed', 'failed', 'rolled_back'].map((status) => [
        status,
        pace.ended.filter((ended) => ended.status === status).reduce((sum, { count }) => sum + count, 0),
      ]),
    );
  const report = await read();
  expect(sums(report)).toEqual({ completed: NODES - 3, failed: 3, rolled_back: 0 });
  expect(report.pace.ended.length).toBeGreaterThan(5);
  for (const { at } of report.pace.ended) expect(at % report.pace.bucketMs).toBe(0);
  expect(report.backups).toEqual({ count: NODES - 3, bytes: (NODES - 3) * 8 * 4 });
  expect(report.failures.map(({ code, count }: Record<string, unknown>) => [code, count])).toEqual([
    ['EMBEDDER_FAILED', 2],
    ['CONTENT_MISSING', 1],
  ]);
  expect(report.deadLetters).toBe(3);
  await clock.runUntil(manager.rollbackMigration({ planId }));
  const after = await read();
  expect(sums(after)).toEqual({ completed: 0, failed: 3, rolled_back: NODES - 3 });
  expect(after.rollback).toMatchObject({ restored: NODES - 3, succeeded: true });
});

it('holds nothing that a browser would fetch or run, and shows hostile text as text', async () => {
  const { manager, planId, folder } = await eventfulPlan({ nodes: 60, message: hostile, ids: [hostile] });
  await manager.updateModel({ modelId: 'new-model', version: 1, name: hostile });
  const path = join(folder, 'report.html');
  await manager.writeReport({ planId, path });
  const page = readFileSync(path, 'utf8');
  expect(page).not.toMatch(/<(script|img|link|iframe|object|embed|form|base)\b/i);
  expect(page).not.toMatch(/<[a-z][^>]*\s(on\w+|src|href|style)\s*=/i);
  expect(page).not.toMatch(/url\(|@import|https?:/i);
  expect(page).toContain("default-src 'none'");
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;%style%\\u202e');
  expect(page.trimEnd().endsWith('</html>')).toBe(true);
});

describe('the file', () => {
  const plan = async () => {
    const scene = await openScene({ nodes: 3 });
    const { planId } = await scene.manager.createMigration(scene.to);
    return { ...scene, planId, path: join(scene.folder, 'report.html') };
  };

  it('is replaced as a whole where it is a report, and nothing else is left in its folder', async () => {
    const { manager, planId, path, folder } = await plan();
    await manager.writeReport({ planId, path });
    const before = readFileSync(path, 'utf8');
    const files = readdirSync(folder);
    await manager.runMigration(planId);
    await manager.writeReport({ planId, path });
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    expect(readdirSync(folder)).toEqual(files);
    await manager.writeReport({ planId, path, format: 'json' });
    await manager.writeReport({ planId, path });
  });

  it('is never written over something else: a database, or notes of somebody', async () => {
    const { manager, planId, dbPath, folder } = await plan();
    const notes = join(folder, 'notes.html');
    writeFileSync(notes, '<!doctype html>\n<p>Mine.');
    const before = readFileSync(dbPath);
    for (const path of [dbPath, notes, folder]) {
      const refusal = await refusalOf(manager.writeReport({ planId, path }));
      expect(refusal.code).toBe('FILE_UNWRITABLE');
      expect(refusal.message).toContain(path);
    }
    expect(readFileSync(dbPath).equals(before)).toBe(true);
    expect(readFileSync(notes, 'utf8')).toBe('<!doctype html>\n<p>Mine.');
  });

  it('needs a folder and a plan that are there', async () => {
    const { manager, planId, folder, path } = await plan();
    const lost = join(folder, 'no such folder', 'report.html');
    expect((await refusalOf(manager.writeReport({ planId, path: lost }))).code).toBe('FILE_UNWRITABLE');
    expect((await refusalOf(manager.writeReport({ planId: 'none', path }))).code).toBe('PLAN_UNKNOWN');
    expect((await refusalOf(manager.writeReport({ planId, path: '' }))).code).toBe('SPEC_INVALID');
    expect(readdirSync(folder)).not.toContain('report.html');
  });

  it('is written from a registry that is open for reading only', async () => {
    const { open, planId, path, nodesPath: _ } = await plan();
    const reader = await open({ readOnly: true });
    onTestFinished(() => reader.close());
    expect((await reader.writeReport({ planId, path })).bytes).toBeGreaterThan(1_000);
  });
});
