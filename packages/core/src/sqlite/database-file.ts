/**
 * What a database file says without being opened: SQLite itself would make files beside it, or turn a foreign
 * database into one with a write-ahead log. Layout: https://www.sqlite.org/fileformat2.html#the_database_header
 */
import { type BigIntStats, closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { RegistryError } from '../errors.ts';
import { sqliteFailure } from './failure.ts';

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

export interface FileHeader {
  readonly applicationId: number;
  readonly userVersion: number;
}

export interface DatabaseFile {
  /** Links resolved, since SQLite names the files beside it after the real one. */
  readonly path: string;
  /** Undefined for an empty file. */
  readonly header: FileHeader | undefined;
  readonly sizeBytes: number;
  /**
   * `none`: the file is all there is. `shared`: a write-ahead log with its index, as a process at work has
   * it. `alone`: a log or a journal that someone left behind.
   */
  readonly log: 'none' | 'shared' | 'alone';
  /** Another one as soon as the file is replaced or anything is written to it or its log. */
  readonly signature: string;
  /** Which file it is, whatever is written to it. */
  readonly identity: string;
}

/**
 * Undefined where there is no such file.
 * @throws RegistryError `DATABASE_INVALID` (no database, truncated or damaged header), `DATABASE_READONLY`
 * (cannot be read), `DATABASE_UNAVAILABLE` (a folder)
 */
export function lookAtFile(path: string): DatabaseFile | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isFile())
      throw new RegistryError('DATABASE_UNAVAILABLE', `${path} is a folder or device, not a file.`, {
        details: { path },
      });
    const real = realpathSync(path);
    const beside = (suffix: string) =>
      statSync(`${real}${suffix}`, { bigint: true, throwIfNoEntry: false }) ?? undefined;
    const [wal, journal] = [beside('-wal'), beside('-journal')];
    const bytes = firstBytes(real);
    const sizeBytes = Number(found.size);
    const hasLog = (wal?.size ?? 0n) > 0n || (journal?.size ?? 0n) > 0n;
    const isShared = wal !== undefined && beside('-shm') !== undefined;
    if (sizeBytes > 0) assertDatabase(path, bytes, sizeBytes, hasLog || isShared);
    return {
      path: real,
      header:
        sizeBytes === 0
          ? undefined
          : { applicationId: bytes.readInt32BE(68), userVersion: bytes.readInt32BE(60) },
      sizeBytes,
      log: isShared ? 'shared' : hasLog ? 'alone' : 'none',
      signature: [found, wal, journal].map(mark).join(' ') + bytes.toString('hex'),
      identity: `${found.dev}:${found.ino}`,
    };
  } catch (error) {
    throw sqliteFailure(error, path);
  }
}

const mark = (stats: BigIntStats | undefined) =>
  stats === undefined ? '-' : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;

function firstBytes(path: string): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, HEADER_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

function assertDatabase(path: string, bytes: Buffer, sizeBytes: number, hasLog: boolean): void {
  const refuse = (what: string) => {
    throw new RegistryError(
      'DATABASE_INVALID',
      `${path} ${what}; it was left as it is. Choose another file, or put a copy of it back.`,
      { details: { path, sizeBytes } },
    );
  };
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) refuse('is not a SQLite database');
  if (bytes.length < HEADER_BYTES) refuse('is truncated');
  const pageSize = bytes.readUInt16BE(16) === 1 ? 65536 : bytes.readUInt16BE(16);
  const isPowerOfTwo = (pageSize & (pageSize - 1)) === 0;
  const versions = [bytes[18], bytes[19]];
  if (pageSize < 512 || !isPowerOfTwo || versions.some((version) => version !== 1 && version !== 2))
    refuse('has a damaged header');
  // The page count holds only where the change counter agrees; what a log adds is not in the file yet.
  const isCounted = bytes.readUInt32BE(24) === bytes.readUInt32BE(92);
  const pages = isCounted ? bytes.readUInt32BE(28) : 1;
  if (!hasLog && sizeBytes < pages * pageSize) refuse('is truncated');
}
