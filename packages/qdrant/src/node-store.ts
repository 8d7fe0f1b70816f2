import {
  type Clock,
  type EmbeddingInfo,
  type NodeFilter,
  type NodeHead,
  type NodeStore,
  type NodeWrite,
  type Page,
  parseOptions,
  RegistryError,
  type SideBySide,
  type SideNotes,
  type SidePlan,
  type SpecFields,
  type StoredNode,
  type Strategy,
  type StrategyChoice,
  type StrategyWish,
  systemClock,
  type Vector,
  type WriteOutcome,
} from '@registry/core';
import { z } from 'zod';
import { putBehindAlias } from './collection/alias.ts';
import { DualWriter } from './dual-write.ts';
import { NamedSides } from './named/named-sides.ts';
import { NODE_ID_FIELD, nodeIdOf } from './point-id.ts';
import { compact } from './points/compact.ts';
import { contentsElsewhere, contentsInFields, type ResolveContents } from './points/contents.ts';
import { countByStamp } from './points/counting.ts';
import { stampFilter, whereConditions } from './points/filters.ts';
import { readField, readNodes, scanNodes, writeNodes } from './points/point-nodes.ts';
import { Connection, type QdrantApiClient } from './server/connection.ts';
import type { Filter, PointRecord } from './server/requests.ts';
import { ShadowSides } from './shadow/shadow-sides.ts';
import { StorePlace } from './store-place.ts';
import { chooseStrategy, offeredStrategies } from './strategy.ts';

/** Which collection, and where the texts of its points are. */
export interface QdrantNodeStoreOptions {
  /** The application's own, made with `checkCompatibility: false`; it stays the caller's. */
  client: QdrantApiClient;
  /** A collection, or better an alias: readers can be moved behind an alias alone. */
  collection: string;
  /** Payload fields that are the text, `meta.text` for one below a key; compared inside each write. */
  contentFields?: readonly string[];
  /** In place of `contentFields`: fetches texts that are kept elsewhere. */
  resolveContents?: ResolveContents;
  /** The vector that is searched; the only one there is unless told. */
  vectorName?: string;
  /** The model of a collection that is still to be made. */
  model?: SpecFields;
  clock?: Clock;
}

const optionsSchema = z
  .strictObject({
    client: z.custom<QdrantApiClient>(
      (value) => typeof (value as QdrantApiClient | undefined)?.api === 'function',
      'must be a QdrantClient of @qdrant/js-client-rest 1.16 or newer',
    ),
    collection: z.string().min(1, 'must not be empty'),
    contentFields: z.array(z.string().min(1)).min(1, 'must name a field').optional(),
    resolveContents: z
      .custom<ResolveContents>((value) => typeof value === 'function', 'must be a function')
      .optional(),
    vectorName: z.string().optional(),
    model: z.custom<SpecFields>((value) => typeof value === 'object' && value !== null).optional(),
    clock: z.custom<Clock>((value) => typeof value === 'object' && value !== null).optional(),
  })
  .refine(
    (o) => (o.contentFields === undefined) !== (o.resolveContents === undefined),
    'needs contentFields or resolveContents, and not both',
  );

/** A Qdrant collection as a node store: each point is a node, its text is in payload fields or elsewhere. */
export class QdrantNodeStore implements NodeStore {
  readonly #place: StorePlace;
  readonly #collection: string;

