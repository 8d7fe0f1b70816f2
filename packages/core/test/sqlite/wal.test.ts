import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openSqlite } from '../../src/sqlite/database.ts';

const LIMIT_BYTES = 1024 * 1024;

it('a log stays within four times its limit beside a reader that never rests', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'file.sqlite');
  const database = await openSqlite({ path, walLimitBytes: LIMIT_BYTES });
  database.raw.exec('CREATE TABLE vectors (node INTEGER PRIMARY KEY, vector BLOB)');
  const put = database.sql('INSERT OR REPLACE INTO vectors VALUES (?, ?)');
  put.run(0, Buffer.alloc(65_536));
  const reader = spawn(
    process.execPath,
    [fileURLToPath(new URL('./busy-reader.ts', import.meta.url)), path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(async () => {
    reader.kill('SIGKILL');
    await once(reader, 'exit');
    database.close();
  });
  await once(reader.stdout, 'data');
  let longest = 0;
  for (let write = 0; write < 160; write++) {
    await database.write(() => put.run(write % 50, Buffer.alloc(65_536, write)));
    longest = Math.max(longest, statSync(`${path}-wal`).size);
  }
  expect(longest).toBeLessThanOrEqual(4 * LIMIT_BYTES);
});
