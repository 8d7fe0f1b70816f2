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
import type { DatabaseFile } from './database-file.ts';
import { withLive } from './examine.ts';
import { identify } from './identify.ts';
import { upgradeOrigin } from './origin/upgrade.ts';
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
  #copy: PrivateCopy | undefined;
  #registrySchema: string | undefined;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(path: string, options: CopyOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** One read at a time: a copy is not closed under another read. */
  read<T>(body: (store: RegistryStore) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      if (this.#isClosed)
        throw new RegistryError('DATABASE_UNAVAILABLE', `Registry ${this.#path} was closed; open it again.`);
      const file = presentFile(this.#path);
      if (this.#copy?.file.signature !== file.signature) {
        this.#dropCopy();
        const answer = await this.#readLive(file, body);
        if (answer !== undefined) return answer.value;
        this.#copy ??= await this.#bringUp(await copyPrivately(this.#path, this.#options));
      }
      return body(this.#storeOf((this.#copy as PrivateCopy).db));
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

  /** Undefined where a copy is to be read; one may have been made of what was found. */
  async #readLive<T>(
    file: DatabaseFile,
    body: (store: RegistryStore) => Promise<T>,
  ): Promise<{ value: T } | undefined> {
    if (file.log !== 'used') return undefined;
    const found = await withLive(file, this.#options, async (live) => {
      if (await this.#isRegistry(live, file)) return { value: await body(this.#storeOf(live)) };
      // Looked at again, since the file may have been written while its lock was waited for.
      return copyFromConnection(live, presentFile(this.#path), this.#options);
    });
    if (found === undefined || 'value' in found) return found;
    this.#copy = await this.#bringUp(found);
    return undefined;
  }

  /** Looked into once for each schema: SQLite counts its changes, and each version of ours has its number. */
  async #isRegistry(live: SqliteDatabase, file: DatabaseFile): Promise<boolean> {
    return live.read(() => {
      const numbers = ['schema_version', 'application_id', 'user_version'];
      const schema = [
        file.identity,
        ...numbers.map((name) => live.raw.pragma(name, { simple: true })),
      ].join();
      if (this.#registrySchema === schema) return true;
      const isRegistry = identify(live) === 'registry';
      if (isRegistry) this.#registrySchema = schema;
      return isRegistry;
    });
  }

  async #bringUp(copy: PrivateCopy): Promise<PrivateCopy> {
    try {
      await copy.db.write(() => bringCopyUp(copy.db, this.#options.clock));
      copy.seal();
      return copy;
    } catch (error) {
      copy.close();
      throw error;
    }
  }

  #storeOf(db: SqliteDatabase): RegistryStore {
    return new SqliteRegistryStore(db, { clock: this.#options.clock, actor: NOBODY });
  }

  #dropCopy(): void {
    this.#copy?.close();
    this.#copy = undefined;
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
