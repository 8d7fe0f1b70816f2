import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { RegistryError } from '../errors.ts';
import { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { RegistryStore } from '../ports/registry-store.ts';
import type { Context } from './context.ts';
import { openSqlite, type SqliteDatabase } from './database.ts';
import { assertSchema } from './leases.ts';
import { insertModel } from './models.ts';
import { SqliteRegistryStore } from './registry-store.ts';
import { APPLICATION_ID, SCHEMA_VERSION, schemaSteps } from './schema.ts';

export interface RegistryFileOptions {
  readonly path: string;
  /** Who acts, for the journal. */
  readonly actor: string;
  readonly nativeBinding?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** What the origin registers in a fresh registry: SHA-256 of `binary_hdv:16384`. */
const firstModel = {
  spec: {
    modelId: 'binary_hdv',
    version: 1,
    dimension: 16384,
    checksum: '52bdb6e983fc401dc35967b1d25c36409adc295f879793700b2907dbcf838071',
    datatype: 'bit',
    distance: 'hamming',
  },
  notes: {
    name: 'Default Binary Hyperdimensional Vector',
    description: 'Default MnemoCore binary HDV encoder',
  },
} as const;

/**
 * Opens a registry file, and makes it and its folder where there is none.
 * @throws RegistryError `DATABASE_INVALID`, `DATABASE_NEWER`, `DATABASE_READONLY`, `DATABASE_LOCKED`,
 * `DATABASE_UNAVAILABLE`, `RUNTIME_TOO_OLD`
 */
export async function openRegistry(options: RegistryFileOptions): Promise<RegistryStore> {
  const clock = options.clock ?? systemClock;
  if (options.path !== ':memory:') mkdirSync(dirname(options.path), { recursive: true });
  const db = await openSqlite({ ...options, pageSize: 8192, incrementalVacuum: true });
  try {
    const context: Context = { db, clock, actor: options.actor };
    await db.write(() => bringUp(context));
    return new SqliteRegistryStore(db, { clock, actor: options.actor });
  } catch (error) {
    db.close();
    throw error;
  }
}

function bringUp(context: Context): void {
  const { db } = context;
  const applicationId = db.raw.pragma('application_id', { simple: true });
  const version = db.raw.pragma('user_version', { simple: true }) as number;
  if (applicationId === APPLICATION_ID) {
    assertSchema(context);
    for (const step of schemaSteps.slice(version)) db.raw.exec(step);
  } else {
    assertForeign(db, applicationId, version);
    for (const step of schemaSteps) db.raw.exec(step);
    db.raw.pragma(`application_id = ${APPLICATION_ID}`);
    insertModel(context, new EmbeddingModelSpec(firstModel.spec), firstModel.notes, true);
  }
  db.raw.pragma(`user_version = ${SCHEMA_VERSION}`);
}

/** A database that others have numbered is theirs; one with tables of our names would be overwritten. */
function assertForeign(db: SqliteDatabase, applicationId: unknown, version: number): void {
  const clash = db.raw
    .prepare(
      `SELECT name FROM sqlite_schema WHERE name IN ('models', 'plans', 'tasks', 'settings', 'backups', 'leases', 'migration_plans')`,
    )
    .pluck()
    .get();
  if (applicationId === 0 && version === 0 && clash === undefined) return;
  throw new RegistryError(
    'DATABASE_INVALID',
    `${db.path} is a database of another program; choose another file for the registry.`,
    {
      details: { path: db.path, applicationId, version, clash },
    },
  );
}
