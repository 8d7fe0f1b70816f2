/** For the sibling packages that keep nodes in SQLite; not part of the public API, and free to change. */
export { openSqlite, SqliteDatabase, type SqliteOptions } from './database.ts';
export { lookAtFile } from './database-file.ts';
export { sqliteFailure } from './failure.ts';
export { registryNames } from './identify.ts';
export { openRegistry, type RegistryFileOptions } from './open-registry.ts';
