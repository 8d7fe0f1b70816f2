/** Looks at a store and its registry and says what is wrong. It writes nothing anywhere. */
import * as z from 'zod';
import { isCompatible, stampOf } from '../model/compatibility.ts';
import type { RegisteredModel, SpecFields } from '../model/model-spec.ts';
import { MigrationStatus } from '../model/status.ts';
import { parseOptions } from '../options.ts';
import type { NodeStore } from '../ports/node-store.ts';
import { TokenLimit } from '../worker/token-limit.ts';
import type { DoctorContext } from './context.ts';
import { bySeverity, type Finding, type FindingCode, Tally } from './finding.ts';
import {
  calendarFindings,
  embedderFindings,
  sampleFindings,
  type WitnessState,
  witnessFindings,
} from './model-findings.ts';
import { mixedModels, nodeFindings } from './node-findings.ts';
import { labelOf, modelOf, Samples, walkNodes } from './node-walk.ts';
import { isUnfinished, planFindings, plansIn } from './plan-findings.ts';

/** How much is embedded again, and who wants to hear of every node. */
export interface DiagnoseOptions {
  /** Nodes of each model that are embedded again, drawn by chance; 16 unless told, 0 for none. */
  sampleSize?: number;
  /** Hears of each node that something is wrong with, which a finding only counts. */
  onNode?: (code: FindingCode, nodeId: string) => void;
  signal?: AbortSignal;
}

/** A model with its nodes, as the doctor met it. */
export interface DiagnosedModel {
  readonly model: SpecFields;
  readonly isActive: boolean;
  /** Nodes stamped with it. */
  readonly nodes: number;
  readonly witness: WitnessState;
}

/** What the doctor found, the worst first. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly models: readonly DiagnosedModel[];
  /** Nodes that were read; undefined without a node store. */
  readonly nodes?: number;
  /** Nodes that were embedded again. */
  readonly sampled: number;
  /** Plans that are unfinished. */
  readonly plans: number;
}

const SAMPLE = 16;
const schema = z.strictObject({
  sampleSize: z.int().min(0).max(1_000).default(SAMPLE),
  onNode: z.custom<NonNullable<DiagnoseOptions['onNode']>>((value) => typeof value === 'function').optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** @throws RegistryError of the stores; what an embedder does wrong is a finding */
export async function diagnose(context: DoctorContext, options: DiagnoseOptions): Promise<Diagnosis> {
  const { sampleSize, onNode, signal } = parseOptions(schema, options, 'options of diagnose');
  const { registry, nodes: store, embedders, clock } = context;
  const models = await registry.models();
  const active = models.find((model) => model.isActive);
  const all = await plansIn(registry, Object.values(MigrationStatus));
  const needed = all.filter(({ finalizedAt }) => finalizedAt === undefined);
  const plans = all.filter(isUnfinished);
  const counts = await store?.countByModel({ ...(signal && { signal }) });
  const inUse = models.filter((model) => isInUse(model, counts, embedders.lacks(model) === undefined));
  const witnesses = await witnessFindings(context, inUse, signal);
  const found =
    store === undefined
      ? { findings: [], seen: undefined, sampled: 0 }
      : await nodesOf(context, {
          store,
          models,
          active,
          sampleSize,
          onNode,
          signal,
          plans,
          counts: counts ?? [],
          states: witnesses.states,
        });
  const findings = bySeverity([
    ...embedderFindings(embedders, { models: inUse, active, needed }),
    ...witnesses.findings,
    ...found.findings,
    ...calendarFindings(models, { now: clock.now(), counts }),
    ...planFindings({ plans: all, workers: await registry.workers(), stray: await registry.strayBackups() }),
  ]);
  return {
    findings,
    models: inUse.map((model) => ({
      model: model.toJSON(),
      isActive: model.isActive,
      nodes: countOf(model, counts),
      witness: witnesses.states.get(model) ?? { state: 'missing' },
    })),
    ...(found.seen !== undefined && { nodes: found.seen }),
    sampled: found.sampled,
    plans: plans.length,
  };
}

type Counts = Awaited<ReturnType<NodeStore['countByModel']>>;

async function nodesOf(
  context: DoctorContext,
  o: {
    store: NodeStore;
    models: readonly RegisteredModel[];
    active: RegisteredModel | undefined;
    sampleSize: number;
    onNode: DiagnoseOptions['onNode'];
    signal: AbortSignal | undefined;
    plans: Parameters<typeof nodeFindings>[1]['plans'];
    counts: Counts;
    states: ReadonlyMap<RegisteredModel, WitnessState>;
  },
): Promise<{ findings: Finding[]; seen: number; sampled: number }> {
  const { store, models, active, signal } = o;
  const tally = new Tally(o.onNode);
  const samples = new Samples(o.sampleSize, context.clock);
  const canCount = active !== undefined && context.embedders.lacks(active) === undefined;
  const limit = canCount ? await TokenLimit.of(context, active) : undefined;
  const seen = await walkNodes({ store, models, active, limit, tally, samples, signal });
  // One that has not answered just now is not asked again.
  const answering = models.filter((model) => o.states.get(model)?.state !== 'failed');
  const drawn = new Map(answering.map((model) => [model, samples.of(model)]));
  const { findings, sampled } = await sampleFindings(context, { store, drawn, signal });
  const mixed = mixedModels(stamped(o.counts, models), o);
  return { findings: [...nodeFindings(tally, o), ...mixed, ...findings], seen, sampled };
}

/** Stamps with and without a checksum may be of one model. */
function stamped(counts: Counts, models: readonly RegisteredModel[]) {
  const found = new Map<string, { label: string; count: number; model: RegisteredModel | undefined }>();
  for (const { info, count } of counts) {
    const stamp = info && stampOf(info);
    if (stamp === undefined || count === 0) continue;
    const model = modelOf(models, stamp);
    const isOurs = model !== undefined && isCompatible({ stamp }, model);
    const label = isOurs ? model.qualifiedId : labelOf(stamp);
    const entry = found.get(label) ?? { label, count: 0, model: isOurs ? model : undefined };
    found.set(label, { ...entry, count: entry.count + count });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

function countOf(model: RegisteredModel, counts: Counts | undefined): number {
  const ofModel = (counts ?? []).filter(({ info }) => isCompatible({ stamp: info }, model));
  return ofModel.reduce((sum, { count }) => sum + count, 0);
}

/** A model that nobody uses (the one that every registry begins with, perhaps) is not worth a word. */
function isInUse(model: RegisteredModel, counts: Counts | undefined, hasEmbedder: boolean): boolean {
  return model.isActive || hasEmbedder || countOf(model, counts) > 0;
}
