import * as z from 'zod';
import { RegistryError } from '../errors.ts';
import type { NodeFilter } from '../model/plan.ts';
import type { NodeStore } from '../ports/node-store.ts';
import type { NodeIds } from './create-plan.ts';

/** Which nodes: these, or those whose metadata equals `where`, else every node that is not at the target. */
export interface Selection {
  nodeIds?: NodeIds;
  where?: NodeFilter;
}

const isIterable = (value: unknown) =>
  typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);

export const filterSchema = z
  .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
  .refine((filter) => Object.keys(filter).length > 0, 'must name a field; leave it out for every node');

/** A selection as callers may pass it. */
export const selectionShape = {
  // A string is iterable too, letter by letter; that is never what was meant.
  nodeIds: z.custom<NodeIds>(isIterable, 'must be a list or another iterable of ids').optional(),
  where: filterSchema.optional(),
};

/** @throws RegistryError `SPEC_INVALID` for both at once, `STRATEGY_UNSUITABLE` where the store cannot filter */
export function assertSelection(
  o: { readonly nodeIds?: unknown; readonly where?: NodeFilter | undefined },
  store: NodeStore | undefined,
): void {
  if (o.nodeIds !== undefined && o.where !== undefined)
    throw new RegistryError('SPEC_INVALID', 'Pass nodeIds or where, not both.');
  assertFilter(o.where, store);
}

/** @throws RegistryError `STRATEGY_UNSUITABLE`: a filter that is not heeded would select every node. */
export function assertFilter(where: NodeFilter | undefined, store: NodeStore | undefined): void {
  if (where === undefined || store === undefined || store.capabilities.where) return;
  throw new RegistryError(
    'STRATEGY_UNSUITABLE',
    'The node store cannot filter by metadata; pass nodeIds instead of where, or leave it out.',
    { details: { where } },
  );
}
