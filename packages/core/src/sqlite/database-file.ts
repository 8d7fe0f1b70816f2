/**
 * What a database file says without being opened by SQLite, which would make files beside it, or turn a
 * foreign database into one with a write-ahead log. Layout:
 * https://www.sqlite.org/fileformat2.html#the_database_header
 *
 * A trap: POSIX drops all locks of a process on a file as soon as the process closes any descriptor of it, those
 * of its SQLite connections too (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 * So the file is not read here while it has a log in use, which every connection at work has.
 */
import { type BigIntStats, closeSync, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { RegistryError } from '../errors.ts';
import { sqliteFailure } from './failure.ts';

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;

export interface FileHeader {
  readonly applicationId: number;
  readonly userVersion: number;
  /** Whether it has a write-ahead log while it is open. */
  readonly isWal: boolean;
}

export interface DatabaseFile {
  /** Links resolved, since SQLite names the files beside it after the real one. */
  readonly path: string;
  /** Undefined for an empty file, and where the log is in use: then a connection must be asked. */
  readonly header: FileHeader | undefined;
  readonly sizeBytes: number;
  /** The same for as long as it is this file, whatever is written to it. */
  readonly identity: string;
  /**
   * `none`: the file is all there is. `used`: a write-ahead log with its index, or a rollback journal, as a
   * process at work has it. `left`: a write-ahead log that lost its index, so that no one works on it.
   */
  readonly log: 'none' | 'used' | 'left';
  /** Another one as soon as the file is replaced or anything is written to it or its log. */
  readonly signature: string;
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
    const sizeBytes = Number(found.size);
    const isUsed = (wal !== undefined && beside('-shm') !== undefined) || (journal?.size ?? 0n) > 0n;
    const isLeft = (wal?.size ?? 0n) > 0n;
    const bytes = isUsed ? Buffer.alloc(0) : firstBytes(real);
    const isRead = !isUsed && sizeBytes > 0;
    if (isRead) assertDatabase(path, bytes, sizeBytes, isLeft);
    return {
      path: real,
      header: isRead
        ? {
            applicationId: bytes.readInt32BE(68),
            userVersion: bytes.readInt32BE(60),
            isWal: bytes[18] === 2,
          }
        : undefined,
      sizeBytes,
      identity: `${found.dev}:${found.ino}`,
      log: isUsed ? 'used' : isLeft ? 'left' : 'none',
      signature: [found, wal, journal].map(mark).join(' ') + bytes.toString('hex'),
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

/**
 * Hands out a descriptor of a database file for reading. Where a connection came to it meanwhile, it stays open
 * for the life of the process, for the sake of that connection's locks.
 */
export async function withDescriptor<T>(path: string, read: (descriptor: number) => Promise<T>): Promise<T> {
  const descriptor = openSync(path, 'r');
  try {
    return await read(descriptor);
  } finally {
    if (!existsSync(`${path}-shm`) && !existsSync(`${path}-journal`)) closeSync(descriptor);
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
