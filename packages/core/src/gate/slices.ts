import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { RegistryError } from '../errors.ts';
import type { NodeFilter } from '../model/plan.ts';
import type { GateSlice } from './report.ts';
import type { Sample } from './sample.ts';
import { type Judging, type RankedQuery, retrievalChecks } from './verdict.ts';

/** A metadata field, and what nodes have in it, by id. */
export interface SliceBy {
  readonly field: string;
  readonly values: ReadonlyMap<string, NodeFilter[string]>;
}

/** Values that are looked at one by one: the most frequent ones. */
const SLICES = 12;

/** @throws RegistryError `STRATEGY_UNSUITABLE` for a store without metadata, `SPEC_INVALID` for an unknown field */
export async function valuesOf(
  context: ManagerContext,
  { nodes }: Sample,
  field: string,
  signal: AbortSignal | undefined,
): Promise<SliceBy['values']> {
  const store = nodeStoreOf(context, 'The gate');
  const ids = nodes.map(({ id }) => id);
  const values = await store.readField?.(ids, field, signal && { signal });
  if (values === undefined)
    throw new RegistryError(
      'STRATEGY_UNSUITABLE',
      'The node store cannot tell metadata, so there are no slices; leave sliceBy out.',
    );
  if (values.size > 0 || nodes.length === 0) return values;
  throw new RegistryError(
    'SPEC_INVALID',
    `None of the ${nodes.length} nodes of the sample has a value in metadata field ${JSON.stringify(field)}; check its name.`,
  );
}

/**
 * Retrieval of the nodes that share a value, in the whole sample. With more slices each has to be surer, or one of
 * many would be found worse by chance: they share the error (Bonferroni's inequality; Dunn, "Multiple Comparisons
 * Among Means", JASA 56, 1961).
 */
export function slicesOf(
  { nodes }: Sample,
  ranks: readonly RankedQuery[],
  { field, values }: SliceBy,
  judging: Judging,
): GateSlice[] {
  const nameOf = (node: number) => {
    const value = values.get(nodes[node]!.id);
    return value === undefined ? undefined : JSON.stringify(value);
  };
  const counts = new Map<string, number>();
  for (const node of nodes.keys()) {
    const name = nameOf(node);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, SLICES);
  const named = new Set(frequent.map(([name]) => name));
  const isRest = (node: number) => !named.has(nameOf(node) ?? '');
  const rest = [...nodes.keys()].filter(isRest).length;
  const confidence = 1 - (1 - judging.confidence) / (frequent.length + (rest > 0 ? 1 : 0));
  const slice = (value: string, count: number, isIn: (node: number) => boolean): GateSlice => {
    const own = ranks.filter(({ node }) => isIn(node));
    const checks = (['known', 'generated'] as const).flatMap((group) =>
      retrievalChecks(group, own, { ...judging, confidence }),
    );
    return { field, value, nodes: count, checks };
  };
  return [
    ...frequent.map(([name, count]) => slice(name, count, (node) => nameOf(node) === name)),
    ...(rest > 0 ? [slice('rest', rest, isRest)] : []),
  ];
}
