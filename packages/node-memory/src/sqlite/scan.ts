/**
 * Pages of heads in the order of their ids. The nodes of one stamp are a range of the index that holds all
 * a head consists of; "off the target" is every range but the target's, merged by id, so that a node which
 * changes its stamp meanwhile is still met once. Nodes at the target whose text changed since they were
 * embedded come from an index of their own.
 */
import { scheduler } from 'node:timers/promises';
import { type EmbeddingInfo, type NodeFilter, type NodeHead, type Page, sameStamp } from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { type Condition, conditionOnHead } from './filter.ts';
import { currentHash, idText, type Layout, quoted, type SqlValue, type StampKey } from './layout.ts';
import type { Stamps } from './stamps.ts';
import { isStale } from './triggers.ts';

/** Rows per statement: a page of the planner. Filters read each node's metadata, so fewer of those. */
const CHUNK_ROWS = 10_000;
const FILTERED_CHUNK_ROWS = 2_000;
/** More ranges than this are not merged: SQLite takes 500 parts. */
const MERGED_RANGES = 200;

interface ScanOptions {
  readonly notAt?: EmbeddingInfo | undefined;
  readonly where?: NodeFilter | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** A part of a scan: the nodes of one stamp, all of them or those with stale text. */
interface Range extends StampKey {
  readonly onlyStale: boolean;
}

/** id, position of the range, whether the filter holds (null: there is none). */
type HeadRow = [id: string, range: number, holds: 0 | 1 | null];

/** The next rows, also of nodes that the filter leaves out, and the ranges they lie in. */
interface Chunk {
  readonly rows: readonly HeadRow[];
  readonly ranges: readonly Range[];
}

export async function scanHeads(
  database: SqliteDatabase,
  layout: Layout,
  stamps: Stamps,
  options: ScanOptions,
): Promise<Page<NodeHead>> {
  const condition = conditionOnHead(layout, options.where);
  const items: NodeHead[] = [];
  let after = options.after;
  for (;;) {
    const rows = condition ? FILTERED_CHUNK_ROWS : Math.min(options.limit - items.length, CHUNK_ROWS);
    const chunk = await database.read(
      () => readChunk(database, layout, stamps, { notAt: options.notAt, condition, after, rows }),
      { signal: options.signal },
    );
    for (const row of chunk.rows) {
      if (row[2] !== 0) items.push(headOf(row, chunk.ranges[row[1]]!.info));
      if (items.length === options.limit) return { items, next: row[0] };
    }
    if (chunk.rows.length < rows) return { items };
    after = chunk.rows.at(-1)![0];
    await scheduler.yield();
  }
}

interface ChunkOptions {
  readonly notAt: EmbeddingInfo | undefined;
  readonly condition: Condition | undefined;
  readonly after: string | undefined;
  readonly rows: number;
}

function readChunk(database: SqliteDatabase, layout: Layout, stamps: Stamps, options: ChunkOptions): Chunk {
  const ranges = rangesOf(stamps, options.notAt);
  if (ranges.length === 0) return { rows: [], ranges };
  const { sql, values } = statementOf(layout, ranges, options);
  const statement = database.sql(sql);
  if (ranges.length > 1 || options.condition !== undefined || !layout.ownsTable)
    return { rows: statement.raw().all(values) as HeadRow[], ranges };
  // A store of one model, the usual one: the id is all there is to a row, and is fetched twice as fast alone.
  const ids = statement.pluck().all(values) as HeadRow[0][];
  return { rows: ids.map((id): HeadRow => [id, 0, null]), ranges };
}

function headOf([id]: HeadRow, info: EmbeddingInfo | undefined): NodeHead {
  if (info === undefined) return { id };
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = info;
  return { id, embeddingModelId, embeddingVersion, embeddingChecksum };
}

function rangesOf(stamps: Stamps, notAt: EmbeddingInfo | undefined): Range[] {
  return stamps
    .inUse()
    .map((key) => ({ ...key, onlyStale: notAt !== undefined && sameStamp(key.info, notAt) }));
}

function statementOf(
  layout: Layout,
  ranges: readonly Range[],
  options: ChunkOptions,
): { sql: string; values: SqlValue[] } {
  // Integers are in order by number, which their texts are not.
  const order = layout.ownsTable ? 1 : 4;
  const parts = ranges.map((range, position) => rangeSql(layout, range, position, options));
  const groups: Condition[] = [];
  for (let start = 0; start < parts.length; start += MERGED_RANGES) {
    const group = parts.slice(start, start + MERGED_RANGES);
    groups.push({
      sql: `${group.map(({ sql }) => sql).join(' UNION ALL ')} ORDER BY ${order} LIMIT +?`,
      values: [...group.flatMap(({ values }) => values), options.rows],
    });
  }
  if (groups.length === 1) return { sql: groups[0]!.sql, values: [...groups[0]!.values] };
  return {
    sql: `${groups.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ALL ')} ORDER BY ${order} LIMIT +?`,
    values: [...groups.flatMap(({ values }) => values), options.rows],
  };
}

function rangeSql(layout: Layout, range: Range, position: number, options: ChunkOptions): Condition {
  const { heads, id, embeddedHash, stampColumns } = layout;
  const index = quoted(range.onlyStale ? layout.staleIndex : layout.rangeIndex);
  const columns = [
    idText(layout, 'h'),
    `${position}`,
    options.condition?.sql ?? 'NULL',
    ...(layout.ownsTable ? [] : [`h.${id}`]),
  ];
  const terms = stampColumns.map((column) => `h.${column} IS ?`);
  const values = [...(options.condition?.values ?? []), ...range.values];
  if (options.after !== undefined) {
    terms.push(`h.${id} > ?`);
    values.push(options.after);
  }
  if (range.onlyStale) terms.push(isStale(layout, 'h'), `h.${embeddedHash} IS NOT ${currentHash(layout)}`);
  return {
    sql: `SELECT ${columns.join(', ')} FROM ${heads} AS h INDEXED BY ${index} WHERE ${terms.join(' AND ')}`,
    values,
  };
}
