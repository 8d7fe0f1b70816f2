/**
 * Where the parts of a node lie. A *head* is all of a node but content and metadata, a *body* is these two.
 * The store's own layout keeps them in two tables, so that a migration does not rewrite the text; in an
 * adopted table both are one row. Every statement is written once, over the names given here.
 */
import type { Datatype, EmbeddingInfo } from '@registry/core';

/** A value as SQLite holds it. */
export type SqlValue = string | number | null | Uint8Array;

export interface Layout {
  /** The table as the caller named it, unquoted: for messages. */
  readonly table: string;
  readonly ownsTable: boolean;
  /** Quoted table names; equal in an adopted table. */
  readonly heads: string;
  readonly bodies: string;
  /** Quoted column that a head and its body have in common. */
  readonly key: string;
  /** Condition on a head, and on a body, over one bound value: the id. */
  readonly headHasId: string;
  readonly bodyHasId: string;
  /** Quoted column names of the heads. */
  readonly id: string;
  readonly vector: string;
  readonly revision: string;
  readonly contentHash: string;
  readonly embeddedHash: string;
  readonly datatype: string;
  /** What the vectors are that other programs write. */
  readonly datatypeOfOthers: Datatype;
  /** The interned stamp, or the three documented columns. */
  readonly stampColumns: readonly string[];
  /** Quoted column of the bodies. */
  readonly content: string;
  readonly metadata: MetadataColumns;
  /** (stamp, id): what a scan lists, without a look at text or vector. */
  readonly rangeIndex: string;
  /** With both hashes, and only for nodes whose embedded text is not, or may not be, the content. */
  readonly staleIndex: string;
  /** One row: schema version, store id, mark, and the counter of the fences. */
  readonly state: string;
  /** The stamps in use, and what is known of their vectors. */
  readonly stamps: string;
}

export type MetadataColumns =
  | { readonly kind: 'json'; readonly column: string }
  | { readonly kind: 'columns'; readonly names: readonly string[] }
  | { readonly kind: 'none' };

/** The name as an SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export const stampFields = ['embedding_model_id', 'embedding_version', 'embedding_checksum'] as const;

/** `a, b, c` of the columns, each under the alias. */
export function columnList(columns: readonly string[], alias: string): string {
  return columns.map((column) => `${alias}.${column}`).join(', ');
}

/** The names of the tables that stand beside the nodes. */
export function sideTables(table: string): { state: string; stamps: string } {
  return { state: quoted(`${table}_embedding_store`), stamps: quoted(`${table}_embedding_stamps`) };
}

/**
 * The hash of the content as stored now. It is null after an edit by another program; a subquery, so that a
 * scan stays within its index unless it meets such a node. Expects the heads under the alias `h`.
 */
export function currentHash(layout: Layout): string {
  return `coalesce(h.${layout.contentHash}, (SELECT node_content_hash(b.${layout.content}) FROM ${layout.bodies} b WHERE b.${layout.key} = h.${layout.key}))`;
}

/** Heads under the alias `h`, bodies under {@link bodyAlias}, of a JSON list of ids: binds the list. */
export function nodesInList(layout: Layout): string {
  const { bodies, heads, id, key } = layout;
  const alias = bodyAlias(layout);
  const bodiesInList = `json_each(?) AS j CROSS JOIN ${bodies} AS ${alias} ON ${alias}.${id} = j.value`;
  if (layout.ownsTable) return `${bodiesInList} CROSS JOIN ${heads} AS h ON h.${key} = b.${key}`;
  // A column of integers also finds '01'.
  return `${bodiesInList} AND CAST(h.${id} AS TEXT) = j.value`;
}

export function bodyAlias(layout: Layout): 'h' | 'b' {
  return layout.ownsTable ? 'b' : 'h';
}

/** The id as text. An adopted column may hold integers of 64 bits, of which a JavaScript number is another one. */
export function idText(layout: Layout, alias: string): string {
  const id = `${alias}.${layout.id}`;
  return layout.ownsTable ? id : `CAST(${id} AS TEXT)`;
}

/** The column of the fences: nodes that nobody touched since adoption have none yet, and count as 0. */
export function fenceOf(layout: Layout, alias?: string): string {
  return `coalesce(${alias === undefined ? '' : `${alias}.`}${layout.revision}, 0)`;
}

/** A stamp and the values that its nodes carry in {@link Layout.stampColumns}; no info: no stamp. */
export interface StampKey {
  readonly info: EmbeddingInfo | undefined;
  readonly values: readonly SqlValue[];
}
