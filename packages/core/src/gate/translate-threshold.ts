import { z } from 'zod';
import { seededChance, seedOf } from '../chance.ts';
import type { ManagerContext } from '../context.ts';
import { RegistryError } from '../errors.ts';
import type { EmbeddingModelSpec, SpecFields } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { parseOptions } from '../options.ts';
import { type EvaluateMigrationOptions, sampleOf, sampleShape } from './evaluate-migration.ts';
import { bootstrap, type Figure } from './intervals.ts';
import { gateConfidence } from './limits.ts';
import { pairedSpaces } from './measure.ts';
import type { GateSample } from './report.ts';
import type { Space } from './space.ts';

/** A cut-off of the old space, and which sample to translate it by. */
export interface TranslateThresholdOptions extends Omit<EvaluateMigrationOptions, 'k'> {
  /** What an application compares with: hits are at least this score, or at most this distance. */
  threshold: number;
  /**
   * `score`, unless told, as `search` of a node store answers it: higher is nearer. `distance`: 1 - cosine,
   * ‖a - b‖ under euclid, differing bits under hamming.
   */
  measure?: 'score' | 'distance';
}

/** A cut-off in the terms of one model. */
export interface Cutoff {
  /** `{modelId}:v{version}:{checksum[:8]}`. */
  readonly model: string;
  readonly score: number;
  /** Absent under dot, which has none. */
  readonly distance?: number;
}

/** An old cut-off, the new one that as many pairs pass, and what becomes of the hits. */
export interface TranslatedThreshold {
  readonly old: Cutoff;
  readonly new: Cutoff;
  /** What was paired with nodes: queries, or other nodes where queries cannot be embedded in both spaces. */
  readonly of: 'queries' | 'nodes';
  readonly pairs: number;
  /** Pairs that pass the old cut-off. */
  readonly hits: number;
  /** Share of the hits that pass the new cut-off too, with its interval; `lost` is the rest. */
  readonly kept: Figure;
  readonly lost: number;
  /** Pairs that pass the new cut-off alone, as a share of the hits. */
  readonly gained: number;
  /** So few hits that the new cut-off is little more than a guess. */
  readonly isRough: boolean;
  readonly sample: GateSample;
}

const schema = z.strictObject({
  ...sampleShape,
  threshold: z.number(),
  measure: z.enum(['score', 'distance']).default('score'),
});

/** Below that many hits one pair more or less moves the cut-off. */
const ROUGH_BELOW = 30;

/**
 * What a similarity cut-off of an application becomes in the new space: the one that as many pairs of the gate's
 * sample pass as passed the old one, with the share of hits that stay. `THRESHOLD_OUTSIDE` where the sample has
 * no such score. Errors else as of {@link evaluateMigration}.
 */
export async function translateThreshold(
  context: ManagerContext,
  plan: MigrationPlan,
  options: TranslateThresholdOptions,
): Promise<TranslatedThreshold> {
  const o = parseOptions(schema, options, 'options of translateThreshold');
  const seed = seedOf(o.seed, context);
  const sample = await sampleOf(context, plan, { ...o, seed });
  const { oldSpec } = sample;
  const spaces = pairedSpaces(sample, plan.targetSpec);
  if (oldSpec === undefined || spaces === undefined)
    throw new RegistryError(
      'THRESHOLD_OUTSIDE',
      `Plan ${plan.planId} has no node with a vector of an old model to compare with, so no cut-off can be translated.`,
      { details: { planId: plan.planId } },
    );
  const score = scoreOf(o.threshold, o.measure, oldSpec);
  const matched = matchQuantile(pairsOf(spaces.old, spaces.of), pairsOf(spaces.new, spaces.of), score, seed);
  return {
    old: cutoffOf(score, oldSpec),
    new: cutoffOf(matched.score, plan.targetSpec),
    of: spaces.of,
    pairs: matched.pairs,
    hits: matched.hits,
    kept: matched.kept,
    lost: 1 - matched.kept.value,
    gained: matched.gained,
    isRough: matched.hits < ROUGH_BELOW,
    sample: sample.facts,
  };
}

