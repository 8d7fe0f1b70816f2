/**
 * The triggers that give a node a new fence whoever changes its content, vector or stamp, also through a
 * raw connection: INSERT, INSERT OR REPLACE, upsert, UPDATE, delete and insert. They run in any SQLite
 * program, so they use nothing of ours.
 *
 * What they do besides, since nobody told the store more than the statement itself:
 * - a changed content makes its hash unknown; it is computed from the content until we write it again;
 * - a changed vector under an unchanged stamp loses the stamp, for nothing says that the model that made
 *   the old vector made the new one. A statement that sets the revision to NULL declares its stamp;
 * - a changed content under an unchanged vector leaves a vector of another text: where the hash of that
 *   text was not known, a hash of no text stands for it;
 * - half a stamp, or a stamp without a vector, is no stamp.
 */
import { type Layout, quoted } from './layout.ts';

/** An embedded hash that equals none: the vector was made from another text than the content. */
export const HASH_OF_ANOTHER_TEXT = '0'.repeat(64);

export interface SchemaObject {
  /** Unquoted. */
  readonly name: string;
  readonly sql: string;
}

/** The triggers of a layout. In its own layout the bodies need theirs too. */
export function triggersOf(layout: Layout): SchemaObject[] {
  return layout.ownsTable ? [...headTriggers(layout), ...bodyTriggers(layout)] : headTriggers(layout);
}

/** True unless the row carries a number that a transaction of ours reserved and this statement set. */
function foreign(layout: Layout, isUpdate: boolean): string {
  const isOurs = `NEW.${layout.revision} > s.reserved AND NEW.${layout.revision} <= s.revision`;
  const isFresh = isUpdate ? ` AND NEW.${layout.revision} IS NOT OLD.${layout.revision}` : '';
  return `NOT EXISTS (SELECT 1 FROM ${layout.state} s WHERE ${isOurs}${isFresh})`;
}

const reserve = (layout: Layout) => `UPDATE ${layout.state} SET revision = revision + 1;`;
const release = (layout: Layout) => `UPDATE ${layout.state} SET reserved = revision WHERE is_writing = 0;`;
const next = (layout: Layout) => `(SELECT revision FROM ${layout.state})`;

function headTriggers(layout: Layout): SchemaObject[] {
  return [insertedHead(layout), updatedHead(layout)];
}

function trigger(
  layout: Layout,
  suffix: string,
  event: string,
  condition: string,
  body: string,
): SchemaObject {
  const name = `${layout.table}_${suffix}`;
  return { name, sql: `CREATE TRIGGER ${quoted(name)} AFTER ${event} ${condition} BEGIN ${body} END` };
}

function insertedHead(layout: Layout): SchemaObject {
  const { heads, bodies, key, id, revision, contentHash } = layout;
  const guard = layout.ownsTable
    ? `SELECT RAISE(ABORT, 'there is no node with this number and id')
       WHERE NOT EXISTS (SELECT 1 FROM ${bodies} WHERE ${key} = NEW.${key} AND ${id} = NEW.${id});`
    : '';
  const stamps = layout.stampColumns.map(
    (column) => `${column} = CASE WHEN ${wholeStamp(layout)} THEN ${normal(layout, column)} END`,
  );
  return trigger(
    layout,
    'embedding_inserted',
    `INSERT ON ${heads}`,
    `WHEN ${foreign(layout, false)}`,
    `${guard}
    ${reserve(layout)}
    UPDATE ${heads} SET ${revision} = ${next(layout)}, ${contentHash} = NULL, ${stamps.join(', ')} WHERE ${key} = NEW.${key};
    ${release(layout)}`,
  );
}

function updatedHead(layout: Layout): SchemaObject {
  const { heads, key, id, vector, revision, contentHash, content, ownsTable } = layout;
  const watched = [key, id, vector, ...layout.stampColumns, ...(ownsTable ? [] : [content])];
  const hasNewVector = `NEW.${vector} IS NOT OLD.${vector}`;
  const hasNewStamp = layout.stampColumns.map((column) => `NEW.${column} IS NOT OLD.${column}`).join(' OR ');
  const isStamped = `${wholeStamp(layout)} AND NOT (${hasNewVector} AND NOT (${hasNewStamp}) AND NEW.${revision} IS NOT NULL)`;
  const stamps = layout.stampColumns.map(
    (column) => `${column} = CASE WHEN ${isStamped} THEN ${normal(layout, column)} END`,
  );
  const hashes = [embeddedHashAfter(layout, hasNewVector), ...(ownsTable ? [] : [`${contentHash} = NULL`])];
  return trigger(
    layout,
    'embedding_updated',
    `UPDATE OF ${[...new Set(watched)].join(', ')} ON ${heads}`,
    `WHEN ${foreign(layout, true)}`,
    `${reserve(layout)}
    UPDATE ${heads} SET ${revision} = ${next(layout)}, ${[...hashes, ...stamps].join(', ')} WHERE ${key} = NEW.${key};
    ${release(layout)}`,
  );
}

function embeddedHashAfter(layout: Layout, hasNewVector: string): string {
  const { vector, embeddedHash, content, ownsTable } = layout;
  const hasOldText = ownsTable
    ? ''
    : `WHEN NEW.${content} IS NOT OLD.${content} THEN coalesce(NEW.${embeddedHash}, '${HASH_OF_ANOTHER_TEXT}')`;
  return `${embeddedHash} = CASE
      WHEN NEW.${vector} IS NULL THEN NULL
      WHEN NEW.${embeddedHash} IS NOT OLD.${embeddedHash} THEN NEW.${embeddedHash}
      WHEN ${hasNewVector} THEN NULL
      ${hasOldText}
      ELSE NEW.${embeddedHash} END`;
}

