import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { EmbeddingModelSpec } from '../../src/model/model-spec.ts';
import { registryFileKind } from '../../src/open.ts';
import type { RegistryStore } from '../../src/ports/registry-store.ts';
import { openRegistryReadOnly } from '../../src/sqlite/open-read-only.ts';
import { openRegistry } from '../../src/sqlite/open-registry.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from '../../src/sqlite/schema.ts';
import { forbidWriting, listing, temporaryFolder } from '../fixtures/folder.ts';
import { OriginDatabase } from '../fixtures/origin-database.ts';
import { mini, plan } from '../fixtures/origin-openings.ts';
import { RegistryChild } from '../fixtures/registry-child.ts';

const specOf = (modelId: string) =>
  new EmbeddingModelSpec({ modelId, version: 1, dimension: 3, checksum: 'c' });

const register = (store: RegistryStore, modelId: string) =>
  store.putModel({ spec: specOf(modelId), notes: {}, activate: false, allowLowerVersion: false });

async function makeRegistry(path: string, modelId = 'mini'): Promise<void> {
  const store = await openRegistry({ path, actor: 'tester' });
  await register(store, modelId);
  await store.close();
}

const modelIds = async (store: RegistryStore) => (await store.models()).map((model) => model.modelId);

function copyKilled(from: string, to: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) copyFileSync(from + suffix, to + suffix);
}

/** A registry whose last commits are in its log alone, as a killed process leaves it. */
async function makeKilled(path: string, suffixes = ['', '-wal', '-shm']): Promise<void> {
  const live = join(temporaryFolder(), 'live.sqlite');
  const store = await openRegistry({ path: live, actor: 'tester' });
  await register(store, 'mini');
  copyKilled(live, path, suffixes);
  await store.close();
}

/** Fills a registry beyond what is copied into memory. */
async function makeLarge(path: string): Promise<void> {
  await makeRegistry(path);
  const raw = new Database(path);
  raw.exec(`CREATE TABLE filler (x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 40)
    INSERT INTO filler SELECT zeroblob(1000000) FROM c`);
  raw.close();
}

function makeOrigin(path: string): void {
  const origin = new OriginDatabase(path);
  origin.model(mini).plan(plan({ tasks: [{ node_id: 'a' }] }));
  origin.close();
}

/** A registry whose process was killed in the middle of a transaction that a rollback journal is to undo. */
async function makeHot(path: string): Promise<void> {
  const live = join(temporaryFolder(), 'live.sqlite');
  await makeRegistry(live);
  const raw = new Database(live);
  raw.pragma('journal_mode = DELETE');
  raw.pragma('cache_size = 1');
  raw.exec(`BEGIN; CREATE TABLE filler (x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 99)
    INSERT INTO filler SELECT randomblob(9000) FROM c; DELETE FROM journal; DROP TABLE task_errors`);
  copyKilled(live, path, ['', '-journal']);
  raw.close();
}

const ways: readonly (readonly [string, (path: string) => void | Promise<void>])[] = [
  ['a resting registry', (path) => makeRegistry(path)],
  ['one too large for memory', makeLarge],
  ['what a killed process left, without the index', (path) => makeKilled(path, ['', '-wal'])],
  ['what a killed process left, with a journal to roll back', makeHot],
  ['a resting database of the origin', makeOrigin],
];

