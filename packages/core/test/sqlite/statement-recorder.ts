import type { Statement } from 'better-sqlite3';
import type { SqliteDatabase } from '../../src/sqlite/database.ts';

/** A statement as it ran, with the plan that SQLite made for it. */
export interface RecordedStatement {
  readonly operation: string;
  readonly sql: string;
  /** Lines of EXPLAIN QUERY PLAN. */
  readonly steps: readonly string[];
}

const runs = new Set(['get', 'all', 'run']);

/** Notes every statement that runs on a connection, under the name of the operation it runs for. */
export class StatementRecorder {
  readonly #db: SqliteDatabase;
  readonly #seen = new Map<string, RecordedStatement>();
  #operation = '';

  constructor(db: SqliteDatabase) {
    this.#db = db;
    const prepare = db.sql.bind(db);
    db.sql = (text) => this.#watch(text, prepare(text));
  }

  get statements(): readonly RecordedStatement[] {
    return [...this.#seen.values()];
  }

  /** The plan of the one statement of this operation whose text matches. */
  steps(operation: string, text: RegExp): readonly string[] {
    const found = this.statements.filter(
      (statement) => statement.operation === operation && text.test(statement.sql),
    );
    if (found.length !== 1) throw new Error(`${found.length} statements of ${operation} match ${text}.`);
    return found[0]?.steps ?? [];
  }

  /** The store, whose calls give the operations their names. */
  named<T extends object>(store: T): T {
    return new Proxy(store, {
      get: (target, name) => {
        const method = Reflect.get(target, name, target) as unknown;
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          this.#operation = String(name);
          return method.apply(target, args) as unknown;
        };
      },
    });
  }

  #watch(text: string, statement: Statement): Statement {
    return new Proxy(statement, {
      get: (target, name) => {
        const method = Reflect.get(target, name, target) as unknown;
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          if (runs.has(String(name))) this.#note(text, args);
          const result = method.apply(target, args) as unknown;
          return result === target ? this.#watch(text, target) : result;
        };
      },
    });
  }

  #note(text: string, args: readonly unknown[]): void {
    const key = `${this.#operation}\n${text}`;
    if (this.#seen.has(key)) return;
    const rows = this.#db.raw.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...args) as { detail: string }[];
    const sql = text.replace(/\s+/g, ' ');
    this.#seen.set(key, { operation: this.#operation, sql, steps: rows.map((row) => row.detail) });
  }
}
