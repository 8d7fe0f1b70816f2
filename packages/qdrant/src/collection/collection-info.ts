import { RegistryError } from '@registry/core';
import type { Connection } from '../server/connection.ts';
import { statusOf } from '../server/failure.ts';

/** How a collection holds one dense vector. */
export interface VectorConfig {
  readonly size: number;
  readonly distance: 'Cosine' | 'Dot' | 'Euclid' | 'Manhattan';
  readonly datatype?: string | null;
  readonly multivector_config?: unknown;
}

/** A limit that is not set is absent or null. */
export interface StrictMode {
  readonly enabled?: boolean | null;
  readonly max_query_limit?: number | null;
  readonly upsert_max_batchsize?: number | null;
  readonly unindexed_filtering_retrieve?: boolean | null;
  readonly unindexed_filtering_update?: boolean | null;
}

/** What the server says of a collection, as far as it matters here. */
export interface CollectionInfo {
  /** Its own name, never an alias. */
  readonly name: string;
  /** Dense vectors by name, the unnamed one under ''. */
  readonly vectors: Readonly<Record<string, VectorConfig>>;
  readonly isUnnamed: boolean;
  readonly sparse: readonly string[];
  readonly indexes: Readonly<Record<string, { readonly data_type: string; readonly params?: unknown }>>;
  readonly strict: StrictMode;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** As createCollection takes it again. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Why the optimizer has given up; absent while it works. */
  readonly optimizerError?: string;
}

interface RawCollection {
  readonly config: {
    readonly params: Readonly<Record<string, unknown>> & {
      readonly vectors?: unknown;
      readonly sparse_vectors?: Readonly<Record<string, unknown>> | null;
    };
    readonly hnsw_config?: unknown;
    readonly optimizer_config?: unknown;
    readonly quantization_config?: unknown;
    readonly strict_mode_config?: StrictMode | null;
    readonly metadata?: Readonly<Record<string, unknown>> | null;
  };
  readonly payload_schema?: CollectionInfo['indexes'];
  /** `ok`, or what went wrong. */
  readonly optimizer_status?: string | { readonly error?: string };
}

/** The collection that a name or alias stands for now; undefined where there is none. */
export async function findName(connection: Connection, name: string): Promise<string | undefined> {
  const { aliases } = await connection.read<{
    aliases: readonly { alias_name: string; collection_name: string }[];
  }>('getCollectionsAliases', {});
  const target = aliases.find(({ alias_name }) => alias_name === name)?.collection_name;
  if (target !== undefined) return target;
  const { exists } = await connection.read<{ exists: boolean }>('collectionExists', {
    collection_name: name,
  });
  return exists ? name : undefined;
}

/** Undefined where there is no collection of this own name. */
export async function findCollection(
  connection: Connection,
  name: string,
): Promise<CollectionInfo | undefined> {
  try {
    return infoOf(name, await connection.read<RawCollection>('getCollection', { collection_name: name }));
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** @throws RegistryError `COLLECTION_UNKNOWN` */
export async function collectionNamed(connection: Connection, name: string): Promise<CollectionInfo> {
  const found = await findCollection(connection, name);
  if (found !== undefined) return found;
  throw new RegistryError(
    'COLLECTION_UNKNOWN',
    `Qdrant has no collection ${JSON.stringify(name)}; check the name, or let ensureCollections make it.`,
    { details: { collection: name } },
  );
}

function infoOf(
  name: string,
  { config, payload_schema = {}, optimizer_status }: RawCollection,
): CollectionInfo {
  const { vectors: raw, ...params } = config.params;
  const isUnnamed = typeof (raw as VectorConfig | undefined)?.size === 'number';
  const vectors = (isUnnamed ? { '': raw } : (raw ?? {})) as Record<string, VectorConfig>;
  const settings: Record<string, unknown> = {
    ...params,
    hnsw_config: config.hnsw_config,
    optimizers_config: config.optimizer_config,
    quantization_config: config.quantization_config,
    strict_mode_config: config.strict_mode_config,
  };
  return {
    name,
    vectors,
    isUnnamed,
    sparse: Object.keys(config.params.sparse_vectors ?? {}),
    indexes: payload_schema,
    strict: config.strict_mode_config?.enabled ? config.strict_mode_config : {},
    metadata: config.metadata ?? {},
    ...(typeof optimizer_status === 'object' && { optimizerError: optimizer_status.error ?? 'no reason' }),
    settings: Object.fromEntries(
      Object.entries(settings).filter(([, value]) => value !== null && value !== undefined),
    ),
  };
}

/** Names of all vectors but one: what moves whole with a point. */
export function otherVectors({ vectors, sparse }: CollectionInfo, migrated: string): readonly string[] {
  return [...Object.keys(vectors).filter((name) => name !== migrated), ...sparse];
}