describe('reading leaves no trace', () => {
  it.each(ways)('of %s', async (_, make) => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await make(path);
    const before = listing(folder);
    const store = await openRegistryReadOnly({ path });
    expect(await modelIds(store)).toEqual(expect.arrayContaining(['binary_hdv', 'mini']));
    await store.plans();
    await store.workers();
    expect(listing(folder)).toEqual(before);
    await store.close();
    expect(listing(folder)).toEqual(before);
  });

  it.for([...ways, ['what a killed process left', (path: string) => makeKilled(path)] as const])(
    'of %s, in a folder that cannot be written',
    async ([_, make], { skip }) => {
      const folder = temporaryFolder();
      const path = join(folder, 'registry.sqlite');
      await make(path);
      skip(!forbidWriting(folder), 'this user may write everywhere here');
      const before = listing(folder);
      const store = await openRegistryReadOnly({ path });
      expect(await modelIds(store)).toEqual(expect.arrayContaining(['binary_hdv', 'mini']));
      await store.close();
      expect(listing(folder)).toEqual(before);
    },
  );

  it('of what a killed process left, but for the index that SQLite makes anew', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await makeKilled(path);
    const names = () => listing(folder).map((line) => line.split(' ')[0]);
    const contents = () => listing(folder).filter((line) => !line.includes('-shm'));
    const before = [names(), contents()];
    const store = await openRegistryReadOnly({ path });
    expect(await modelIds(store)).toEqual(['binary_hdv', 'mini']);
    await store.close();
    expect([names(), contents()]).toEqual(before);
  });

  it('of a live one: neither file nor log change, and the writer tidies up when it goes', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await makeRegistry(path);
    const child = await RegistryChild.opened(path);
    await child.ask('first');
    // Contents are not looked at: to close a file drops the locks of this process's connections to it.
    const seen = () => listing(folder, { contents: false }).filter((line) => !line.includes('-shm'));
    const before = seen();
    const store = await openRegistryReadOnly({ path });
    expect(await modelIds(store)).toContain('first');
    expect(seen()).toEqual(before);
    await child.ask('close');
    expect(listing(folder).map((line) => line.split(' ')[0])).toEqual(['registry.sqlite']);
    expect(await modelIds(store)).toContain('first');
    expect(listing(folder)).toHaveLength(1);
    await store.close();
  });
});

const LOCKS = '/proc/locks';

describe('beside a connection of the same process', () => {
  it('opening and reading leave its locks alone', async ({ skip }) => {
    skip(!existsSync(LOCKS), 'this system does not tell its locks');
    const path = join(temporaryFolder(), 'registry.sqlite');
    const writer = await openRegistry({ path, actor: 'tester' });
    const file = `:${statSync(path).ino} `;
    const locks = () =>
      readFileSync(LOCKS, 'utf8')
        .split('\n')
        .filter((line) => line.includes(file));
    expect(locks()).toHaveLength(1);
    const reader = await openRegistryReadOnly({ path });
    expect(await modelIds(reader)).toEqual(['binary_hdv']);
    const again = await openRegistry({ path, actor: 'tester' });
    await again.close();
    await reader.close();
    expect(locks()).toHaveLength(1);
    await writer.close();
    expect(locks()).toHaveLength(0);
  });
});

describe('reading follows the file', () => {
  it('a live one: later reads see later commits', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    const child = await RegistryChild.opened(path);
    const store = await openRegistryReadOnly({ path });
    for (const modelId of ['first', 'second']) {
      expect(await modelIds(store)).not.toContain(modelId);
      await child.ask(modelId);
      expect(await modelIds(store)).toContain(modelId);
    }
    await child.kill();
    expect(await modelIds(store)).toContain('second');
    await store.close();
  });

  it('a resting one that is written later, while and after a writer has it', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    const reader = await openRegistryReadOnly({ path });
    expect(await modelIds(reader)).toEqual(['binary_hdv', 'mini']);
    const writer = await openRegistry({ path, actor: 'tester' });
    await register(writer, 'live');
    expect(await modelIds(reader)).toEqual(['binary_hdv', 'mini', 'live']);
    await register(writer, 'last');
    await writer.close();
    expect(await modelIds(reader)).toEqual(['binary_hdv', 'mini', 'live', 'last']);
    await reader.close();
  });

  it('one that is put in its place', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await makeRegistry(path);
    const store = await openRegistryReadOnly({ path });
    await makeRegistry(join(folder, 'other.sqlite'), 'other');
    renameSync(join(folder, 'other.sqlite'), path);
    expect(await modelIds(store)).toEqual(['binary_hdv', 'other']);
    rmSync(path);
    await expect(store.models()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await store.close();
  });

  it('one of the origin, while that writes it and when it is upgraded', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    makeOrigin(path);
    const store = await openRegistryReadOnly({ path });
    expect((await store.plans()).items.map((item) => item.status)).toEqual(['paused']);
    const origin = new Database(path);
    origin.exec(`UPDATE models SET name = 'renamed' WHERE model_id = 'mini'`);
    const before = listing(folder).filter((line) => !line.includes('-shm'));
    expect((await store.models()).map((model) => model.name)).toContain('renamed');
    expect((await store.journal()).items).toEqual([]);
    expect(listing(folder).filter((line) => !line.includes('-shm'))).toEqual(before);
    origin.close();
    await (await openRegistry({ path, actor: 'tester' })).close();
    expect((await store.journal()).items).toContainEqual(
      expect.objectContaining({ action: 'registry:upgraded' }),
    );
    await store.close();
  });

  it('many reads at once are each answered', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    const store = await openRegistryReadOnly({ path });
    const answers = await Promise.all(Array.from({ length: 20 }, () => modelIds(store)));
    expect(new Set(answers.map(String)).size).toBe(1);
    await store.close();
    await store.close();
    await expect(store.models()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });
});

