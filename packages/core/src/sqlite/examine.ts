import Database from 'better-sqlite3';
import { SqliteDatabase } from './database.ts';
import { type DatabaseFile, lookAtFile } from './database-file.ts';
import { sqliteFailure } from './failure.ts';
import { type DatabaseKind, identify, identifyHeader } from './identify.ts';
import { type CopyOptions, copyPrivately } from './private-copy.ts';

const BUSY_TIMEOUT_MS = 20;

/**
 * `registry`: one as this program writes it. `older`: one with schema steps to go. `origin`: one of MnemoCore
 * Phase 6.0, which opening for writing would upgrade. `vacant`: a database with room for one. `absent`:
 * nothing, or an empty file.
 */
export type RegistryFileKind = DatabaseKind | 'absent';

/**
 * What a path holds, told without changing the file or leaving one beside it. `absent`: nothing, or an empty
 * file.
 * @throws RegistryError `DATABASE_INVALID`, `DATABASE_NEWER`, `DATABASE_LOCKED`, `DATABASE_READONLY`,
 * `DATABASE_UNAVAILABLE`
 */
export async function examine(path: string, options: CopyOptions): Promise<RegistryFileKind> {
  const file = lookAtFile(path);
  if (file === undefined || file.sizeBytes === 0) return 'absent';
  // Without a write-ahead log a reader leaves nothing; with one, whoever opens the file next identifies it before it
  // is changed.
  if (file.log === 'used' || (file.log === 'none' && file.header?.isWal === false)) {
    const kind = await withLive(file, options, (live) => live.read(() => identify(live)));
    if (kind !== undefined) return kind;
  }
  const told = file.header && identifyHeader(file.header, path);
  if (told !== undefined) return told;
  const copy = await copyPrivately(path, options);
  try {
    return await copy.db.read(() => identify(copy.db));
  } finally {
    copy.close();
  }
}

/**
 * Runs `body` on a connection that only reads a file whose log is in use; it neither empties nor removes the
 * log. Undefined where that cannot be, since the index cannot be written here or a journal waits to be rolled
 * back: then no one is at work on the file, and it can be copied.
 */
export async function withLive<T>(
  file: DatabaseFile,
  options: CopyOptions,
  body: (live: SqliteDatabase) => Promise<T>,
): Promise<T | undefined> {
  let live: SqliteDatabase | undefined;
  try {
    live = openLive(file, options);
    return await body(live);
  } catch (error) {
    const failure = sqliteFailure(error, file.path);
    if (failure.code === 'DATABASE_READONLY' || failure.code === 'DATABASE_UNAVAILABLE') return undefined;
    throw failure;
  } finally {
    live?.close();
  }
}

function openLive(file: DatabaseFile, { nativeBinding, clock }: CopyOptions): SqliteDatabase {
  try {
    const raw = new Database(file.path, { readonly: true, timeout: BUSY_TIMEOUT_MS, nativeBinding });
    return new SqliteDatabase(raw, file.path, clock);
  } catch (error) {
    throw sqliteFailure(error, file.path);
  }
}
