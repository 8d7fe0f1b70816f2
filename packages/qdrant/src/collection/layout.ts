import { RegistryError, type SpecFields } from '@registry/core';
import type { Connection } from '../server/connection.ts';
import { statusOf } from '../server/failure.ts';
import type { CollectionInfo, VectorConfig } from './collection-info.ts';

const distances = { cosine: 'Cosine', dot: 'Dot', euclid: 'Euclid' } as const;

/**
 * How a collection holds vectors of a model.
 * @throws RegistryError `STRATEGY_UNSUITABLE` for packed bits, which Qdrant has no type for
 */
export function vectorConfigOf(spec: SpecFields): VectorConfig {
  if (spec.distance === 'hamming')
    throw new RegistryError(
      'STRATEGY_UNSUITABLE',
      `Model ${spec.modelId}:v${spec.version} makes packed bits, which Qdrant has no type for; use a float32 model.`,
    );
  return { size: spec.dimension, distance: distances[spec.distance] };
}

/** Says in one sentence why vectors of a model do not fit; undefined where they do. */
export function misfit(config: VectorConfig, spec: SpecFields): string | undefined {
  const wanted = vectorConfigOf(spec);
  const label = `${spec.modelId}:v${spec.version}`;
  if (config.size !== wanted.size)
    return `it holds vectors of ${config.size}, and those of ${label} have ${wanted.size}`;
  if (config.distance !== wanted.distance)
    return `it compares by ${config.distance}, and ${label} by ${wanted.distance}`;
  // The server cuts what is written to whole numbers, and most elements of an embedding are below 1.
  if (config.datatype === 'uint8') return `it holds whole numbers (uint8), and ${label} makes float32`;
  return undefined;
}

/** Index params are such that filters on a stamp, and counts of it, are answered from the index. */
const stampIndexes = {
  embedding_model_id: 'keyword',
  embedding_version: { type: 'integer', lookup: true, range: true },
  embedding_checksum: 'keyword',
} as const;

/** Makes the indexes of a stamp where they are missing; repeating it is harmless. `wait`: the client leaves it out. */
export async function ensureStampIndexes(
  connection: Connection,
  { name, indexes, strict }: CollectionInfo,
  prefix: string,
): Promise<void> {
  for (const [field, schema] of Object.entries(stampIndexes)) {
    // Of the specification are the first two; the third serves collections that allow no filter without an index.
    if (field === 'embedding_checksum' && strict.unindexed_filtering_retrieve !== false) continue;
    await ensureIndex(connection, name, indexes, `${prefix}${field}`, schema);
  }
}

async function ensureIndex(
  connection: Connection,
  collection_name: string,
  indexes: CollectionInfo['indexes'],
  field_name: string,
  field_schema: unknown,
): Promise<void> {
  const present = indexes[field_name]?.data_type;
  const wanted = typeof field_schema === 'string' ? field_schema : (field_schema as { type: string }).type;
  if (present === wanted) return;
  if (present !== undefined)
    throw new RegistryError(
      'COLLECTION_MISMATCH',
      `Collection ${collection_name} has an index of type ${present} on ${field_name}, where ${wanted} is needed; it was left as it is. Delete that index, and it will be made.`,
      { details: { collection: collection_name, field: field_name, present, wanted } },
    );
  await connection.change('createFieldIndex', { collection_name, field_name, field_schema, wait: true });
}

/**
 * A collection for the vectors of another model, like the one it is filled from in everything else; indexes
 * follow before it is loaded, since one on a payload that comes later has no links in the graph.
 */
export async function createLike(
  connection: Connection,
  from: CollectionInfo,
  o: { readonly name: string; readonly vector: string; readonly spec: SpecFields; readonly metadata: object },
): Promise<void> {
  const present = from.vectors[o.vector];
  const { size, distance } = vectorConfigOf(o.spec);
  const isBytes = present?.datatype === 'uint8';
  const migrated = { ...present, size, distance, ...(isBytes && { datatype: 'float32' }) };
  await createCollection(connection, o.name, {
    ...from.settings,
    vectors: from.isUnnamed ? migrated : { ...from.vectors, [o.vector]: migrated },
    metadata: o.metadata,
  });
}

/** Makes the payload indexes that another collection has, and this one lacks. */
export async function copyIndexes(
  connection: Connection,
  from: CollectionInfo,
  to: CollectionInfo,
): Promise<void> {
  for (const [field_name, { data_type, params }] of Object.entries(from.indexes))
    if (to.indexes[field_name] === undefined)
      await connection.change('createFieldIndex', {
        collection_name: to.name,
        field_name,
        field_schema: params ?? data_type,
        wait: true,
      });
}

/** False where one of this name was there already: creating is the one atomic claim that the server offers. */
export async function createCollection(
  connection: Connection,
  collection_name: string,
  body: object,
): Promise<boolean> {
  try {
    await connection.change('createCollection', { collection_name, ...body });
    return true;
  } catch (error) {
    if (statusOf(error) === 409) return false;
    throw error;
  }
}

/** Merges into the collection's metadata; null removes a key. There is no compare-and-set. */
export function patchMetadata(
  connection: Connection,
  collection_name: string,
  metadata: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  return connection.change('updateCollection', { collection_name, metadata });
}
