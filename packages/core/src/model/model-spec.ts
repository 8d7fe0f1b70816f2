import * as z from 'zod';
import { RegistryError } from '../errors.ts';
import { parseOptions } from '../options.ts';
import { qualifiedId } from './qualified-id.ts';
import type { Datatype, Distance } from './vector.ts';

/** What a model is called: the identity of a specification within a registry. */
export interface ModelRef {
  readonly modelId: string;
  readonly version: number;
}

/** Which model made a node's vector: the stamp. The checksum is '' where it is not known. */
export interface EmbeddingInfo {
  readonly embeddingModelId: string;
  readonly embeddingVersion: number;
  readonly embeddingChecksum: string;
}

/** What may change about a model without changing its vectors; never part of identity or checksum. */
export interface ModelNotes {
  readonly name?: string;
  readonly description?: string;
  /** Longest input in tokens. */
  readonly maxInputTokens?: number;
  /** US dollars per million input tokens. */
  readonly pricePerMillionTokens?: number;
  /** ISO dates, or times with a zone: from when new uses are discouraged, and from when the model is gone. */
  readonly deprecatedAt?: string;
  readonly shutdownAt?: string;
  readonly successor?: ModelRef;
}

/** Printable and well-formed; control characters, line breaks and lone surrogates are not. */
const printable = (text: string) => text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text);

export const modelIdSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(512)
  .refine((id) => printable(id) && id.trim() !== '', 'must be printable characters');
export const versionSchema = z.int().min(1, 'must be an integer of at least 1');
/** `Date.parse` alone would take "May 5" and the 30th of February, and a time without zone as the machine's own. */
const isoDate = z.union(
  [z.iso.date(), z.iso.datetime({ offset: true })],
  'must be a date like 2027-01-31, or a time with its zone like 2027-01-31T12:00:00Z',
);

export const modelRefSchema = z.strictObject({ modelId: modelIdSchema, version: versionSchema });

export const modelSpecSchema = modelRefSchema.extend({
  dimension: z.int().min(1, 'must be an integer of at least 1'),
  checksum: z
    .string()
    .min(1, 'must not be empty')
    .max(512)
    .refine((text) => printable(text) && !/\s/u.test(text), 'must be printable characters without spaces'),
  datatype: z.enum(['float32', 'bit']).default('float32'),
  distance: z.enum(['cosine', 'dot', 'euclid', 'hamming']).optional(),
});

export const modelNotesSchema = z.strictObject({
  name: z.string().max(1000).optional(),
  description: z.string().max(10_000).optional(),
  maxInputTokens: z.int().min(1).optional(),
  pricePerMillionTokens: z.number().min(0).optional(),
  deprecatedAt: isoDate.optional(),
  shutdownAt: isoDate.optional(),
  successor: modelRefSchema.optional(),
});

/**
 * Immutable specification of an embedding model. Identity is (modelId, version); `checksum` pins the
 * configuration. Bit vectors are compared by hamming distance, float32 by cosine unless said otherwise.
 */
export class EmbeddingModelSpec implements ModelRef {
  readonly modelId: string;
  readonly version: number;
  /** Number of elements; of bits where `datatype` is `bit`. */
  readonly dimension: number;
  readonly checksum: string;
  readonly datatype: Datatype;
  readonly distance: Distance;

  /** @throws RegistryError `SPEC_INVALID` naming each field that does not hold. */
  constructor(
    options: ModelRef & { dimension: number; checksum: string; datatype?: Datatype; distance?: Distance },
  ) {
    const spec = parseOptions(modelSpecSchema, options, 'model specification');
    this.modelId = spec.modelId;
    this.version = spec.version;
    this.dimension = spec.dimension;
    this.checksum = spec.checksum;
    this.datatype = spec.datatype;
    this.distance = spec.distance ?? (spec.datatype === 'bit' ? 'hamming' : 'cosine');
    if ((this.datatype === 'bit') !== (this.distance === 'hamming'))
      parseOptions(
        z.never('bit vectors go with hamming, float32 with cosine, dot or euclid'),
        this.distance,
        'model specification: distance',
      );
    if (new.target === EmbeddingModelSpec) Object.freeze(this);
  }

  /** `{modelId}:v{version}:{checksum[:8]}`: a label for people, never an identity, never parsed. */
  get qualifiedId(): string {
    return qualifiedId(this.modelId, this.version, this.checksum);
  }

  /** The stamp that nodes embedded with this model carry. */
  get info(): EmbeddingInfo {
    return {
      embeddingModelId: this.modelId,
      embeddingVersion: this.version,
      embeddingChecksum: this.checksum,
    };
  }

  /** Equal in all that makes vectors comparable: id, version, dimension, checksum, datatype, distance. */
  equals(other: SpecFields): boolean {
    return specDifference(this, other) === undefined;
  }

  toJSON(): SpecFields {
    const { modelId, version, dimension, checksum, datatype, distance } = this;
    return { modelId, version, dimension, checksum, datatype, distance };
  }
}

/** What identifies a model and makes its vectors comparable. */
export type SpecFields = Pick<
  EmbeddingModelSpec,
  'modelId' | 'version' | 'dimension' | 'checksum' | 'datatype' | 'distance'
>;

const identityFields = ['modelId', 'version', 'checksum', 'dimension', 'datatype', 'distance'] as const;

/** The first field in which two specifications differ; undefined where they are equal. */
export function specDifference(a: SpecFields, b: SpecFields): (typeof identityFields)[number] | undefined {
  return identityFields.find((field) => a[field] !== b[field]);
}

/** The model of this id and version. */
export function modelNamed<M extends ModelRef>(
  models: readonly M[],
  { modelId, version }: ModelRef,
): M | undefined {
  return models.find((model) => model.modelId === modelId && model.version === version);
}

/** Said wherever a model is named that nobody has registered. */
export function unknownModel({ modelId, version }: ModelRef): RegistryError {
  return new RegistryError(
    'MODEL_UNKNOWN',
    `Model ${modelId}:v${version} is not registered; register it first.`,
    { details: { modelId, version } },
  );
}

/** A specification as the registry holds it, with its notes. `createdAt` is an ISO time. */
export class RegisteredModel extends EmbeddingModelSpec implements ModelNotes {
  declare readonly name?: string;
  declare readonly description?: string;
  declare readonly maxInputTokens?: number;
  declare readonly pricePerMillionTokens?: number;
  declare readonly deprecatedAt?: string;
  declare readonly shutdownAt?: string;
  declare readonly successor?: ModelRef;
  readonly createdAt: string;
  readonly isActive: boolean;

  constructor(spec: SpecFields, notes: ModelNotes, state: { createdAt: string; isActive: boolean }) {
    super(spec);
    Object.assign(this, notes);
    this.createdAt = state.createdAt;
    this.isActive = state.isActive;
    Object.freeze(this);
  }

  override toJSON(): SpecFields & ModelNotes & { createdAt: string; isActive: boolean } {
    return { ...this, ...super.toJSON() };
  }
}
