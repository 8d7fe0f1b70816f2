import {
  backTruth,
  backVerdict,
  type Comparison,
  type Crossing,
  type EmbeddingInfo,
  forwardTruth,
  forwardVerdict,
  type NodeWrite,
  type PageOptions,
  type ReconciledPage,
  type SideNotes,
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
import type { PointRecord } from '../server/requests.ts';
import { type CrossFence, crossWrite } from './cross-write.ts';
import { type End, mergedPage, type PointPair, pairsOf, readPoints } from './merged-page.ts';
import { dataDigest, factsOf, type PairTexts, textsOf } from './pair-facts.ts';
import { changedSince, noteOf, noteOfCopy, noteOfCopying, noteOfGone, noteOfRemoving } from './side-notes.ts';

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
  readonly places: () => Promise<Pick<Ends, 'old' | 'new'>>;
  /** Asks the server where readers are; `lately`: an answer of a moment ago will do, since it is asked again before a write. */
  readonly readers: (o?: { lately: boolean }) => Promise<'old' | 'new'>;
  readonly findings: () => Promise<readonly string[]>;
  /** Throws, or says no, where what is gone from the other side may be gone because that side itself is. */
  readonly stands: (ends: Ends) => Promise<boolean>;
  /** Kept while a plan is rolled back; of no use to the way forward. */
  readonly notes: SideNotes;
}

