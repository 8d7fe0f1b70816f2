import { contentHash } from '../../model/checksum.ts';
import { isAtTarget } from '../../model/compatibility.ts';
import type { EmbeddingInfo } from '../../model/model-spec.ts';
import {
  backTruth,
  backVerdict,
  forwardTruth,
  forwardVerdict,
  type SidePair,
} from '../../model/side-truth.ts';
import type {
  Comparison,
  Crossing,
  NodeHead,
  NodeWrite,
  PageOptions,
  ReconciledPage,
  SideNotes,
  StoredNode,
  WriteOutcome,
} from '../../ports/node-store.ts';
import { dataOf, type MemorySide, type SideRecord, stampFields } from './memory-side.ts';

interface Ends {
  readonly old: MemorySide;
  readonly new: MemorySide;
  readonly readers: 'old' | 'new';
}

/** One direction between two sides in memory. */
export class MemoryCrossing implements Crossing {
  readonly #direction: 'forward' | 'back';
  readonly #target: EmbeddingInfo;
  readonly #ends: () => Ends;
  readonly #notes: SideNotes | undefined;
  /** As the registry had it when it was asked last. */
  #noted: ReadonlyMap<string, string> = new Map();

  constructor(direction: 'forward' | 'back', target: EmbeddingInfo, ends: () => Ends, notes?: SideNotes) {
    this.#direction = direction;
    this.#target = target;
    this.#ends = ends;
    this.#notes = direction === 'back' ? notes : undefined;
  }

