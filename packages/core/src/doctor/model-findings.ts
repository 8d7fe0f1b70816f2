/** Embedders against registered models, witnesses, and a sample of the stored nodes embedded again. */
import type { EmbedderSet } from '../embedder-set.ts';
import { isRegistryError } from '../errors.ts';
import { calendarOf } from '../model/calendar.ts';
import { counted } from '../model/grouped.ts';
import { type ModelRef, modelNamed, type RegisteredModel } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { qualifiedId } from '../model/qualified-id.ts';
import { similarity } from '../model/similarity.ts';
import { vectorFits } from '../model/vector.ts';
import {
  collapseReason,
  compareWitness,
  driftSentence,
  isCollapsed,
  type WitnessSample,
  witnessTolerance,
} from '../model/witness.ts';
import { witnessTexts } from '../model/witness-texts.ts';
import type { NodeStore } from '../ports/node-store.ts';
import { embedWitness } from '../witness/look.ts';
import { embedOrThrow } from '../worker/embed-call.ts';
import type { DoctorContext } from './context.ts';
import type { Finding, FindingCode, FindingSeverity } from './finding.ts';

/** A finding that is about a model and no node. */
function ofModel(
  code: FindingCode,
  severity: FindingSeverity,
  model: ModelRef,
  said: { message: string; remedy: string; count?: number; sample?: readonly string[] },
): Finding {
  const { modelId, version } = model;
  return { count: 1, sample: [], ...said, code, severity, model: { modelId, version } };
}

/** How a model's embedder of now compares with its witness. */
export interface WitnessState {
  readonly state: 'agrees' | 'drifted' | 'missing' | 'unchecked' | 'failed';
  readonly similarity?: number;
  readonly madeAt?: string;
}

/** Which embedders stand for what they should. */
export function embedderFindings(
  embedders: EmbedderSet,
  o: {
    models: readonly RegisteredModel[];
    active: RegisteredModel | undefined;
    needed: readonly MigrationPlan[];
  },
): Finding[] {
  const { models, active, needed } = o;
  const found: Finding[] = [];
  if (active === undefined)
    found.push({
      severity: 'note',
      code: 'NO_ACTIVE_MODEL',
      count: 1,
      sample: [],
      message: 'No model is active, so nobody can tell which nodes are behind.',
      remedy: 'registerModel with setActive, or switchActiveModel.',
    });
  const isNeeded = (ref: ModelRef) =>
    needed.some(({ sourceSpec, targetSpec }) => [sourceSpec, targetSpec].some((spec) => isSame(spec, ref)));
  for (const spec of embedders.specs) {
    const model = modelNamed(models, spec);
    const lack = model && embedders.lacks(model);
    if (lack !== undefined)
      found.push(
        ofModel('EMBEDDER_MISMATCH', 'error', spec, {
          message: `${lack.message.split(';')[0]}: its vectors are not comparable with those that are stored.`,
          remedy: `Change the embedder back, or registerModel what it is now as version ${spec.version + 1} and createMigration to it.`,
        }),
      );
    else if (active !== undefined && !isSame(spec, active) && !isNeeded(spec))
      found.push(
        ofModel('EMBEDDER_NOT_ACTIVE', 'warning', spec, {
          message: `The embedder of ${spec.qualifiedId} is not that of the active model, ${active.qualifiedId}.`,
          remedy: `switchActiveModel with migrateExisting: true goes over to it; else take it out of the embedders.`,
        }),
      );
  }
  if (active !== undefined && embedders.lacks(active)?.code === 'EMBEDDER_MISSING')
    found.push(
      ofModel('EMBEDDER_MISSING', embedders.specs.length > 0 ? 'error' : 'note', active, {
        message: `The active model, ${active.qualifiedId}, has no embedder here, so drift was not looked for.`,
        remedy: `Pass the embedder of ${active.qualifiedId} to open.`,
      }),
    );
  return found;
}

const isSame = (a: ModelRef, b: ModelRef) => a.modelId === b.modelId && a.version === b.version;

