/** How fast SQLite itself takes a million ids from one file into another. */
import { openRaw } from './connection.ts';

const PAGE = 10_000;

/** The leanest table that finds a task by plan and node. */
const tasks = `CREATE TABLE tasks (plan INTEGER NOT NULL, node_id TEXT NOT NULL, state INTEGER NOT NULL,
  source INTEGER, PRIMARY KEY (plan, node_id)) STRICT, WITHOUT ROWID`;

/** Ids come out page by page, and each page goes in by one statement and one commit. */
export function planByPages(storePath: string, tasksPath: string): void {
  const from = openRaw(storePath);
  const to = openRaw(tasksPath);
  to.exec(tasks);
  const page = from.prepare('SELECT id FROM nodes WHERE id > ? ORDER BY id LIMIT ?').pluck();
  const insert = to.prepare('INSERT INTO tasks SELECT 1, value, 0, 1 FROM json_each(?)');
  for (let after = ''; ; ) {
    const ids = page.all(after, PAGE) as string[];
    const last = ids.at(-1);
    if (last === undefined) break;
    insert.run(JSON.stringify(ids));
    after = last;
  }
  from.close();
  to.close();
}

/** Everything in one statement, which nobody can pause, check or go on with. */
export function planByOneStatement(storePath: string, tasksPath: string): void {
  const database = openRaw(tasksPath);
  database.exec(tasks);
  database.prepare('ATTACH ? AS store').run(storePath);
  database.exec('INSERT INTO tasks SELECT 1, id, 0, 1 FROM store.nodes ORDER BY id');
  database.close();
}
