import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { openRegistry } from '../../src/sqlite/open-registry.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../src/sqlite/schema.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { forbidWriting, listing, temporaryFolder } from '../fixtures/folder.ts';
import { OriginDatabase } from '../fixtures/origin-database.ts';
import { RegistryChild } from '../fixtures/registry-child.ts';

const actor = 'tester';
const binaryHdv = {
  modelId: 'binary_hdv',
  version: 1,
  dimension: 16384,
  checksum: '52bdb6e983fc401dc35967b1d25c36409adc295f879793700b2907dbcf838071',
  isActive: true,
};

async function makeRegistry(path: string): Promise<void> {
  await (await openRegistry({ path, actor })).close();
}

/** A database of someone else; left open when `keep`, as a killed process leaves it. */
function makeForeign(path: string, sql: string, options: { wal?: boolean } = {}): void {
  const raw = new Database(path);
  if (options.wal) raw.pragma('journal_mode = WAL');
  raw.exec(sql);
  raw.close();
}

/** What a killed process leaves: the file as it was, and its last commits in the log alone. */
function makeKilled(path: string, sql: string, options: { sharedMemory: boolean }): void {
  const live = `${path}.live`;
  const raw = new Database(live);
  raw.pragma('journal_mode = WAL');
  raw.pragma('wal_autocheckpoint = 0');
  raw.exec(sql);
  for (const suffix of ['', '-wal', ...(options.sharedMemory ? ['-shm'] : [])])
    copyFileSync(live + suffix, path + suffix);
  raw.close();
}

describe('where there is no registry yet', () => {
  it.each([
    ['no file', () => {}],
    ['no folder', () => {}, 'some/where/registry.sqlite'],
    ['an empty file', (path: string) => writeFileSync(path, '')],
  ])('%s: makes one with the first model', async (_, prepare, name = 'registry.sqlite') => {
    const path = join(temporaryFolder(), name);
    prepare(path);
    const store = await openRegistry({ path, actor });
    expect(await store.models()).toMatchObject([binaryHdv]);
    await store.close();
    const raw = new Database(path, { readonly: true });
    const pragma = (key: string) => raw.pragma(key, { simple: true });
    expect(
      ['page_size', 'auto_vacuum', 'journal_mode', 'application_id', 'user_version'].map(pragma),
    ).toEqual([8192, 2, 'wal', APPLICATION_ID, SCHEMA_VERSION]);
    raw.close();
  });

  it('in memory: makes one that goes with the connection', async () => {
    const store = await openRegistry({ path: ':memory:', actor });
    expect(await store.models()).toMatchObject([binaryHdv]);
    await store.close();
    expect(existsSync(':memory:')).toBe(false);
  });

  it.each(['', '  '])('a path %j is refused, not taken for a database that vanishes', async (path) => {
    await expect(openRegistry({ path, actor })).rejects.toMatchObject({ code: 'SPEC_INVALID' });
  });

  it('two processes that open one path at once both succeed', async () => {
    for (let round = 0; round < 3; round++) {
      const path = join(temporaryFolder(), 'registry.sqlite');
      const children = Array.from({ length: 3 }, () => new RegistryChild(path));
      await Promise.all(children.map((child) => child.said()));
      for (const child of children) child.tell('open');
      expect(await Promise.all(children.map((child) => child.said()))).toEqual(
        children.map(() => ({ models: 1 })),
      );
      await Promise.all(children.map((child) => child.ask('close')));
      const store = await openRegistry({ path, actor });
      const registered = (await store.journal()).items.filter((entry) => entry.action === 'model:registered');
      expect(registered).toHaveLength(1);
      await store.close();
    }
  });
});

