import Database from 'better-sqlite3';
import { SqliteDatabase } from './database.ts';
import { type DatabaseFile, lookAtFile } from './database-file.ts';
import { sqliteFailure } from './failure.ts';
import { type DatabaseKind, identify, identifyHeader } from './identify.ts';
import { type CopyOptions, copyPrivately } from './private-copy.ts';

const BUSY_TIMEOUT_MS = 20;

/**
 * What a path holds, told without changing the file or leaving one beside it. `absent`: nothing, or an empty
 * file.
 * @throws RegistryError `DATABASE_INVALID`, `DATABASE_NEWER`, `DATABASE_LOCKED`, `DATABASE_READONLY`,
 * `DATABASE_UNAVAILABLE`
 */
export async function examine(path: string, options: CopyOptions): Promise<DatabaseKind | 'absent'> {
  const file = lookAtFile(path);
  if (file?.header === undefined) return 'absent';
  if (file.log === 'shared') return examineLive(file, options);
  const told = identifyHeader(file.header, path);
  if (told !== undefined) return told;
  const copy = await copyPrivately(path, options);
  try {
    return await copy.db.read(() => identify(copy.db));
  } finally {
    copy.close();
  }
}

/** The log may hold newer numbers than the header. */
async function examineLive(file: DatabaseFile, options: CopyOptions): Promise<DatabaseKind> {
  const live = openLive(file, options);
  try {
    return await live.read(() => identify(live));
  } finally {
    live.close();
  }
}

/** A connection that only reads a file whose log is in use; it neither empties nor removes the log. */
export function openLive(file: DatabaseFile, { nativeBinding, clock }: CopyOptions): SqliteDatabase {
  try {
    const raw = new Database(file.path, { readonly: true, timeout: BUSY_TIMEOUT_MS, nativeBinding });
    return new SqliteDatabase(raw, file.path, clock);
  } catch (error) {
    throw sqliteFailure(error, file.path);
  }
}
