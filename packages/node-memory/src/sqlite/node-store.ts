import {
  type Clock,
  contentHash,
  type EmbeddingInfo,
  EmbeddingModelSpec,
  mayCreateStore,
  type NodeFilter,
  type NodeHead,
  type NodeStore,
  type NodeWrite,
  type Page,
  parseNodeId,
  parseOptions,
  RegistryError,
  type SpecFields,
  type StoredNode,
  systemClock,
  type Vector,
  type WriteOutcome,
} from '@registry/core';
import { openSqlite, type SqliteDatabase } from '@registry/core/sqlite';
import { z } from 'zod';
import { type NodeChanges, type NodeInput, parseChanges, parseNode } from '../node-input.ts';
import { type Adoption, adopt, assertFile } from './adopt.ts';
import { adoptedLayout, missingOf, type NodeColumns } from './adopted-layout.ts';
import { deleteNodes, insertNodes, updateNode } from './application.ts';
import { countByStamp, type StampCount } from './count.ts';
import type { Layout } from './layout.ts';
import { checkTableName, ensureOwnTables, ownLayout } from './own-layout.ts';
import { readField, readNode, readNodes, type SqliteNode } from './read.ts';
import { scanHeads } from './scan.ts';
import { loadExtension, type NodeHit, searchNodes } from './search.ts';
import { Stamps } from './stamps.ts';
import { readStoreId } from './state.ts';
import { writeNodes } from './write.ts';

/** Where the nodes lie, in tables of the store's own or of the application, and what their vectors look like. */
export interface SqliteNodeStoreOptions {
  /** The file; also that of a registry. */
  readonly path: string;
  /** `nodes` unless told. */
  readonly table?: string | undefined;
  /** Given: `table` is the application's own, and adopted. Absent: the store makes its tables. */
  readonly columns?: NodeColumns | undefined;
  /** What the vectors of a stamp look like; of other stamps the first vector stored shows it. */
  readonly models?: readonly SpecFields[] | undefined;
  /** false: search by our own scan also where sqlite-vec can be loaded. */
  readonly sqliteVec?: boolean | undefined;
  readonly nativeBinding?: string | undefined;
  readonly clock?: Clock | undefined;
}

const identifier = z
  .string()
  .min(1, 'must not be empty')
  .refine((name) => name.isWellFormed() && !name.includes('\0'), 'must be a name');
const columnsSchema = z.strictObject({
  id: identifier.optional(),
  content: identifier.optional(),
  vector: identifier.optional(),
  metadata: z.union([identifier, z.array(identifier).min(1)]).optional(),
  datatype: z.enum(['float32', 'bit']).optional(),
});
const connectionShape = {
  path: z.string().min(1, 'must not be empty'),
  table: identifier.default('nodes'),
  nativeBinding: z.string().optional(),
  clock: z.custom<Clock>((value) => typeof value === 'object' && value !== null).optional(),
};
const openSchema = z.strictObject({
  ...connectionShape,
  columns: columnsSchema.optional(),
  models: z.array(z.custom<SpecFields>()).default([]),
  sqliteVec: z.boolean().default(true),
});
const adoptSchema = z.strictObject({
  ...connectionShape,
  columns: columnsSchema.default({}),
  apply: z.boolean().default(false),
});
const countSchema = z.int().min(1, 'must be an integer of at least 1');

/**
 * Vectors are read and written all over the file. SQLite's own 2 MB of cache would be read again and again,
 * and a checkpoint every 1,000 pages would write the same index pages many times.
 */
const CACHE_KIBIBYTES = 16 * 1024;
const CHECKPOINT_PAGES = 4_000;

/** As the registry opens a file, so that either may make it. */
const FILE_OPTIONS = { pageSize: 8192, incrementalVacuum: true } as const;

/**
 * Nodes in a SQLite file, in tables of its own or in one of the application. Whoever changes a node, also
 * through a raw connection, makes a new fence, so no migration overwrites what it has not seen.
 */
export class SqliteNodeStore implements NodeStore, AsyncDisposable {
  readonly storeId: string;
  readonly capabilities: NodeStore['capabilities'];
  readonly mark: NonNullable<NodeStore['mark']>;
  readonly #database: SqliteDatabase;
  readonly #layout: Layout;
  readonly #stamps: Stamps;
  readonly #wantsExtension: boolean;
  #extension: Promise<boolean> | undefined;