/** Bodies of the own layout: each has exactly one head, which goes and comes with it. */
function bodyTriggers(layout: Layout): SchemaObject[] {
  const { heads, bodies, key, id, content, vector, revision, contentHash, embeddedHash } = layout;
  const byOthers = `(SELECT reserved = revision FROM ${layout.state})`;
  const emptyHead = (row: 'NEW' | 'OLD') =>
    `INSERT INTO ${heads} (${key}, ${id}, ${revision}) VALUES (${row}.${key}, ${row}.${id}, ${next(layout)});`;
  return [
    trigger(
      layout,
      'inserted',
      `INSERT ON ${bodies}`,
      `WHEN ${byOthers}`,
      `${reserve(layout)}
      DELETE FROM ${heads} WHERE ${key} = NEW.${key};
      ${deleteReplaced(layout)}
      ${emptyHead('NEW')}
      ${release(layout)}`,
    ),
    trigger(
      layout,
      'updated',
      `UPDATE OF ${key}, ${id}, ${content} ON ${bodies}`,
      `WHEN ${byOthers}`,
      `${reserve(layout)}
      DELETE FROM ${heads} WHERE ${key} = NEW.${key} AND NEW.${key} IS NOT OLD.${key};
      UPDATE ${heads} SET ${key} = NEW.${key}, ${id} = NEW.${id}, ${revision} = ${next(layout)}, ${contentHash} = NULL,
        ${embeddedHash} = CASE WHEN NEW.${content} IS NOT OLD.${content} AND ${vector} IS NOT NULL
          THEN coalesce(${embeddedHash}, '${HASH_OF_ANOTHER_TEXT}') ELSE ${embeddedHash} END
      WHERE ${key} = OLD.${key};
      ${deleteReplaced(layout)}
      ${release(layout)}`,
    ),
    trigger(layout, 'deleted', `DELETE ON ${bodies}`, '', `DELETE FROM ${heads} WHERE ${key} = OLD.${key};`),
    trigger(
      layout,
      'embedding_deleted',
      `DELETE ON ${heads}`,
      `WHEN ${byOthers} AND EXISTS (SELECT 1 FROM ${bodies} WHERE ${key} = OLD.${key})`,
      `${reserve(layout)} ${emptyHead('OLD')} ${release(layout)}`,
    ),
  ];
}

/** REPLACE deletes a body without telling its head: found by the id it had, among those of each stamp. */
function deleteReplaced(layout: Layout): string {
  const { heads, key, id, stamps } = layout;
  return `DELETE FROM ${heads} WHERE ${key} IN (
        SELECT h.${key} FROM (SELECT stamp FROM ${stamps} UNION ALL SELECT NULL) AS s
        CROSS JOIN ${heads} AS h ON h.stamp IS s.stamp AND h.${id} = NEW.${id} AND h.${key} <> NEW.${key});`;
}

/** Does the row carry a stamp that can be read, and a vector? */
function wholeStamp(layout: Layout): string {
  const [modelId, version] = layout.stampColumns;
  const hasVector = `NEW.${layout.vector} IS NOT NULL`;
  if (version === undefined) return `${hasVector} AND NEW.${modelId} IS NOT NULL`;
  return `${hasVector} AND ${validStamp(layout, 'NEW')}`;
}

/** Model id not empty, version an integer from 1 up (also as text); SQL over the three columns. */
export function validStamp(layout: Layout, row: string): string {
  const [modelId, version] = layout.stampColumns.map((column) => `${row}.${column}`);
  return `typeof(${modelId}) = 'text' AND ${modelId} <> '' AND CAST(${version} AS INTEGER) >= 1 AND CAST(${version} AS INTEGER) = ${version} + 0`;
}

/** The column's value in a whole stamp: an unknown checksum is ''. */
function normal(layout: Layout, column: string): string {
  if (layout.stampColumns.length === 1) return `NEW.${column}`;
  return column === layout.stampColumns[2] ? `coalesce(NEW.${column}, '')` : `NEW.${column}`;
}

/** The columns of {@link Layout.rangeIndex} and {@link Layout.staleIndex}. */
export function indexesOf(layout: Layout): SchemaObject[] {
  const { heads, stampColumns, id, contentHash, embeddedHash } = layout;
  const index = (name: string, columns: readonly string[]) =>
    `CREATE INDEX ${quoted(name)} ON ${heads} (${columns.join(', ')})`;
  const head = [...stampColumns, id];
  return [
    { name: layout.rangeIndex, sql: index(layout.rangeIndex, head) },
    {
      name: layout.staleIndex,
      sql: `${index(layout.staleIndex, [...head, contentHash, embeddedHash])} WHERE ${isStale(layout)}`,
    },
  ];
}

/** The embedded text is known and is not, or may not be, the content; as the partial index has it. */
export function isStale(layout: Layout, alias?: string): string {
  const prefix = alias === undefined ? '' : `${alias}.`;
  const embeddedHash = `${prefix}${layout.embeddedHash}`;
  return `${embeddedHash} IS NOT NULL AND ${embeddedHash} IS NOT ${prefix}${layout.contentHash}`;
}
