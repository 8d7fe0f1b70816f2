/**
 * One SQLite connection, as registry and node store both need it.
 *
 * Writes run in `BEGIN IMMEDIATE`: a deferred transaction that turns into a writer fails at once when
 * another one wrote meanwhile. The busy timeout is short and the rest of the wait asynchronous, so that a
 * waiting writer does not freeze the event loop. Every connection sets synchronous=FULL itself, since a
 * reopened WAL file starts at NORMAL; a commit is then on disk when it returns, unless the writer says that it may
 * follow with the next one that has to be.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type Clock, systemClock } from '../clock.ts';
import type { RegistryError } from '../errors.ts';
import { assertRuntime } from '../runtime.ts';
import { sqliteFailure } from './failure.ts';

const BUSY_TIMEOUT_MS = 20;
const PATIENCE_MS = 5_000;
const RETRY_MIN_MS = 5;
const RETRY_MAX_MS = 50;
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
const WAL_ATTEMPTS = 100;
const CACHE_STATEMENTS = 200;

/** Which file to open, and how a new one is laid out. */
export interface SqliteOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  readonly nativeBinding?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Only for a new file: must be set before the first table is made, and before WAL. */
  readonly pageSize?: number;
  readonly incrementalVacuum?: boolean;
  /** How long the write-ahead log may grow before writers empty it; 64 MB unless told. */
  readonly walLimitBytes?: number;
}

/** A connection with its pragmas set, its statements kept, and writers that wait without blocking. */
export class SqliteDatabase {
  readonly path: string;
  readonly raw: Database.Database;
  readonly #clock: Clock;
  readonly #walLimitBytes: number;
  readonly #statements = new Map<string, Database.Statement>();
  /** Made once: the driver makes functions for each kind of transaction out of what it is given. */
  readonly #transaction: Database.Transaction<(body: () => unknown) => unknown>;
  #isSyncing = true;

  /** Wraps a connection whose pragmas are set; use {@link openSqlite}. */
  constructor(raw: Database.Database, path: string, clock: Clock, walLimitBytes = WAL_LIMIT_BYTES) {
    this.#walLimitBytes = walLimitBytes;
    this.raw = raw;
    this.#transaction = raw.transaction((body: () => unknown) => body());
    this.path = path;
    this.#clock = clock;
  }

  /**
   * A prepared statement, kept for the next call with the same text. A trap: SQLite's planner looks at a bound
   * value in `LIMIT ?`, and in `= ?` of a join, and then prepares the statement anew whenever one is bound,
   * which takes ten times as long as running it. `+?` hides the value.
   */
  sql(text: string): Database.Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      if (this.#statements.size >= CACHE_STATEMENTS) this.#statements.clear();
      statement = this.raw.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /**
   * Runs `body` in one immediate transaction: durable when it resolves, without effect when it rejects.
   * Waits up to `patienceMs` (5 s) for other writers.
   *
   * `isSynced: false` spares the wait for the disk. Every process sees the commit at once, and it outlives all of them;
   * only a loss of power may take it back, together with whatever was committed behind it: the log reaches the disk in
   * order, so the next synced commit brings it along.
   * @throws RegistryError `DATABASE_LOCKED`, `DISK_FULL`, `DATABASE_READONLY`, `DATABASE_INVALID`
   */
  async write<T>(
    body: () => T,
    options: { signal?: AbortSignal | undefined; patienceMs?: number; isSynced?: boolean } = {},
  ): Promise<T> {
    const { isSynced = true } = options;
    const result = await this.#patiently(() => {
      this.#sync(isSynced);
      return this.#transaction.immediate(body) as T;
    }, options);
    await this.#relieveWal();
    return result;
  }

  /** Before each transaction: it cannot be changed within one, and no level outlasts the write that asked for it. */
  #sync(isSynced: boolean): void {
    if (this.#isSyncing === isSynced) return;
    this.raw.pragma(`synchronous=${isSynced ? 'FULL' : 'NORMAL'}`);
    this.#isSyncing = isSynced;
  }

  /** Runs `body` in one read transaction: all its statements see the same state. Errors as for `write`. */
  read<T>(body: () => T, options: { signal?: AbortSignal | undefined } = {}): Promise<T> {
    return this.#patiently(() => this.#transaction.deferred(body) as T, options);
  }

  async #patiently<T>(
    attempt: () => T,
    options: { signal?: AbortSignal | undefined; patienceMs?: number },
  ): Promise<T> {
    const { signal, patienceMs = PATIENCE_MS } = options;
    let deadline = this.#clock.now() + patienceMs;
    for (;;) {
      signal?.throwIfAborted();
      try {
        return attempt();
      } catch (error) {
        const failure = this.failure(error);
        if (failure.code !== 'DATABASE_LOCKED' || this.#clock.now() >= deadline) throw failure;
      }
      // A clock that is set back must not make the wait longer.
      deadline = Math.min(deadline, this.#clock.now() + patienceMs);
      await this.#clock.sleep(this.#retryMs(), signal);
    }
  }

  /** The coded error for anything SQLite threw here. */
  failure(error: unknown): RegistryError {
    return sqliteFailure(error, this.path);
  }

  /**
   * Empties a write-ahead log that readers have let grow past its limit. Past twice the limit the writer waits for
   * them to end what they read, but not for ever: a reader that never ends must not stop all work.
   */
  async #relieveWal(): Promise<void> {
    for (let attempt = 0; attempt < WAL_ATTEMPTS; attempt++) {
      const size = statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      if (size < this.#walLimitBytes || this.#truncateWal() || size < 2 * this.#walLimitBytes) return;
      await this.#clock.sleep(this.#retryMs());
    }
  }

  /** What was written is written: whatever else than a reader keeps the log from being emptied, the next write meets. */
  #truncateWal(): boolean {
    try {
      return this.raw.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) === 0;
    } catch {
      return false;
    }
  }

  #retryMs(): number {
    return RETRY_MIN_MS + this.#clock.random() * (RETRY_MAX_MS - RETRY_MIN_MS);
  }

  /** Gives up to `pages` free pages back to the file system; 0: all, and the write-ahead log too. */
  shrink(pages: number): void {
    try {
      this.raw.pragma(`incremental_vacuum(${pages})`);
      if (pages === 0) this.raw.pragma('wal_checkpoint(TRUNCATE)');
    } catch (error) {
      // Space is given back by the next call; what was deleted stays deleted.
      if (this.failure(error).code !== 'DATABASE_LOCKED') throw this.failure(error);
    }
  }

  close(): void {
    this.#statements.clear();
    this.raw.close();
  }
}