  private constructor(database: SqliteDatabase, layout: Layout, storeId: string, wantsExtension: boolean) {
    this.#database = database;
    this.#layout = layout;
    this.#wantsExtension = wantsExtension;
    this.#stamps = new Stamps(database, layout);
    this.storeId = storeId;
    this.capabilities = { fence: 'exact', where: layout.metadata.kind !== 'none', strategies: ['inPlace'] };
    this.mark = {
      read: () =>
        database.read(() => database.sql(`SELECT mark FROM ${layout.state}`).pluck().get() as number),
      write: async (value) => {
        await database.write(() => database.sql(`UPDATE ${layout.state} SET mark = ?`).run(value));
      },
    };
  }

  /**
   * Opens a store. Without `columns` its tables are made where they are not there yet; with them the table
   * is the application's, and has to be adopted. Within `withoutStoreCreation` no file is made.
   * @throws RegistryError `SPEC_INVALID`, `MODEL_CONFLICT`, `DATABASE_*`, `RUNTIME_TOO_OLD`
   */
  static async open(options: SqliteNodeStoreOptions): Promise<SqliteNodeStore> {
    const resolved = parseOptions(openSchema, options, 'node store options');
    const { path, table, columns, models, sqliteVec, nativeBinding, clock = systemClock } = resolved;
    if (columns === undefined) checkTableName(table);
    if (columns !== undefined || !mayCreateStore()) assertFile(path);
    const database = await openSqlite({ path, nativeBinding, clock, ...FILE_OPTIONS });
    try {
      database.raw.pragma(`cache_size=-${CACHE_KIBIBYTES}`);
      database.raw.pragma(`wal_autocheckpoint=${CHECKPOINT_PAGES}`);
      database.raw.function('node_content_hash', { deterministic: true }, (text: unknown) =>
        contentHash(text === null ? '' : String(text)),
      );
      const layout = columns === undefined ? ownLayout(table) : adoptedLayout(table, columns);
      if (columns === undefined) await ensureOwnTables(database, layout, clock);
      else await database.read(() => assertAdopted(database, layout, columns));
      const storeId = await database.read(() => readStoreId(database, layout));
      const store = new SqliteNodeStore(database, layout, storeId, sqliteVec);
      if (models.length > 0) await store.declareModels(models);
      return store;
    } catch (error) {
      database.close();
      throw database.failure(error);
    }
  }

  /**
   * Says what a table of the application lacks to be a node store, and with `apply: true` adds it in one
   * transaction: columns, indexes and triggers on the table, and two small tables beside it. Rows are
   * neither moved nor rewritten, and statements that other programs use go on working.
   * A program that writes a vector by itself writes the three stamp columns with it; where these do not
   * change it also sets `embedding_revision` to NULL, else the stamp is taken away: nothing says then that
   * the model that made the old vector made the new one.
   * @throws RegistryError `SPEC_INVALID` where table or columns do not fit, `DATABASE_*`
   */
  static async adopt(
    options: Omit<SqliteNodeStoreOptions, 'models'> & { readonly apply?: boolean | undefined },
  ): Promise<Adoption> {
    const { clock = systemClock, nativeBinding, ...rest } = parseOptions(adoptSchema, options, 'adoption');
    return adopt({ ...rest, clock, nativeBinding });
  }

  /** Adds nodes, all or none; at least one id that is there already is `SPEC_INVALID`. */
  async insert(nodes: NodeInput | readonly NodeInput[]): Promise<void> {
    await this.#put(nodes, false);
  }

  /** Adds nodes, or replaces content, metadata, vector and stamp of those that are there; all or none. */
  async upsert(nodes: NodeInput | readonly NodeInput[]): Promise<void> {
    await this.#put(nodes, true);
  }

  /** Changes a node; false where there is none. A vector is of the content as it is after the change. */
  async update(id: string, changes: NodeChanges): Promise<boolean> {
    const parsed = parseChanges(parseNodeId(id), changes);
    return this.#write(() => updateNode(this.#database, this.#layout, this.#stamps, id, parsed));
  }

  /** Deletes nodes and says how many there were. */
  async delete(ids: string | readonly string[]): Promise<number> {
    const list = typeof ids === 'string' ? [ids] : ids;
    return this.#write(() => deleteNodes(this.#database, this.#layout, list));
  }

