import { scheduler } from 'node:timers/promises';
import type { EmbeddingInfo, NodeFilter } from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { type Condition, conditionOnHead } from './filter.ts';
import { type Layout, quoted, type SqlValue, type StampKey } from './layout.ts';
import type { Stamps } from './stamps.ts';

const FILTERED_CHUNK_ROWS = 10_000;

export interface StampCount {
  /** Absent: nodes without a stamp. */
  readonly info?: EmbeddingInfo;
  readonly count: number;
}

/**
 * Nodes by stamp. Without a filter one statement over the index, so all counts are of one moment; with one
 * the metadata of each node is read, in steps between which others may run.
 */
export async function countByStamp(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  options: { where?: NodeFilter | undefined; signal?: AbortSignal | undefined },
): Promise<StampCount[]> {
  const { signal } = options;
  const condition = conditionOnHead(layout, options.where);
  if (condition === undefined) {
    const rows = await database.read(() => countAll(database, layout), { signal });
    return rows.map(({ values, count }) => counted(stamps.infoOf(values), count));
  }
  const counts: StampCount[] = [];
  for (const key of await database.read(() => stamps.inUse(), { signal })) {
    const count = await countSome(database, layout, key, condition, signal);
    if (count > 0) counts.push(counted(key.info, count));
  }
  return counts;
}

function counted(info: EmbeddingInfo | undefined, count: number): StampCount {
  return info === undefined ? { count } : { info, count };
}

function countAll(database: SqliteDatabase, layout: Layout): { values: SqlValue[]; count: number }[] {
  const columns = layout.stampColumns.join(', ');
  const rows = database
    .sql(
      `SELECT count(*), ${columns} FROM ${layout.heads} INDEXED BY ${quoted(layout.rangeIndex)} GROUP BY ${columns}`,
    )
    .raw()
    .all() as [number, ...SqlValue[]][];
  return rows.map(([count, ...values]) => ({ values, count }));
}

async function countSome(
  database: SqliteDatabase,
  layout: Layout,
  key: StampKey,
  condition: Condition,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { heads, id, stampColumns } = layout;
  const terms = stampColumns.map((column) => `h.${column} IS ?`).join(' AND ');
  const sql = (
    after: string,
  ) => `SELECT count(*), sum(holds), ${layout.ownsTable ? 'max(id)' : 'CAST(max(id) AS TEXT)'} FROM (
    SELECT h.${id} AS id, ${condition.sql} AS holds FROM ${heads} AS h INDEXED BY ${quoted(layout.rangeIndex)}
    WHERE ${terms} ${after} ORDER BY h.${id} LIMIT ${FILTERED_CHUNK_ROWS})`;
  let total = 0;
  let last: SqlValue | undefined;
  for (;;) {
    const after = last === undefined ? [] : [last];
    const [rows, holding, lastId] = await database.read(
      () =>
        database
          .sql(sql(last === undefined ? '' : `AND h.${id} > ?`))
          .raw()
          .get(...condition.values, ...key.values, ...after) as [number, number | null, SqlValue],
      { signal },
    );
    total += holding ?? 0;
    if (rows < FILTERED_CHUNK_ROWS) return total;
    last = lastId;
    await scheduler.yield();
  }
}
