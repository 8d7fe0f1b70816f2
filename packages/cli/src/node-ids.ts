import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** The ids of a file, one a line; empty lines are left out. `-` is standard input. @throws UsageError */
export async function* nodeIdsOf(written: string): AsyncGenerator<string> {
  const input =
    written === '-' ? terminal.promptStreams.input : await streamOf(terminal.resolvePath(written));
  let isFirst = true;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    // Editors and shells of Windows begin a file with a mark, which would be a part of the first id.
    const id = isFirst ? line.replace(/^\ufeff/, '') : line;
    isFirst = false;
    if (id !== '') yield id;
  }
}

/** Opened before a line is asked for: an interface of lines hears nothing of the failures of its stream. */
async function streamOf(path: string) {
  try {
    const file = await open(path);
    if (!(await file.stat()).isDirectory()) return file.createReadStream({ encoding: 'utf8' });
    await file.close();
  } catch (error) {
    throw unreadable(path, String((error as NodeJS.ErrnoException).code));
  }
  throw unreadable(path, 'it is a folder');
}

function unreadable(path: string, why: string): UsageError {
  return new UsageError(`${path} cannot be read for node ids (${why}).`, {
    advice: 'Name a file that holds them one a line, or - for standard input.',
  });
}
