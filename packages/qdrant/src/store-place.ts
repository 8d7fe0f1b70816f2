/**
 * What a store knows of its server and collection. Looked up once, and what a cutover by another process moves is
 * looked up again after a second: the collection behind the alias, and which vector of it is searched.
 */
import { RegistryError, type SpecFields } from '@registry/core';
import {
  type CollectionInfo,
  collectionNamed,
  findCollection,
  findName,
  type VectorConfig,
} from './collection/collection-info.ts';
import {
  createCollection,
  ensureStampIndexes,
  misfit,
  patchMetadata,
  vectorConfigOf,
} from './collection/layout.ts';
import type { RequestLimits } from './points/compact.ts';
import type { Contents } from './points/contents.ts';
import { PageSize } from './points/page-size.ts';
import { prefixOf, type Slot } from './points/payload.ts';
import type { PointPlace } from './points/point-nodes.ts';
import type { Connection } from './server/connection.ts';
import { type ServerVersion, serverVersion } from './server/version.ts';

/** Keys in a collection's metadata, which the server keeps since 1.16. */
export const metadataKeys = {
  storeId: 'embedding_store_id',
  mark: 'embedding_mark',
  /** The vector that readers use, where it is not the one the store was told of. */
  vector: 'embedding_vector',
  /** The vector that the flat stamp of a point describes, where that is another one. */
  flat: 'embedding_flat_vector',
} as const;

/** A place to read and write, with how its vectors are compared. */
export interface ServedPlace extends PointPlace {
  readonly info: CollectionInfo;
  readonly distance: VectorConfig['distance'];
}

const FRESH_MS = 1_000;
const POINTS_AT_MOST = 256;
const BYTES_AT_MOST = 8_000_000;
const PAGE_AT_MOST = 1_000;

/** How much one request to a collection may hold: its own limits are the narrower ones. */
function limitsOf({ strict }: CollectionInfo): { limits: RequestLimits; pageLimit: number } {
  return {
    limits: {
      points: Math.min(POINTS_AT_MOST, strict.upsert_max_batchsize ?? POINTS_AT_MOST),
      bytes: BYTES_AT_MOST,
    },
    pageLimit: Math.min(PAGE_AT_MOST, strict.max_query_limit ?? PAGE_AT_MOST),
  };
}

export interface StorePlaceOptions {
  readonly connection: Connection;
  /** A collection or an alias. */
  readonly collection: string;
  readonly contents: Contents;
  readonly vectorName: string | undefined;
  readonly model: SpecFields | undefined;
}

export class StorePlace {
  readonly connection: Connection;
  readonly collection: string;
  readonly contents: Contents;
  readonly #vectorName: string | undefined;
  readonly #pages = new PageSize();
  #model: SpecFields | undefined;
  #storeId = '';
  #version: ServerVersion | undefined;
  #ready: Promise<void> | undefined;
  /** Somebody wants to look and to leave no trace: nothing is made ready until there is a write. */
  #onlyLooks = false;
  #looked: Promise<void> | undefined;
  #known: { readonly at: number; readonly place: ServedPlace } | undefined;

  constructor(o: StorePlaceOptions) {
    this.connection = o.connection;
    this.collection = o.collection;
    this.contents = o.contents;
    this.#vectorName = o.vectorName;
    this.#model = o.model;
  }

  get storeId(): string {
    return this.#storeId;
  }

  /** Undefined before the server was asked. */
  get version(): ServerVersion | undefined {
    return this.#version;
  }

  expect(model: SpecFields): void {
    this.#model = model;
    this.#ready = undefined;
  }

