import { isRegistryError, RegistryError, type RegistryErrorCode } from '../errors.ts';

const advice: Partial<Record<RegistryErrorCode, string>> = {
  DATABASE_LOCKED: 'another process holds its write lock; try again, or stop that process',
  DISK_FULL: 'the disk is full; nothing was written, make room and go on',
  DATABASE_READONLY: 'the file or its folder cannot be read or written; check their permissions',
  DATABASE_INVALID: 'the file is no SQLite database or is damaged; it was left as it is',
  DATABASE_UNAVAILABLE:
    'it cannot be opened or read; check that the path is right, its folder exists and its disk is sound',
};

/** Maps what SQLite threw to a coded error that names the file; a RegistryError passes as it is. */
export function sqliteFailure(error: unknown, path: string): RegistryError {
  if (isRegistryError(error)) return error;
  if (error instanceof Error && /database connection is not open/.test(error.message))
    return new RegistryError('DATABASE_UNAVAILABLE', `Database ${path} was closed; open it again.`, {
      details: { path },
      cause: error,
    });
  const sqliteCode = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(typeof sqliteCode === 'string' ? sqliteCode : '', message);
  if (code === undefined) throw error;
  return new RegistryError(code, `Database ${path}: ${advice[code]} (${message}).`, {
    details: { path, sqliteCode },
    cause: error,
  });
}

function codeOf(sqliteCode: string, message: string): RegistryErrorCode | undefined {
  if (/^SQLITE_(BUSY|LOCKED)/.test(sqliteCode)) return 'DATABASE_LOCKED';
  if (/^SQLITE_FULL|^ENOSPC/.test(sqliteCode)) return 'DISK_FULL';
  if (/^SQLITE_(READONLY|PERM|AUTH)|^E(ACCES|PERM|ROFS)/.test(sqliteCode)) return 'DATABASE_READONLY';
  if (/^SQLITE_(NOTADB|CORRUPT|FORMAT)/.test(sqliteCode)) return 'DATABASE_INVALID';
  if (
    /^SQLITE_(CANTOPEN|IOERR|NOMEM|PROTOCOL)|^E(NOENT|ISDIR|NOTDIR|EXIST|LOOP|NAMETOOLONG|IO|NXIO|MFILE|NFILE|BUSY|STALE)/.test(
      sqliteCode,
    )
  )
    return 'DATABASE_UNAVAILABLE';
  if (/directory does not exist|without null bytes/.test(message)) return 'DATABASE_UNAVAILABLE';
  return undefined;
}
