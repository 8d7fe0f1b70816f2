/** What a terminal and a page are shown of texts that somebody else wrote: never what moves, hides or passes for another. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddingVersionManager } from '@registry/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evr } from '../../packages/cli/test/evr.ts';
import { forged, harmful, hostile, restingRegistry } from './forgeries.ts';

/** Every text of a registry that is not checked against a list of ours. */
const everywhere = `
  UPDATE model_specs SET model_id = model_id || char(0x202e) || 'gpj<b>', notes =
    json_object('name', hostile(), 'description', hostile(), 'shutdownAt', '2026-12-01');
  UPDATE plans SET reason_code = hostile(), reason_message = hostile(), strategy_reason = hostile(), held_since = 1,
    held_until = 4e15, held_code = hostile(), held_message = hostile(), status = 'paused', started = NULL;
  UPDATE tasks SET node_id = node_id || hostile();
  UPDATE task_errors SET node_id = node_id || hostile(), message = hostile(), code = hostile();
  UPDATE backups SET node_id = node_id || hostile();
  UPDATE journal SET actor = hostile(), action = hostile(), details = json_object(hostile(), hostile());
  UPDATE workers SET worker = hostile(), host = hostile(),
    waiting = json_array(json_object('planId', (SELECT plan_id FROM plans), 'code', hostile(), 'message', hostile()));`;

let folder: string;
let path: string;
let planId: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  const resting = await restingRegistry(folder);
  planId = resting.planId;
  path = forged(resting.path, everywhere);
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  { command: 'inspect', of: () => [path], says: 'gpj<b>' },
  { command: 'inspect', of: () => [path, 'tasks', '--plan', planId], says: 'failed' },
  { command: 'inspect', of: () => [path, 'journal', '--json'], says: '"items"' },
  { command: 'status', of: () => ['--db', path], says: 'cannot go on with plan' },
  { command: 'show', of: () => [planId, '--db', path], says: 'inPlace' },
  { command: 'watch', of: () => [planId, '--db', path], says: 'Paused' },
])('evr $command shows them, and nothing happens', async ({ command, of, says }) => {
  const { stdout, stderr } = await evr([command, ...of()], { cwd: folder });
  const shown = stdout + stderr;
  expect(shown).toContain(says);
  expect(shown).not.toMatch(harmful);
  // Of lines that somebody else wrote none begins at the margin, where it would pass for one of ours.
  expect(shown).not.toMatch(/^\\u2028/m);
});

it('evr prints of texts without end their beginning, and all of them as JSON', async () => {
  const endless = forged(path, everywhere.replaceAll('hostile()', "printf('%.*c', 300000, 'x')"));
  for (const call of [
    ['show', planId, '--db', endless],
    ['inspect', endless, 'journal'],
    ['status', '--db', endless],
  ]) {
    const { stdout, stderr } = await evr(call, { cwd: folder });
    expect([call[0], stdout.length + stderr.length < 100_000]).toEqual([call[0], true]);
    expect(stdout + stderr).toMatch(/x… \(\d+ more\s+characters\)/);
  }
  const { stdout } = await evr(['show', planId, '--db', endless, '--json'], { cwd: folder });
  expect(JSON.parse(stdout).data.plan.reason.message).toHaveLength(300_000);
});

it.each([
  { what: 'a command', call: ['foo\u001b[2J'] },
  { what: 'an option', call: ['list', '--b\u009b31m'] },
  { what: 'a file', call: ['inspect', 'x\u001b]0;y\u0007\u202e.sqlite'] },
  { what: 'a variable', call: ['status'], env: { HAIM_EMBEDDING_REGISTRY_DB_PATH: 'a\u001b[2J/b' } },
  { what: 'the name of a variable', call: ['status'], env: { 'HAIM_EMBEDDING_REGISTRY_x\u001b[2J': '1' } },
])('evr repeats $what in its error as text', async ({ call, env }) => {
  const { exitCode, stderr } = await evr(call, { cwd: folder, ...(env && { env }) });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/\\u00(1b|9b)/);
  expect(stderr).not.toMatch(harmful);
});

it.each(['html', 'json'] as const)('a report as %s holds them as text alone', async (format) => {
  await using manager = await EmbeddingVersionManager.open({ dbPath: path, readOnly: true });
  const report = await manager.writeReport({ planId, path: join(folder, `report.${format}`), format });
  // A page takes a carriage return for a blank.
  const text = readFileSync(report.path, 'utf8').replaceAll('\r', '');
  expect(text).toContain('/C calc');
  expect(text).not.toMatch(harmful);
  if (format === 'html') expect(text.match(/<(img|script|a|iframe|object|link)\b/g)).toBeNull();
  else expect(JSON.parse(text).plan.reason.message).toBe(hostile);
});
