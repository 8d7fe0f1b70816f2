import type { ManagerContext } from '../context.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import { compareWitness, driftReason } from '../model/witness.ts';
import { embedWitness } from '../witness/look.ts';
import type { Sample } from './sample.ts';

/**
 * Whether the models still are what they were registered as. A target that has drifted fails, however well it
 * searches: its vectors are not those that were written. An old model that has is no yardstick.
 */
export async function driftOf(
  context: ManagerContext,
  { oldSpec, hasOldEmbedder }: Sample,
  target: EmbeddingModelSpec,
  signal: AbortSignal | undefined,
): Promise<{ readonly faults: readonly string[]; readonly doubts: readonly string[] }> {
  const fault = await driftFault(context, target, signal);
  const doubt = oldSpec && hasOldEmbedder ? await driftFault(context, oldSpec, signal) : undefined;
  return {
    faults: fault === undefined ? [] : [fault],
    doubts: doubt === undefined ? [] : [`The old model is no yardstick now. ${doubt}`],
  };
}

/** Where there is no witness nothing is known, and none is made of what may be wrong by now. */
export async function driftFault(
  context: ManagerContext,
  spec: EmbeddingModelSpec,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const witness = await context.registry.witness(spec);
  if (witness === undefined) return undefined;
  const texts = witness.samples.map(({ text }) => text);
  const { made } = await embedWitness(context, spec, texts, { signal });
  const comparison = compareWitness(witness.samples, made, spec);
  return comparison.differing > 0 ? driftReason(spec, witness, comparison).message : undefined;
}
