import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { ManagerContext } from '../context.ts';
import { RegistryError } from '../errors.ts';
import { harmlessLines } from '../harmless-text.ts';
import { parseOptions } from '../options.ts';
import { gatherReport } from './gather.ts';
import { PAGE_START, reportPage } from './page.ts';

/** Which plan to report, where to, and as what: `html` unless told. */
export interface WriteReportOptions {
  planId: string;
  /** The file that is made, or replaced where it holds a report. Its folder has to be there. */
  path: string;
  format?: 'html' | 'json';
}

const schema = z.strictObject({
  planId: z.string(),
  path: z.string().min(1),
  format: z.enum(['html', 'json']).default('html'),
});

const JSON_START = '{\n  "embeddingRegistryReport": 1,\n';

/**
 * Writes what happened to a plan as one file: an HTML page that needs nothing else, or JSON. Whole or not at
 * all, and over no file but a report. @throws RegistryError `PLAN_UNKNOWN`, `FILE_UNWRITABLE`
 */
export async function writeReport(
  context: ManagerContext,
  options: WriteReportOptions,
): Promise<{ path: string; bytes: number }> {
  const o = parseOptions(schema, options, 'options of writeReport');
  const path = resolve(o.path);
  await assertReplaceable(path);
  const data = await gatherReport(context, o.planId);
  const text =
    o.format === 'html'
      ? reportPage(data)
      : `${JSON_START}${harmlessLines(JSON.stringify(data, null, 2)).slice(2)}\n`;
  await replaceFile(path, join(dirname(path), `.${basename(path)}.${context.clock.uuid()}`), text);
  return { path, bytes: Buffer.byteLength(text) };
}

/** A path that was mistyped may be that of a database. */
async function assertReplaceable(path: string): Promise<void> {
  const starts = [PAGE_START, JSON_START];
  let start: string;
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PAGE_START.length), 0, PAGE_START.length, 0);
      start = buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw unwritable(path, error);
  }
  if (start === '' || starts.some((known) => start.startsWith(known))) return;
  throw new RegistryError(
    'FILE_UNWRITABLE',
    `${path} is there and holds no report, so it was left alone; name another file, or remove this one first.`,
    { details: { path } },
  );
}

async function replaceFile(path: string, temporary: string, text: string): Promise<void> {
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): RegistryError {
  const { code } = cause as NodeJS.ErrnoException;
  return new RegistryError(
    'FILE_UNWRITABLE',
    `The report cannot be written to ${path}${code ? ` (${code})` : ''}; name a file in a folder that is there and may be written.`,
    { details: { path }, cause },
  );
}