describe('reading changes nothing', () => {
  it('every method that writes is refused', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    const store = await openRegistryReadOnly({ path });
    const reads = [
      'models',
      'plan',
      'plans',
      'tasks',
      'failures',
      'backup',
      'strayBackups',
      'witness',
      'journal',
      'runnable',
      'backups',
      'rollbackCursor',
      'rollbackReport',
      'notes',
      'mark',
      'nodeStoreId',
      'creator',
      'workers',
      'checkNode',
      'endedTasks',
      'backupTotals',
      'notes',
      'close',
    ];
    const writes = Object.keys(store).filter((name) => !reads.includes(name));
    expect(writes.length).toBeGreaterThan(25);
    for (const name of writes)
      await expect(
        (store[name as keyof RegistryStore] as () => Promise<unknown>)(),
        name,
      ).rejects.toMatchObject({
        code: 'DATABASE_READONLY',
        details: { method: name },
      });
    await store.close();
  });

  it('one of the origin keeps its own tables', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    expect(await registryFileKind({ path })).toBe('absent');
    makeOrigin(path);
    expect(await registryFileKind({ path })).toBe('origin');
    const store = await openRegistryReadOnly({ path });
    await store.models();
    await store.close();
    const raw = new Database(path, { readonly: true });
    expect(
      raw.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).pluck().all(),
    ).toEqual(['migration_plans', 'migration_tasks', 'models']);
    raw.close();
  });
});

describe('what cannot be read', () => {
  it('no file: DATABASE_UNAVAILABLE, and none is made', async () => {
    const folder = temporaryFolder();
    for (const name of ['registry.sqlite', 'below/registry.sqlite'])
      await expect(openRegistryReadOnly({ path: join(folder, name) })).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
      });
    expect(listing(folder)).toEqual([]);
  });

  it.each<[string, string, (path: string) => void | Promise<void>]>([
    ['an empty file', 'DATABASE_INVALID', (path) => writeFileSync(path, '')],
    ['text', 'DATABASE_INVALID', (path) => writeFileSync(path, 'x'.repeat(5000))],
    [
      'a truncated registry',
      'DATABASE_INVALID',
      async (path) => {
        await makeRegistry(path);
        truncateSync(path, 8192 * 3);
      },
    ],
    ['a database without a registry', 'DATABASE_INVALID', (path) => make(path, 'CREATE TABLE nodes (x)')],
    ['a database of another program', 'DATABASE_INVALID', (path) => make(path, 'CREATE TABLE tasks (x)')],
    [
      'a newer registry',
      'DATABASE_NEWER',
      (path) =>
        make(
          path,
          `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION + 1}; CREATE TABLE t (x)`,
        ),
    ],
  ])('%s: %s', async (_, code, prepare) => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    await prepare(path);
    const before = listing(folder);
    await expect(openRegistryReadOnly({ path })).rejects.toMatchObject({ code });
    expect(listing(folder)).toEqual(before);
  });

  it('a registry that a newer program upgrades meanwhile: DATABASE_NEWER', async () => {
    const path = join(temporaryFolder(), 'registry.sqlite');
    await makeRegistry(path);
    const live = new Database(path);
    live.exec('CREATE TABLE t (x)');
    const store = await openRegistryReadOnly({ path });
    expect(await modelIds(store)).toHaveLength(2);
    live.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    await expect(store.models()).rejects.toMatchObject({ code: 'DATABASE_NEWER' });
    live.close();
    await expect(store.models()).rejects.toMatchObject({ code: 'DATABASE_NEWER' });
    await store.close();
  });
});

function make(path: string, sql: string): void {
  const raw = new Database(path);
  raw.pragma('journal_mode = WAL');
  raw.exec(sql);
  raw.close();
}
