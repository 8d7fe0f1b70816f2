/**
 * Embeds the witness of a model again and compares. A model without one gets it here, from whoever comes first;
 * of two that come at once the second compares with what the first one kept.
 */
import type { ManagerContext } from '../context.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { Vector } from '../model/vector.ts';
import { compareWitness, isCollapsed, type Witness, type WitnessComparison } from '../model/witness.ts';
import { witnessTexts } from '../model/witness-texts.ts';
import type { Budget } from '../worker/budget.ts';
import { embedBatch, type Interruption } from '../worker/embed-batch.ts';
import { isVector } from '../worker/embed-call.ts';

/** What became of a look at a witness. */
export type WitnessLook =
  | {
      readonly kind: 'agrees' | 'drifted';
      readonly witness: Witness;
      readonly comparison: WitnessComparison;
      /** Nothing was there to compare with, so this is the first. */
      readonly isFirst: boolean;
    }
  /** It makes one vector of all texts; nothing was kept. */
  | { readonly kind: 'collapsed' }
  /** The embedder answers, but none of these texts, or nothing may be kept here. */
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'interrupted'; readonly interruption: Interruption };

export interface LookOptions {
  readonly signal?: AbortSignal | undefined;
  readonly stopping?: AbortSignal | undefined;
  /** The plan is held: a failure is its second. */
  readonly isProbe?: boolean;
  /** Whose spend cap it counts against. */
  readonly budget?: Budget | undefined;
  /** Keep what is made now in place of what there is. */
  readonly renew?: boolean;
}

const never = new AbortController().signal;

/** @throws RegistryError `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `DATABASE_*` */
export async function lookAtWitness(
  context: ManagerContext,
  spec: EmbeddingModelSpec,
  o: LookOptions = {},
): Promise<WitnessLook> {
  const { registry, isReadOnly } = context;
  const known = o.renew ? undefined : await registry.witness(spec);
  if (known === undefined && isReadOnly) return { kind: 'unchecked' };
  const { interruption, made } = await embedWitness(
    context,
    spec,
    known?.samples.map(({ text }) => text) ?? witnessTexts,
    o,
  );
  if (interruption !== undefined) return { kind: 'interrupted', interruption };
  if (made.size === 0) return { kind: 'unchecked' };
  if (known !== undefined) return compared(known, made, spec, false);
  const samples = [...made].map(([text, vector]) => ({ text, vector }));
  if (isCollapsed(samples, spec)) return { kind: 'collapsed' };
  const isFirst = await registry.putWitness(spec, samples, { replace: o.renew ?? false });
  const kept = await registry.witness(spec);
  return kept === undefined ? { kind: 'unchecked' } : compared(kept, made, spec, isFirst);
}

function compared(
  witness: Witness,
  made: ReadonlyMap<string, Vector>,
  spec: EmbeddingModelSpec,
  isFirst: boolean,
): WitnessLook {
  const comparison = compareWitness(witness.samples, made, spec);
  if (comparison.compared === 0) return { kind: 'unchecked' };
  return { kind: comparison.differing === 0 ? 'agrees' : 'drifted', witness, comparison, isFirst };
}

/** Vectors from the model itself: a cache would go on answering what the model made once. */
export async function embedWitness(
  { embedders, clock }: Pick<ManagerContext, 'embedders' | 'clock'>,
  spec: EmbeddingModelSpec,
  texts: readonly string[],
  { signal, stopping = signal ?? never, isProbe = false, budget }: LookOptions,
): Promise<{ interruption: Interruption | undefined; made: ReadonlyMap<string, Vector> }> {
  const { results, interruption } = await embedBatch(texts, {
    embedders,
    clock,
    spec,
    purpose: 'document',
    fresh: true,
    isProbe,
    stopping,
    signal,
    budget,
  });
  signal?.throwIfAborted();
  const vectors = texts.flatMap((text) => {
    const vector = results.get(text);
    return vector !== undefined && isVector(vector) ? [[text, vector] as const] : [];
  });
  return { interruption, made: new Map(vectors) };
}