/**
 * Opens or creates a database for reading and writing: WAL, foreign keys, synchronous=FULL.
 * @throws RegistryError `RUNTIME_TOO_OLD`, `DATABASE_INVALID`, `DATABASE_READONLY`, `DATABASE_LOCKED`,
 * `DATABASE_UNAVAILABLE`
 */
export async function openSqlite(options: SqliteOptions): Promise<SqliteDatabase> {
  assertRuntime();
  const clock = options.clock ?? systemClock;
  let raw: Database.Database;
  try {
    // SQLite would take such a path to end there, and open another file.
    if (options.path.includes('\0')) throw new Error('a path is a text without null bytes');
    // SQLite would open it for reading, and leave a log beside it that nobody can write once the file is mended.
    if (existsSync(options.path)) accessSync(options.path, constants.R_OK | constants.W_OK);
    raw = new Database(options.path, { timeout: BUSY_TIMEOUT_MS, nativeBinding: options.nativeBinding });
  } catch (error) {
    throw sqliteFailure(error, options.path);
  }
  const database = new SqliteDatabase(raw, options.path, clock, options.walLimitBytes);
  try {
    await setPragmas(database, options, clock);
    return database;
  } catch (error) {
    raw.close();
    throw sqliteFailure(error, options.path);
  }
}

async function setPragmas(database: SqliteDatabase, options: SqliteOptions, clock: Clock): Promise<void> {
  const { raw } = database;
  let deadline = clock.now() + PATIENCE_MS;
  for (;;) {
    deadline = Math.min(deadline, clock.now() + PATIENCE_MS);
    try {
      // Page size and vacuum mode hold only before the file has a first page, and before WAL.
      if (raw.pragma('page_count', { simple: true }) === 0) {
        if (options.pageSize !== undefined) raw.pragma(`page_size=${options.pageSize}`);
        if (options.incrementalVacuum) raw.pragma('auto_vacuum=INCREMENTAL');
      }
      raw.pragma('journal_mode=WAL');
      break;
    } catch (error) {
      if (database.failure(error).code !== 'DATABASE_LOCKED' || clock.now() >= deadline) throw error;
      await clock.sleep(RETRY_MIN_MS + clock.random() * RETRY_MAX_MS);
    }
  }
  // Registry: the backup of a vector is on disk before the node is written, and with it whatever was committed before.
  // Node store: a write is before its task is settled, a rollback's before the cursor passes it. With NORMAL throughout
  // a loss of power takes either file back to its last checkpoint, and the other one not; `test/chaos/power` shows
  // what is lost then.
  raw.pragma('synchronous=FULL');
  raw.pragma('foreign_keys=ON');
  raw.pragma('recursive_triggers=ON');
}
