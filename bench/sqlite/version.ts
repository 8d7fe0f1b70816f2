import Database from 'better-sqlite3';

/** The version of the SQLite library that everything here runs on. */
export function sqliteVersion(): string {
  const database = new Database(':memory:');
  try {
    return database.prepare('SELECT sqlite_version()').pluck().get() as string;
  } finally {
    database.close();
  }
}
