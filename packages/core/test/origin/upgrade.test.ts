import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openRegistryReadOnly } from '../../src/sqlite/open-read-only.ts';
import { openRegistry } from '../../src/sqlite/open-registry.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { listing, temporaryFolder } from '../fixtures/folder.ts';
import { OriginDatabase } from '../fixtures/origin-database.ts';
import { done, mini, plan, tasksOf } from '../fixtures/origin-openings.ts';
import { RegistryChild } from '../fixtures/registry-child.ts';

const actor = 'tester';
const dieInUpgrade = fileURLToPath(new URL('../fixtures/die-in-upgrade.ts', import.meta.url));

const rowsOf = (path: string) => {
  const raw = new Database(path, { readonly: true });
  try {
    return ['models', 'migration_plans', 'migration_tasks'].map((table) =>
      raw.prepare(`SELECT * FROM ${table}`).all(),
    );
  } finally {
    raw.close();
  }
};

const isUpgraded = (path: string) => readFileSync(path).readInt32BE(68) !== 0;

function buildMany(path: string): void {
  const origin = new OriginDatabase(path);
  origin.model(mini, true).plan(plan({ tasks: [done('a'), { node_id: 'b' }] }));
  origin.plan(plan({ plan_id: 'p2', tasks: [{ node_id: 'c' }] }));
  origin.raw.exec(`INSERT INTO migration_tasks SELECT 'gone:x', 'gone', 'x', source_model_id, source_version, source_checksum,
    target_model_id, target_version, target_checksum, status, priority, created_at, started_at, completed_at, error_message,
    retry_count, max_retries, old_vector_backup, can_rollback FROM migration_tasks LIMIT 1`);
  origin.close();
}

const copies = (folder: string) => readdirSync(folder).filter((name) => name.includes('.bak-'));

describe('an upgrade that was not asked for', () => {
  it('is refused, and leaves the file and its folder as they were', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    buildMany(path);
    const before = listing(folder);
    const refused = openRegistry({ path, actor, upgradeOrigin: false });
    await expect(refused).rejects.toMatchObject({ code: 'DATABASE_ORIGIN', details: { path } });
    expect(listing(folder)).toEqual(before);
    await (await openRegistry({ path, actor })).close();
    await (await openRegistry({ path, actor, upgradeOrigin: false })).close(); // it is ours by now
  });
});