  /** Asks the server for nothing yet. @throws RegistryError `CONFIG_INVALID` */
  constructor(options: QdrantNodeStoreOptions) {
    const o = parseOptions(optionsSchema, options, 'options of QdrantNodeStore', 'CONFIG_INVALID');
    const { contentFields, resolveContents } = o;
    this.#collection = o.collection;
    this.#place = new StorePlace({
      connection: new Connection(o.client, o.clock ?? systemClock),
      collection: o.collection,
      contents: contentFields ? contentsInFields(contentFields) : contentsElsewhere(resolveContents!),
      vectorName: o.vectorName,
      model: o.model,
    });
  }

  /** Empty until `ready` was awaited, which opening a registry does. */
  get storeId(): string {
    return this.#place.storeId;
  }

  get capabilities(): { fence: 'exact' | 'checked'; where: boolean; strategies: readonly Strategy[] } {
    const fence = this.#place.contents.fields.length > 0 ? 'exact' : 'checked';
    return { fence, where: true, strategies: offeredStrategies(this.#place) };
  }

  /**
   * Looks at server and collection, and makes what is missing unless told to read only.
   * @throws RegistryError `SERVER_*`, `COLLECTION_UNKNOWN`, `COLLECTION_MISMATCH`
   */
  ready(options: { readOnly?: boolean } = {}): Promise<void> {
    return this.#place.ready(options.readOnly ?? false);
  }

  /**
   * Makes the collection where there is none and the model is known, and the indexes of the stamp; what exists is
   * checked, never changed and never dropped. Happens by itself before the first plan or write.
   * @throws RegistryError `COLLECTION_UNKNOWN`, `COLLECTION_MISMATCH`, `SERVER_*`
   */
  async ensureCollections(model?: SpecFields): Promise<void> {
    if (model !== undefined) this.#place.expect(model);
    await this.#place.ready(false);
    if (model !== undefined) await this.#place.assertHolds(model);
  }

  async countByModel(o: { where?: NodeFilter; signal?: AbortSignal } = {}) {
    o.signal?.throwIfAborted();
    return countByStamp(await this.#place.now(), o);
  }

  async scan(o: Parameters<NodeStore['scan']>[0]): Promise<Page<NodeHead>> {
    o.signal?.throwIfAborted();
    return scanNodes(await this.#place.now(), o);
  }

  async read(ids: readonly string[], o: { signal?: AbortSignal } = {}): Promise<readonly StoredNode[]> {
    o.signal?.throwIfAborted();
    return ids.length === 0 ? [] : readNodes(await this.#place.now(), ids, o.signal);
  }

  async readField(ids: readonly string[], field: string, o: { signal?: AbortSignal } = {}) {
    o.signal?.throwIfAborted();
    return readField(await this.#place.now(), ids, field, o.signal);
  }

  async write(
    writes: readonly NodeWrite[],
    o: { signal?: AbortSignal } = {},
  ): Promise<readonly WriteOutcome[]> {
    o.signal?.throwIfAborted();
    if (writes.length === 0) return [];
    await this.#place.ready(false);
    return writeNodes(await this.#place.now(), writes, o.signal);
  }

  /** Nearest nodes among those of one model; distances are turned into scores of which the higher is nearer. */
  async search(
    vector: Vector,
    o: { at: EmbeddingInfo; k: number; where?: NodeFilter; signal?: AbortSignal },
  ): Promise<readonly { id: string; score: number }[]> {
    o.signal?.throwIfAborted();
    const { connection, collection, slot, isUnnamed, distance } = await this.#place.now();
    const stamped = stampFilter(o.at, slot);
    const { points } = await connection.read<{ points: readonly (PointRecord & { score: number })[] }>(
      'queryPoints',
      {
        collection_name: collection,
        query: compact(vector),
        ...(!isUnnamed && { using: slot.vector }),
        filter: { must: [...(stamped.must ?? []), ...whereConditions(o.where)] },
        limit: o.k,
        with_payload: [NODE_ID_FIELD],
        with_vector: false,
      },
      o.signal,
    );
    const sign = distance === 'Euclid' || distance === 'Manhattan' ? -1 : 1;
    return points.map((point) => ({ id: nodeIdOf(point), score: sign * point.score }));
  }

  /**
   * A filter that lets only vectors of this model through, for searches of the application's own; to be combined
   * with others under `must`. Needed while a migration in place runs; harmless at any time.
   */
  async searchFilter(spec: SpecFields): Promise<Filter> {
    const { slot } = await this.#place.now();
    const { modelId, version, checksum } = spec;
    const info = { embeddingModelId: modelId, embeddingVersion: version, embeddingChecksum: checksum };
    return stampFilter(info, slot);
  }

  /** What a search of the application's own has to pass as `using`: it changes with a cutover of a named vector. */
  async searchVectorName(): Promise<string | undefined> {
    const { slot, isUnnamed } = await this.#place.now();
    return isUnnamed ? undefined : slot.vector;
  }

  readonly mark = {
    read: () => this.#place.readMark(),
    write: (value: number) => this.#place.writeMark(value),
  };

  /** @throws RegistryError `DIMENSIONS_MIXED` where the only model that is registered makes other vectors */
  async declareModels(models: readonly SpecFields[]): Promise<void> {
    await this.#place.assertFitting(models);
  }

  chooseStrategy(wish: StrategyWish): Promise<StrategyChoice> {
    return chooseStrategy(this.#place, wish);
  }

  async sideBySide(plan: SidePlan, notes?: SideNotes): Promise<SideBySide> {
    if (plan.strategy === 'shadow') return ShadowSides.of(this.#place, plan, notes);
    if (plan.strategy === 'namedVector') return NamedSides.of(this.#place, plan);
    throw new RegistryError('STRATEGY_UNSUITABLE', `Strategy ${plan.strategy} has no sides.`);
  }

  /**
   * Writes of the application that go to both sides while a migration is under way, and to the one there is at any
   * other time.
   */
  dualWrite(): DualWriter {
    return new DualWriter(this.#place);
  }

  /**
   * Points an alias at the collection, so that readers can be moved. The application then uses the alias as the
   * name of its collection, here and in its own requests.
   * @throws RegistryError `ALIAS_TAKEN` where a collection has that name, or the alias points elsewhere
   */
  async putBehindAlias(alias: string): Promise<void> {
    await putBehindAlias(this.#place.connection, this.#collection, alias);
  }
}
