/**
 * The loop by hand that keeps what a migration promises and nothing else: the nodes in one file, backups and tasks in
 * another, an index of the nodes by model, and an order on disk: a backup before its vector is overwritten, a vector
 * before its task is done. It still knows no lease, fence, hash, retry or other worker.
 */
import type { Database } from 'better-sqlite3';
import { openRaw } from './connection.ts';

interface Row {
  readonly id: string;
  readonly content: string;
  readonly vector: Buffer;
}

export class OrderedLoop {
  readonly #nodes: Database;
  readonly #registry: Database;

  constructor(
    path: string,
    nodes: Iterable<{ readonly id: string; readonly content: string }>,
    vector: Uint8Array,
  ) {
    this.#nodes = openRaw(`${path}-nodes.sqlite`);
    this.#registry = openRaw(`${path}-registry.sqlite`);
    this.#nodes.exec(
      `CREATE TABLE nodes (id TEXT PRIMARY KEY, content TEXT NOT NULL, vector BLOB NOT NULL, model TEXT NOT NULL);
       CREATE INDEX by_model ON nodes (model, id)`,
    );
    const insert = this.#nodes.prepare("INSERT INTO nodes VALUES (?, ?, ?, 'before')");
    this.#nodes.transaction(() => {
      for (const { id, content } of nodes) insert.run(id, content, vector);
    })();
  }

  /** Makes the tasks and an empty table for the backups of the next run; every node is of the old model again. */
  clear(): void {
    this.#nodes.exec("UPDATE nodes SET model = 'before'");
    this.#registry.exec('DROP TABLE IF EXISTS backups; DROP TABLE IF EXISTS tasks');
    this.#registry.exec(
      `CREATE TABLE backups (id TEXT PRIMARY KEY, vector BLOB NOT NULL);
       CREATE TABLE tasks (id TEXT PRIMARY KEY, state INTEGER NOT NULL) WITHOUT ROWID`,
    );
    const insert = this.#registry.prepare('INSERT INTO tasks VALUES (?, 0)');
    const ids = this.#nodes.prepare('SELECT id FROM nodes ORDER BY id').pluck().all() as string[];
    this.#registry.transaction(() => {
      for (const id of ids) insert.run(id);
    })();
  }

  /** Re-embeds everything. */
  run(batchSize: number, embed: (texts: readonly string[]) => readonly Uint8Array[]): void {
    const [nodes, registry] = [this.#nodes, this.#registry];
    const read = nodes.prepare('SELECT id, content, vector FROM nodes WHERE id > ? ORDER BY id LIMIT ?');
    const insert = registry.prepare('INSERT INTO backups VALUES (?, ?)');
    const update = nodes.prepare("UPDATE nodes SET vector = ?, model = 'after' WHERE id = ?");
    const end = registry.prepare('UPDATE tasks SET state = 1 WHERE id BETWEEN ? AND ?');
    const backUp = registry.transaction((rows: readonly Row[]) => {
      for (const { id, vector } of rows) insert.run(id, vector);
    });
    const write = nodes.transaction((rows: readonly Row[], vectors: readonly Uint8Array[]) => {
      for (const [index, { id }] of rows.entries()) update.run(vectors[index], id);
    });
    for (let after = ''; ; ) {
      const rows = read.all(after, batchSize) as Row[];
      const last = rows.at(-1);
      if (last === undefined) break;
      const vectors = embed(rows.map(({ content }) => content));
      backUp.immediate(rows);
      write.immediate(rows, vectors);
      end.run(rows[0]!.id, last.id);
      after = last.id;
    }
  }

  close(): void {
    this.#nodes.close();
    this.#registry.close();
  }
}