/** Looks at every model's witness; keeps nothing. */
export async function witnessFindings(
  context: DoctorContext,
  models: readonly RegisteredModel[],
  signal: AbortSignal | undefined,
): Promise<{ findings: Finding[]; states: ReadonlyMap<RegisteredModel, WitnessState> }> {
  const findings: Finding[] = [];
  const states = new Map<RegisteredModel, WitnessState>();
  const vectors = new Map<RegisteredModel, readonly WitnessSample[]>();
  for (const model of models) {
    signal?.throwIfAborted();
    const { state, finding, samples } = await lookAt(context, model, signal);
    states.set(model, state);
    if (finding !== undefined) findings.push(finding);
    if (samples.length > 0) vectors.set(model, samples);
  }
  return { findings: [...findings, ...sameSpaces(vectors)], states };
}

interface Look {
  readonly state: WitnessState;
  readonly finding?: Finding;
  readonly samples: readonly WitnessSample[];
}

async function lookAt(
  context: DoctorContext,
  model: RegisteredModel,
  signal: AbortSignal | undefined,
): Promise<Look> {
  const witness = await context.registry.witness(model);
  const samples = witness?.samples ?? [];
  const kept = witness && { madeAt: witness.madeAt };
  if (context.embedders.lacks(model) !== undefined)
    return { state: { state: witness === undefined ? 'missing' : 'unchecked', ...kept }, samples };
  const texts = witness?.samples.map(({ text }) => text) ?? witnessTexts;
  const { interruption, made } = await embedWitness(context, model, texts, { signal });
  if (interruption !== undefined) {
    const why = interruption.kind === 'stop' ? 'The check was stopped.' : interruption.reason.message;
    const finding = ofModel('EMBEDDER_FAILED', 'error', model, {
      message: `The embedder of ${model.qualifiedId} did not answer, so drift was not looked for: ${why}`,
      remedy: 'Mend it, then look again.',
    });
    return { state: { state: 'failed', ...kept }, finding, samples };
  }
  const now = [...made].map(([text, vector]) => ({ text, vector }));
  if (witness !== undefined) {
    const comparison = compareWitness(samples, made, model);
    if (comparison.compared === 0) return { state: { state: 'unchecked', ...kept }, samples };
    const hasDrifted = comparison.differing > 0;
    const state = {
      state: hasDrifted ? 'drifted' : 'agrees',
      similarity: comparison.similarity,
      ...kept,
    } as const;
    return hasDrifted
      ? { state, finding: drifted(model, driftSentence(model, witness, comparison)), samples }
      : { state, samples };
  }
  if (isCollapsed(now, model)) {
    const { message } = collapseReason(model);
    const finding = ofModel('MODEL_COLLAPSED', 'error', model, { message, remedy: 'Mend the embedder.' });
    return { state: { state: 'missing' }, finding, samples: [] };
  }
  const finding = ofModel('WITNESS_MISSING', 'note', model, {
    message: `${model.qualifiedId} has no witness yet, by which a change of its vectors would be noticed.`,
    remedy: 'checkWitness makes it.',
  });
  return { state: { state: 'missing' }, finding, samples: now };
}

function drifted(model: RegisteredModel, message: string): Finding {
  return ofModel('MODEL_DRIFTED', 'error', model, {
    message,
    remedy: `Bring the embedder back, or registerModel what it is now as version ${model.version + 1} and createMigration to it.`,
  });
}

function sameSpaces(vectors: ReadonlyMap<RegisteredModel, readonly WitnessSample[]>): Finding[] {
  const all = [...vectors];
  return all.flatMap(([model, samples], index) =>
    all.slice(index + 1).flatMap(([other, others]): Finding[] => {
      if (model.dimension !== other.dimension || model.datatype !== other.datatype) return [];
      const theirs = new Map(others.map(({ text, vector }) => [text, vector]));
      const { compared, differing } = compareWitness(samples, theirs, model);
      if (compared < 3 || differing > 0) return [];
      return [
        ofModel('SAME_SPACE', 'warning', other, {
          message: `${other.qualifiedId} and ${model.qualifiedId} make the same vectors: they are one space under two names, and a migration between them changes nothing.`,
          remedy: 'Keep one of them; removeModel removes the one that no node and no plan uses.',
        }),
      ];
    }),
  );
}

