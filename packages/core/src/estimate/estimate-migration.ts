/** What a migration would take, before anything of it is made. Writes nothing. */
import { z } from 'zod';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { type CalendarEntry, calendarOf } from '../model/calendar.ts';
import {
  modelIdSchema,
  modelNamed,
  type RegisteredModel,
  unknownModel,
  versionSchema,
} from '../model/model-spec.ts';
import type { PlanSettings } from '../model/plan.ts';
import { dollarsOf } from '../model/spend-cap.ts';
import type { Strategy } from '../model/status.ts';
import { parseOptions } from '../options.ts';
import type { CreateMigrationOptions } from '../planner/plan-migration.ts';
import { assertSelection, selectionShape } from '../planner/selection.ts';
import { chooseStrategy } from '../planner/strategy.ts';
import { assertPriced, tuningShape, withDefaults } from '../planner/tuning.ts';
import type { Embedder } from '../ports/embedder.ts';
import { inPieces } from '../read-batch.ts';
import { durationOf } from './duration.ts';
import { type Estimate, exactly } from './figures.ts';
import { registryBytes, storeBytes } from './space.ts';
import { type SourceCount, Survey } from './survey.ts';
import { tokensOf } from './tokens.ts';
import { type Trial, tryEmbedder } from './trial.ts';

/** As for `createMigration`, and how many texts the target's embedder is tried with. */
export interface EstimateMigrationOptions extends Omit<CreateMigrationOptions, 'priority'> {
  /** Texts that are embedded to see how fast that goes, in five calls at most; 12 unless told, 0 embeds nothing. */
  sampleSize?: number;
}

const schema = z.strictObject({
  targetModelId: modelIdSchema,
  targetVersion: versionSchema,
  ...selectionShape,
  strategy: z.enum(['inPlace', 'namedVector', 'shadow']).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  sampleSize: z.int().min(0, 'must be 0 to 64').max(64, 'must be 0 to 64').default(12),
  ...tuningShape,
});

/** What a migration would take, as far as that can be known. */
export interface MigrationEstimate {
  readonly target: RegisteredModel;
  readonly strategy: Strategy;
  readonly strategyReason?: string;
  readonly pace: PlanSettings;
  /** Nodes that would be tasks, counted one by one. */
  readonly nodes: number;
  readonly sources: readonly SourceCount[];
  /** Nodes that are at the target already, of a list. */
  readonly atTarget: number;
  /** Ids of a list that no node has. */
  readonly missing: number;
  /** Nodes that would fail, since there is nothing to embed. */
  readonly withoutContent: number;
  readonly distinctTexts: Estimate;
  /** Texts that would be sent and paid: distinct within a batch, or within the plan where a cache keeps them. */
  readonly textsToEmbed: Estimate;
  /** Texts whose vectors the embedder has at hand; absent where it cannot tell. */
  readonly cachedTexts?: Estimate;
  /** Absent without an embedder that counts, unless the model has a price. */
  readonly tokens?: Estimate;
  /** US dollars; absent where the model has no price. */
  readonly dollars?: Estimate;
  /** What the registry grows by, mostly backups, until `finalizeMigration`. */
  readonly registryBytes: Estimate;
  readonly storeBytes: Estimate;
  /** Absent without an embedder, without a sample, or where it failed. */
  readonly seconds?: Estimate;
  /** What the trial sent, and paid. */
  readonly sample: Omit<Trial, 'speed'>;
  /** What is announced of the end of the target, and of models that made the nodes. */
  readonly calendar: readonly CalendarEntry[];
}

