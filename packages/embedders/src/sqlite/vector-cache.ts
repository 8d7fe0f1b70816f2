/**
 * Vectors by key in a SQLite file that several processes may share. A row carries a seal over key and vector, so
 * that a damaged one counts as absent. What was not asked for longest goes first when the file is full.
 */
import { createHash } from 'node:crypto';
import { type Clock, RegistryError } from '@registry/core';
import { lookAtFile, openSqlite, type SqliteDatabase } from '@registry/core/sqlite';

/** `EVVC`, for the vector cache. */
const APPLICATION_ID = 0x45565643;
const SCHEMA_VERSION = 1;
const SEAL_BYTES = 8;
/** The time of last use is kept this coarsely: a look-up is seldom a write. */
const USE_MS = 24 * 3_600_000;
/** What eviction leaves of the allowed size, so that it is not due again at once. */
const KEPT_SHARE = 0.9;

/** How the file is opened. */
export interface VectorCacheOptions {
  readonly path: string;
  readonly maxBytes: number;
  readonly nativeBinding: string | undefined;
  readonly clock: Clock;
}

interface Row {
  readonly vector: Buffer;
  readonly seal: Buffer;
  readonly used_at: number;
}

/** What a look-up found, by position of the key. */
export interface Found {
  readonly vectors: readonly (Uint8Array | undefined)[];
  /** Rows that were there and are not what was written. */
  readonly damaged: number;
}

export class VectorCache {
  readonly #database: SqliteDatabase;
  readonly #options: VectorCacheOptions;

  private constructor(database: SqliteDatabase, options: VectorCacheOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** @throws RegistryError `DATABASE_INVALID` for a file of something else, other `DATABASE_*`, `RUNTIME_TOO_OLD` */
  static async open(options: VectorCacheOptions): Promise<VectorCache> {
    const { path, nativeBinding, clock } = options;
    if (path !== ':memory:') assertOurs(path);
    const database = await openSqlite({ path, nativeBinding, clock, pageSize: 8192 });
    try {
      // What is lost with the power is made again; nothing can be torn.
      database.raw.pragma('synchronous=NORMAL');
      await database.write(() => prepare(database));
      return new VectorCache(database, options);
    } catch (error) {
      database.close();
      throw database.failure(error);
    }
  }

  /** Bytes of each vector as they were put; undefined where there is none, or a damaged one. */
  async get(keys: readonly Buffer[]): Promise<Found> {
    const rows = await this.#database.read(() => {
      const one = this.#database.sql('SELECT vector, seal, used_at FROM cached_vectors WHERE key = ?');
      return keys.map((key) => one.get(key) as Row | undefined);
    });
    const isSound = (row: Row | undefined, index: number) =>
      row?.seal.equals(sealOf(keys[index]!, row.vector));
    const vectors = rows.map((row, index) => (isSound(row, index) ? row!.vector : undefined));
    const broken = keys.filter((_, index) => rows[index] !== undefined && vectors[index] === undefined);
    const dueBefore = this.#options.clock.now() - USE_MS;
    const due = keys.filter((_, index) => vectors[index] !== undefined && rows[index]!.used_at < dueBefore);
    // Where another process is writing, the next look-up notes it.
    if (broken.length + due.length > 0) await this.#note(broken, due).catch(() => {});
    return { vectors, damaged: broken.length };
  }

  /** Of each key, whether there is a vector; a look that counts as no use, and does not find damage. */
  async has(keys: readonly Buffer[]): Promise<readonly boolean[]> {
    return this.#database.read(() => {
      const one = this.#database.sql('SELECT 1 FROM cached_vectors WHERE key = ?').pluck();
      return keys.map((key) => one.get(key) !== undefined);
    });
  }

  /** Keeps vectors; one that is there already stays. Makes room first come, last used, first gone. */
  async put(entries: readonly (readonly [key: Buffer, vector: Uint8Array])[]): Promise<void> {
    const database = this.#database;
    const now = this.#options.clock.now();
    await database.write(() => {
      const insert = database.sql(
        `INSERT INTO cached_vectors (key, vector, seal, used_at) VALUES (?, ?, ?, ?)
           ON CONFLICT (key) DO NOTHING`,
      );
      for (const [key, vector] of entries) insert.run(key, vector, sealOf(key, vector), now);
      this.#makeRoom();
    });
  }

  close(): void {
    this.#database.close();
  }

  async #note(broken: readonly Buffer[], used: readonly Buffer[]): Promise<void> {
    const database = this.#database;
    const now = this.#options.clock.now();
    await database.write(
      () => {
        for (const key of broken) database.sql('DELETE FROM cached_vectors WHERE key = ?').run(key);
        for (const key of used)
          database.sql('UPDATE cached_vectors SET used_at = ? WHERE key = ?').run(now, key);
      },
      { patienceMs: 0 },
    );
  }

  /** Freed pages are used again, so the file stays at its size. */
  #makeRoom(): void {
    const { maxBytes } = this.#options;
    const bytes = this.#usedBytes();
    if (bytes <= maxBytes) return;
    const rows = this.#database.sql('SELECT count(*) FROM cached_vectors').pluck().get() as number;
    const excess = Math.ceil((rows * (bytes - maxBytes * KEPT_SHARE)) / bytes);
    this.#database
      .sql(
        `DELETE FROM cached_vectors WHERE rowid IN
           (SELECT rowid FROM cached_vectors ORDER BY used_at, rowid LIMIT ?)`,
      )
      .run(excess);
  }

  #usedBytes(): number {
    const pragma = (name: string) => this.#database.raw.pragma(name, { simple: true }) as number;
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }
}

function sealOf(key: Buffer, vector: Uint8Array): Buffer {
  return createHash('sha256').update(key).update(vector).digest().subarray(0, SEAL_BYTES);
}

/**
 * Before it is opened, which would give a database of something else a write-ahead log. One that has a log and no
 * name may be ours, which another process is about to fill: `prepare` tells, under the lock.
 */
function assertOurs(path: string): void {
  const header = lookAtFile(path)?.header;
  if (header === undefined || header.applicationId === APPLICATION_ID) return;
  if (header.applicationId !== 0 || !header.isWal) throw foreign(path);
}

function prepare(database: SqliteDatabase): void {
  const { raw, path } = database;
  const pragma = (name: string) => raw.pragma(name, { simple: true }) as number;
  const applicationId = pragma('application_id');
  if (applicationId === APPLICATION_ID) {
    const version = pragma('user_version');
    if (version === SCHEMA_VERSION) return;
    throw new RegistryError(
      'DATABASE_NEWER',
      `The cache ${path} has version ${version}, this program knows ${SCHEMA_VERSION}; upgrade the program, or use another file.`,
      { details: { path, version, known: SCHEMA_VERSION } },
    );
  }
  const tables = database.sql('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (applicationId !== 0 || tables > 0) throw foreign(path);
  raw.pragma(`application_id = ${APPLICATION_ID}`);
  raw.pragma(`user_version = ${SCHEMA_VERSION}`);
  raw.exec(`
    CREATE TABLE cached_vectors (
      key BLOB NOT NULL PRIMARY KEY,
      vector BLOB NOT NULL,
      seal BLOB NOT NULL,
      used_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX cached_vectors_by_use ON cached_vectors (used_at);
  `);
}

function foreign(path: string): RegistryError {
  return new RegistryError(
    'DATABASE_INVALID',
    `${path} is a database of something else; it was left as it is. Give the cache a file of its own.`,
    { details: { path } },
  );
}
