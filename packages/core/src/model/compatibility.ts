import type { EmbeddingInfo, EmbeddingModelSpec, SpecFields } from './model-spec.ts';
import { type Vector, vectorFits } from './vector.ts';

/** A stamp as anyone may have written it: camelCase or snake_case, the version possibly a string. */
export interface ForeignStamp {
  readonly embeddingModelId?: unknown;
  readonly embeddingVersion?: unknown;
  readonly embeddingChecksum?: unknown;
  readonly embedding_model_id?: unknown;
  readonly embedding_version?: unknown;
  readonly embedding_checksum?: unknown;
}

/** Reads a stamp leniently; undefined where there is no model id or no version from 1 up. */
export function stampOf(value: ForeignStamp | null | undefined): EmbeddingInfo | undefined {
  const modelId = value?.embeddingModelId ?? value?.embedding_model_id;
  const version = value?.embeddingVersion ?? value?.embedding_version;
  const checksum = value?.embeddingChecksum ?? value?.embedding_checksum ?? '';
  const number = typeof version === 'string' && version.trim() !== '' ? Number(version) : version;
  if (typeof modelId !== 'string' || modelId === '') return undefined;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1) return undefined;
  return {
    embeddingModelId: modelId,
    embeddingVersion: number,
    embeddingChecksum: typeof checksum === 'string' ? checksum : '',
  };
}

/** Says whether both carry the same stamp, or both none. */
export function sameStamp(
  a: Partial<EmbeddingInfo> | undefined,
  b: Partial<EmbeddingInfo> | undefined,
): boolean {
  return (
    a?.embeddingModelId === b?.embeddingModelId &&
    a?.embeddingVersion === b?.embeddingVersion &&
    a?.embeddingChecksum === b?.embeddingChecksum
  );
}

/**
 * May these vectors be compared? Id and version equal, checksums equal or the node's unknown, and where a
 * vector is given its datatype and length fit. The one rule for node methods, searches and reports.
 */
export function isCompatible(
  node: { readonly stamp: EmbeddingInfo | undefined; readonly vector?: Vector | null | undefined },
  spec: SpecFields,
): boolean {
  const { stamp, vector } = node;
  if (stamp === undefined) return false;
  if (stamp.embeddingModelId !== spec.modelId || stamp.embeddingVersion !== spec.version) return false;
  if (stamp.embeddingChecksum !== '' && stamp.embeddingChecksum !== spec.checksum) return false;
  return vector === undefined || vector === null || vectorFits(vector, spec);
}

/**
 * Is there nothing to do? The stamp equals the target's including the checksum, and the text that was
 * embedded is the content, or is not known. The one rule for planner, worker, sweep and rollback.
 */
export function isAtTarget(
  node: Partial<EmbeddingInfo> & { readonly contentHash: string; readonly embeddedHash?: string | undefined },
  target: EmbeddingInfo,
): boolean {
  return (
    sameStamp(node, target) && (node.embeddedHash === undefined || node.embeddedHash === node.contentHash)
  );
}

/** The three payload fields of a vector made by this model, snake_case with an integer version. */
export function createVectorMetadata(spec: Pick<EmbeddingModelSpec, 'modelId' | 'version' | 'checksum'>): {
  embedding_model_id: string;
  embedding_version: number;
  embedding_checksum: string;
} {
  return {
    embedding_model_id: spec.modelId,
    embedding_version: spec.version,
    embedding_checksum: spec.checksum,
  };
}

/** Says whether a vector with this metadata may be compared with vectors of this model. Never throws. */
export function verifyVectorCompatibility(
  metadata: ForeignStamp | null | undefined,
  spec: SpecFields,
  vector?: Vector,
): boolean {
  return isCompatible({ stamp: stampOf(metadata), vector }, spec);
}
