/**
 * The stamps of a store, and what is known of the vectors that carry them: declared by the caller
 * (`models`), or learned from the first vector that was stored under the stamp. Rows are never deleted,
 * so what was read once stays true; a declared row overrides a learned one.
 */
import {
  type Datatype,
  type Distance,
  type EmbeddingInfo,
  type EmbeddingModelSpec,
  RegistryError,
  sameStamp,
  stampOf,
  type Vector,
  vectorFits,
} from '@registry/core';
import type { SqliteDatabase } from '@registry/core/sqlite';
import { type Layout, quoted, type SqlValue, type StampKey } from './layout.ts';

export function createStamps(stamps: string): string {
  return `CREATE TABLE ${stamps} (
    stamp INTEGER PRIMARY KEY,
    embedding_model_id TEXT NOT NULL,
    embedding_version INTEGER NOT NULL,
    embedding_checksum TEXT NOT NULL,
    datatype TEXT CHECK (datatype IN ('float32', 'bit')),
    dimension INTEGER,
    distance TEXT CHECK (distance IN ('cosine', 'dot', 'euclid', 'hamming')),
    declared INTEGER NOT NULL DEFAULT 0,
    UNIQUE (embedding_model_id, embedding_version, embedding_checksum)
  )`;
}

/** What vectors of a stamp look like. `dimension` in elements, of bits for `bit`. */
export interface VectorShape {
  readonly datatype: Datatype;
  readonly dimension: number;
  readonly distance: Distance;
  readonly isDeclared: boolean;
}

interface KnownStamp {
  readonly stamp: number;
  readonly info: EmbeddingInfo;
  readonly shape: VectorShape | undefined;
}

interface StampRow {
  stamp: number;
  embedding_model_id: string;
  embedding_version: number;
  embedding_checksum: string;
  datatype: Datatype | null;
  dimension: number | null;
  distance: Distance | null;
  declared: number;
}

/** The model of fresh registries is known to make bit vectors, whatever else is known of it. */
const BIT_MODEL = 'binary_hdv';

export class Stamps {
  readonly #database: SqliteDatabase;
  readonly #layout: Layout;
  readonly #byKey = new Map<string, KnownStamp>();
  /** What was asked for last: the nodes of a batch carry one stamp. */
  #last: KnownStamp | undefined;
  readonly #byNumber = new Map<number, KnownStamp>();

  constructor(database: SqliteDatabase, layout: Layout) {
    this.#database = database;
    this.#layout = layout;
  }

