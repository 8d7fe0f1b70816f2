/**
 * What somebody would write by hand: read a batch, copy the old vectors away, overwrite them, commit. It
 * knows no lease, fence, hash, counter or retry, and nobody else may touch the nodes meanwhile.
 */
import type { Database } from 'better-sqlite3';
import { openRaw } from './connection.ts';

interface Row {
  readonly id: string;
  readonly content: string;
  readonly vector: Buffer;
}

export class HandLoop {
  readonly #database: Database;

  constructor(
    path: string,
    settings: 'tuned' | 'default',
    nodes: Iterable<{ id: string; content: string }>,
    vector: Float32Array,
  ) {
    this.#database = openRaw(path, settings);
    this.#database.exec(
      'CREATE TABLE nodes (id TEXT PRIMARY KEY, content TEXT NOT NULL, vector BLOB NOT NULL, model TEXT NOT NULL)',
    );
    const insert = this.#database.prepare("INSERT INTO nodes VALUES (?, ?, ?, 'before')");
    this.#database.transaction(() => {
      for (const { id, content } of nodes) insert.run(id, content, bytesOf(vector));
    })();
  }

  /** Makes an empty table for the backups of the next run. */
  clear(): void {
    this.#database.exec('DROP TABLE IF EXISTS backups');
    this.#database.exec('CREATE TABLE backups (id TEXT PRIMARY KEY, vector BLOB NOT NULL)');
  }

  /** Re-embeds everything. */
  run(batchSize: number, embed: (texts: readonly string[]) => readonly Float32Array[]): void {
    const database = this.#database;
    const read = database.prepare('SELECT id, content, vector FROM nodes WHERE id > ? ORDER BY id LIMIT ?');
    const backUp = database.prepare('INSERT INTO backups VALUES (?, ?)');
    const write = database.prepare("UPDATE nodes SET vector = ?, model = 'after' WHERE id = ?");
    const batch = database.transaction((rows: readonly Row[]) => {
      const vectors = embed(rows.map(({ content }) => content));
      for (const [index, { id, vector }] of rows.entries()) {
        backUp.run(id, vector);
        write.run(bytesOf(vectors[index]!), id);
      }
    });
    for (let after = ''; ; ) {
      const rows = read.all(after, batchSize) as Row[];
      if (rows.length === 0) break;
      batch.immediate(rows);
      after = rows.at(-1)!.id;
    }
  }

  close(): void {
    this.#database.close();
  }
}

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}
