import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqlite } from '../../src/sqlite/database.ts';

it('every connection is durable at each commit, also one to a file that is opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'durability-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'file.sqlite');
  for (let opening = 0; opening < 2; opening++) {
    const database = await openSqlite({ path });
    const pragma = (name: string) => database.raw.pragma(name, { simple: true });
    const full = 2;
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', full, 1]);
    database.raw.exec('CREATE TABLE IF NOT EXISTS t (x)');
    database.close();
  }
});

it('a commit that need not be on disk leaves every other one as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'durability-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await using database = await openedTable(join(folder, 'file.sqlite'));
  const levels: unknown[] = [];
  const insert = () => {
    levels.push(database.raw.pragma('synchronous', { simple: true }));
    database.raw.exec('INSERT INTO t VALUES (1)');
  };
  const refuse = () => {
    throw new Error('refused');
  };
  await database.write(insert, { isSynced: false });
  await database.write(insert);
  await expect(database.write(refuse, { isSynced: false })).rejects.toThrow();
  await database.write(insert);
  expect(levels).toEqual([1, 2, 2]);
});

async function openedTable(path: string) {
  const database = await openSqlite({ path });
  database.raw.exec('CREATE TABLE t (x)');
  return Object.assign(database, { [Symbol.asyncDispose]: async () => database.close() });
}