  /** Both sides of nodes as they are now; `?`: the new one is ahead, whatever becomes of it. */
  async #keep(ids: readonly string[], isInSync: (id: string) => boolean): Promise<void> {
    const ends = this.#ends();
    const of = (record: SideRecord | undefined) => (record === undefined ? null : dataOf(record));
    const note = (id: string) =>
      JSON.stringify([
        of(ends.old.nodes.get(id)),
        isInSync(id) ? (ends.new.nodes.get(id)?.fence ?? null) : '?',
      ]);
    await this.#notes?.keep(new Map(ids.map((id) => [id, note(id)])));
  }

  async #recall(): Promise<void> {
    const ends = this.#ends();
    const ids = [...new Set([...ends.old.nodes.keys(), ...ends.new.nodes.keys()])];
    this.#noted = (await this.#notes?.recall(ids)) ?? new Map();
  }

  #changed(id: string): SidePair['changed'] {
    const note = this.#noted.get(id);
    if (note === undefined) return undefined;
    const [data, fence] = JSON.parse(note) as [string | null, string | null];
    const ends = this.#ends();
    const old = ends.old.nodes.get(id);
    const now = old === undefined ? null : dataOf(old);
    return { old: now !== data, new: (ends.new.nodes.get(id)?.fence ?? null) !== fence };
  }

  #written(ends: Ends): MemorySide {
    return this.#direction === 'forward' ? ends.new : ends.old;
  }

  #pair(id: string): SidePair {
    const ends = this.#ends();
    const [from, to] = [ends.old.nodes.get(id), ends.new.nodes.get(id)];
    const target = this.#written(ends).get(id);
    return {
      hasOld: from !== undefined,
      hasNew: to !== undefined,
      sameText: from?.content === to?.content,
      sameData: from !== undefined && to !== undefined && dataOf(from) === dataOf(to),
      wasBrought: to?.base !== undefined,
      isOldUntouched: from !== undefined && to?.base === dataOf(from),
      isNewUntouched: to !== undefined && to.base === dataOf(to),
      isDual: false,
      isStale: target?.embeddedHash !== undefined && target.embeddedHash !== target.contentHash,
      isEmbedded: target?.vector !== undefined && isAtTarget(target, this.#target),
      changed: this.#changed(id),
    };
  }

  #truth(id: string): SideRecord | undefined {
    const ends = this.#ends();
    const truth = (this.#direction === 'forward' ? forwardTruth : backTruth)(this.#pair(id), ends.readers);
    return truth && ends[truth].nodes.get(id);
  }

  #verdict(id: string) {
    const verdict = this.#direction === 'forward' ? forwardVerdict : backVerdict;
    return verdict(this.#pair(id), this.#ends().readers);
  }

  #node(id: string): StoredNode | undefined {
    const truth = this.#truth(id);
    if (truth === undefined) return undefined;
    const there = this.#written(this.#ends()).get(id);
    const { content: _, contentHash: __, ...written } = there ?? { fence: '-' };
    return {
      ...written,
      id,
      content: truth.content,
      contentHash: contentHash(truth.content),
      fence: `${truth.fence}/${there?.fence ?? '-'}`,
      ...(this.#isOnlyOld(id) && { isOnlyOld: true }),
    };
  }

  #isOnlyOld(id: string): boolean {
    const ends = this.#ends();
    return this.#direction === 'forward' && ends.readers === 'new' && !ends.new.nodes.has(id);
  }

  async read(ids: readonly string[], o: { signal?: AbortSignal } = {}): Promise<readonly StoredNode[]> {
    o.signal?.throwIfAborted();
    await this.#recall();
    return [...new Set(ids)].flatMap((id) => this.#node(id) ?? []);
  }

  async write(
    writes: readonly NodeWrite[],
    o: { signal?: AbortSignal } = {},
  ): Promise<readonly WriteOutcome[]> {
    o.signal?.throwIfAborted();
    await this.#recall();
    const outcomes = writes.map((write) => this.#writeOne(write));
    const written = writes.filter((_, index) => outcomes[index] === 'written').map(({ nodeId }) => nodeId);
    await this.#keep(written, () => true);
    return outcomes;
  }

  #writeOne({ nodeId, fence, set }: NodeWrite): WriteOutcome {
    const node = this.#node(nodeId);
    const truth = this.#truth(nodeId);
    if (node === undefined || truth === undefined) return 'missing';
    if (node.fence !== fence) return 'conflict';
    const side = this.#written(this.#ends());
    if (set === undefined) side.change(nodeId, {});
    else if (set.vector === undefined) side.nodes.delete(nodeId);
    else this.#bring(side, truth, { ...set, vector: set.vector.slice() });
    return 'written';
  }

  #bring(side: MemorySide, { id, content, metadata }: SideRecord, set: NonNullable<NodeWrite['set']>): void {
    const base = this.#direction === 'forward' ? { base: dataOf({ content, metadata }) } : {};
    const { vector, ...stamp } = set;
    side.set({ id, content, metadata, ...stamp, ...(vector && { vector }), ...base });
  }

  async reconcile(o: PageOptions): Promise<ReconciledPage> {
    o.signal?.throwIfAborted();
    const { limit = 100, after } = o;
    await this.#recall();
    const ends = this.#ends();
    const ids = [...new Set([...ends.old.nodes.keys(), ...ends.new.nodes.keys()])].sort();
    const rest = ids.filter((id) => after === undefined || id > after);
    const page = rest.slice(0, limit);
    const found = page.map((id) => [id, this.#verdict(id)] as const);
    const of = (wanted: string) => found.filter(([, verdict]) => verdict === wanted).map(([id]) => id);
    const mend = of('mend');
    for (const id of mend) this.#mend(id);
    if (ends.readers === 'new') {
      const behind = new Set([...of('embed'), ...of('gone')]);
      await this.#keep(page, (id) => !behind.has(id));
    }
    return {
      items: of('embed').map((id) => ({
        ...headOf(this.#node(id)!),
        ...(this.#written(ends).nodes.has(id) && { isThere: true as const }),
      })),
      gone: of('gone'),
      onlyOld: of('onlyOld').map((id) => headOf(ends.old.get(id)!)),
      mended: mend.length,
      ...(rest.length > limit && { next: page.at(-1)! }),
    };
  }

  #mend(id: string): void {
    const side = this.#written(this.#ends());
    const there = side.nodes.get(id);
    const truth = this.#truth(id);
    if (there === undefined || truth === undefined) return;
    const { vector, embeddedHash } = there;
    const stamp = { ...stampFields(there), ...(embeddedHash !== undefined && { embeddedHash }) };
    this.#bring(side, truth, { ...stamp, ...(vector && { vector }) });
  }

  async remove(ids: readonly string[]): Promise<number> {
    const ends = this.#ends();
    const from = this.#direction === 'forward' ? ends.old : ends.new;
    const gone = ids.filter((id) => !from.nodes.has(id));
    const removed = gone.filter((id) => this.#written(ends).nodes.delete(id));
    await this.#keep(removed, () => true);
    return removed.length;
  }

  async compare(): Promise<Comparison> {
    await this.#recall();
    const ends = this.#ends();
    const ids = [...new Set([...ends.old.nodes.keys(), ...ends.new.nodes.keys()])];
    const behind = ids.filter((id) => ['embed', 'mend'].includes(this.#verdict(id)));
    const extra = ids.filter((id) => this.#verdict(id) === 'gone');
    return {
      behind: behind.length,
      extra: extra.length,
      sample: [...behind, ...extra].slice(0, 10),
      findings: [],
    };
  }
}

function headOf({ content: _, vector: __, fence: ___, isOnlyOld: ____, ...head }: StoredNode): NodeHead {
  return head;
}