  /** The values of {@link Layout.stampColumns} for a stamp; interns it. Inside a transaction. */
  valuesOf(info: EmbeddingInfo | undefined): readonly SqlValue[] {
    if (info === undefined) return this.#layout.stampColumns.map(() => null);
    if (this.#layout.ownsTable) return [this.#intern(info).stamp];
    return [info.embeddingModelId, info.embeddingVersion, info.embeddingChecksum];
  }

  /** The stamp that these values of {@link Layout.stampColumns} name. */
  infoOf(values: readonly SqlValue[]): EmbeddingInfo | undefined {
    const [first, version, checksum] = values;
    if (first === null || first === undefined) return undefined;
    if (this.#layout.ownsTable) return this.#numbered(first as number)?.info;
    return stampOf({
      embedding_model_id: first,
      embedding_version: version,
      embedding_checksum: checksum,
    });
  }

  /** What is known of the vectors that carry the stamp. */
  shapeOf(info: EmbeddingInfo): VectorShape | undefined {
    return this.#known(info)?.shape;
  }

  /** Every stamp that any node carries, in the order of the index, then the lack of one. */
  inUse(): StampKey[] {
    const { heads, stampColumns, rangeIndex } = this.#layout;
    const from = `FROM ${heads} INDEXED BY ${quoted(rangeIndex)}`;
    const keys: StampKey[] = [];
    let values = this.#firstStamp(from, `${stampColumns[0]} IS NOT NULL`, []);
    while (values !== undefined) {
      keys.push({ info: this.infoOf(values), values });
      values = this.#stampAfter(from, values);
    }
    const none = this.#database.sql(`SELECT 1 ${from} WHERE ${stampColumns[0]} IS NULL LIMIT 1`).get();
    if (none !== undefined) keys.push({ info: undefined, values: stampColumns.map(() => null) });
    return keys;
  }

  /** Leaps over all nodes of a stamp. Comparing rows of values would seek by the first column only. */
  #stampAfter(from: string, values: readonly SqlValue[]): SqlValue[] | undefined {
    const { stampColumns } = this.#layout;
    for (let position = stampColumns.length - 1; position >= 0; position--) {
      const same = stampColumns.slice(0, position).map((column) => `${column} = ?`);
      const condition = [...same, `${stampColumns[position]} > ?`].join(' AND ');
      const found = this.#firstStamp(from, condition, values.slice(0, position + 1));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #firstStamp(from: string, condition: string, values: readonly SqlValue[]): SqlValue[] | undefined {
    const columns = this.#layout.stampColumns.join(', ');
    return this.#database
      .sql(`SELECT ${columns} ${from} WHERE ${condition} ORDER BY ${columns} LIMIT 1`)
      .raw()
      .get(...values) as SqlValue[] | undefined;
  }

  /**
   * Checks a vector against its stamp; the first one under a stamp says what the others have to be.
   * Inside a transaction.
   * @throws RegistryError `VECTOR_INVALID`
   */
  check(nodeId: string, vector: Vector, info: EmbeddingInfo): void {
    const known = this.#intern(info);
    if (known.shape === undefined) {
      if (info.embeddingModelId === BIT_MODEL && !(vector instanceof Uint8Array))
        throw contradiction(nodeId, vector, info, 'bit vectors (Uint8Array)');
      this.#describe(known, shapeLike(vector));
      return;
    }
    if (vectorFits(vector, known.shape)) return;
    const { datatype, dimension, isDeclared } = known.shape;
    const origin = isDeclared
      ? ''
      : ', as the first one stored under this stamp was; if that one was wrong, declare the model with `models`';
    throw contradiction(nodeId, vector, info, `${datatype} vectors of dimension ${dimension}${origin}`);
  }

  /**
   * Records what the caller knows of its models. Inside a transaction.
   * @throws RegistryError `MODEL_CONFLICT` where another dimension, datatype or distance was declared
   */
  declare(specs: readonly EmbeddingModelSpec[]): void {
    for (const spec of specs) {
      const known = this.#intern(spec.info);
      const { datatype, dimension, distance } = spec;
      const before = known.shape;
      const isSame =
        before?.datatype === datatype && before.dimension === dimension && before.distance === distance;
      if (before?.isDeclared && isSame) continue;
      if (before?.isDeclared)
        throw new RegistryError(
          'MODEL_CONFLICT',
          `Model ${spec.qualifiedId} is known to this node store as ${before.datatype}, ${before.dimension}, ${before.distance}, not ${datatype}, ${dimension}, ${distance}; register another version.`,
        );
      this.#describe(known, { datatype, dimension, distance, isDeclared: true });
    }
  }

  /** Were all of these declared as they are? */
  knows(specs: readonly EmbeddingModelSpec[]): boolean {
    return specs.every(({ info, datatype, dimension, distance }) => {
      const shape = this.#known(info)?.shape;
      const isSame =
        shape?.datatype === datatype && shape.dimension === dimension && shape.distance === distance;
      return isSame && shape.isDeclared;
    });
  }

  /** Forgets what was read or interned in a transaction that failed. */
  forget(): void {
    this.#last = undefined;
    this.#byKey.clear();
    this.#byNumber.clear();
  }

  #known(info: EmbeddingInfo): KnownStamp | undefined {
    if (this.#last?.shape !== undefined && sameStamp(this.#last.info, info)) return this.#last;
    const cached = this.#byKey.get(keyText(info));
    // What has no declared shape yet may get one from another process.
    if (cached?.shape !== undefined) {
      this.#last = cached;
      return cached;
    }
    return this.#remember(
      this.#database
        .sql(
          `SELECT * FROM ${this.#layout.stamps} WHERE embedding_model_id = ? AND embedding_version = ? AND embedding_checksum = ?`,
        )
        .get(info.embeddingModelId, info.embeddingVersion, info.embeddingChecksum) as StampRow | undefined,
    );
  }

  #numbered(stamp: number): KnownStamp | undefined {
    return (
      this.#byNumber.get(stamp) ??
      this.#remember(
        this.#database.sql(`SELECT * FROM ${this.#layout.stamps} WHERE stamp = ?`).get(stamp) as
          | StampRow
          | undefined,
      )
    );
  }

  #intern(info: EmbeddingInfo): KnownStamp {
    const known = this.#known(info);
    if (known !== undefined) return known;
    this.#database
      .sql(
        `INSERT INTO ${this.#layout.stamps} (embedding_model_id, embedding_version, embedding_checksum) VALUES (?, ?, ?)`,
      )
      .run(info.embeddingModelId, info.embeddingVersion, info.embeddingChecksum);
    return this.#known(info)!;
  }

  #describe(known: KnownStamp, shape: VectorShape): void {
    this.#database
      .sql(
        `UPDATE ${this.#layout.stamps} SET datatype = ?, dimension = ?, distance = ?, declared = ? WHERE stamp = ?`,
      )
      .run(shape.datatype, shape.dimension, shape.distance, shape.isDeclared ? 1 : 0, known.stamp);
    this.#keep({ ...known, shape });
  }

  #remember(row: StampRow | undefined): KnownStamp | undefined {
    if (row === undefined) return undefined;
    const { datatype, dimension } = row;
    return this.#keep({
      stamp: row.stamp,
      info: {
        embeddingModelId: row.embedding_model_id,
        embeddingVersion: row.embedding_version,
        embeddingChecksum: row.embedding_checksum,
      },
      shape:
        datatype === null || dimension === null
          ? undefined
          : {
              datatype,
              dimension,
              distance: row.distance ?? usual(datatype),
              isDeclared: row.declared === 1,
            },
    });
  }

  #keep(known: KnownStamp): KnownStamp {
    this.#byKey.set(keyText(known.info), known);
    this.#byNumber.set(known.stamp, known);
    if (this.#last?.stamp === known.stamp) this.#last = known;
    return known;
  }
}

/** The shape that a vector shows by itself. */
export function shapeLike(vector: Vector): VectorShape {
  const datatype = vector instanceof Uint8Array ? 'bit' : 'float32';
  const dimension = datatype === 'bit' ? vector.length * 8 : vector.length;
  return { datatype, dimension, distance: usual(datatype), isDeclared: false };
}

function usual(datatype: Datatype): Distance {
  return datatype === 'bit' ? 'hamming' : 'cosine';
}

function keyText(info: EmbeddingInfo): string {
  return JSON.stringify([info.embeddingModelId, info.embeddingVersion, info.embeddingChecksum]);
}

function contradiction(nodeId: string, vector: Vector, info: EmbeddingInfo, expected: string): RegistryError {
  const found = `${vector instanceof Uint8Array ? 'Uint8Array' : 'Float32Array'} of length ${vector.length}`;
  const model = `${info.embeddingModelId} version ${info.embeddingVersion}`;
  return new RegistryError(
    'VECTOR_INVALID',
    `The vector of node ${JSON.stringify(nodeId)} contradicts its stamp: ${model} makes ${expected}, this is a ${found}.`,
    { details: { nodeId, info } },
  );
}