  /** Callers share one look; one that failed is repeated. */
  ready(readOnly: boolean): Promise<void> {
    if (this.#ready !== undefined) return this.#ready;
    this.#onlyLooks = readOnly;
    if (readOnly)
      this.#looked ??= this.#look(true).catch((error: unknown) => {
        this.#looked = undefined;
        throw error;
      });
    else
      this.#ready = this.#look(false).catch((error: unknown) => {
        this.#ready = undefined;
        throw error;
      });
    return (readOnly ? this.#looked : this.#ready)!;
  }

  async #look(readOnly: boolean): Promise<void> {
    this.#version = await serverVersion(this.connection);
    const name =
      (await findName(this.connection, this.collection)) ?? (readOnly ? undefined : await this.#create());
    if (name === undefined) throw await this.#unknown();
    const info = await collectionNamed(this.connection, name);
    const place = this.#placeOf(info);
    if (!readOnly) await ensureStampIndexes(this.connection, info, prefixOf(place.slot));
    const kept = info.metadata[metadataKeys.storeId];
    this.#storeId = typeof kept === 'string' ? kept : this.connection.clock.uuid();
    if (kept === undefined && !readOnly)
      await patchMetadata(this.connection, name, { [metadataKeys.storeId]: this.#storeId });
  }

  async #unknown(): Promise<RegistryError> {
    return new RegistryError(
      'COLLECTION_UNKNOWN',
      `Qdrant has no collection or alias ${JSON.stringify(this.collection)}; check the name, or pass the model, and it is made.`,
      { details: { collection: this.collection } },
    );
  }

  async #create(): Promise<string | undefined> {
    if (this.#model === undefined) return undefined;
    const config = vectorConfigOf(this.#model);
    const vectors = this.#vectorName ? { [this.#vectorName]: config } : config;
    await createCollection(this.connection, this.collection, { vectors });
    return this.collection;
  }

  /** Where readers are now. */
  async now(): Promise<ServedPlace> {
    await this.ready(this.#onlyLooks);
    const at = this.connection.clock.now();
    if (this.#known !== undefined && Math.abs(at - this.#known.at) < FRESH_MS) return this.#known.place;
    const name = await this.servedName();
    const place = this.#placeOf(await collectionNamed(this.connection, name));
    this.#known = { at, place };
    return place;
  }

  /** Forgets what a cutover or a rollback has changed. */
  moved(): void {
    this.#known = undefined;
  }

  /** The collection's own name. */
  async servedName(): Promise<string> {
    const name = await findName(this.connection, this.collection);
    if (name === undefined) throw await this.#unknown();
    return name;
  }

  #placeOf(info: CollectionInfo): ServedPlace {
    const slot = this.slotOf(info);
    const config = info.vectors[slot.vector]!;
    return { ...this.placeAt(info, slot), collection: this.collection, info, distance: config.distance };
  }

  /** A vector of a collection of one's own choice. */
  placeAt(info: CollectionInfo, slot: Slot): PointPlace {
    return {
      connection: this.connection,
      collection: info.name,
      slot,
      isUnnamed: info.isUnnamed,
      contents: this.contents,
      pages: this.#pages,
      takesGuards: info.strict.unindexed_filtering_update !== false,
      ...limitsOf(info),
    };
  }

  /** @throws RegistryError `COLLECTION_MISMATCH` */
  slotOf(info: CollectionInfo): Slot {
    const served = info.metadata[metadataKeys.vector];
    const told = this.#vectorName ?? onlyName(info);
    const vector = typeof served === 'string' ? served : told;
    if (vector === undefined || info.vectors[vector] === undefined) throw noVector(info, vector);
    if (info.vectors[vector].multivector_config)
      throw new RegistryError(
        'COLLECTION_MISMATCH',
        `Vector ${JSON.stringify(vector)} of collection ${info.name} is a multi-vector; only a dense one can be migrated.`,
      );
    const flat = info.metadata[metadataKeys.flat] ?? told;
    return { vector, isFlat: flat === vector };
  }

  async readMark(): Promise<number> {
    const { metadata } = await collectionNamed(this.connection, await this.servedName());
    const mark = metadata[metadataKeys.mark];
    return typeof mark === 'number' ? mark : 0;
  }

  async writeMark(value: number): Promise<void> {
    await patchMetadata(this.connection, await this.servedName(), { [metadataKeys.mark]: value });
  }

  /** @throws RegistryError `COLLECTION_MISMATCH` where vectors of this model do not fit */
  async assertHolds(model: SpecFields): Promise<void> {
    const { info, slot } = await this.now();
    const why = misfit(info.vectors[slot.vector]!, model);
    if (why === undefined) return;
    throw new RegistryError(
      'COLLECTION_MISMATCH',
      `Collection ${info.name} exists, and was left as it is: ${why}. Use another name, or migrate it.`,
      { details: { collection: info.name } },
    );
  }

  /** @throws RegistryError `DIMENSIONS_MIXED` where the model that is expected here makes other vectors */
  async assertFitting(models: readonly SpecFields[]): Promise<void> {
    const { info, slot } = await this.now();
    const config = info.vectors[slot.vector]!;
    const [only] = models;
    const why = models.length === 1 && only !== undefined ? misfit(config, only) : undefined;
    if (why !== undefined)
      throw new RegistryError(
        'DIMENSIONS_MIXED',
        `Collection ${info.name} does not fit the only model that is registered: ${why}. Register the model that made its vectors.`,
      );
  }

  find(name: string): Promise<CollectionInfo | undefined> {
    return findCollection(this.connection, name);
  }
}

function onlyName({ vectors }: CollectionInfo): string | undefined {
  const names = Object.keys(vectors);
  return names.length === 1 ? names[0] : undefined;
}

function noVector(info: CollectionInfo, name: string | undefined): RegistryError {
  const names = Object.keys(info.vectors).map((each) => JSON.stringify(each));
  const why =
    name === undefined
      ? `has ${names.length} dense vectors (${names.join(', ')}); pass vectorName`
      : `has no dense vector ${JSON.stringify(name)}, but ${names.join(', ') || 'none'}; a sparse one cannot be migrated`;
  return new RegistryError('COLLECTION_MISMATCH', `Collection ${info.name} ${why}.`, {
    details: { collection: info.name, vectors: Object.keys(info.vectors) },
  });
}
