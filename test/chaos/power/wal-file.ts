/**
 * What a write-ahead log holds, and what is left of it after a loss of power. Layout, checksums and what makes a
 * frame valid: https://www.sqlite.org/fileformat2.html#the_write_ahead_log and, for the index beside it,
 * https://www.sqlite.org/walformat.html#the_wal_index_file_format
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

export interface WalFrame {
  readonly page: number;
  /** The last frame of its transaction. */
  readonly isCommit: boolean;
  /** Where it ends in the file. */
  readonly end: number;
}

export interface Wal {
  readonly pageSize: number;
  /** Drawn anew each time the log begins again from its start. */
  readonly salts: string;
  /** Frames that SQLite would read, those of an unfinished transaction too. */
  readonly frames: readonly WalFrame[];
}

/** Undefined where there is no log, or none with a valid header. */
export function parseWal(bytes: Buffer): Wal | undefined {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt32BE(0) & ~1) >>> 0 !== MAGIC) return undefined;
  const isBigEndian = (bytes.readUInt32BE(0) & 1) === 1;
  const pageSize = bytes.readUInt32BE(8);
  let sum = checksum(bytes.subarray(0, 24), isBigEndian, [0, 0]);
  if (!isSum(bytes, 24, sum)) return undefined;
  const salts = bytes.toString('hex', 16, 24);
  const frames: WalFrame[] = [];
  for (let start = HEADER_BYTES; ; ) {
    const end = start + FRAME_HEADER_BYTES + pageSize;
    if (end > bytes.length || bytes.toString('hex', start + 8, start + 16) !== salts) break;
    sum = checksum(bytes.subarray(start, start + 8), isBigEndian, sum);
    sum = checksum(bytes.subarray(start + FRAME_HEADER_BYTES, end), isBigEndian, sum);
    if (!isSum(bytes, start + 16, sum)) break;
    frames.push({ page: bytes.readUInt32BE(start), isCommit: bytes.readUInt32BE(start + 4) !== 0, end });
    start = end;
  }
  return { pageSize, salts, frames };
}

type Sum = readonly [number, number];

function checksum(bytes: Buffer, isBigEndian: boolean, [first, second]: Sum): Sum {
  let [a, b] = [first, second];
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + (isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + b) >>> 0;
    b = (b + (isBigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + a) >>> 0;
  }
  return [a, b];
}

function isSum(bytes: Buffer, at: number, [a, b]: Sum): boolean {
  return bytes.readUInt32BE(at) === a && bytes.readUInt32BE(at + 4) === b;
}

/** Which frame of which log is the last that is sure to be on disk. */
export interface Durable {
  readonly salts: string;
  readonly frame: number;
}

/**
 * With synchronous=FULL a commit is named in the index only after the log was synced, so the frame named there
 * is on disk. Only the first of the two headers is read: the other one is written before it.
 */
export function durableOf(index: Buffer): Durable {
  return { frame: index.readUInt32LE(16), salts: index.toString('hex', 32, 40) };
}

/** How far a checkpoint has come with the log. */
export function copiedFrames(index: Buffer): number {
  return index.readUInt32LE(96);
}

/** How many frames of this log are sure to be on disk; none where it began again since. */
export function durableFrames(wal: Wal, durable: Durable): number {
  return wal.salts === durable.salts ? durable.frame : 0;
}

/** The log as the disk has it where the power failed after `frame` frames, and `bytes` of the next were written. */
export function cut(file: Buffer, wal: Wal, frame: number, bytes = 0): Buffer {
  const end = wal.frames[frame - 1]?.end ?? HEADER_BYTES;
  return file.subarray(0, end + bytes);
}

/**
 * The database as the disk may have it while a checkpoint copies the log into it: pages that the durable part
 * of the log holds are half-written. The first page is left, whose header is in one sector.
 */
export function tear(database: Buffer, wal: Wal, durable: number): Buffer {
  const committed = wal.frames.slice(0, durable).findLastIndex(({ isCommit }) => isCommit) + 1;
  const torn = Buffer.from(database);
  for (const { page } of wal.frames.slice(0, committed))
    if (page > 1 && page * wal.pageSize <= torn.length)
      torn.fill(0xa5, (page - 1) * wal.pageSize + 512, page * wal.pageSize);
  return torn;
}
