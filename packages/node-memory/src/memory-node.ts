import {
  type EmbeddingInfo,
  type ForeignStamp,
  isCompatible,
  parseNodeId,
  parseOptions,
  qualifiedId,
  type SpecFields,
  stampOf,
  type Vector,
} from '@registry/core';
import { z } from 'zod';

/** What a node is made from; what is absent takes the default of {@link MemoryNode}. */
export interface MemoryNodeFields extends Partial<EmbeddingInfo> {
  readonly id: string;
  readonly content: string;
  readonly vector?: Vector | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The model that made a vector, as {@link updateEmbeddingInfo} takes it; a model specification is one. */
export interface EmbeddingSource {
  readonly modelId: string;
  readonly version: number;
  /** '' or absent where it is not known. */
  readonly checksum?: string | undefined;
}

/** A node in camelCase or snake_case, with or without its vector. */
export type StampedNode = ForeignStamp & { readonly vector?: Vector | null | undefined };

const sourceSchema = z.object({
  modelId: z.string().min(1, 'must not be empty'),
  version: z.int().min(1, 'must be an integer of at least 1'),
  checksum: z.string().default(''),
});

const fieldsSchema = z.strictObject({
  id: z.string(),
  content: z.string(),
  vector: z
    .custom<Vector>((value) => value instanceof Float32Array || value instanceof Uint8Array, {
      message: 'must be a Float32Array, or a Uint8Array of packed bits',
    })
    .optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  embeddingModelId: sourceSchema.shape.modelId.default('binary_hdv'),
  embeddingVersion: sourceSchema.shape.version.default(1),
  embeddingChecksum: sourceSchema.shape.checksum,
});

/**
 * One record whose content is embedded, with the stamp of the model that made its vector. Unless told
 * otherwise the stamp is `binary_hdv` version 1 with an unknown checksum, as the specification has it.
 */
export class MemoryNode implements EmbeddingInfo {
  readonly id: string;
  content: string;
  /** Float32Array of `dimension` numbers, or Uint8Array of packed bits. */
  vector: Vector | undefined;
  metadata: Record<string, unknown>;
  embeddingModelId: string;
  embeddingVersion: number;
  /** '' where it is not known. */
  embeddingChecksum: string;

  /** @throws RegistryError `SPEC_INVALID` naming each field that does not hold. */
  constructor(fields: MemoryNodeFields) {
    const parsed = parseOptions(fieldsSchema, fields, 'memory node');
    this.id = parseNodeId(parsed.id);
    this.content = parsed.content;
    this.vector = parsed.vector;
    this.metadata = { ...parsed.metadata };
    this.embeddingModelId = parsed.embeddingModelId;
    this.embeddingVersion = parsed.embeddingVersion;
    this.embeddingChecksum = parsed.embeddingChecksum;
  }

  /** `{id}:v{version}:{checksum[:8]}`, with `unknown` in place of an empty checksum: a label for people. */
  get embeddingQualifiedId(): string {
    return embeddingQualifiedId(this);
  }

  /** The stamp, as an object of its own. */
  getEmbeddingInfo(): EmbeddingInfo {
    const { embeddingModelId, embeddingVersion, embeddingChecksum } = this;
    return { embeddingModelId, embeddingVersion, embeddingChecksum };
  }

  /** May the vector be compared with vectors of this model? See {@link isEmbeddingCompatible}. */
  isEmbeddingCompatible(targetSpec: SpecFields): boolean {
    return isEmbeddingCompatible(this, targetSpec);
  }

  /** Must the node be embedded again before it can be compared with vectors of this model? */
  needsMigration(targetSpec: SpecFields): boolean {
    return needsMigration(this, targetSpec);
  }

  /**
   * Declares the model that made the vector, after it was embedded again.
   * @throws RegistryError `SPEC_INVALID`
   */
  updateEmbeddingInfo(source: EmbeddingSource): void {
    updateEmbeddingInfo(this, source);
  }
}

/** The stamp of any node, read leniently; undefined where it carries none. */
export function getEmbeddingInfo(node: StampedNode): EmbeddingInfo | undefined {
  return stampOf(node);
}

/**
 * May the node's vector be compared with vectors of this model? Id and version equal, checksums equal or
 * the node's unknown, and where the node has a vector, its datatype and length fit.
 */
export function isEmbeddingCompatible(node: StampedNode, targetSpec: SpecFields): boolean {
  return isCompatible({ stamp: stampOf(node), vector: node.vector }, targetSpec);
}

/** The negation of {@link isEmbeddingCompatible}: a node without a stamp needs migration. */
export function needsMigration(node: StampedNode, targetSpec: SpecFields): boolean {
  return !isEmbeddingCompatible(node, targetSpec);
}

/** `{id}:v{version}:{checksum[:8]}` of any node; `unknown` in place of what it does not carry. */
export function embeddingQualifiedId(node: StampedNode): string {
  const stamp = stampOf(node);
  if (stamp === undefined) return 'unknown';
  return qualifiedId(stamp.embeddingModelId, stamp.embeddingVersion, stamp.embeddingChecksum);
}

/**
 * Sets the three fields on the node and returns it.
 * @throws RegistryError `SPEC_INVALID`
 */
export function updateEmbeddingInfo<T extends object>(node: T, source: EmbeddingSource): T & EmbeddingInfo {
  const { modelId, version, checksum } = parseOptions(sourceSchema, source, 'embedding info');
  return Object.assign(node, {
    embeddingModelId: modelId,
    embeddingVersion: version,
    embeddingChecksum: checksum,
  });
}
