import * as z from 'zod';
import { seededChance, seedOf } from '../chance.ts';
import type { ManagerContext } from '../context.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { parseOptions } from '../options.ts';
import { planIdSchema } from '../planner/migration-planner.ts';
import { driftOf } from './drift.ts';
import { gateConfidence } from './limits.ts';
import {
  blindEndsCheck,
  hasNewAsymmetry,
  overlapOf,
  ranksOf,
  refusedCheck,
  searched,
  spaceFigures,
  twinsCheck,
} from './measure.ts';
import type { GateCheck, GateReport } from './report.ts';
import { type GateQuery, type Sample, takeSample } from './sample.ts';
import { type SliceBy, slicesOf, valuesOf } from './slices.ts';
import { storeSearchOf } from './store-search.ts';
import { type Judging, retrievalChecks, retrievalOf, verdictOf } from './verdict.ts';

/** What to look at; the sample unless told is of 300 nodes, of which 200 have queries made of them. */
export interface EvaluateMigrationOptions {
  planId: string;
  /** Nodes to draw, 10 to 5,000. */
  sampleSize?: number;
  /** Queries of your own, with the node that answers them where you know it; 5,000 at most. */
  queries?: readonly (string | GateQuery)[];
  /** Nodes that queries are made of, two of each; 200 unless told, 0 for your own queries alone. */
  generatedQueries?: number;
  /** Nearest nodes that count as found, 10 unless told. */
  k?: number;
  /** Metadata field by whose values the sample is judged too. */
  sliceBy?: string;
  /** The same seed over the same store draws the same sample; by chance unless told. */
  seed?: number;
  signal?: AbortSignal;
}

const SAMPLE = 300;
const GENERATED = 200;

export const sampleShape = {
  planId: planIdSchema,
  sampleSize: z.int().min(10).max(5_000).default(SAMPLE),
  queries: z
    .array(
      z.union([
        z.string().min(1, 'must not be empty'),
        z.strictObject({
          text: z.string().min(1, 'must not be empty'),
          nodeId: z.string().min(1).optional(),
        }),
      ]),
    )
    .max(5_000)
    .default([]),
  generatedQueries: z.int().min(0).max(5_000).default(GENERATED),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  signal: z.instanceof(AbortSignal).optional(),
};
const schema = z.strictObject({
  ...sampleShape,
  k: z.int().min(1).max(100).default(10),
  sliceBy: z.string().min(1, 'must name a field').optional(),
});

/**
 * See `EmbeddingVersionManager.evaluateMigration`. Answers, and notes in the journal, what it found; a registry that
 * is open for reading only keeps no verdict, and the report says so.
 */
export async function evaluateMigration(
  context: ManagerContext,
  plan: MigrationPlan,
  options: EvaluateMigrationOptions,
): Promise<GateReport> {
  const o = parseOptions(schema, options, 'options of evaluateMigration');
  const seed = seedOf(o.seed, context);
  const sample = await sampleOf(context, plan, { ...o, seed });
  const judging: Judging = {
    k: o.k,
    nodes: sample.nodes.length,
    confidence: gateConfidence,
    // Apart from the chance that drew the sample, so that a change of it does not change the intervals.
    chance: seededChance(seed ^ 0x5eed),
  };
  const values = o.sliceBy === undefined ? undefined : await valuesOf(context, sample, o.sliceBy, o.signal);
  const report = await judge(context, plan, sample, judging, {
    ...(values && o.sliceBy !== undefined && { by: { field: o.sliceBy, values } }),
    seed,
    signal: o.signal,
  });
  if (context.isReadOnly) return { ...report, notes: [...(report.notes ?? []), UNKEPT] };
  await context.registry.noteOfPlan({ planId: plan.planId, action: GATE_ACTION, details: { ...report } });
  return report;
}

const UNKEPT =
  'The registry is open for reading only: the journal does not keep this verdict, and a cutover will ask again.';

/** What the journal calls a verdict. */
export const GATE_ACTION = 'plan:gate';

/** The sample that options ask for. */
export function sampleOf(
  context: ManagerContext,
  plan: MigrationPlan,
  o: Omit<z.output<typeof schema>, 'k' | 'seed' | 'sliceBy'> & { seed: number },
): Promise<Sample> {
  return takeSample(context, plan, {
    size: o.sampleSize,
    generated: o.generatedQueries,
    queries: o.queries.map((query): GateQuery => {
      if (typeof query === 'string') return { text: query };
      const { text, nodeId } = query;
      return nodeId === undefined ? { text } : { text, nodeId };
    }),
    seed: o.seed,
    chance: seededChance(o.seed),
    signal: o.signal,
  });
}

async function judge(
  context: ManagerContext,
  plan: MigrationPlan,
  sample: Sample,
  judging: Judging,
  o: { readonly by?: SliceBy; readonly seed: number; readonly signal: AbortSignal | undefined },
): Promise<GateReport> {
  const { by, signal } = o;
  const { targetSpec: target } = plan;
  const spaces = searched(sample, target);
  const ranks = ranksOf(sample, spaces);
  const groups = ['known', 'generated'] as const;
  const retrieval = groups.flatMap((group) => retrievalChecks(group, ranks, judging));
  const drift = await driftOf(context, sample, target, signal);
  const isAsymmetric = await hasNewAsymmetry(context, sample, target, signal);
  const rest = [
    twinsCheck(sample, judging),
    await blindEndsCheck(context, sample, target, judging, signal),
    refusedCheck(sample, judging),
  ];
  const store = await storeSearchOf(context, sample, target, judging, {
    chance: seededChance(o.seed ^ 0x5ea4c4),
    signal,
  });
  const looked = [...retrieval, ...rest, store.check];
  const checks = looked.filter((check): check is GateCheck => check !== undefined);
  const overlap = overlapOf(sample, spaces, target, judging);
  const old = spaces.old && sample.oldSpec && spaceFigures(sample, spaces.old, sample.oldSpec);
  const slices = by === undefined ? [] : slicesOf(sample, ranks, by, judging);
  return {
    ...verdictOf(
      checks,
      slices,
      [...doubtsOf(sample, retrieval, isAsymmetric), ...drift.doubts],
      drift.faults,
    ),
    at: new Date(context.clock.now()).toISOString(),
    planId: plan.planId,
    k: judging.k,
    confidence: judging.confidence,
    sample: sample.facts,
    spaces: { ...(old && { old }), new: spaceFigures(sample, spaces.new, target) },
    checks,
    retrieval: retrievalOf(ranks, judging.k),
    ...(overlap && { overlap }),
    ...(store.notes.length > 0 && { notes: store.notes }),
    slices,
  };
}

function doubtsOf({ nodes }: Sample, retrieval: readonly GateCheck[], isAsymmetric: boolean): string[] {
  const messages: string[] = [];
  if (nodes.length === 0)
    messages.push(
      'No node could be looked at: none has content, and a vector of the old model where one is needed.',
    );
  // Without an answered query nobody knows whether the new space finds anything.
  else if (retrieval.length === 0)
    messages.push(
      'No query could be judged: the old space finds their nodes hardly more often than by chance. Pass queries of your own with the nodes that answer them.',
    );
  if (isAsymmetric)
    messages.push(
      'The new model makes one vector of a text as a document and another one as a query, and the old model does not: right for a model that has a prefix for each purpose, else a prefix is wrong.',
    );
  return messages;
}
