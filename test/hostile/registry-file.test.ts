/** A registry file of foreign origin: only numbered as ours, with rows that no registry writes, with texts that act. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddingVersionManager, RegisteredModel } from '@registry/core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nodeId, refusalOf } from '../scene.ts';
import { forged, harmful, restingRegistry } from './forgeries.ts';

const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';

async function open(path: string, readOnly = true): Promise<EmbeddingVersionManager> {
  const manager = await EmbeddingVersionManager.open({ dbPath: path, readOnly });
  onTestFinished(() => manager.close());
  return manager;
}

let folder: string;
let resting: Awaited<ReturnType<typeof restingRegistry>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  resting = await restingRegistry(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that only calls itself a registry', () => {
  it.each([
    ['a view that never ends in the place of a table', `DROP TABLE plans; CREATE VIEW plans AS ${endless}`],
    ['another view than ours', `DROP VIEW migration_tasks; CREATE VIEW migration_tasks AS ${endless}`],
    ['a computed column', "ALTER TABLE plans ADD COLUMN x TEXT AS (printf('%.*c', 90000000, 'x'))"],
    ['a table less', 'DROP TABLE task_errors'],
    ['a virtual table', 'DROP TABLE journal; CREATE VIRTUAL TABLE journal USING fts5(at, actor, action)'],
    [
      'tables that do not parse',
      "UPDATE sqlite_schema SET sql = 'CREATE TABLE tasks (' WHERE name = 'tasks'",
    ],
  ])('with %s is refused, for reading and for writing, and left as it is', async (_, sql) => {
    const path = forged(resting.path, sql);
    const before = readFileSync(path);
    for (const readOnly of [true, false])
      expect((await refusalOf(open(path, readOnly))).code).toBe('DATABASE_INVALID');
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});

describe('a row that no registry writes', () => {
  it.each([
    ['a date beyond all dates', 'UPDATE model_specs SET registered_at = 9223372036854775807', 'models'],
    ['notes that are no JSON', "UPDATE model_specs SET notes = '{'", 'models'],
    ['a version beyond exact numbers', 'UPDATE model_specs SET version = 9007199254740993', 'models'],
    ['a name with an escape code', 'UPDATE model_specs SET model_id = hostile() WHERE model = 2', 'models'],
    ['a plan made on no date', 'UPDATE plans SET created = -9223372036854775808', 'plan'],
    ['conditions that are no JSON', "UPDATE plans SET filter = char(0) || 'x'", 'plan'],
    ['conditions of another form', `UPDATE plans SET filter = '{"a":{"b":[]}}'`, 'plan'],
    ['an id of a plan that is an option', "UPDATE plans SET plan_id = '--db=x'", 'plans'],
    ['an id of a plan that a shell would run', "UPDATE plans SET plan_id = '$(id)'", 'plans'],
    ['a status that is none', "UPDATE plans SET status = 'constructor'", 'plan'],
    ['a strategy that is none', "UPDATE plans SET strategy = '__proto__'", 'plan'],
    ['a priority that is none', 'UPDATE plans SET priority = -1', 'plan'],
    ['a worker heard of on no date', 'UPDATE workers SET heartbeat = 9223372036854775807', 'workers'],
    ['a worker that waits for no JSON', "UPDATE workers SET waiting = '['", 'workers'],
    ['a worker that waits for nothing known', "UPDATE workers SET waiting = '[null]'", 'workers'],
    ['details that are no JSON', "UPDATE journal SET details = '{'", 'journal'],
    ['details that are nothing', "UPDATE journal SET details = 'null'", 'journal'],
    ['an entry of no date', 'UPDATE journal SET at = 9007199254740993', 'journal'],
    ['a vector that ends within a number', "UPDATE backups SET vector = x'010203'", 'backup'],
  ])('(%s) ends its call with a code, and no other one', async (_, sql, broken) => {
    const manager = await open(forged(resting.path, sql));
    const { planId } = resting;
    const calls: Record<string, () => Promise<unknown>> = {
      models: () => manager.listModels(),
      plan: () => manager.getMigration(planId),
      plans: () => manager.listMigrations(),
      workers: () => manager.listWorkers(),
      journal: () => manager.listJournal(),
      backup: () => manager.getBackup({ planId, nodeId: nodeId(1) }),
    };
    const refusal = await refusalOf(calls[broken]!());
    expect(refusal.code).toBe('DATABASE_INVALID');
    expect(refusal.message).not.toMatch(harmful);
    if (broken !== 'models' && broken !== 'plan') await calls.models!();
  });

  it('cannot change what a model is by its notes', async () => {
    const notes = {
      name: 'kept',
      isActive: true,
      toJSON: 1,
      successor: { modelId: 5 },
      pricePerMillionTokens: -1,
    };
    const text = JSON.stringify(notes).replace(
      '{',
      '{"__proto__":{"equals":1},"constructor":{"prototype":{}},',
    );
    const manager = await open(
      forged(resting.path, `UPDATE model_specs SET notes = '${text}' WHERE model_id = 'new-model'`),
    );
    const model = await manager.getModel({ modelId: 'new-model', version: 1 });
    expect(model).toBeInstanceOf(RegisteredModel);
    expect(model).toMatchObject({ name: 'kept', isActive: false });
    expect(Object.keys(model!.toJSON())).not.toContain('successor');
    expect(({} as Record<string, unknown>).equals).toBeUndefined();
  });
});