/** Scores of one query each, with every node but itself. */
export type PairScores = readonly Float64Array[];

function pairsOf(space: Space, of: 'queries' | 'nodes'): PairScores {
  return Array.from({ length: space.queries }, (_, query) =>
    Float64Array.from(
      [...Array(space.nodes).keys()].filter((node) => of === 'queries' || node !== query),
      (node) => space.score(query, node),
    ),
  );
}

/**
 * The new score that as many pairs reach as reach `score` in the old space: quantile matching (equipercentile
 * equating; Kolen and Brennan, "Test Equating, Scaling, and Linking", 2014, chapter 2). It rises with `score`. The
 * interval of what is kept draws queries anew, since the pairs of one query hang together.
 * @throws RegistryError `THRESHOLD_OUTSIDE`
 */
export function matchQuantile(
  old: PairScores,
  fresh: PairScores,
  score: number,
  seed: number,
): { score: number; pairs: number; hits: number; kept: Figure; gained: number } {
  const isHit = (value: number, cutoff: number) => value >= cutoff;
  const flat = fresh.flatMap((scores) => [...scores]).sort((a, b) => b - a);
  const [lowest, highest] = rangeOf(old);
  if (!(score >= lowest && score <= highest))
    throw new RegistryError(
      'THRESHOLD_OUTSIDE',
      `A cut-off at score ${figure(score)} lies outside the scores of the sample, ${figure(lowest)} to ${figure(highest)}; nothing is known there. Check its measure and direction, or pass queries like those of the application.`,
      { details: { score, lowest, highest } },
    );
  const before = old.map((scores) => scores.reduce((sum, value) => sum + Number(isHit(value, score)), 0));
  const hits = before.reduce((sum, count) => sum + count, 0);
  const cutoff = flat[hits - 1]!;
  const both = old.map((scores, query) =>
    scores.reduce(
      (sum, value, place) => sum + Number(isHit(value, score) && isHit(fresh[query]![place]!, cutoff)),
      0,
    ),
  );
  const after = flat.filter((value) => isHit(value, cutoff)).length;
  const kept = bootstrap(old.length, gateConfidence, seededChance(seed ^ 0x7e5), (place) => {
    let [some, all] = [0, 0];
    for (let index = 0; index < old.length; index++) {
      some += both[place(index)]!;
      all += before[place(index)]!;
    }
    return all === 0 ? 0 : some / all;
  });
  return { score: cutoff, pairs: flat.length, hits, kept, gained: after / hits - kept.value };
}

function rangeOf(scores: PairScores): [lowest: number, highest: number] {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const some of scores)
    for (const score of some) {
      lowest = Math.min(lowest, score);
      highest = Math.max(highest, score);
    }
  return [lowest, highest];
}

const figure = (score: number) => (Number.isFinite(score) ? Number(score.toPrecision(4)).toString() : 'none');

function scoreOf(threshold: number, measure: 'score' | 'distance', spec: EmbeddingModelSpec): number {
  if (measure === 'score') return threshold;
  if (spec.distance === 'cosine') return 1 - threshold;
  if (spec.distance === 'euclid') return -threshold;
  if (spec.distance === 'hamming') return 1 - threshold / spec.dimension;
  throw new RegistryError(
    'SPEC_INVALID',
    `${spec.qualifiedId} compares by dot, which has scores and no distance; pass the cut-off as a score.`,
  );
}

function cutoffOf(score: number, spec: SpecFields & { readonly qualifiedId: string }): Cutoff {
  const { distance, dimension, qualifiedId: model } = spec;
  if (distance === 'dot') return { model, score };
  if (distance === 'euclid') return { model, score, distance: -score };
  return { model, score, distance: (1 - score) * (distance === 'hamming' ? dimension : 1) };
}
