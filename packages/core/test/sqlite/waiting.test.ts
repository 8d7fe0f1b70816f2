import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { isRegistryError } from '../../src/errors.ts';
import { openSqlite } from '../../src/sqlite/database.ts';
import { ManualClock } from '../../src/testing/index.ts';

/** Each attempt costs real time: here they are few. */
class CoarseClock extends ManualClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(Math.max(ms, 500), signal);
  }
}

it.each([-3_600_000, 3_600_000])(
  'a wait for a lock is no longer where the clock moves by %i ms',
  async (by) => {
    const folder = mkdtempSync(join(tmpdir(), 'waiting-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'file.sqlite');
    const clock = new CoarseClock();
    const database = await openSqlite({ path, clock });
    const other = new Database(path);
    onTestFinished(() => {
      database.close();
      other.close();
    });
    other.exec('BEGIN IMMEDIATE');
    const refused = database.write(() => {}).catch((error: unknown) => error);
    await clock.untilSleeping();
    clock.set(clock.now() + by);
    const error = await clock.runUntil(refused, { limitMs: 6_000 });
    expect(isRegistryError(error, 'DATABASE_LOCKED')).toBe(true);
  },
);
