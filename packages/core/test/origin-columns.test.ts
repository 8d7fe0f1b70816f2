/** Every column and every key of an origin's database, holding what no program of the origin writes there. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRegistryError } from '../src/errors.ts';
import type { RegistryStore } from '../src/ports/registry-store.ts';
import { openRegistry } from '../src/sqlite/open-registry.ts';
import { OriginDatabase } from './fixtures/origin-database.ts';
import { done, expectSound, mini, mini2, plan, tasksOf } from './fixtures/origin-openings.ts';

/** SQL of values, and the JSON that stands for the same in `plan_data`. */
const values: readonly (readonly [what: string, sql: string, json: string])[] = [
  ['nothing', 'NULL', 'null'],
  ['an empty text', "''", '""'],
  ['another text', "'twelve'", '"twelve"'],
  ['a negative number', '-1', '-1'],
  ['a fraction', '1.5', '1.5'],
  ['the largest integer', '9223372036854775807', '9223372036854775807'],
  ['infinity', '9e999', '1e999'],
  ['bytes', "x'00ff80'", '[0, 255]'],
  ['text that is no UTF-8', "CAST(x'61ff8062' AS TEXT)", '"\\ud800"'],
  ['a text with a NUL and an escape', "'a' || char(0, 27) || '[2J'", '"a\\u0000\\u001b[2J"'],
  ['a text of a megabyte', "printf('%.*c', 1000000, 'x')", `"${'x'.repeat(1_000_000)}"`],
  [
    'JSON that is deeper than a stack',
    `replace(printf('%.*c', 100000, 'x'), 'x', '[')`,
    `${'['.repeat(900)}${']'.repeat(900)}`,
  ],
  ['another object', `'{"__proto__":{"a":1}}'`, '{"__proto__": {"a": 1}, "constructor": 1}'],
];

const rows = {
  models: "model_id = 'mini'",
  migration_plans: "plan_id = 'p1'",
  migration_tasks: "task_id = 'p1:a'",
};
const specKeys = [
  '',
  '.model_id',
  '.version',
  '.dimension',
  '.checksum',
  '.name',
  '.description',
  '.created_at',
];
const keys = [
  '.plan_id',
  ...specKeys.map((key) => `.source_spec${key}`),
  ...specKeys.map((key) => `.target_spec${key}`),
  ...['status', 'total_nodes', 'completed_nodes', 'failed_nodes', 'created_at', 'started_at'].map(
    (key) => `.${key}`,
  ),
  ...['completed_at', 'batch_size', 'throttle_delay_ms', 'max_parallel_workers', 'tasks'].map(
    (key) => `.${key}`,
  ),
  ...[
    '',
    '.node_id',
    '.source_spec',
    '.target_spec',
    '.status',
    '.priority',
    '.created_at',
    '.started_at',
  ].map((key) => `.tasks[0]${key}`),
  ...['completed_at', 'error_message', 'retry_count', 'max_retries', 'old_vector_backup', 'can_rollback'].map(
    (key) => `.tasks[0].${key}`,
  ),
];

let folder: string;
let whole: string;
let copies = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-test-'));
  whole = join(folder, 'whole.sqlite');
  const origin = new OriginDatabase(whole);
  origin.model(mini, true);
  origin.plan(plan({ tasks: [done('a'), { node_id: 'b' }] }));
  origin.plan(plan({ plan_id: 'other', target: mini2, tasks: [done('c'), { node_id: 'd' }] }));
  origin.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a user may read of it; each call answers, or says with a code why not. */
async function readAll(store: RegistryStore): Promise<void> {
  const coded = (error: unknown) => expect(isRegistryError(error), String(error)).toBe(true);
  await store.models().catch(coded);
  await store.journal().catch(coded);
  for (const { planId } of (await store.plans()).items) {
    await expectSound(store, planId);
    for (const { nodeId } of await tasksOf(store, planId))
      await store.backup({ planId, nodeId }).catch(coded);
  }
}

async function opens(sql: string): Promise<void> {
  const path = join(folder, `damaged-${++copies}.sqlite`);
  copyFileSync(whole, path);
  const raw = new Database(path);
  raw.pragma('foreign_keys = OFF');
  raw.exec(sql);
  raw.close();
  const store = await openRegistry({ path, actor: 'tester' });
  try {
    await readAll(store);
    expect(await store.plan('other')).toMatchObject({ totalNodes: 2, completedNodes: 1 });
  } finally {
    await store.close();
  }
}

const columnsOf = (database: Database.Database, table: string) =>
  database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];

/** Every place, and the SQL that puts a value there. */
function places(): readonly (readonly [where: string, damage: (sql: string, json: string) => string])[] {
  using database = closing(new Database(whole, { readonly: true }));
  const columns = Object.entries(rows).flatMap(([table, row]) => {
    // Columns of plans and tasks count where the JSON is broken.
    const broken =
      table === 'models' ? '' : "UPDATE migration_plans SET plan_data = '{' WHERE plan_id = 'p1';";
    return columnsOf(database.value, table).map(
      (column) =>
        [
          `${table}.${column}`,
          (sql: string) => `${broken} UPDATE OR IGNORE ${table} SET ${column} = ${sql} WHERE ${row}`,
        ] as const,
    );
  });
  const json = keys.map(
    (key) =>
      [
        `plan_data${key}`,
        (_: string, text: string) =>
          `UPDATE migration_plans SET plan_data = json_set(plan_data, '$${key}', json('${text}')) WHERE plan_id = 'p1'`,
      ] as const,
  );
  return [...columns, ...json];
}

function closing(value: Database.Database) {
  return { value, [Symbol.dispose]: () => value.close() };
}

/** `CRASH_MATRIX=full` puts every value at every place; else each place gets one, and each value some. */
const isFull = process.env.CRASH_MATRIX === 'full';

it.each(values.map(([what, sql, json], turn) => ({ what, sql, json, turn })))(
  '$what at any place is read as what it can be, and spoils nothing else',
  async ({ sql, json, turn }) => {
    const chosen = places().filter((_, index) => isFull || index % values.length === turn);
    expect(chosen.length).toBeGreaterThan(4);
    const failed: string[] = [];
    for (const [where, damage] of chosen)
      await opens(damage(sql, json)).catch((error) => failed.push(`${where}: ${error}`));
    expect(failed).toEqual([]);
  },
  300_000,
);