/** @throws RegistryError as `createMigration`; never for an embedder that is missing or fails */
export async function estimateMigration(
  context: ManagerContext,
  options: EstimateMigrationOptions,
): Promise<MigrationEstimate> {
  const { o, store, models, target, strategy, why } = await wishOf(context, options);
  const embedder =
    context.embedders.lacks(target) === undefined ? context.embedders.get(target).embedder : undefined;
  const pace = withDefaults(o, context.config);
  const isInPlace = strategy === 'inPlace';
  const { clock } = context;
  const survey = await Survey.of({ ...o, ...pace, store, clock, target, embedder, isInPlace });
  const texts = textsOf(survey, embedder);
  const sampled = await sampleTexts(survey, store);
  const trial: Trial =
    embedder === undefined
      ? { texts: 0, calls: 0 }
      : await tryEmbedder(context, target, sampled.slice(0, o.sampleSize), o.signal);
  const tokens = await tokensOf({
    survey,
    texts,
    sampled,
    embedder,
    isPriced: target.pricePerMillionTokens !== undefined,
  });
  const { nodes, readSeconds } = survey;
  const seconds =
    trial.speed &&
    durationOf({ nodes, texts, speed: trial.speed, readSeconds, pace, limits: embedder?.limits });
  const keepsBackups = context.config.backupOldVectors;
  const { speed: _, ...sample } = trial;
  return {
    target,
    strategy,
    ...(why !== undefined && { strategyReason: why }),
    pace,
    ...countsOf(survey),
    textsToEmbed: texts,
    ...(embedder?.cached && { cachedTexts: exactly(survey.cachedTexts) }),
    ...(tokens && { tokens }),
    ...dollarsOfTokens(tokens, target.pricePerMillionTokens),
    registryBytes: registryBytes(survey, { strategy, keepsBackups }),
    storeBytes: storeBytes(survey, target, strategy),
    ...(seconds && { seconds }),
    sample,
    calendar: endsOf(models, target, survey, clock.now()),
  };
}

/** What is asked for, refused as `createMigration` would refuse it. */
async function wishOf(context: ManagerContext, options: EstimateMigrationOptions) {
  const o = parseOptions(schema, options, 'estimate');
  const store = nodeStoreOf(context, 'An estimate');
  assertSelection(o, store);
  const models = await context.registry.models();
  const target = modelNamed(models, { modelId: o.targetModelId, version: o.targetVersion });
  if (target === undefined) throw unknownModel({ modelId: o.targetModelId, version: o.targetVersion });
  assertPriced(models, target, o.spendCap);
  const source = models.find(({ isActive }) => isActive);
  const isPartial = o.nodeIds !== undefined || o.where !== undefined;
  const { strategy, why } = await chooseStrategy(context, { source, target, wanted: o.strategy, isPartial });
  return { o, store, models, target, strategy, why };
}

function countsOf({ nodes, sources, atTarget, missing, withoutContent, distinct }: Survey) {
  return { nodes, sources, atTarget, missing, withoutContent, distinctTexts: distinct.count };
}

/** Batches may be cut, and texts change: what they would hold is certain only where no two texts are equal. */
function textsOf(survey: Survey, embedder: Embedder | undefined): Estimate {
  const { sentTexts, cachedTexts, nodes, withoutContent, distinct } = survey;
  const { low, value, basis } = distinct.count;
  const least = Math.max(0, low - cachedTexts);
  if (embedder?.cached !== undefined && basis === 'exact') return exactly(sentTexts);
  const most = nodes - withoutContent - cachedTexts;
  if (basis === 'exact' && value === nodes - withoutContent) return exactly(sentTexts);
  return { value: sentTexts, low: Math.min(least, sentTexts), high: most, basis: 'estimated' };
}

/** Contents of the sample, each once. Read again, so that the survey holds none. */
async function sampleTexts(
  { sample }: Survey,
  store: Parameters<typeof inPieces>[0],
): Promise<readonly string[]> {
  const texts = new Set<string>();
  let characters = 0;
  for await (const { nodes } of inPieces(store, sample.items))
    for (const { content } of nodes.values()) {
      if (!content || characters + content.length > SAMPLED_CHARACTERS) continue;
      characters += content.length;
      texts.add(content);
    }
  return [...texts];
}

const SAMPLED_CHARACTERS = 4 * 1024 * 1024;

function dollarsOfTokens(tokens: Estimate | undefined, price: number | undefined): { dollars?: Estimate } {
  if (tokens === undefined || price === undefined) return {};
  const { value, low, high, basis } = tokens;
  return {
    dollars: {
      value: dollarsOf(value, price),
      low: dollarsOf(low, price),
      high: dollarsOf(high, price),
      basis,
    },
  };
}

function endsOf(
  models: readonly RegisteredModel[],
  target: RegisteredModel,
  survey: Survey,
  now: number,
): readonly CalendarEntry[] {
  const counts = [
    ...survey.sources.map(({ source, nodes }) => ({ ...(source && { info: source }), count: nodes })),
    { info: target.info, count: survey.nodes },
  ];
  return calendarOf(models, { now, counts });
}
