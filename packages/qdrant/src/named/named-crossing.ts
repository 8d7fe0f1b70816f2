import {
  type Comparison,
  type Crossing,
  type EmbeddingInfo,
  isAtTarget,
  type NodeFilter,
  type NodeHead,
  type NodeWrite,
  type PageOptions,
  type ReconciledPage,
} from '@registry/core';
import { hashOf } from '../points/contents.ts';
import { whereConditions } from '../points/filters.ts';
import { BASE_FIELD, type Slot, slotFields, slotState } from '../points/payload.ts';
import {
  headOf,
  neededPayload,
  type PointPlace,
  readNodes,
  scrollWhole,
  writeNodes,
} from '../points/point-nodes.ts';
import type { PointRecord } from '../server/requests.ts';

export interface NamedCrossingOptions {
  readonly direction: 'forward' | 'back';
  readonly target: EmbeddingInfo;
  /** The place of the vector that is written. */
  readonly place: () => Promise<PointPlace>;
  /** The vector that a plan writes, whichever the direction is. */
  readonly newSlot: Slot;
}

const PAGE = 1_000;
const SAMPLE = 10;

/** One direction between two vectors of the same points: nothing is brought along, nothing can be gone. */
export class NamedCrossing implements Crossing {
  readonly #options: NamedCrossingOptions;

  constructor(options: NamedCrossingOptions) {
    this.#options = options;
  }

  async read(ids: readonly string[], o: { signal?: AbortSignal } = {}) {
    o.signal?.throwIfAborted();
    return ids.length === 0 ? [] : readNodes(await this.#options.place(), ids, o.signal);
  }

  async write(writes: readonly NodeWrite[], o: { signal?: AbortSignal } = {}) {
    o.signal?.throwIfAborted();
    return writes.length === 0 ? [] : writeNodes(await this.#options.place(), writes, o.signal);
  }

  async reconcile(o: PageOptions & { where?: NodeFilter }): Promise<ReconciledPage> {
    const place = await this.#options.place();
    const must = whereConditions(o.where);
    const { points, next } = await scrollWhole(place, {
      limit: Math.min(o.limit ?? PAGE, PAGE),
      payload: this.#payload(place),
      ...(must.length > 0 && { filter: { must } }),
      ...(o.after !== undefined && { after: o.after }),
      ...(o.signal && { signal: o.signal }),
    });
    const contents = await place.contents.of(points);
    const items = points.flatMap((point, index): NodeHead[] => {
      const state = slotState(slotFields(point.payload, place.slot));
      const contentHash = hashOf(contents[index]);
      return this.#isBehind(point, state, contentHash) ? [headOf(point, place.slot)] : [];
    });
    return { items, gone: [], onlyOld: [], mended: 0, ...(next !== undefined && { next }) };
  }

  #payload(place: PointPlace): true | string[] {
    const needed = neededPayload(place);
    return needed === true ? true : [...needed, `embeddings.${this.#options.newSlot.vector}`];
  }

  #isBehind(point: PointRecord, state: ReturnType<typeof slotState>, contentHash: string): boolean {
    const { direction, target, newSlot } = this.#options;
    if (direction === 'forward') return !isAtTarget({ ...state, contentHash }, target);
    // An old vector of unknown text is of the text that stood there when the new one was made.
    const base = slotFields(point.payload, newSlot)[BASE_FIELD];
    const embedded = state.embeddedHash ?? (typeof base === 'string' ? base : undefined);
    const isStamped = state.embeddingModelId !== undefined;
    return isStamped
      ? embedded !== undefined && embedded !== contentHash
      : base === undefined || base !== contentHash;
  }

  async remove(): Promise<number> {
    return 0;
  }

  async compare(o: { signal?: AbortSignal } = {}): Promise<Comparison> {
    const sample: string[] = [];
    let behind = 0;
    let after: string | undefined;
    do {
      const page = await this.reconcile({ ...o, ...(after !== undefined && { after }) });
      behind += page.items.length;
      for (const { id } of page.items) if (sample.length < SAMPLE) sample.push(id);
      after = page.next;
    } while (after !== undefined);
    return { behind, extra: 0, sample, findings: [] };
  }
}
