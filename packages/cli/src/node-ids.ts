import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** The ids of a file, one a line; empty lines are left out. `-` is standard input. @throws UsageError */
export async function* nodeIdsOf(written: string): AsyncGenerator<string> {
  const path = terminal.resolvePath(written);
  if (written !== '-' && !existsSync(path))
    throw new UsageError(`There is no file ${path} to read node ids from.`);
  const { input } = terminal.promptStreams;
  const lines = written === '-' ? input : createReadStream(path, 'utf8');
  for await (const line of createInterface({ input: lines, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== '') yield line;
}
