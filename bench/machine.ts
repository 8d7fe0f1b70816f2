import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './measure.ts';
import { sqliteVersion } from './sqlite/version.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  /** Median of appending 4 KiB and waiting for the disk: what a durable commit costs at least. */
  readonly syncMilliseconds: number;
}

/** What the figures were measured on, without a name of it. */
export function describeMachine(folder: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    sqlite: sqliteVersion(),
    syncMilliseconds: syncMilliseconds(folder),
  };
}

function syncMilliseconds(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w');
  const page = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let round = 0; round < 50; round++) {
    const startedAt = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    times.push(performance.now() - startedAt);
  }
  closeSync(file);
  return median(times);
}
