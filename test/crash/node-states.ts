import assert from 'node:assert/strict';
import {
  type NodeStore,
  type NodeWrite,
  type StoredNode,
  sameStamp,
  vectorBytes,
  type WriteOutcome,
} from '@registry/core';

/** What a migration may change about a node, and the text it belongs to; comparable as a string. */
export function stateOf(node: Omit<StoredNode, 'id' | 'fence'> | undefined): string {
  if (node === undefined) return 'no node';
  const { vector, embeddingModelId, embeddingVersion, embeddingChecksum, contentHash, embeddedHash } = node;
  const bytes = vector && Buffer.from(vectorBytes(vector)).toString('hex');
  const kind = vector?.constructor.name;
  return JSON.stringify([
    [embeddingModelId, embeddingVersion, embeddingChecksum],
    [kind, bytes],
    [contentHash, embeddedHash],
  ]);
}

/**
 * Remembers what was seen to be wrong in the middle of a run, where an error would only be one more fault for
 * the engine to recover from.
 */
export class Witness {
  readonly #seen: unknown[] = [];

  watch(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#seen.push(error);
      throw error;
    }
  }

  /** Throws the first thing that was wrong. */
  testify(): void {
    if (this.#seen.length > 0) throw this.#seen[0];
  }
}

function sameVector(a: StoredNode, b: StoredNode): boolean {
  const of = ({ vector, embeddedHash, ...stamp }: StoredNode) =>
    stateOf({ ...stamp, contentHash: '', ...(vector && { vector }), ...(embeddedHash && { embeddedHash }) });
  return of(a) === of(b);
}

/** Who wrote a node: the application, or plans to the model of this name. */
type Writer = 'application' | `plan to ${string}`;

interface Landed {
  readonly by: Writer;
  /** State just before, when `by` wrote over what somebody else had written. */
  readonly original: string;
  /** The application changed the text since, and nothing else. */
  readonly isOfAnotherText?: true;
}

/**
 * Stands between every worker and the node store and remembers what really landed: so it knows what a backup
 * has to hold, and whether a fence was ever handed out twice.
 */
export class NodeStates {
  readonly #landed = new Map<string, Landed>();
  readonly #fences = new Map<string, string>();
  readonly #retired = new Set<string>();
  readonly #witness: Witness;
  /** Called with each write of a vector that is no restore, just before it. */
  onReplace: (write: NodeWrite, node: StoredNode) => void = () => {};

  constructor(witness: Witness, known?: NodeStates) {
    this.#witness = witness;
    for (const [nodeId, landed] of known?.everyLanded ?? []) this.#landed.set(nodeId, landed);
  }

  get everyLanded(): ReadonlyMap<string, Landed> {
    return this.#landed;
  }

  /** What the backup of the node has to hold where the last thing that landed is a plan's. */
  originalOf(nodeId: string, planTarget: string): string | undefined {
    const landed = this.#landed.get(nodeId);
    return landed?.by === `plan to ${planTarget}` ? landed.original : undefined;
  }

  /** What plans have brought so far is the application's: what a later plan has to back up. */
  forgetPlans(): void {
    for (const [nodeId, { original }] of this.#landed)
      this.#landed.set(nodeId, { by: 'application', original });
  }

  /** A plan to the model of this name has brought the node while nobody watched. */
  planWrote(nodeId: string, planTarget: string, original: string): void {
    this.#landed.set(nodeId, { by: `plan to ${planTarget}`, original });
  }

  applicationWrote(nodeId: string, before: StoredNode | undefined, after: StoredNode | undefined): void {
    if (before !== undefined) this.#retire(before.id, before.fence);
    if (after !== undefined) this.#see(after);
    // Another text alone leaves the vector that stood there to whoever made it.
    if (before !== undefined && after !== undefined && sameVector(before, after)) {
      const landed = this.#landed.get(nodeId);
      if (landed !== undefined) this.#landed.set(nodeId, { ...landed, isOfAnotherText: true });
      return;
    }
    this.#landed.set(nodeId, { by: 'application', original: stateOf(before) });
  }

  watch(inner: NodeStore): NodeStore {
    const { mark } = inner;
    return {
      storeId: inner.storeId,
      capabilities: inner.capabilities,
      countByModel: (o) => inner.countByModel(o),
      scan: (o) => inner.scan(o),
      ...(mark && { mark }),
      read: async (ids, o) => {
        const nodes = await inner.read(ids, o);
        for (const node of nodes) this.#witness.watch(() => this.#see(node));
        return nodes;
      },
      write: (writes, o) => this.#write(inner, writes, o),
    };
  }

  async #write(inner: NodeStore, writes: readonly NodeWrite[], o?: { signal?: AbortSignal }) {
    const found = await inner.read(writes.map((write) => write.nodeId));
    const before = new Map(found.map((node) => [node.id, node]));
    for (const write of writes) {
      const node = before.get(write.nodeId);
      if (node?.fence === write.fence && write.set !== undefined && !write.restore)
        this.#witness.watch(() => this.onReplace(write, node));
    }
    const outcomes = await inner.write(writes, o);
    for (const [index, write] of writes.entries())
      this.#witness.watch(() => this.#note(write, before.get(write.nodeId), outcomes[index]));
    return outcomes;
  }

  #note(write: NodeWrite, before: StoredNode | undefined, outcome: WriteOutcome | undefined): void {
    const { nodeId, fence, set, restore } = write;
    if (outcome !== 'written') return;
    assert.equal(before?.fence, fence, `a write of ${nodeId} landed on another fence`);
    this.#retire(nodeId, fence);
    if (set === undefined) return;
    if (restore) {
      this.#landed.delete(nodeId);
      return;
    }
    const by: Writer = `plan to ${set.embeddingModelId}:v${set.embeddingVersion}`;
    const last = this.#landed.get(nodeId);
    // The application embedded it with this model before, and a rollback leaves it alone.
    if (sameStamp(before, set) && last?.by !== by) return;
    this.#landed.set(nodeId, { by, original: last?.by === by ? last.original : stateOf(before) });
  }

  #see(node: StoredNode): void {
    const key = `${node.fence} of ${node.id}`;
    assert.ok(!this.#retired.has(key), `fence ${key} came back after a change`);
    const state = `${stateOf(node)}${node.content}`;
    assert.equal(this.#fences.get(key) ?? state, state, `fence ${key} stands for two states`);
    this.#fences.set(key, state);
  }

  #retire(nodeId: string, fence: string): void {
    this.#retired.add(`${fence} of ${nodeId}`);
  }
}
