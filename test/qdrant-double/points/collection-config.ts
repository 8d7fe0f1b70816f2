import { badInput, invalid } from '../http/server-error.ts';
import { Collection } from './collection.ts';
import type { Payload } from './payload-path.ts';
import { checkIndexCount, type StrictMode } from './strict-mode.ts';
import type { DenseParams } from './vectors.ts';

const largestSize = 65_536;
const longestVectorName = 200;

/** What a server uses where a request leaves it out. */
const defaults: Readonly<Record<string, Record<string, unknown>>> = {
  hnsw_config: {
    m: 16,
    ef_construct: 100,
    full_scan_threshold: 10_000,
    max_indexing_threads: 0,
    on_disk: false,
  },
  optimizers_config: {
    deleted_threshold: 0.2,
    vacuum_min_vector_number: 1000,
    default_segment_number: 0,
    max_segment_size: null,
    memmap_threshold: null,
    indexing_threshold: 10_000,
    flush_interval_sec: 5,
    max_optimization_threads: null,
  },
  wal_config: { wal_capacity_mb: 32, wal_segments_ahead: 0 },
};

export interface CollectionBody {
  readonly vectors?: DenseParams | Readonly<Record<string, DenseParams>>;
  readonly sparse_vectors?: Readonly<Record<string, object>> | null;
  readonly metadata?: Payload | null;
  readonly strict_mode_config?: StrictMode | null;
  readonly [setting: string]: unknown;
}

/** Makes an empty collection of what a request says. */
export function createCollection(name: string, body: CollectionBody): Collection {
  const { vectors = {}, sparse_vectors, metadata, strict_mode_config } = body;
  const named = (isParams(vectors) ? { '': vectors } : vectors) as Readonly<Record<string, DenseParams>>;
  const dense = new Map(Object.entries(named));
  for (const [vector, params] of dense) checkVector(vector, params);
  const sparse = new Map(Object.entries(sparse_vectors ?? {}));
  return new Collection(
    name,
    { dense, sparse },
    {
      metadata: metadata ?? {},
      strictMode: strict_mode_config ?? {},
      settings: {
        hnsw_config: merged('hnsw_config', body),
        optimizers_config: merged('optimizers_config', body),
        wal_config: merged('wal_config', body),
        quantization_config: (body.quantization_config as Record<string, unknown> | null) ?? undefined,
        params: {
          shard_number: body.shard_number ?? 1,
          replication_factor: body.replication_factor ?? 1,
          write_consistency_factor: body.write_consistency_factor ?? 1,
          on_disk_payload: body.on_disk_payload ?? true,
        },
      },
    },
  );
}

function merged(setting: string, body: CollectionBody): Record<string, unknown> {
  return { ...defaults[setting], ...(body[setting] as object | null) };
}

function isParams(vectors: object): vectors is DenseParams {
  return 'size' in vectors && typeof vectors.size === 'number';
}

function checkVector(name: string, { size }: DenseParams): void {
  if (size < 1 || size > largestSize)
    throw invalid(`size: value ${size} invalid, must be from 1 to ${largestSize}`);
  if (Buffer.byteLength(name) > longestVectorName) throw badInput(`vector name ${name} is too long`);
}

/** A new vector in the schema; points have no value of it yet. The same again is fine, another one is not. */
export function createVectorName(
  collection: Collection,
  name: string,
  { dense, sparse }: { dense?: DenseParams; sparse?: object },
): void {
  if (name === '' || /[<>:"/\\|?*]/.test(name))
    throw invalid(`vector_name: "${name}" has characters not allowed`);
  const known = collection.dense.get(name) ?? collection.sparse.get(name);
  if (known !== undefined && !sameParams(known, dense ?? sparse ?? {})) {
    throw badInput(`Vector '${name}' already exists with a different configuration`);
  }
  if (known !== undefined) return;
  if (dense === undefined) {
    collection.sparse.set(name, sparse ?? {});
    return;
  }
  checkVector(name, dense);
  collection.dense.set(name, dense);
}

function sameParams(a: object, b: object): boolean {
  const told = (params: object) =>
    JSON.stringify(
      Object.entries(params)
        .filter(([, value]) => value != null)
        .sort(),
    );
  return told(a) === told(b);
}

export function deleteVectorName(collection: Collection, name: string): void {
  const known = collection.dense.delete(name) || collection.sparse.delete(name);
  if (!known) throw badInput(`Not existing vector name error: ${name}`);
  collection.replaceAll((point) => ({
    ...point,
    vectors: new Map([...point.vectors].filter(([vector]) => vector !== name)),
  }));
}

interface IndexBody {
  readonly field_name: string;
  readonly field_schema?: string | Readonly<Record<string, unknown>> | null;
}

/** Repeating it is harmless. */
export function createFieldIndex(collection: Collection, { field_name, field_schema }: IndexBody): void {
  if (field_schema == null) throw badInput('field_schema is required');
  const type = typeof field_schema === 'string' ? field_schema : String(field_schema.type);
  if (!collection.indexes.has(field_name)) checkIndexCount(collection);
  const params = typeof field_schema === 'string' ? undefined : field_schema;
  if (params !== undefined && type === 'integer' && params.lookup === false && params.range === false) {
    throw invalid("lookup and range can't be both false");
  }
  collection.indexes.set(field_name, { type, params });
}

/** Merges what a PATCH says: null removes a key of the metadata. */
export function updateCollection(collection: Collection, body: CollectionBody): void {
  for (const setting of ['hnsw_config', 'optimizers_config', 'params'] as const) {
    if (body[setting] == null) continue;
    collection.settings[setting] = { ...collection.settings[setting], ...(body[setting] as object) };
  }
  if (body.quantization_config != null) {
    collection.settings.quantization_config = body.quantization_config as Record<string, unknown>;
  }
  if (body.strict_mode_config) {
    collection.strictMode = { ...collection.strictMode, ...body.strict_mode_config };
  }
  const metadata = Object.entries({ ...collection.metadata, ...body.metadata });
  collection.metadata = Object.fromEntries(metadata.filter(([, value]) => value !== null));
}

/** What `getCollection` answers. */
export function collectionInfo(collection: Collection): object {
  const { dense, sparse, settings, metadata, strictMode } = collection;
  const only = dense.size === 1 ? dense.get('') : undefined;
  const vectors = only ?? Object.fromEntries(dense);
  return {
    status: 'green',
    optimizer_status: 'ok',
    warnings: [],
    // Approximate, both of them: counting old copies as well.
    indexed_vectors_count: 0,
    points_count: collection.approximateSize,
    segments_count: 1,
    config: {
      params: {
        vectors,
        ...settings.params,
        ...(sparse.size === 0 ? {} : { sparse_vectors: Object.fromEntries(sparse) }),
      },
      hnsw_config: settings.hnsw_config,
      optimizer_config: settings.optimizers_config,
      wal_config: settings.wal_config,
      quantization_config: settings.quantization_config ?? null,
      strict_mode_config: strictMode,
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    },
    payload_schema: Object.fromEntries(
      [...collection.indexes].map(([key, { type, params }]) => [
        key,
        {
          data_type: type,
          ...(params === undefined ? {} : { params }),
          points: indexedPoints(collection, key),
        },
      ]),
    ),
    update_queue: { length: collection.queueLength, deferred_points: collection.deferredCount },
  };
}

function indexedPoints(collection: Collection, key: string): number {
  let points = 0;
  for (const { payload } of collection.points()) if (Object.hasOwn(payload, key)) points++;
  return points;
}
