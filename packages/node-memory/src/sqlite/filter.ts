import { type NodeFilter, parseOptions, RegistryError } from '@registry/core';
import { z } from 'zod';
import { type Layout, literal, quoted, type SqlValue } from './layout.ts';

const filterSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** A condition over one row of metadata, with the values it binds. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/**
 * Equality on metadata as SQL over the bodies under `alias`; undefined where there is nothing to ask. In a
 * JSON column 1, true and '1' differ; in named columns true is 1, as SQLite has it.
 * @throws RegistryError `SPEC_INVALID`
 */
function conditionOf(layout: Layout, alias: string, where: NodeFilter | undefined): Condition | undefined {
  if (where === undefined) return undefined;
  const entries = Object.entries(parseOptions(filterSchema, where, 'where'));
  if (entries.length === 0) return undefined;
  const parts = entries.map(([key, value]) => equality(layout, alias, key, value));
  return { sql: parts.map(({ sql }) => sql).join(' AND '), values: parts.flatMap(({ values }) => values) };
}

/** The condition on the node of a head under `h`: a subquery, so that an index over heads still covers. */
export function conditionOnHead(layout: Layout, where: NodeFilter | undefined): Condition | undefined {
  const condition = conditionOf(layout, 'b', where);
  if (condition === undefined) return undefined;
  return {
    sql: `EXISTS (SELECT 1 FROM ${layout.bodies} b WHERE b.${layout.key} = h.${layout.key} AND ${condition.sql})`,
    values: condition.values,
  };
}

function equality(layout: Layout, alias: string, key: string, value: string | number | boolean): Condition {
  const { metadata } = layout;
  if (metadata.kind === 'json') return jsonEquality(`${alias}.${metadata.column}`, key, value);
  assertColumn(layout, key);
  return {
    sql: `${alias}.${quoted(key)} = ?`,
    values: [typeof value === 'boolean' ? Number(value) : value],
  };
}

/** @throws RegistryError `SPEC_INVALID` where no column of metadata has this name */
export function assertColumn({ metadata, table }: Layout, key: string): void {
  const names = metadata.kind === 'columns' ? metadata.names : [];
  if (names.includes(key)) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `Node store ${table} has no metadata column "${key}"; ${names.length === 0 ? 'name them in `columns.metadata`' : `there are ${names.join(', ')}`}.`,
  );
}

function jsonEquality(column: string, key: string, value: string | number | boolean): Condition {
  // The key is a bound value: JSON paths have no escape for every key. What another program left there and is no JSON
  // has no field.
  const member = `SELECT 1 FROM json_each(iif(json_valid(${column}), ${column}, '{}')) WHERE key = ?`;
  if (typeof value === 'boolean')
    return { sql: `EXISTS (${member} AND type = ${literal(String(value))})`, values: [key] };
  const types = typeof value === 'string' ? "type = 'text'" : "type IN ('integer', 'real')";
  return { sql: `EXISTS (${member} AND ${types} AND atom = ?)`, values: [key, value] };
}
