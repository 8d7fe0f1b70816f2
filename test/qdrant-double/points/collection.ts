import type { Payload } from './payload-path.ts';
import { type PointId, positionOf } from './point-id.ts';
import type { PayloadIndex, StrictMode } from './strict-mode.ts';
import type { DenseParams, StoredVector, VectorSchema } from './vectors.ts';

export interface Point {
  readonly id: PointId;
  readonly vectors: ReadonlyMap<string, StoredVector>;
  readonly payload: Payload;
}

interface Queued {
  readonly since: number;
  readonly apply: () => void;
}

/** One collection in memory: its points in the order of their ids, its schema, and what is queued for it. */
export class Collection {
  readonly name: string;
  readonly dense: Map<string, DenseParams>;
  readonly sparse: Map<string, object>;
  readonly indexes = new Map<string, PayloadIndex>();
  /** Everything else that was said at creation or later, as `getCollection` gives it back. */
  readonly settings: Record<string, Record<string, unknown> | undefined>;
  metadata: Payload;
  strictMode: StrictMode;
  #points = new Map<PointId, Point>();
  #ids: PointId[] = [];
  #queue: Queued[] = [];
  #operations = 0;
  /** Old copies of points, which a real server counts too until it has optimised its segments. */
  #superseded = 0;
  /** New points that reads do not see before `optimise`. */
  #deferred = new Set<PointId>();

  constructor(
    name: string,
    schema: VectorSchema,
    said: {
      settings: Record<string, Record<string, unknown> | undefined>;
      metadata: Payload;
      strictMode: StrictMode;
    },
  ) {
    this.name = name;
    this.dense = new Map(schema.dense);
    this.sparse = new Map(schema.sparse);
    this.settings = said.settings;
    this.metadata = said.metadata;
    this.strictMode = said.strictMode;
  }

  /** Another collection with the same points. What is queued stays behind. */
  copy(): Collection {
    const copy = new Collection(this.name, this, {
      settings: { ...this.settings },
      metadata: this.metadata,
      strictMode: this.strictMode,
    });
    for (const [key, index] of this.indexes) copy.indexes.set(key, index);
    copy.#points = new Map(this.#points);
    copy.#ids = [...this.#ids];
    copy.#operations = this.#operations;
    copy.#superseded = this.#superseded;
    copy.#deferred = new Set(this.#deferred);
    return copy;
  }

  /** The next number of an operation. */
  nextOperation(): number {
    return this.#operations++;
  }

  get(id: PointId): Point | undefined {
    return this.#points.get(id);
  }

  /** A point as reads see it. */
  seen(id: PointId): Point | undefined {
    return this.#deferred.has(id) ? undefined : this.#points.get(id);
  }

  put(point: Point, { deferred = false }: { deferred?: boolean } = {}): void {
    if (this.#points.has(point.id)) this.#superseded++;
    else {
      this.#ids.splice(positionOf(this.#ids, point.id), 0, point.id);
      if (deferred) this.#deferred.add(point.id);
    }
    this.#points.set(point.id, point);
  }

  remove(id: PointId): void {
    if (!this.#points.delete(id)) return;
    this.#ids.splice(positionOf(this.#ids, id), 1);
    this.#deferred.delete(id);
    this.#superseded++;
  }

  /** All points, in the order of their ids; those that reads see unless told otherwise. */
  *points({ from, deferred = false }: { from?: PointId; deferred?: boolean } = {}): Generator<Point> {
    for (let at = from === undefined ? 0 : positionOf(this.#ids, from); at < this.#ids.length; at++) {
      const id = this.#ids[at]!;
      if (deferred || !this.#deferred.has(id)) yield this.#points.get(id)!;
    }
  }

  get size(): number {
    return this.#points.size;
  }

  /** What `points_count` says: never the truth once points were overwritten or deleted. */
  get approximateSize(): number {
    return this.#points.size + this.#superseded;
  }

  get deferredCount(): number {
    return this.#deferred.size;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  get textKeys(): ReadonlySet<string> {
    return new Set([...this.indexes].flatMap(([key, { type }]) => (type === 'text' ? [key] : [])));
  }

  /** Applied once a later request has been answered, or before a later write. */
  queue(since: number, apply: () => void): void {
    this.#queue.push({ since, apply });
  }

  /** Applies what was queued before request `number`. What fails now is only logged by a real server. */
  settle(number = Number.POSITIVE_INFINITY): void {
    const due = this.#queue.filter(({ since }) => since < number);
    this.#queue = this.#queue.filter(({ since }) => since >= number);
    for (const { apply } of due) {
      try {
        apply();
      } catch {}
    }
  }

  optimise(): void {
    this.#deferred.clear();
    this.#superseded = 0;
  }

  replaceAll(change: (point: Point) => Point): void {
    for (const [id, point] of this.#points) this.#points.set(id, change(point));
  }
}
