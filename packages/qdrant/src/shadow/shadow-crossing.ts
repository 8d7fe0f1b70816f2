import {
  backTruth,
  backVerdict,
  type Comparison,
  type Crossing,
  type EmbeddingInfo,
  forwardTruth,
  forwardVerdict,
  type NodeHead,
  type NodeWrite,
  type PageOptions,
  type ReconciledPage,
  type SidePair,
  type SideVerdict,
  type StoredNode,
  type WriteOutcome,
} from '@registry/core';
import { nodeIdOf, pointIdOf } from '../point-id.ts';
import { hashOf } from '../points/contents.ts';
import { fenceOf, guardOf } from '../points/fence.ts';
import { slotFields, slotState } from '../points/payload.ts';
import { headOf, vectorAt } from '../points/point-nodes.ts';
import { type CrossFence, crossWrite } from './cross-write.ts';
import { type End, mergedPage, type PointPair, pairsOf, readPoints } from './merged-page.ts';
import { dataDigest, factsOf, type PairTexts, textsOf } from './pair-facts.ts';

/** Both collections, and which of them readers use as the server says now. */
export interface Ends {
  readonly old: End;
  readonly new: End;
  readonly readers: 'old' | 'new';
}

export interface CrossingOptions {
  readonly direction: 'forward' | 'back';
  /** Stamp of the vectors that are written. */
  readonly target: EmbeddingInfo;
  /** Asks the server where readers are. */
  readonly ends: () => Promise<Ends>;
  readonly findings: () => Promise<readonly string[]>;
  /** Throws where what is gone from the other side may be gone because that side itself is. */
  readonly assertStands: (ends: Ends) => Promise<void>;
}

const PAGE = 256;
const SAMPLE = 10;

interface Judged {
  readonly pair: PointPair;
  readonly facts: SidePair;
  readonly texts: PairTexts;
  readonly verdict: SideVerdict;
  readonly truth: 'old' | 'new' | undefined;
}

/** One direction between two collections. */
export class ShadowCrossing implements Crossing {
  readonly #options: CrossingOptions;
  readonly #written: 'old' | 'new';

  constructor(options: CrossingOptions) {
    this.#options = options;
    this.#written = options.direction === 'forward' ? 'new' : 'old';
  }

