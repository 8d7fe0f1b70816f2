/**
 * Opening a registry without a trace. A file that nobody has open is copied and the copy is read: SQLite
 * would leave a log and its index beside a resting file. A file with a live log is read in place, and let go
 * after each read: a reader that stays would keep the last writer from removing the log. A database of the
 * origin, or one with older tables, is copied and upgraded in the copy. Each read sees what is committed then:
 * a copy is renewed when the file is no longer what was copied.
 */
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { RegistryError } from '../errors.ts';
import type { RegistryStore } from '../ports/registry-store.ts';
import { assertRuntime } from '../runtime.ts';
import type { SqliteDatabase } from './database.ts';
import { type DatabaseFile, lookAtFile } from './database-file.ts';
import { openLive } from './examine.ts';
import { sqliteFailure } from './failure.ts';
import { identify } from './identify.ts';
import { upgradeOrigin } from './origin-upgrade.ts';
import {
  type CopyOptions,
  copyFromConnection,
  copyPrivately,
  type PrivateCopy,
  presentFile,
} from './private-copy.ts';
import { readOnlyStore } from './read-only-store.ts';
import { SqliteRegistryStore } from './registry-store.ts';
import { advanceSchema } from './schema-steps.ts';

/** Which file to read. */
export interface ReadOnlyOptions {
  readonly path: string;
  readonly nativeBinding?: string | undefined;
  readonly clock?: Clock | undefined;
}

interface View {
  readonly store: RegistryStore;
  /** Of the file that a copy was made of. A live file is open for one read only. */
  readonly signature?: string;
  close(): void;
}

const NOBODY = 'reader';

/**
 * Opens a registry for reading: creates, changes and upgrades nothing, also in a folder that cannot be
 * written. Its writing methods reject with `DATABASE_READONLY`.
 * @throws RegistryError `DATABASE_UNAVAILABLE` (no such file), `DATABASE_INVALID`, `DATABASE_NEWER`,
 * `DATABASE_READONLY` (it cannot even be read), `DATABASE_LOCKED`, `RUNTIME_TOO_OLD`
 */
export async function openRegistryReadOnly(options: ReadOnlyOptions): Promise<RegistryStore> {
  assertRuntime();
  const path = resolve(options.path);
  const { nativeBinding, clock = systemClock } = options;
  const reader = new RegistryReader(path, { nativeBinding, clock });
  await reader.read(async () => {});
  return readOnlyStore({
    path,
    read: (body) => reader.read(body),
    close: () => reader.close(),
  });
}

/** Keeps a copy until the file is no longer what was copied. */
class RegistryReader {
  readonly #path: string;
  readonly #options: CopyOptions;
  #copy: View | undefined;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string, options: CopyOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** One read at a time: a copy is not closed under another read. */
  read<T>(body: (store: RegistryStore) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const view = await this.#view();
      try {
        return await body(view.store);
      } finally {
        if (view !== this.#copy) view.close();
      }
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isClosed = true;
      this.#dropCopy();
    });
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(step, step);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #view(): Promise<View> {
    if (this.#isClosed)
      throw new RegistryError('DATABASE_UNAVAILABLE', `Registry ${this.#path} was closed; open it again.`);
    const file = presentFile(this.#path);
    if (this.#copy?.signature === file.signature) return this.#copy;
    this.#dropCopy();
    const view = await openView(this.#path, file, this.#options);
    if (view.signature !== undefined) this.#copy = view;
    return view;
  }

  #dropCopy(): void {
    this.#copy?.close();
    this.#copy = undefined;
  }
}

async function openView(path: string, file: DatabaseFile, options: CopyOptions): Promise<View> {
  if (file.log !== 'shared') return viewOfCopy(await copyPrivately(path, options), options.clock);
  const live = openLive(file, options);
  try {
    const kind = await live.read(() => identify(live));
    if (kind === 'registry') return viewOf(live, options.clock);
    const seen = lookAtFile(path) ?? file;
    const copy = await copyFromConnection(live, seen, options);
    live.close();
    return await viewOfCopy(copy, options.clock);
  } catch (error) {
    live.close();
    const failure = sqliteFailure(error, path);
    const isUnreadable = failure.code === 'DATABASE_READONLY' || failure.code === 'DATABASE_UNAVAILABLE';
    // The index of the log cannot be written here: so no one writes the log either, and it can be copied.
    if (isUnreadable) return viewOfCopy(await copyPrivately(path, options), options.clock);
    throw failure;
  }
}

function viewOf(db: SqliteDatabase, clock: Clock): View {
  return { store: new SqliteRegistryStore(db, { clock, actor: NOBODY }), close: () => db.close() };
}

async function viewOfCopy(copy: PrivateCopy, clock: Clock): Promise<View> {
  try {
    const { db } = copy;
    await db.write(() => bringCopyUp(db, clock));
    copy.seal();
    return { ...viewOf(db, clock), signature: copy.file.signature, close: () => copy.close() };
  } catch (error) {
    copy.close();
    throw error;
  }
}

function bringCopyUp(db: SqliteDatabase, clock: Clock): void {
  const kind = identify(db);
  if (kind === 'vacant')
    throw new RegistryError(
      'DATABASE_INVALID',
      `${db.path} holds no registry yet; open it for writing to make one.`,
      { details: { path: db.path } },
    );
  if (kind === 'older') advanceSchema(db);
  if (kind !== 'origin') return;
  const context = { db, clock, actor: NOBODY };
  upgradeOrigin(context, undefined);
  // Nothing was done to the file, so there is nothing to tell of it.
  db.raw.exec('DELETE FROM journal');
}
