import Database from 'better-sqlite3';

/** Without these, what SQLite takes by itself: pages of 4 KiB, 16 MB of cache, a checkpoint every 4 MB. */
const TUNED = ['page_size=8192', 'cache_size=-65536', 'wal_autocheckpoint=4000'];
/** What every commit of ours promises. */
const DURABLE = ['journal_mode=WAL', 'synchronous=FULL'];

/** `tuned`: with the pages, the cache and the checkpoints that the node store sets. */
export function openRaw(path: string, settings: 'tuned' | 'default' = 'tuned'): Database.Database {
  const database = new Database(path);
  for (const pragma of settings === 'tuned' ? [...TUNED, ...DURABLE] : DURABLE) database.pragma(pragma);
  return database;
}
