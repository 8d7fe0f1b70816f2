import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { RegistryError } from '../errors.ts';
import { type Logger, silentLogger } from '../logger.ts';
import type { RegistryStore } from '../ports/registry-store.ts';
import { assertRuntime } from '../runtime.ts';
import type { Context } from './context.ts';
import { openSqlite, type SqliteDatabase } from './database.ts';
import { lookAtFile } from './database-file.ts';
import { examine } from './examine.ts';
import { sqliteFailure } from './failure.ts';
import { identify } from './identify.ts';
import { insertModel } from './models.ts';
import { firstModel } from './origin/models.ts';
import { keepCopy, renewLayout, upgradeOrigin } from './origin/upgrade.ts';
import { SqliteRegistryStore } from './registry-store.ts';
import { advanceSchema } from './schema-steps.ts';

const PAGE_SIZE = 8192;

/** Which file to open, and for whom. */
export interface RegistryFileOptions {
  /** A file, or ':memory:'. */
  readonly path: string;
  /** Who acts, for the journal. */
  readonly actor: string;
  readonly nativeBinding?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Hears of the upgrade of a database of the origin. */
  readonly logger?: Logger | undefined;
  /** `false` refuses such a database. */
  readonly upgradeOrigin?: boolean | undefined;
}

/**
 * Opens a registry file, makes it and its folder where there is none, and upgrades one of the origin after
 * copying it to `<file>.bak-<time>`. A file that is refused is left byte for byte as it was.
 * @throws RegistryError `DATABASE_INVALID`, `DATABASE_NEWER`, `DATABASE_ORIGIN`, `DATABASE_READONLY`,
 * `DATABASE_LOCKED`, `DATABASE_UNAVAILABLE`, `DISK_FULL`, `RUNTIME_TOO_OLD`, `SPEC_INVALID`
 */
export async function openRegistry(options: RegistryFileOptions): Promise<RegistryStore> {
  assertRuntime();
  const { actor, nativeBinding, clock = systemClock, logger = silentLogger } = options;
  const path = await prepare(options.path, { nativeBinding, clock }, options.upgradeOrigin ?? true);
  const open = () => openSqlite({ path, nativeBinding, clock, pageSize: PAGE_SIZE, incrementalVacuum: true });
  let db = await open();
  try {
    const copy = await bringUp({ db, clock, actor }, nativeBinding);
    if (copy !== undefined) {
      logger.warn(
        'The registry of the origin was upgraded, which is one way; the copy is as it was before.',
        {
          path,
          copy,
        },
      );
      tidy(db, logger);
      // Sets the pragmas anew: the layout may have been renewed without a write-ahead log.
      db.close();
      db = await open();
    }
    return new SqliteRegistryStore(db, { clock, actor });
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Decides before anything is touched; makes the folder of a new file. */
async function prepare(
  given: string,
  options: { nativeBinding: string | undefined; clock: Clock },
  mayUpgrade: boolean,
): Promise<string> {
  if (given === ':memory:') return given;
  // SQLite would take it for a database that vanishes when it is closed.
  if (given.trim() === '')
    throw new RegistryError('SPEC_INVALID', 'The path of the registry is empty; name a file.');
  const path = resolve(given);
  try {
    const file = lookAtFile(path);
    if (file === undefined) mkdirSync(dirname(path), { recursive: true });
    else accessSync(file.path, constants.R_OK | constants.W_OK);
    // The write-ahead log lies in the same folder.
    accessSync(dirname(file?.path ?? path), constants.W_OK);
  } catch (error) {
    throw sqliteFailure(error, path);
  }
  if ((await examine(path, options)) === 'origin' && !mayUpgrade)
    throw new RegistryError(
      'DATABASE_ORIGIN',
      `${path} was written by the origin system and was left as it is; opening it for writing upgrades it, one way, after copying it to ${path}.bak-<time>.`,
      { details: { path } },
    );
  return path;
}

/** Answers the path of the copy where it was a database of the origin. */
async function bringUp(context: Context, nativeBinding: string | undefined): Promise<string | undefined> {
  const { db } = context;
  // Most often there is nothing to do, and then a busy writer is not waited for.
  if ((await db.read(() => identify(db))) === 'registry') return undefined;
  return db.write(() => {
    const kind = identify(db);
    if (kind === 'registry') return undefined;
    if (kind === 'origin') {
      const copy = keepCopy(context, nativeBinding);
      upgradeOrigin(context, copy);
      return copy;
    }
    advanceSchema(db);
    if (kind === 'vacant') insertModel(context, firstModel.spec, firstModel.notes, true);
    return undefined;
  });
}

/** The upgrade stands by now: what fails here costs space and speed, nothing else. */
function tidy(db: SqliteDatabase, logger: Logger): void {
  try {
    renewLayout(db, PAGE_SIZE);
  } catch (error) {
    logger.warn('The upgraded registry keeps the page layout of the origin.', {
      path: db.path,
      cause: db.failure(error).message,
    });
  }
}
