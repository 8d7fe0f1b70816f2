import type { Reason } from '../errors.ts';
import type { SpecFields } from './model-spec.ts';
import { qualifiedId } from './qualified-id.ts';
import { similarity } from './similarity.ts';
import { type Vector, vectorFits } from './vector.ts';

/** A text with the vector that a model made of it. */
export interface WitnessSample {
  readonly text: string;
  readonly vector: Vector;
}

/** Vectors of pinned texts, as the model made them when it was first at hand. */
export interface Witness {
  /** ISO time. */
  readonly madeAt: string;
  readonly samples: readonly WitnessSample[];
}

/**
 * From which similarity on two vectors of one text count as made by the same model. Half precision, another
 * processor or batch cost some 1e-6 to 1e-4 of the cosine, a prefix or another pooling 1e-2 and more; a
 * cosine of 0.999 is an angle at which 1.4 % of sign bits differ.
 */
export const witnessTolerance = Object.freeze({ float32: 0.999, bit: 0.98 });

/** Similarity of vectors that are one and the same but for noise. */
const ALL_BUT_ONE = 1 - 1e-6;

/** How the vectors of now compare with those of a witness. */
export interface WitnessComparison {
  /** The lowest of all texts. */
  readonly similarity: number;
  readonly tolerance: number;
  readonly compared: number;
  /** Texts below the tolerance. */
  readonly differing: number;
}

/** Texts without a vector that fits now are passed over. `similarity` is 1 where none could be compared. */
export function compareWitness(
  samples: readonly WitnessSample[],
  now: ReadonlyMap<string, Vector>,
  spec: SpecFields,
): WitnessComparison {
  const tolerance = witnessTolerance[spec.datatype];
  const found: number[] = [];
  for (const { text, vector } of samples) {
    const made = now.get(text);
    if (made === undefined || !vectorFits(made, spec) || !vectorFits(vector, spec)) continue;
    const similar = similarity(vector, made, spec);
    found.push(Number.isNaN(similar) ? 0 : similar);
  }
  const differing = found.filter((similar) => similar < tolerance).length;
  return { similarity: Math.min(1, ...found), tolerance, compared: found.length, differing };
}

/** Vectors that hardly differ though their texts have nothing in common: nothing can be found by them. */
export function isCollapsed(samples: readonly WitnessSample[], spec: SpecFields): boolean {
  const [first, ...others] = samples;
  if (first === undefined || others.length === 0) return false;
  return others.every(({ vector }) => similarity(first.vector, vector, spec) >= ALL_BUT_ONE);
}

/** What has become of the model, without the way out. */
export function driftSentence(
  { modelId, version, checksum }: SpecFields,
  { madeAt }: Pick<Witness, 'madeAt'>,
  { similarity: lowest, tolerance, compared, differing }: WitnessComparison,
): string {
  return `${qualifiedId(modelId, version, checksum)} no longer makes the vectors it made on ${madeAt.slice(0, 10)}: ${differing} of ${compared} pinned texts differ, the worst has a similarity of ${lowest.toFixed(4)} (at least ${tolerance}). An update, another prefix, pooling or truncation does that.`;
}

/** The reason for which a plan pauses, and a check throws. */
export function driftReason(
  spec: SpecFields,
  witness: Pick<Witness, 'madeAt'>,
  comparison: WitnessComparison,
): Reason {
  return {
    code: 'MODEL_DRIFTED',
    message: `${driftSentence(spec, witness, comparison)} Bring the embedder back and resume, or register what it is now as version ${spec.version + 1} and migrate to that.`,
  };
}

/** Said of a model whose vectors are all but one. */
export function collapseReason({ modelId, version, checksum }: SpecFields): Reason {
  return {
    code: 'VECTOR_INVALID',
    message: `${qualifiedId(modelId, version, checksum)} makes the same vector of texts that have nothing in common, so that no search could tell nodes apart; mend the embedder first.`,
  };
}
