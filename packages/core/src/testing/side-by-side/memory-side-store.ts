import { RegistryError } from '../../errors.ts';
import { contentHash } from '../../model/checksum.ts';
import { isAtTarget, sameStamp } from '../../model/compatibility.ts';
import type { EmbeddingInfo } from '../../model/model-spec.ts';
import type {
  NodeHead,
  NodeStore,
  NodeWrite,
  Page,
  SideBySide,
  SideNotes,
  SidePlan,
  StoredNode,
  WriteOutcome,
} from '../../ports/node-store.ts';
import type { ContractNode, NodeStoreApplication } from '../node-store/fixture.ts';
import { MemoryCrossing } from './memory-crossing.ts';
import { MemorySide, stampFields } from './memory-side.ts';

/**
 * A node store in memory that migrates by a second side and one switch, as a collection behind an alias does: the
 * reference of the port, and what the protocol above it is tested on. Processes share the object.
 */
export class MemorySideStore implements NodeStore {
  readonly storeId: string;
  readonly capabilities = { fence: 'exact', where: true, strategies: ['shadow', 'inPlace'] } as const;
  readonly sides = new Map<string, MemorySide>();
  /** The side that readers and writers get who ask for the store by its name. */
  served = 'nodes';
  #mark = 0;

  constructor(storeId = 'memory-side-store') {
    this.storeId = storeId;
    this.sides.set(this.served, new MemorySide());
  }

  get #side(): MemorySide {
    return this.sides.get(this.served)!;
  }

  readonly mark = {
    read: async () => this.#mark,
    write: async (value: number) => {
      this.#mark = value;
    },
  };

  async countByModel(o: Parameters<NodeStore['countByModel']>[0] = {}) {
    o.signal?.throwIfAborted();
    const counts: { info?: EmbeddingInfo; count: number }[] = [];
    for (const node of this.#side.list(o.where)) {
      const info = stampFields(node);
      const entry = counts.find((other) => sameStamp(other.info, info));
      if (entry === undefined) counts.push(info === undefined ? { count: 1 } : { info, count: 1 });
      else entry.count += 1;
    }
    return counts;
  }

  async scan(o: Parameters<NodeStore['scan']>[0]): Promise<Page<NodeHead>> {
    o.signal?.throwIfAborted();
    const nodes = this.#side.list(o.where).filter(({ id }) => o.after === undefined || id > o.after);
    const found = nodes.filter((node) => o.notAt === undefined || !isAtTarget(node, o.notAt));
    const items = found.slice(0, o.limit).map(({ content: _, vector: __, fence: ___, ...head }) => head);
    return { items, ...(found.length > o.limit && { next: items.at(-1)!.id }) };
  }

  async read(ids: readonly string[], o: { signal?: AbortSignal } = {}): Promise<readonly StoredNode[]> {
    o.signal?.throwIfAborted();
    return [...new Set(ids)].flatMap((id) => this.#side.get(id) ?? []);
  }

  async readField(ids: readonly string[], field: string, o: { signal?: AbortSignal } = {}) {
    o.signal?.throwIfAborted();
    return new Map(
      ids.flatMap((id): [string, string | number | boolean][] => {
        const value = this.#side.nodes.get(id)?.metadata[field];
        return value === undefined ? [] : [[id, value]];
      }),
    );
  }

  async write(
    writes: readonly NodeWrite[],
    o: { signal?: AbortSignal } = {},
  ): Promise<readonly WriteOutcome[]> {
    o.signal?.throwIfAborted();
    return writes.map((write) => this.#side.write(write));
  }

  async sideBySide(plan: SidePlan, notes?: SideNotes): Promise<SideBySide> {
    return new MemorySides(this, plan, notes);
  }

  /** What an application does by the name of the store, or holds on to as one side of it. */
  application(side?: string): NodeStoreApplication {
    const at = () => this.sides.get(side ?? this.served)!;
    return {
      put: async (nodes: readonly ContractNode[]) => nodes.forEach((node) => void at().put(node)),
      edit: async (id, content) => at().change(id, { content }),
      setVector: async (id, vector, info) =>
        at().change(id, { vector, ...info, embeddedHash: contentHash(at().get(id)?.content ?? '') }),
      remove: async (id) => void at().nodes.delete(id),
    };
  }
}

class MemorySides implements SideBySide {
  readonly #store: MemorySideStore;
  readonly #plan: SidePlan;
  readonly #old: string;
  readonly #new: string;
  readonly forward: MemoryCrossing;
  readonly back: MemoryCrossing;

  constructor(store: MemorySideStore, plan: SidePlan, notes?: SideNotes) {
    this.#store = store;
    this.#plan = plan;
    this.#new = `new side of ${plan.planId}`;
    const known = store.sides.get(this.#new);
    this.#old = known?.comesFrom ?? store.served;
    const ends = () => ({
      old: this.#side(this.#old),
      new: this.#side(this.#new),
      readers: store.served === this.#new ? ('new' as const) : ('old' as const),
    });
    this.forward = new MemoryCrossing('forward', plan.targetSpec.info, ends);
    this.back = new MemoryCrossing('back', plan.sourceSpec.info, ends, notes);
  }

  #side(name: string): MemorySide {
    return this.#store.sides.get(name) ?? new MemorySide();
  }

  async prepare() {
    const other = [...this.#store.sides].find(
      ([name, side]) => side.comesFrom && name !== this.#new && !side.wasServed,
    );
    if (other !== undefined)
      throw new RegistryError('MIGRATION_BUSY', `The ${other[0]} is being filled; finish that plan first.`);
    if (!this.#store.sides.has(this.#new)) this.#store.sides.set(this.#new, new MemorySide(this.#old));
  }

  async readers() {
    return this.#store.served === this.#new ? ('new' as const) : ('old' as const);
  }

  async cutover() {
    if (this.#store.served === this.#new) return;
    this.#side(this.#new).wasServed = true;
    this.#store.served = this.#new;
  }

  async revert() {
    if (this.#store.served === this.#new) this.#store.served = this.#old;
  }

  async discard() {
    if (!this.#side(this.#new).wasServed) this.#store.sides.delete(this.#new);
  }

  async leftover() {
    const name = this.#store.served === this.#new ? this.#old : this.#new;
    return this.#store.sides.has(name) ? name : undefined;
  }

  async finalize(name: string) {
    const left = await this.leftover();
    if (left === undefined) return;
    if (left !== name)
      throw new RegistryError(
        'CONFIRMATION_MISSING',
        `Plan ${this.#plan.planId} drops ${left}; pass that name.`,
      );
    this.#store.sides.delete(left);
  }
}
