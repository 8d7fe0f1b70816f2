import { existsSync, read, rmSync } from 'node:fs';
import { copyFile, mkdtemp, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import type { Clock } from '../clock.ts';
import { RegistryError } from '../errors.ts';
import { SqliteDatabase } from './database.ts';
import { type DatabaseFile, lookAtFile, withDescriptor } from './database-file.ts';
import { sqliteFailure } from './failure.ts';

/** Larger files are copied to the system's folder for temporary files instead of into memory. */
const MEMORY_BYTES = 32 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const PATIENCE_MS = 5_000;
const RETRY_MS = 20;
/** Where the header says which journal a file uses, and the value for one that needs no files beside it. */
const JOURNAL_AT = 18;
const ROLLBACK_JOURNAL = Buffer.from([1, 1]);

export interface CopyOptions {
  readonly nativeBinding?: string | undefined;
  readonly clock: Clock;
}

const readAt = promisify(read);

/** A database of our own: writing to it changes nothing elsewhere. */
export interface PrivateCopy {
  readonly db: SqliteDatabase;
  /** What was copied. */
  readonly file: DatabaseFile;
  /** Removes its file where the system lets us remove an open one; nothing may be written afterwards. */
  seal(): void;
  close(): void;
}

/**
 * Copies a file that no process has open, with the log that may lie beside it. Nothing is opened in place,
 * so nothing appears there. Waits up to 5 s for a moment of rest.
 * @throws RegistryError `DATABASE_UNAVAILABLE`, `DATABASE_LOCKED`, `DATABASE_INVALID`, `DATABASE_READONLY`
 */
export async function copyPrivately(path: string, options: CopyOptions): Promise<PrivateCopy> {
  let deadline = options.clock.now() + PATIENCE_MS;
  for (;;) {
    deadline = Math.min(deadline, options.clock.now() + PATIENCE_MS);
    const copy = await attempt(path, options);
    if (copy !== undefined) return copy;
    if (options.clock.now() >= deadline)
      throw new RegistryError(
        'DATABASE_LOCKED',
        `Database ${path} kept changing while it was copied; try again.`,
        { details: { path } },
      );
    await options.clock.sleep(RETRY_MS);
  }
}

/** Undefined where the file changed meanwhile: what was copied may be half of each. */
async function attempt(path: string, options: CopyOptions): Promise<PrivateCopy | undefined> {
  const file = presentFile(path);
  const isUnchanged = () => lookAtFile(path)?.signature === file.signature;
  let copy: PrivateCopy | undefined;
  try {
    copy = await (file.log === 'none' && file.sizeBytes <= MEMORY_BYTES ? inMemory : inFolder)(file, options);
    if (isUnchanged()) return copy;
    copy.close();
    return undefined;
  } catch (error) {
    copy?.close();
    if (!isUnchanged()) return undefined;
    throw sqliteFailure(error, path);
  }
}

/** @throws RegistryError `DATABASE_UNAVAILABLE` where there is no file */
export function presentFile(path: string): DatabaseFile {
  const file = lookAtFile(path);
  if (file !== undefined) return file;
  throw new RegistryError('DATABASE_UNAVAILABLE', `There is no file ${path}; check the path.`, {
    details: { path },
  });
}

async function inMemory(file: DatabaseFile, { nativeBinding, clock }: CopyOptions): Promise<PrivateCopy> {
  const bytes = Buffer.alloc(file.sizeBytes);
  await withDescriptor(file.path, (descriptor) =>
    pour(descriptor, async (chunk, at) => void chunk.copy(bytes, at)),
  );
  ROLLBACK_JOURNAL.copy(bytes, JOURNAL_AT);
  const db = new SqliteDatabase(new Database(bytes, { nativeBinding }), file.path, clock);
  return { db, file, seal: () => {}, close: () => db.close() };
}

async function inFolder(file: DatabaseFile, options: CopyOptions): Promise<PrivateCopy> {
  return openInFolder(file, options, async (target) => {
    const copy = await open(target, 'wx', 0o600);
    try {
      await withDescriptor(file.path, (descriptor) =>
        pour(descriptor, async (chunk, at) => void (await copy.write(chunk, 0, chunk.length, at))),
      );
      if (file.log === 'none') await copy.write(ROLLBACK_JOURNAL, 0, ROLLBACK_JOURNAL.length, JOURNAL_AT);
    } finally {
      await copy.close();
    }
    if (file.log === 'none') return;
    for (const suffix of ['-wal', '-journal'])
      if (existsSync(file.path + suffix)) await copyFile(file.path + suffix, target + suffix);
  });
}

/** Reads a file from its beginning to its end, piece by piece. */
async function pour(descriptor: number, into: (chunk: Buffer, at: number) => Promise<void>): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await readAt(descriptor, chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    await into(chunk.subarray(0, bytesRead), at);
    at += bytesRead;
  }
}

/** A copy of a live database, made by its own connection in one read transaction. */
export function copyFromConnection(
  source: SqliteDatabase,
  file: DatabaseFile,
  options: CopyOptions,
): Promise<PrivateCopy> {
  return openInFolder(file, options, async (target) => {
    source.raw.prepare('VACUUM INTO ?').run(target);
  });
}

async function openInFolder(
  file: DatabaseFile,
  { nativeBinding, clock }: CopyOptions,
  fill: (target: string) => Promise<void>,
): Promise<PrivateCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'embedding-registry-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const target = join(folder, 'copy.sqlite');
    await fill(target);
    const db = new SqliteDatabase(new Database(target, { nativeBinding }), file.path, clock);
    // Takes in what the log held; from here on the file needs no other beside it.
    db.raw.pragma('journal_mode=DELETE');
    const seal = () => {
      try {
        remove();
      } catch {
        // Windows keeps open files; close removes it.
      }
    };
    const close = () => {
      db.close();
      remove();
    };
    return { db, file, seal, close };
  } catch (error) {
    remove();
    throw error;
  }
}