describe('the upgrade', () => {
  it('keeps a copy with every row, named in journal and log, and makes a file like a new one', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    buildMany(path);
    const before = rowsOf(path);
    const heard: (object | undefined)[] = [];
    const quiet = () => {};
    const logger = {
      debug: quiet,
      info: quiet,
      error: quiet,
      warn: (_: string, details?: object) => void heard.push(details),
    };
    const store = await openRegistry({
      path,
      actor,
      logger,
      clock: new ManualClock({ now: Date.UTC(2026, 10, 24, 1, 2, 3) }),
    });
    expect(copies(folder)).toEqual(['registry.sqlite.bak-2026-11-24T01-02-03-000Z']);
    const copy = join(folder, copies(folder)[0] as string);
    expect(heard).toEqual([{ path, copy }]);
    expect((await store.journal()).items[0]).toMatchObject({
      action: 'registry:upgraded',
      actor,
      details: {
        copy: copies(folder)[0],
        models: 2,
        plans: 2,
        unfinishedPlans: 2,
        tasks: 3,
        orphanTasks: 1,
        hadActiveModel: true,
      },
    });
    await store.close();
    expect(rowsOf(copy)).toEqual(before);
    const raw = new Database(path, { readonly: true });
    const pragma = (key: string) => raw.pragma(key, { simple: true });
    expect(['page_size', 'auto_vacuum', 'journal_mode'].map(pragma)).toEqual([8192, 2, 'wal']);
    expect(raw.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(raw.pragma('foreign_key_check')).toEqual([]);
    expect(raw.prepare("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'origin%'").pluck().get()).toBe(0);
    expect(raw.prepare('SELECT plan_id FROM migration_plans ORDER BY 1').pluck().all()).toEqual(['p1', 'p2']);
    raw.close();
  });

  it('opens what a killed origin left: its last commits are in the log alone', async () => {
    const folder = temporaryFolder();
    const live = join(folder, 'live.sqlite');
    const origin = new OriginDatabase(live);
    origin.raw.pragma('wal_autocheckpoint = 0');
    origin.model(mini, true).plan(plan({ tasks: [{ node_id: 'a' }] }));
    for (const variant of [
      ['', '-wal', '-shm'],
      ['', '-wal'],
    ]) {
      const path = join(folder, `killed-${variant.length}.sqlite`);
      for (const suffix of variant) copyFileSync(live + suffix, path + suffix);
      const before = rowsOf(live);
      const reader = await openRegistryReadOnly({ path });
      expect(await tasksOf(reader)).toHaveLength(1);
      await reader.close();
      const store = await openRegistry({ path, actor });
      expect((await store.models()).find((model) => model.isActive)?.modelId).toBe('mini');
      expect(await tasksOf(store)).toHaveLength(1);
      await store.close();
      const copy = readdirSync(folder).find((name) =>
        name.startsWith(`killed-${variant.length}.sqlite.bak-`),
      );
      expect(rowsOf(join(folder, copy as string))).toEqual(before);
    }
    origin.close();
  });

  it('happens once where several processes open the file at the same time', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    buildMany(path);
    const children = Array.from({ length: 3 }, () => new RegistryChild(path));
    await Promise.all(children.map((child) => child.said()));
    for (const child of children) child.tell('open');
    expect(await Promise.all(children.map((child) => child.said()))).toEqual(
      children.map(() => ({ models: 2 })),
    );
    await Promise.all(children.map((child) => child.ask('close')));
    expect(copies(folder)).toHaveLength(1);
    const store = await openRegistry({ path, actor });
    const upgrades = (await store.journal()).items.filter((entry) => entry.action === 'registry:upgraded');
    expect(upgrades).toHaveLength(1);
    await store.close();
    expect(copies(folder)).toHaveLength(1);
  });

  it('waits for the origin, which is still writing', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    buildMany(path);
    const origin = new Database(path);
    origin.exec(`BEGIN IMMEDIATE; UPDATE models SET name = 'late'`);
    const clock = new ManualClock();
    await expect(clock.runUntil(openRegistry({ path, actor, clock }))).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
    });
    expect(copies(folder)).toEqual([]);
    origin.exec('COMMIT');
    const store = await openRegistry({ path, actor });
    expect((await store.models()).map((model) => model.name)).toContain('late');
    // The origin had it open meanwhile and still has: pages keep their size, rows are all there.
    expect((await store.plans()).items).toHaveLength(2);
    await store.close();
    origin.close();
  });

  it('that breaks off at any moment leaves every row as it was, and so does its copy', async () => {
    const source = join(temporaryFolder(), 'origin.sqlite');
    buildMany(source);
    const before = rowsOf(source);
    let failures = 0;
    for (let moment = 1; ; moment++) {
      const folder = temporaryFolder();
      const path = join(folder, 'registry.sqlite');
      copyFileSync(source, path);
      let calls = 0;
      const now = () => {
        calls += 1;
        if (calls === moment) throw new Error('broken off');
        return systemClock.now();
      };
      const opening = openRegistry({ path, actor, clock: { ...systemClock, now } });
      const store = await opening.catch(() => undefined);
      await store?.close();
      if (calls < moment) break;
      for (const copy of copies(folder)) expect(rowsOf(join(folder, copy))).toEqual(before);
      if (!isUpgraded(path)) {
        failures += 1;
        expect(rowsOf(path)).toEqual(before);
      }
      const again = await openRegistry({ path, actor });
      expect((await again.plans()).items).toHaveLength(2);
      await again.close();
    }
    expect(failures).toBeGreaterThan(8);
  });

  it.each([8, 10, 12])(
    'whose process is killed (moment %i) is made good by the next opening',
    async (moment) => {
      const folder = temporaryFolder();
      const path = join(folder, 'registry.sqlite');
      buildMany(path);
      const before = rowsOf(path);
      const died = spawnSync(process.execPath, [dieInUpgrade, path, String(moment)]);
      // Windows has no signals: who kills itself there ends with 1.
      expect(died.signal ?? died.status).toBe(process.platform === 'win32' ? 1 : 'SIGKILL');
      expect(copies(folder)).toHaveLength(1);
      expect(rowsOf(path)).toEqual(before);
      const store = await openRegistry({ path, actor });
      expect((await store.plans()).items).toHaveLength(2);
      await store.close();
      for (const copy of copies(folder)) expect(rowsOf(join(folder, copy))).toEqual(before);
    },
  );

  it('of a damaged file is refused before a row is changed', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'registry.sqlite');
    const origin = new OriginDatabase(path);
    origin.plan(plan({ tasks: Array.from({ length: 200 }, (_, index) => ({ node_id: `n${index}` })) }));
    origin.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xee, bytes.length - 3 * 4096));
    const before = listing(folder);
    await expect(openRegistry({ path, actor })).rejects.toMatchObject({ code: 'DATABASE_INVALID' });
    expect(listing(folder)).toEqual(before);
  });
});
