import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqlite } from '../src/sqlite/database.ts';

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