const PAGE = 1_000;
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
    const notes = await this.#recall(pairs);
    const isOwnText = contents.fields.length > 0;
    const [truthOf, verdictOf] =
      direction === 'forward' ? [forwardTruth, forwardVerdict] : [backTruth, backVerdict];
    return pairs.map((pair, index) => {
      const { others } = ends.old;
      const dualMark = ends.new.place.collection;
      const changed = changedSince(notes.get(pairId(pair)), pair, others);
      const about = { written, slot, target, isOwnText, others, dualMark, changed };
      const facts = factsOf(pair, texts[index]!, about);
      const [truth, verdict] = [truthOf(facts, ends.readers), verdictOf(facts, ends.readers)];
      return { pair, facts, texts: texts[index]!, verdict, truth };
    });
  }

  /** How a rollback met both sides, before readers moved back. */
  async #recall(pairs: readonly PointPair[]): Promise<ReadonlyMap<string, string>> {
    const { direction, notes } = this.#options;
    if (direction === 'forward') return new Map();
    return notes.recall(pairs.map(pairId));
  }

  /** Points by id on both sides; the vector that is migrated is read where it is written. */
  async #pairs(
    ends: Pick<Ends, 'old' | 'new'>,
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly PointPair[]> {
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
    const { places, readers, direction } = this.#options;
    const sides = await places();
    const pairs = await this.#pairs(sides, ids, o.signal);
    const ends = { ...sides, readers: await readers({ lately: direction === 'forward' }) };
    const judged = await this.#judge(ends, pairs);
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
      ...(this.#isOnlyOld(ends, pair) && { isOnlyOld: true }),
    };
  }

  #isOnlyOld(ends: Ends, pair: PointPair): boolean {
    return this.#options.direction === 'forward' && ends.readers === 'new' && pair.new === undefined;
  }

  async write(
    writes: readonly NodeWrite[],
    o: { signal?: AbortSignal } = {},
  ): Promise<readonly WriteOutcome[]> {
    o.signal?.throwIfAborted();
    if (writes.length === 0) return [];
    const { places, readers, direction, notes } = this.#options;
    const ends = { ...(await places()), readers: await readers() };
    const way = { written: this.#written, isForward: direction === 'forward' };
    if (direction === 'forward')
      return (await crossWrite(ends, way, writes, async () => {}, o.signal)).outcomes;
    const { others } = ends.old;
    const onCopy = (sources: readonly PointRecord[]) => this.#noteCopying(sources, others);
    const { outcomes, copied } = await crossWrite(ends, way, writes, onCopy, o.signal);
    await notes.keep(new Map(copied.map((source) => [nodeIdOf(source), noteOfCopy(source, others)])));
    return outcomes;
  }

  async #noteCopying(sources: readonly PointRecord[], others: readonly string[]): Promise<void> {
    const { notes } = this.#options;
    const known = await notes.recall(sources.map(nodeIdOf));
    const noteFor = (source: PointRecord) => noteOfCopying(known.get(nodeIdOf(source)), source, others);
    await notes.keep(new Map(sources.map((source) => [nodeIdOf(source), noteFor(source)])));
  }

  async #page(o: PageOptions): Promise<{ ends: Ends; judged: readonly Judged[]; next?: string }> {
    const { places, readers } = this.#options;
    const sides = await places();
    const { pairs, next } = await mergedPage(sides, {
      limit: Math.min(o.limit ?? PAGE, PAGE),
      ...(o.after !== undefined && { after: o.after }),
      ...(o.signal && { signal: o.signal }),
    });
    // Asked after the points were read: they were so while readers were still there.
    const ends = { ...sides, readers: await readers() };
    return { ends, judged: await this.#judge(ends, pairs), ...(next !== undefined && { next }) };
  }

  async reconcile(o: PageOptions): Promise<ReconciledPage> {
    const { ends, judged, next } = await this.#page(o);
    await this.#note(ends, judged);
    const of = (wanted: SideVerdict) => judged.filter(({ verdict }) => verdict === wanted);
    const ids = (some: readonly Judged[]) => some.map(({ pair }) => pairId(pair));
    const mended = new Set(await this.#mend(ids(of('mend'))));
    const unmended = of('mend').filter(({ pair }) => !mended.has(pairId(pair)));
    return {
      items: [...of('embed'), ...unmended].map((one) => this.#head(ends, one)),
      gone: ids(of('gone')),
      onlyOld: of('onlyOld').map((one) => ({ id: nodeIdOf(one.pair.old!) })),
      mended: mended.size,
      ...(next !== undefined && { next }),
    };
  }

  /** Before readers move back, so that whatever is written from now on is told apart. */
  async #note(ends: Ends, judged: readonly Judged[]): Promise<void> {
    const { direction, notes } = this.#options;
    if (direction === 'forward' || ends.readers === 'old') return;
    const isAhead = ({ verdict }: Judged) => verdict !== 'fine' && verdict !== 'onlyOld';
    const { others } = ends.old;
    await notes.keep(
      new Map(judged.map((one) => [pairId(one.pair), noteOf(one.pair, others, isAhead(one))])),
    );
  }

  /** The id of the side that is right, the stamp of the side that is written. */
  #head(ends: Ends, { pair, truth }: Judged): ReconciledPage['items'][number] {
    const there = pair[this.#written];
    const { slot } = ends[this.#written].place;
    return there === undefined ? { id: nodeIdOf(pair[truth!]!) } : { ...headOf(there, slot), isThere: true };
  }

  /** What moves whole, with the vector that is there. Answers whose write was done. */
  async #mend(ids: readonly string[]): Promise<readonly string[]> {
    const nodes = await this.read(ids);
    const writes = nodes.flatMap(
      ({ id, fence, content: _, contentHash: __, inTransit: ___, isOnlyOld: ____, ...set }): NodeWrite[] =>
        set.vector === undefined ? [] : [{ nodeId: id, fence, set }],
    );
    const outcomes = await this.write(writes);
    return writes.filter((_, index) => outcomes[index] === 'written').map(({ nodeId }) => nodeId);
  }

  /**
   * Looks again first, and asks where readers are after that: a node that was put on the new side just after
   * readers moved there is not gone from the old one. A point that is changed meanwhile fails its guard.
   */
  async remove(ids: readonly string[]): Promise<number> {
    const { places, readers, stands, notes, direction } = this.#options;
    const sides = await places();
    const pairs = await this.#pairs(sides, ids);
    const ends = { ...sides, readers: await readers() };
    if (!(await stands(ends))) return 0;
    const from = this.#written === 'new' ? 'old' : 'new';
    const judged = (await this.#judge(ends, pairs)).filter(
      ({ pair, verdict }) =>
        pair[this.#written] !== undefined &&
        pair[from] === undefined &&
        (verdict === 'gone' || verdict === 'onlyOld'),
    );
    const note = async (noteOf: (pair: PointPair) => string) => {
      if (direction === 'back')
        await notes.keep(new Map(judged.map(({ pair }) => [pairId(pair), noteOf(pair)])));
    };
    await note(noteOfRemoving);
    for (const one of judged) await this.#delete(ends, one);
    await note(() => noteOfGone);
    return judged.length;
  }

  async #delete(ends: Ends, { pair, texts }: Judged): Promise<void> {
    const { connection, collection, slot, contents, takesGuards } = ends[this.#written].place;
    const there = pair[this.#written]!;
    const filter = guardOf(there.id, fenceOf(there, slot, contents.fields, texts[this.#written]));
    // Where no guard is allowed, what was seen a moment ago has to do.
    const selected = takesGuards ? { filter } : { points: [there.id] };
    await connection.change('deletePoints', { collection_name: collection, ...selected, wait: true });
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
        if (sample.length < SAMPLE) sample.push(pairId(pair));
      }
      after = page.next;
    } while (after !== undefined);
    return { behind, extra, sample, findings: await this.#options.findings() };
  }
}

const pairId = ({ old, new: other }: PointPair) => nodeIdOf((old ?? other)!);
