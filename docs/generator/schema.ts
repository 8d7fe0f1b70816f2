/** The registry database, as a new one is: its views with the meaning of each column, and its tables. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmbeddingVersionManager } from '@registry/core';
import { viewColumns } from './columns.ts';
import { code, prose, table } from './markdown.ts';

interface Column {
  readonly name: string;
  readonly type: string;
}

interface Item {
  readonly type: 'table' | 'view';
  readonly name: string;
  readonly sql: string;
}

interface Shape {
  readonly version: number;
  readonly items: readonly Item[];
  readonly columns: ReadonlyMap<string, readonly Column[]>;
}

export async function schemaPage(): Promise<string> {
  const { version, items, columns } = await newDatabase();
  const views = items
    .filter(({ type }) => type === 'view')
    .map(({ name }) => viewSection(name, columns.get(name)!));
  const tables = items.filter(({ type }) => type === 'table');
  return `---
outline: [2, 3]
---

# Database schema

A registry is one SQLite file in WAL mode. \`user_version\` is ${version}; \`application_id\` says that it is a registry. You
may read it at any time, with any tool, even while workers write. Write to it only through the library or \`evr\`.

The three views are stable: their names and columns stay. The tables behind them are compact and may change with a schema
version; a database written by a newer version is refused.

## Views

${views.join('\n')}
## Tables

Times are milliseconds since 1970, in UTC. \`leases\` holds the batches in hand, \`backups\` the vectors that a rollback puts back, \`journal\` who did
what to which plan or model.

\`\`\`sql
${tables.map(({ sql }) => `${sql};`).join('\n\n')}
\`\`\`
`;
}

function viewSection(name: string, columns: readonly Column[]): string {
  const { about, columns: meanings } = viewColumns[name] ?? { about: '', columns: {} };
  const [known, present] = [Object.keys(meanings), columns.map((column) => column.name)];
  if (String(known) !== String(present))
    throw new Error(`columns.ts describes ${name} as (${known}), and it is (${present}).`);
  const rows = columns.map((column) => [code(column.name), prose(meanings[column.name]!)]);
  return `### ${name}\n\n${about}\n\n${table(['column', 'meaning'], rows)}\n`;
}

async function newDatabase(): Promise<Shape> {
  const folder = mkdtempSync(join(tmpdir(), 'registry-docs-'));
  const path = join(folder, 'registry.sqlite');
  try {
    await (await EmbeddingVersionManager.open({ dbPath: path })).close();
    const database = new DatabaseSync(path);
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
      user_version: number;
    };
    const items = database
      .prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'",
      )
      .all() as unknown as Item[];
    const columns = new Map(
      items.map(({ name }) => [
        name,
        database.prepare('SELECT name, type FROM pragma_table_info(?)').all(name) as unknown as Column[],
      ]),
    );
    database.close();
    return { version, items, columns };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