/** Embeds a few stored texts again: what a witness cannot tell where it was made after the drift. */
export async function sampleFindings(
  { embedders, clock }: DoctorContext,
  o: {
    store: NodeStore;
    drawn: ReadonlyMap<RegisteredModel, readonly string[]>;
    signal: AbortSignal | undefined;
  },
): Promise<{ findings: Finding[]; sampled: number }> {
  const findings: Finding[] = [];
  let sampled = 0;
  for (const [model, ids] of o.drawn) {
    if (ids.length === 0 || embedders.lacks(model) !== undefined) continue;
    o.signal?.throwIfAborted();
    const nodes = (await o.store.read(ids)).filter(({ content, vector }) => content && vector);
    const texts = nodes.map(({ content = '' }) => content);
    const spec = model;
    try {
      const made = await embedOrThrow(texts, {
        embedders,
        clock,
        spec,
        purpose: 'document',
        fresh: true,
        signal: o.signal,
      });
      sampled += nodes.length;
      const differing = nodes
        .filter(({ vector }, index) => differs(vector, made[index], model))
        .map(({ id }) => id);
      if (differing.length > 0) findings.push(differingNodes(model, differing, nodes.length));
    } catch (error) {
      if (o.signal?.aborted || !isRegistryError(error)) throw error;
      findings.push(
        ofModel('EMBEDDER_FAILED', 'error', model, {
          message: `A sample of nodes could not be embedded again with ${model.qualifiedId}: ${error.message}`,
          remedy: 'Mend the embedder, then look again.',
        }),
      );
    }
  }
  return { findings, sampled };
}

/** Stores may keep a vector at unit length: what is compared is its direction. */
function differs(
  stored: WitnessSample['vector'] | undefined,
  made: WitnessSample['vector'] | undefined,
  model: RegisteredModel,
): boolean {
  if (stored === undefined || made === undefined || !vectorFits(stored, model)) return true;
  const { dimension, datatype } = model;
  const distance = datatype === 'bit' ? 'hamming' : 'cosine';
  return !(similarity(stored, made, { dimension, datatype, distance }) >= witnessTolerance[datatype]);
}

/** Some may have been edited by a writer that leaves no hash; most of them cannot. */
const EDITED_AT_MOST = 0.25;

function differingNodes(model: RegisteredModel, ids: readonly string[], sampled: number): Finding {
  const severity = ids.length > sampled * EDITED_AT_MOST ? 'error' : 'warning';
  return ofModel('VECTORS_DIFFER', severity, model, {
    count: ids.length,
    sample: ids.slice(0, 5),
    message: `${ids.length} of ${counted(sampled, 'node')} that were embedded again have another vector than ${model.qualifiedId} makes of their text now: the model drifted, another one made them, or the texts were edited by something that leaves no hash.`,
    remedy: `Where the model drifted, registerModel what it is now as version ${model.version + 1} and createMigration to it; single nodes: unstampNodes, then createMigration to ${model.modelId}:v${model.version}.`,
  });
}

/** Models past their end, or near it. */
export function calendarFindings(
  models: readonly RegisteredModel[],
  o: { now: number; counts: Parameters<typeof calendarOf>[1]['counts'] },
): Finding[] {
  return calendarOf(models, { now: o.now, ...(o.counts && { counts: o.counts }) }).map((entry) => {
    const isOver = entry.phase === 'shutDown';
    const severity = isOver ? 'error' : entry.urgency === 'notice' ? 'note' : 'warning';
    const nodes = entry.nodes ? ` ${counted(entry.nodes, 'node')} would have to move.` : '';
    const next =
      entry.successor &&
      qualifiedId(entry.successor.modelId, entry.successor.version, '').replace(/:unknown$/, '');
    return ofModel(isOver ? 'MODEL_SHUT_DOWN' : 'MODEL_CLOSING', severity, entry, {
      ...(entry.nodes && { count: entry.nodes }),
      message: `${entry.message}${nodes}`,
      remedy:
        next === undefined
          ? 'Choose a successor and note it with updateModel.'
          : entry.isSuccessorRegistered
            ? `createMigration to ${next} embeds them.`
            : `registerModel its successor ${next}, then createMigration to ${next}.`,
    });
  });
}
