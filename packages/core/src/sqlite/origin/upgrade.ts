import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import Database from 'better-sqlite3';
import { type Context, note } from '../context.ts';
import type { SqliteDatabase } from '../database.ts';
import { advanceSchema } from '../schema-steps.ts';
import { importActive, importModels } from './models.ts';
import { importPlans } from './plans.ts';
import { aside } from './schema.ts';

/**
 * Turns a database of the origin into ours: models, plans and tasks are taken over from its rows, its tables
 * make room for our views, and its own copy of the file is named in the journal. Runs inside one transaction
 * on a database that {@link identify} called `origin`. One way: the origin cannot write it afterwards.
 */
export function upgradeOrigin(context: Context, copy: string | undefined): void {
  const { db } = context;
  // Views of others on these tables keep their text, and so read our views from now on.
  db.raw.pragma('legacy_alter_table = ON');
  try {
    for (const [name, to] of Object.entries({
      models: aside.models,
      migration_plans: aside.plans,
      migration_tasks: aside.tasks,
    }))
      db.raw.exec(`ALTER TABLE ${name} RENAME TO ${to}`);
  } finally {
    db.raw.pragma('legacy_alter_table = OFF');
  }
  advanceSchema(db);
  const { active, ...models } = importModels(context);
  const plans = importPlans(context);
  importActive(context, active);
  const orphanTasks = db
    .sql(
      `SELECT count(*) FROM ${aside.tasks} WHERE plan_id NOT IN (SELECT plan_id FROM ${aside.plans} WHERE plan_id IS NOT NULL)`,
    )
    .pluck()
    .get();
  // Tasks refer to plans.
  for (const table of [aside.tasks, aside.plans, aside.models]) db.raw.exec(`DROP TABLE ${table}`);
  note(context, 'registry:upgraded', {
    details: {
      from: 'MnemoCore Phase 6.0',
      ...(copy !== undefined && { copy: basename(copy) }),
      hadActiveModel: active !== undefined,
      ...models,
      ...plans,
      orphanTasks,
    },
  });
}

/**
 * Copies the database to `<file>.bak-<time>` while the caller's transaction keeps writers out; durable when
 * it returns. A second connection reads what is committed: the write-ahead log is part of it, which a plain
 * copy of the file would miss.
 */
export function keepCopy({ db, clock }: Context, nativeBinding: string | undefined): string {
  const time = new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-');
  const free = (name: string, again = 1): string => {
    const candidate = again === 1 ? name : `${name}-${again}`;
    return existsSync(candidate) ? free(name, again + 1) : candidate;
  };
  const copy = free(`${db.path}.bak-${time}`);
  const unfinished = `${copy}.part`;
  rmSync(unfinished, { force: true });
  const reader = new Database(db.path, { readonly: true, nativeBinding });
  try {
    reader.prepare('VACUUM INTO ?').run(unfinished);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  } finally {
    reader.close();
  }
  chmodSync(unfinished, statSync(db.path).mode & 0o777);
  flush(unfinished, 'r+');
  renameSync(unfinished, copy);
  try {
    flush(dirname(copy), 'r');
  } catch {
    // Windows opens no folders; there the name is durable with the file.
  }
  return copy;
}

function flush(path: string, flags: 'r' | 'r+'): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Gives an upgraded file the layout of a new one, where no one else has it open: pages of 8 KB hold a backup
 * each without waste, and incremental vacuum gives space back when backups are given up. Only a file without
 * write-ahead log takes another page size; what is not reached is left as it was, and works.
 */
export function renewLayout(db: SqliteDatabase, pageSize: number): void {
  try {
    db.raw.pragma('journal_mode = DELETE');
    db.raw.pragma(`page_size = ${pageSize}`);
  } catch (error) {
    if (db.failure(error).code !== 'DATABASE_LOCKED') throw error;
  }
  db.raw.pragma('auto_vacuum = INCREMENTAL');
  db.raw.exec('VACUUM');
}