describe('where there is a registry', () => {
  it('opens it as it is, without waiting for a writer that is busy', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    const busy = new Database(path);
    busy.exec('BEGIN IMMEDIATE');
    const store = await openRegistry({ path, actor, clock: new ManualClock() });
    expect(await store.models()).toMatchObject([binaryHdv]);
    await store.close();
    busy.close();
  });

  it('through a link finds the log beside the real file', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'real'));
    makeKilled(join(folder, 'real', 'db.sqlite'), 'CREATE TABLE tasks (x)', { sharedMemory: false });
    symlinkSync(join(folder, 'real', 'db.sqlite'), join(folder, 'link.sqlite'));
    const before = listing(folder);
    await expect(openRegistry({ path: join(folder, 'link.sqlite'), actor })).rejects.toMatchObject({
      code: 'DATABASE_INVALID',
      details: { clash: 'tasks' },
    });
    expect(listing(folder)).toEqual(before);
  });
});

describe('a database that leaves room', () => {
  const sql = `CREATE TABLE nodes (id TEXT PRIMARY KEY, content TEXT); CREATE TABLE app_notes (x);
    INSERT INTO nodes VALUES ('a', 'text')`;

  it.each([
    ['with a rollback journal', (path: string) => makeForeign(path, sql)],
    ['with a write-ahead log', (path: string) => makeForeign(path, sql, { wal: true })],
    ['left by a killed process', (path: string) => makeKilled(path, sql, { sharedMemory: true })],
    ['left without its index', (path: string) => makeKilled(path, sql, { sharedMemory: false })],
  ])('%s takes the registry in and keeps its rows', async (_, make) => {
    const path = join(temporaryFolder(), 'store.sqlite');
    make(path);
    const store = await openRegistry({ path, actor });
    expect(await store.models()).toMatchObject([binaryHdv]);
    await store.close();
    const raw = new Database(path);
    expect(raw.prepare('SELECT * FROM nodes').all()).toEqual([{ id: 'a', content: 'text' }]);
    expect(raw.pragma('application_id', { simple: true })).toBe(APPLICATION_ID);
    raw.close();
  });
});

const newer = `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION + 1}; CREATE TABLE t (x)`;

describe('what is refused is left byte for byte as it was', () => {
  it.each<[string, string, (path: string) => void | Promise<void>]>([
    [
      'text',
      'DATABASE_INVALID',
      (path) => writeFileSync(path, 'embedding_registry:\n  enabled: true\n'.repeat(40)),
    ],
    ['one byte', 'DATABASE_INVALID', (path) => writeFileSync(path, 'S')],
    [
      'a header alone',
      'DATABASE_INVALID',
      async (path) => {
        await makeRegistry(path);
        truncateSync(path, 60);
      },
    ],
    [
      'half a page',
      'DATABASE_INVALID',
      async (path) => {
        await makeRegistry(path);
        truncateSync(path, 5000);
      },
    ],
    [
      'half a registry',
      'DATABASE_INVALID',
      async (path) => {
        await makeRegistry(path);
        truncateSync(path, 8192 * 4);
      },
    ],
    [
      'a page size of zero',
      'DATABASE_INVALID',
      async (path) => {
        await makeRegistry(path);
        writeFileSync(path, readFileSync(path).fill(0, 16, 18));
      },
    ],
    [
      'pages overwritten',
      'DATABASE_INVALID',
      (path) => {
        makeForeign(path, 'CREATE TABLE t (x)', { wal: true });
        writeFileSync(path, readFileSync(path).fill(0xff, 100, 2000));
      },
    ],
    ['a newer registry', 'DATABASE_NEWER', (path) => makeForeign(path, newer, { wal: true })],
    [
      'a registry that is newer by its log alone',
      'DATABASE_NEWER',
      (path) => makeKilled(path, newer, { sharedMemory: false }),
    ],
    [
      'a number of another program',
      'DATABASE_INVALID',
      (path) => makeForeign(path, 'PRAGMA application_id = 7; CREATE TABLE t (x)', { wal: true }),
    ],
    [
      'a version of another program',
      'DATABASE_INVALID',
      (path) => makeForeign(path, 'PRAGMA user_version = 3; CREATE TABLE t (x)'),
    ],
    [
      'a table of our name',
      'DATABASE_INVALID',
      (path) => makeForeign(path, 'CREATE TABLE Settings (x)', { wal: true }),
    ],
    [
      'an index of our name',
      'DATABASE_INVALID',
      (path) => makeForeign(path, 'CREATE TABLE t (x); CREATE INDEX ready_tasks ON t (x)'),
    ],
    [
      'a table of our name in the log alone',
      'DATABASE_INVALID',
      (path) => makeKilled(path, 'CREATE TABLE backups (x)', { sharedMemory: false }),
    ],
    [
      'a table of our name beside those of the origin',
      'DATABASE_INVALID',
      (path) => {
        const origin = new OriginDatabase(path);
        origin.raw.exec('CREATE TABLE journal (x)');
        origin.close();
      },
    ],
    [
      'one table of the origin alone',
      'DATABASE_INVALID',
      (path) => makeForeign(path, 'CREATE TABLE models (model_id TEXT PRIMARY KEY)'),
    ],
    ['a folder', 'DATABASE_UNAVAILABLE', (path) => mkdirSync(path)],
  ])('%s: %s', async (_, code, make) => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await make(path);
    const before = listing(folder);
    await expect(openRegistry({ path, actor })).rejects.toMatchObject({ code });
    expect(listing(folder)).toEqual(before);
  });

  it('a killed process left log and index: the index alone may be made anew', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    makeKilled(path, newer, { sharedMemory: true });
    const contents = () => listing(folder).filter((line) => !line.includes('-shm'));
    const before = contents();
    await expect(openRegistry({ path, actor })).rejects.toMatchObject({ code: 'DATABASE_NEWER' });
    expect(contents()).toEqual(before);
  });

  it('says that a file is truncated', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    truncateSync(path, 8192 * 4);
    await expect(openRegistry({ path, actor })).rejects.toThrow('truncated');
  });

  it('a file in the place of its folder: DATABASE_UNAVAILABLE', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), 'x');
    const path = join(folder, 'file', 'registry.sqlite');
    await expect(openRegistry({ path, actor })).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });
});