  /** A node with content, metadata, vector and stamp; undefined where there is none. */
  async get(id: string): Promise<SqliteNode | undefined> {
    return readNode(this.#database, this.#layout, this.#stamps, id);
  }

  async count(): Promise<number> {
    const sql = `SELECT count(*) FROM ${this.#layout.bodies}`;
    return this.#database.read(() => this.#database.sql(sql).pluck().get() as number);
  }

  /**
   * Says what the vectors of these models look like; see `models` of {@link SqliteNodeStore.open}.
   * @throws RegistryError `SPEC_INVALID`, `MODEL_CONFLICT`
   */
  async declareModels(models: readonly SpecFields[]): Promise<void> {
    const specs = models.map(
      ({ modelId, version, dimension, checksum, datatype, distance }) =>
        new EmbeddingModelSpec({ modelId, version, dimension, checksum, datatype, distance }),
    );
    // Most often all of it is known, and a busy writer is not waited for.
    if (await this.#database.read(() => this.#stamps.knows(specs))) return;
    await this.#write(() => this.#stamps.declare(specs));
  }

  async countByModel(
    options: { where?: NodeFilter; signal?: AbortSignal } = {},
  ): Promise<readonly StampCount[]> {
    return countByStamp(this.#database, this.#layout, this.#stamps, options);
  }

  /** In the order of the ids by code point (integer ids of an adopted table: by number). */
  async scan(options: {
    notAt?: EmbeddingInfo;
    where?: NodeFilter;
    after?: string;
    limit: number;
    signal?: AbortSignal;
  }): Promise<Page<NodeHead>> {
    parseOptions(countSchema, options.limit, 'limit of a scan');
    return scanHeads(this.#database, this.#layout, this.#stamps, options);
  }

  async read(ids: readonly string[], options: { signal?: AbortSignal } = {}): Promise<readonly StoredNode[]> {
    return readNodes(this.#database, this.#layout, this.#stamps, ids, options.signal);
  }

  async readField(ids: readonly string[], field: string, options: { signal?: AbortSignal } = {}) {
    return readField(this.#database, this.#layout, ids, field, options.signal);
  }

  /** In one transaction. A vector that contradicts its stamp is `VECTOR_INVALID`, and nothing is written. */
  async write(
    writes: readonly NodeWrite[],
    options: { signal?: AbortSignal } = {},
  ): Promise<readonly WriteOutcome[]> {
    if (writes.length === 0) return [];
    return this.#write(() => writeNodes(this.#database, this.#layout, this.#stamps, writes), options.signal);
  }

  /**
   * Exact. Scores are a·b / (‖a‖ ‖b‖) for cosine, a·b for dot, -‖a - b‖ for euclid and
   * 1 - differing bits / dimension for hamming, the distance that the model of the stamp has (`models`;
   * else cosine for float32). Ties go by id. Vectors that contradict their stamp are left out.
   * @throws RegistryError `VECTOR_INVALID` where the query is none of the model's vectors
   */
  async search(
    vector: Vector,
    options: { at: EmbeddingInfo; k: number; where?: NodeFilter; signal?: AbortSignal },
  ): Promise<readonly NodeHit[]> {
    parseOptions(countSchema, options.k, 'k of a search');
    const hasExtension = await this.#loadExtension();
    return searchNodes(this.#database, this.#layout, this.#stamps, vector, { ...options, hasExtension });
  }

  /** What searches with cosine, euclid and hamming are done by. */
  async searchEngine(): Promise<'sqlite-vec' | 'scan'> {
    return (await this.#loadExtension()) ? 'sqlite-vec' : 'scan';
  }

  #loadExtension(): Promise<boolean> {
    this.#extension ??= this.#wantsExtension ? loadExtension(this.#database) : Promise.resolve(false);
    return this.#extension;
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #put(nodes: NodeInput | readonly NodeInput[], replace: boolean): Promise<void> {
    const list = Array.isArray(nodes) ? (nodes as readonly NodeInput[]) : [nodes as NodeInput];
    if (list.length === 0) return;
    const parsed = list.map(parseNode);
    await this.#write(() => insertNodes(this.#database, this.#layout, this.#stamps, parsed, replace));
  }

  /** One durable transaction. */
  async #write<T>(body: () => T, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#database.write(body, { signal });
    } catch (error) {
      // What a failed transaction interned or learned is gone with it.
      this.#stamps.forget();
      throw refusal(error, this.#layout.table);
    }
  }
}

/** A constraint of the application's table is no failure of the database. */
function refusal(error: unknown, table: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !code.startsWith('SQLITE_CONSTRAINT')) return error;
  return new RegistryError('SPEC_INVALID', `Table "${table}" refuses the row: ${(error as Error).message}.`, {
    cause: error,
  });
}

function assertAdopted(database: SqliteDatabase, layout: Layout, columns: NodeColumns): void {
  const missing = missingOf(database.raw, layout, columns);
  const names = [
    ...missing.columns.map(([name]) => name),
    ...missing.tables,
    ...[...missing.indexes, ...missing.triggers].map(({ name }) => name),
  ];
  if (names.length === 0) return;
  throw new RegistryError(
    'SPEC_INVALID',
    `Table "${layout.table}" in ${database.path} is not adopted: it lacks ${names.join(', ')}. See what \`SqliteNodeStore.adopt\` would add, then call it with \`apply: true\`.`,
    { details: { missing: names } },
  );
}
