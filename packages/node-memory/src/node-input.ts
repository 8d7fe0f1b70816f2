/** What an application hands to a node store, checked at the door. */
import { type EmbeddingInfo, parseNodeId, parseOptions, RegistryError, type Vector } from '@registry/core';
import { z } from 'zod';

/**
 * A node to be stored: its content, and where it has one the vector that was made from this content, with
 * the stamp of the model that made it (`info` of `manager.embed`, spread). A `MemoryNode` is one.
 */
export interface NodeInput extends Partial<EmbeddingInfo> {
  readonly id: string;
  readonly content: string;
  /** Absent: the node waits for a plan, and carries no stamp whatever the fields say. */
  readonly vector?: Vector | undefined;
  /** JSON values. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What changes about a node; what is absent stays. */
export interface NodeChanges extends Partial<EmbeddingInfo> {
  readonly content?: string;
  /** Made from the content as it then is; null takes vector and stamp away. */
  readonly vector?: Vector | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A checked node: no vector, no stamp. */
export interface ParsedNode {
  readonly id: string;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly vector: Vector | undefined;
  readonly info: EmbeddingInfo | undefined;
}

export interface ParsedChanges {
  readonly content: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly vector: Vector | null | undefined;
  readonly info: EmbeddingInfo | undefined;
}

const vectorSchema = z.custom<Vector>(
  (value) => value instanceof Float32Array || value instanceof Uint8Array,
  'must be a Float32Array, or a Uint8Array of packed bits',
);
const stampShape = {
  embeddingModelId: z.string().min(1, 'must not be empty').optional(),
  embeddingVersion: z.int().min(1, 'must be an integer of at least 1').optional(),
  embeddingChecksum: z.string().optional(),
};
const metadataSchema = z.record(z.string(), z.unknown());
const inputSchema = z.strictObject({
  id: z.unknown(),
  content: z.string(),
  vector: vectorSchema.optional(),
  metadata: metadataSchema.optional(),
  ...stampShape,
});
const changesSchema = z.strictObject({
  content: z.string().optional(),
  vector: vectorSchema.nullable().optional(),
  metadata: metadataSchema.optional(),
  ...stampShape,
});

/** @throws RegistryError `SPEC_INVALID`, or `VECTOR_INVALID` where the vector is not finite */
export function parseNode(input: NodeInput): ParsedNode {
  const node = parseOptions(inputSchema, input, 'node');
  const id = parseNodeId(node.id);
  const info = node.vector && infoIn(node, id);
  assertFinite(node.vector, id);
  return { id, content: node.content, metadata: node.metadata ?? {}, vector: node.vector, info };
}

/** Errors as for {@link parseNode}. */
export function parseChanges(id: string, input: NodeChanges): ParsedChanges {
  const changes = parseOptions(changesSchema, input, 'change of a node');
  const info = infoIn(changes, id);
  if (info !== undefined && !changes.vector)
    throw new RegistryError(
      'SPEC_INVALID',
      `The change of node ${JSON.stringify(id)} has a stamp and no vector; a stamp comes with the vector it is of.`,
    );
  assertFinite(changes.vector ?? undefined, id);
  return { content: changes.content, metadata: changes.metadata, vector: changes.vector, info };
}

function infoIn(
  fields: { [K in keyof EmbeddingInfo]?: EmbeddingInfo[K] | undefined },
  id: string,
): EmbeddingInfo | undefined {
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = fields;
  if (embeddingModelId === undefined && embeddingVersion === undefined && embeddingChecksum === undefined)
    return undefined;
  if (embeddingModelId === undefined || embeddingVersion === undefined)
    throw new RegistryError(
      'SPEC_INVALID',
      `Node ${JSON.stringify(id)} has half a stamp; pass embeddingModelId, embeddingVersion and embeddingChecksum, or none.`,
    );
  return { embeddingModelId, embeddingVersion, embeddingChecksum: embeddingChecksum ?? '' };
}

function assertFinite(vector: Vector | undefined, id: string): void {
  if (!(vector instanceof Float32Array)) return;
  let sum = 0;
  // 0 × NaN and 0 × Infinity are NaN, whatever the other elements are.
  for (const element of vector) sum += element * 0;
  if (sum === 0) return;
  throw new RegistryError(
    'VECTOR_INVALID',
    `The vector of node ${JSON.stringify(id)} has NaN or infinite elements.`,
    { details: { nodeId: id } },
  );
}

/**
 * Metadata as JSON text.
 * @throws RegistryError `SPEC_INVALID` where a value is none of JSON's
 */
export function metadataText(metadata: Readonly<Record<string, unknown>>, id: string): string {
  try {
    return JSON.stringify(metadata);
  } catch (cause) {
    throw new RegistryError('SPEC_INVALID', `The metadata of node ${JSON.stringify(id)} is not JSON.`, {
      cause,
    });
  }
}
