import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LogFile } from '../src/work/log-file.ts';
import { temporaryFolder } from './scene.ts';

/** A log, and a function that waits for a line of it. */
function openLog(text: string) {
  const path = join(temporaryFolder(), 'worker.log');
  writeFileSync(path, text);
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  const log = new LogFile(path, (line) => {
    lines.push(line);
    waiting.get(line)?.();
  });
  onTestFinished(() => log.close());
  const line = (wanted: string) =>
    new Promise<void>((resolve) => {
      waiting.set(wanted, resolve);
      if (lines.includes(wanted)) resolve();
    });
  return { path, log, lines, line };
}

it('reads what stands in a log already, then each line as it is written, whole', async () => {
  const { path, log, lines, line } = openLog('one\ntwo\nthr');
  log.follow();
  await log.read();
  expect(lines).toEqual(['one', 'two']);
  appendFileSync(path, 'ee\nö');
  await line('three');
  appendFileSync(path, 'l\n');
  await line('öl');
  expect(lines).toEqual(['one', 'two', 'three', 'öl']);
});

it('keeps letters that lie across two pieces together', async () => {
  const long = `${'a'.repeat(64 * 1024 - 1)}ö`;
  const { log, lines } = openLog(`${long}\n`);
  await log.read();
  expect(lines).toEqual([long]);
});
