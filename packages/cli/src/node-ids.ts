import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { terminal } from './terminal.ts';

/** The ids of a file, one a line; empty lines are left out. `-` is standard input. */
export async function* nodeIdsOf(written: string): AsyncGenerator<string> {
  const { input } = terminal.promptStreams;
  const lines = written === '-' ? input : createReadStream(terminal.resolvePath(written), 'utf8');
  for await (const line of createInterface({ input: lines, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== '') yield line;
}