const mayWriteAnyway = 'this user may write everywhere here';

describe('where nothing may be written: DATABASE_READONLY', () => {
  it.for([
    ['a registry in a folder', { files: true, folder: true }],
    ['a registry file', { files: true, folder: false }],
    ['the folder of a registry', { files: false, folder: true }],
  ] as const)('%s', async ([_, what], { skip }) => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await makeRegistry(path);
    skip(!forbidWriting(folder, what), mayWriteAnyway);
    const before = listing(folder);
    await expect(openRegistry({ path, actor })).rejects.toMatchObject({ code: 'DATABASE_READONLY' });
    expect(listing(folder)).toEqual(before);
  });

  it('an empty folder', async ({ skip }) => {
    const folder = temporaryFolder();
    skip(!forbidWriting(folder), mayWriteAnyway);
    for (const name of ['registry.sqlite', 'below/registry.sqlite'])
      await expect(openRegistry({ path: join(folder, name), actor })).rejects.toMatchObject({
        code: 'DATABASE_READONLY',
      });
    expect(listing(folder)).toEqual([]);
  });
});

describe('locked by another process', () => {
  it('waits, then DATABASE_LOCKED', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    makeForeign(path, 'CREATE TABLE nodes (x)', { wal: true });
    const busy = new Database(path);
    busy.exec('BEGIN IMMEDIATE; INSERT INTO nodes VALUES (1)');
    const clock = new ManualClock();
    const started = clock.now();
    await expect(clock.runUntil(openRegistry({ path, actor, clock }))).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
    });
    expect(clock.now() - started).toBeGreaterThanOrEqual(5_000);
    busy.exec('ROLLBACK');
    busy.close();
  });

  it('opens when the lock is given back meanwhile', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    makeForeign(path, 'CREATE TABLE nodes (x)', { wal: true });
    const busy = new Database(path);
    busy.exec('BEGIN IMMEDIATE; INSERT INTO nodes VALUES (1)');
    let sleeps = 0;
    const clock: Clock = {
      ...systemClock,
      sleep: async () => {
        sleeps += 1;
        if (sleeps === 3) busy.exec('COMMIT');
      },
    };
    const store = await openRegistry({ path, actor, clock });
    expect(sleeps).toBe(3);
    expect(await store.models()).toHaveLength(1);
    await store.close();
    busy.close();
  });
});