  async #judge(ends: Ends, pairs: readonly PointPair[]): Promise<readonly Judged[]> {
    const { direction, target } = this.#options;
    const written = this.#written;
    const { contents, slot } = ends[written].place;
    const texts = await textsOf(contents, pairs);
    const isOwnText = contents.fields.length > 0;
    const [truthOf, verdictOf] =
      direction === 'forward' ? [forwardTruth, forwardVerdict] : [backTruth, backVerdict];
    return pairs.map((pair, index) => {
      const { others } = ends.old;
      const dualMark = ends.new.place.collection;
      const facts = factsOf(pair, texts[index]!, { written, slot, target, isOwnText, others, dualMark });
      const [truth, verdict] = [truthOf(facts, ends.readers), verdictOf(facts, ends.readers)];
      return { pair, facts, texts: texts[index]!, verdict, truth };
    });
  }

  /** Points by id on both sides; the vector that is migrated is read where it is written. */
  async #pairs(ends: Ends, ids: readonly string[], signal?: AbortSignal): Promise<readonly PointPair[]> {
    const pointIds = [...new Set(ids)].map(pointIdOf);
    const read = async (side: 'old' | 'new') => {
      const { place, others } = ends[side];
      const own = side === this.#written ? [place.slot.vector] : [];
      return readPoints(ends[side], pointIds, [...others, ...own], signal);
    };
    const [old, others] = await Promise.all([read('old'), read('new')]);
    return pairsOf(old, others);
  }

  async read(ids: readonly string[], o: { signal?: AbortSignal } = {}): Promise<readonly StoredNode[]> {
    o.signal?.throwIfAborted();
    if (ids.length === 0) return [];
    const ends = await this.#options.ends();
    const judged = await this.#judge(ends, await this.#pairs(ends, ids, o.signal));
    return judged.flatMap((one) => this.#node(ends, one) ?? []);
  }

  #node(ends: Ends, { pair, texts, truth }: Judged): StoredNode | undefined {
    const point = truth && pair[truth];
    if (truth === undefined || point === undefined) return undefined;
    const { slot, contents } = ends[this.#written].place;
    const there = pair[this.#written];
    const vector = there && vectorAt(there, slot.vector);
    const content = texts[truth];
    const fence: CrossFence = {
      readers: ends.readers,
      truth,
      data: dataDigest(point.payload),
      hash: hashOf(content),
      there: there === undefined ? null : fenceOf(there, slot, contents.fields, texts[this.#written]),
    };
    return {
      id: nodeIdOf(point),
      ...(content !== undefined && { content }),
      contentHash: hashOf(content),
      ...(vector && { vector, ...slotState(slotFields(there?.payload, slot)) }),
      fence: JSON.stringify(fence),
    };
  }

  async write(
    writes: readonly NodeWrite[],
    o: { signal?: AbortSignal } = {},
  ): Promise<readonly WriteOutcome[]> {
    o.signal?.throwIfAborted();
    if (writes.length === 0) return [];
    const ends = await this.#options.ends();
    return crossWrite(
      ends,
      { written: this.#written, isForward: this.#options.direction === 'forward' },
      writes,
      o.signal,
    );
  }

  async #page(o: PageOptions): Promise<{ ends: Ends; judged: readonly Judged[]; next?: string }> {
    const ends = await this.#options.ends();
    const { pairs, next } = await mergedPage(ends, {
      limit: Math.min(o.limit ?? PAGE, PAGE),
      ...(o.after !== undefined && { after: o.after }),
      ...(o.signal && { signal: o.signal }),
    });
    return { ends, judged: await this.#judge(ends, pairs), ...(next !== undefined && { next }) };
  }

  async reconcile(o: PageOptions): Promise<ReconciledPage> {
    const { ends, judged, next } = await this.#page(o);
    const of = (wanted: SideVerdict) => judged.filter(({ verdict }) => verdict === wanted);
    const ids = (some: readonly Judged[]) => some.map(({ pair }) => nodeIdOf((pair.old ?? pair.new)!));
    const mend = ids(of('mend'));
    return {
      items: of('embed').map((one) => this.#head(ends, one)),
      gone: ids(of('gone')),
      onlyOld: of('onlyOld').map((one) => ({ id: nodeIdOf(one.pair.old!) })),
      mended: await this.#mend(mend),
      ...(next !== undefined && { next }),
    };
  }

  /** The id of the side that is right, the stamp of the side that is written. */
  #head(ends: Ends, { pair, truth }: Judged): NodeHead {
    const there = pair[this.#written];
    const { slot } = ends[this.#written].place;
    return there === undefined ? { id: nodeIdOf(pair[truth!]!) } : headOf(there, slot);
  }

  /** What moves whole, with the vector that is there. */
  async #mend(ids: readonly string[]): Promise<number> {
    const nodes = await this.read(ids);
    const writes = nodes.flatMap(
      ({ id, fence, content: _, contentHash: __, inTransit: ___, ...set }): NodeWrite[] =>
        set.vector === undefined ? [] : [{ nodeId: id, fence, set }],
    );
    return (await this.write(writes)).filter((outcome) => outcome === 'written').length;
  }

  /**
   * Looks again first, and asks where readers are after that: a node that was put on the new side just after
   * readers moved there is not gone from the old one. A point that is changed meanwhile fails its guard.
   */
  async remove(ids: readonly string[]): Promise<number> {
    let removed = 0;
    const before = await this.#options.ends();
    const pairs = await this.#pairs(before, ids);
    const ends = await this.#options.ends();
    if (ends.readers === this.#written) await this.#options.assertStands(ends);
    const from = this.#written === 'new' ? 'old' : 'new';
    const { connection, collection, slot, contents, takesGuards } = ends[this.#written].place;
    for (const { pair, texts, verdict } of await this.#judge(ends, pairs)) {
      const there = pair[this.#written];
      if (there === undefined || pair[from] !== undefined) continue;
      if (verdict !== 'gone' && verdict !== 'onlyOld') continue;
      const filter = guardOf(there.id, fenceOf(there, slot, contents.fields, texts[this.#written]));
      // Where no guard is allowed, what was seen a moment ago has to do.
      const selected = takesGuards ? { filter } : { points: [there.id] };
      await connection.change('deletePoints', { collection_name: collection, ...selected, wait: true });
      removed += 1;
    }
    return removed;
  }

  async compare(o: { signal?: AbortSignal } = {}): Promise<Comparison> {
    const sample: string[] = [];
    let [behind, extra] = [0, 0];
    let after: string | undefined;
    do {
      const page = await this.#page({ ...o, ...(after !== undefined && { after }) });
      for (const { pair, verdict } of page.judged) {
        if (verdict === 'fine' || verdict === 'onlyOld') continue;
        if (verdict === 'gone') extra += 1;
        else behind += 1;
        if (sample.length < SAMPLE) sample.push(nodeIdOf((pair.old ?? pair.new)!));
      }
      after = page.next;
    } while (after !== undefined);
    return { behind, extra, sample, findings: await this.#options.findings() };
  }
}
