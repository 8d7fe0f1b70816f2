import { RegistryError } from '../errors.ts';
import type { SqliteDatabase } from './database.ts';
import type { FileHeader } from './database-file.ts';
import { isOrigin, originNames } from './origin/schema.ts';
import { APPLICATION_ID, SCHEMA_VERSION, schemaSteps } from './schema.ts';

/**
 * `registry`: ours, as this program writes it. `older`: ours, with schema steps to go. `origin`: a registry
 * of MnemoCore Phase 6.0. `vacant`: empty, or a database whose tables leave room for ours.
 */
export type DatabaseKind = 'registry' | 'older' | 'origin' | 'vacant';

/** Every table, index and view of a registry. */
export const registryNames: readonly string[] = schemaSteps
  .flatMap((step) => [...step.matchAll(/CREATE (?:UNIQUE )?(?:TABLE|INDEX|VIEW) (\w+)/g)])
  .map((match) => match[1] as string);

/**
 * What the numbers in the header say; undefined where the tables must be asked.
 * @throws RegistryError `DATABASE_NEWER`, `DATABASE_INVALID` (numbered by another program)
 */
export function identifyHeader(
  { applicationId, userVersion }: Pick<FileHeader, 'applicationId' | 'userVersion'>,
  path: string,
): 'registry' | 'older' | undefined {
  if (applicationId === 0 && userVersion === 0) return undefined;
  if (applicationId !== APPLICATION_ID) throw foreign(path, { applicationId, userVersion });
  if (userVersion > SCHEMA_VERSION)
    throw new RegistryError(
      'DATABASE_NEWER',
      `Database ${path} has schema version ${userVersion}, this program knows ${SCHEMA_VERSION}; upgrade the program. The file was left as it is.`,
      { details: { path, version: userVersion, known: SCHEMA_VERSION } },
    );
  return userVersion === SCHEMA_VERSION ? 'registry' : 'older';
}

/**
 * What a database is. Runs inside a transaction.
 * @throws RegistryError `DATABASE_NEWER`, `DATABASE_INVALID` (of another program, or only numbered as ours)
 */
export function identify(db: SqliteDatabase): DatabaseKind {
  const pragma = (name: string) => db.raw.pragma(name, { simple: true }) as number;
  const header = { applicationId: pragma('application_id'), userVersion: pragma('user_version') };
  const told = identifyHeader(header, db.path);
  if (told !== undefined) {
    assertSchema(db, header.userVersion);
    return told;
  }
  const origin = isOrigin(db);
  const clash = takenName(db, origin ? originNames : []);
  if (clash !== undefined) throw foreign(db.path, { ...header, clash });
  return origin ? 'origin' : 'vacant';
}

/**
 * A header is quickly forged. Reading a view that stands where a table of ours should, or says something else than
 * ours, could go on for ever.
 */
function assertSchema(db: SqliteDatabase, version: number): void {
  const found = db.sql('SELECT type, sql FROM sqlite_schema WHERE name = ?');
  for (const [text, kind, name] of ourObjects(version)) {
    const object = found.get(name) as { type: string; sql: string } | undefined;
    const isOurs = object?.type === kind.toLowerCase() && (kind !== 'VIEW' || object.sql === text);
    if (!isOurs || (kind === 'TABLE' && computes(db, name)))
      throw new RegistryError(
        'DATABASE_INVALID',
        `${db.path} calls itself a registry, but its ${kind.toLowerCase()} "${name}" is ${object === undefined ? 'missing' : 'not as a registry has it'}; it was left as it is. Choose another file, or put a copy of it back.`,
        { details: { path: db.path, object: name } },
      );
  }
}

/** Whether a column of the table is computed when it is read. */
function computes(db: SqliteDatabase, table: string): boolean {
  return db.sql('SELECT 1 FROM pragma_table_xinfo(?) WHERE hidden <> 0').get(table) !== undefined;
}

/** What the schema of this version consists of: the text, TABLE or VIEW, and the name of each. */
function ourObjects(version: number): (readonly [text: string, kind: string, name: string])[] {
  return schemaSteps
    .slice(0, version)
    .flatMap((step) => [...step.matchAll(/CREATE (TABLE|VIEW) (\w+)[^;]*/g)])
    .map(([text, kind = '', name = '']) => [text, kind, name] as const);
}

/** A name of ours, in any case, that something else in the database bears. */
function takenName(db: SqliteDatabase, except: readonly string[]): string | undefined {
  return db
    .sql(
      `SELECT name FROM sqlite_schema WHERE lower(name) IN (SELECT value FROM json_each(?))
         AND name NOT IN (SELECT value FROM json_each(?)) LIMIT 1`,
    )
    .pluck()
    .get(JSON.stringify(registryNames), JSON.stringify(except)) as string | undefined;
}

/** A database that others have numbered is theirs; one with tables of our names would be overwritten. */
function foreign(
  path: string,
  details: { applicationId: number; userVersion: number; clash?: string },
): RegistryError {
  const why =
    details.clash === undefined
      ? `application_id ${details.applicationId}, user_version ${details.userVersion}`
      : `it has a table "${details.clash}" of its own`;
  return new RegistryError(
    'DATABASE_INVALID',
    `${path} is a database of another program (${why}) and was left as it is; choose another file for the registry.`,
    { details: { path, ...details } },
  );
}
