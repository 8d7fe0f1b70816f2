import * as z from 'zod';
import type { ManagerContext } from '../context.ts';
import { modelOrActive } from '../lookups.ts';
import {
  type EmbeddingModelSpec,
  type ModelRef,
  modelRefSchema,
  type SpecFields,
} from '../model/model-spec.ts';
import { parseOptions } from '../options.ts';
import { assertSound } from './assert-sound.ts';
import type { WitnessLook } from './look.ts';

/** The model; the active one unless told. */
export interface CheckWitnessOptions extends Partial<ModelRef> {
  /** Keep what the model makes now as its witness, whatever it made before; noted in the journal. */
  renew?: boolean;
  signal?: AbortSignal;
}

/** What the witness of a model says of its embedder. */
export interface WitnessReport {
  readonly model: SpecFields;
  /**
   * `agrees`: the model makes the vectors it made before. `made`: there was no witness, and now there is one.
   * `unchecked`: there is none, and none could be made (a registry open for reading, or texts all refused).
   */
  readonly state: 'agrees' | 'made' | 'unchecked';
  /** Lowest similarity of all texts that were compared, and the least that passes. */
  readonly similarity?: number;
  readonly tolerance?: number;
  /** Texts compared. */
  readonly texts: number;
  /** ISO time. */
  readonly madeAt?: string;
}

const schema = modelRefSchema.partial().extend({
  renew: z.boolean().optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Embeds the witness of a model again, in one call. */
export async function checkWitness(
  context: ManagerContext,
  options: CheckWitnessOptions,
): Promise<WitnessReport> {
  const { renew, signal, ...named } = parseOptions(schema, options, 'options of checkWitness');
  const model = await modelOrActive(context, named);
  return reportOf(model, await assertSound(context, model, { renew: renew ?? false, signal }));
}

function reportOf(model: EmbeddingModelSpec, look: WitnessLook): WitnessReport {
  const fields = model.toJSON();
  if (look.kind !== 'agrees') return { model: fields, state: 'unchecked', texts: 0 };
  const { comparison, witness, isFirst } = look;
  return {
    model: fields,
    state: isFirst ? 'made' : 'agrees',
    similarity: comparison.similarity,
    tolerance: comparison.tolerance,
    texts: comparison.compared,
    madeAt: witness.madeAt,
  };
}
