import Database from 'better-sqlite3';

/** What registry and node store set too, so that only the work differs and not the settings. */
const PRAGMAS = [
  'page_size=8192',
  'journal_mode=WAL',
  'synchronous=FULL',
  'cache_size=-65536',
  'wal_autocheckpoint=4000',
];

export function openRaw(path: string): Database.Database {
  const database = new Database(path);
  for (const pragma of PRAGMAS) database.pragma(pragma);
  return database;
}
