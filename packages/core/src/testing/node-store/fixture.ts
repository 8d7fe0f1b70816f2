import assert from 'node:assert/strict';
import type { EmbeddingInfo } from '../../model/model-spec.ts';
import { type Vector, vectorBytes } from '../../model/vector.ts';
import type { NodeHead, NodeStore, StoredNode } from '../../ports/node-store.ts';

/** A node as an application hands it to its store. Without a vector it carries no stamp. */
export interface ContractNode extends Partial<EmbeddingInfo> {
  readonly id: string;
  readonly content: string;
  /** Made from this content. */
  readonly vector?: Vector;
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
}

/** What an application does to its nodes; each call is done when it resolves. */
export interface NodeStoreApplication {
  /** New nodes, or nodes in place of those with the same id. */
  put(nodes: readonly ContractNode[]): Promise<void>;
  /** Another content; vector and stamp stay. */
  edit(id: string, content: string): Promise<void>;
  /** Another vector, made from the content as it is. */
  setVector(id: string, vector: Vector, info: EmbeddingInfo): Promise<void>;
  remove(id: string): Promise<void>;
  /** The same done by a program that knows nothing of the store: raw SQL, another client. */
  readonly raw?: {
    edit(id: string, content: string): Promise<void>;
    /** Content and vector written again as they are. */
    rewrite(id: string): Promise<void>;
    /** Deleted and inserted again, or replaced whole; without a stamp unless the program copies it. */
    replace(id: string, content: string): Promise<void>;
  };
}

/** One store with nothing in it, and hands on both sides of it. */
export interface NodeStoreHarness {
  readonly store: NodeStore;
  readonly app: NodeStoreApplication;
  /** Another store object over the same nodes, as another process would open it; closed by `close`. */
  reopen?(): Promise<NodeStore>;
  close(): Promise<void>;
}

/** What the contract needs to know of the store under test. */
export interface NodeStoreContractOptions {
  /** Elements of the float32 vectors; 16 unless told. A multiple of 8. */
  readonly dimension?: number;
  /** Holds bit vectors too; true unless told. */
  readonly bits?: boolean;
  /** Gives vectors back byte for byte; true unless told: else equal within 1e-6. */
  readonly byteExact?: boolean;
  /** Nodes of the largest case; 1,200 unless told. */
  readonly manyNodes?: number;
}

export const oldInfo = stamp('model: one', 1, 'aaaaaaaa11');
export const newInfo = stamp('model-two', 3, 'bbbbbbbb22');
export const bitInfo = stamp('bit-model', 1, 'cccccccc33');

export function stamp(modelId: string, version: number, checksum: string): EmbeddingInfo {
  return { embeddingModelId: modelId, embeddingVersion: version, embeddingChecksum: checksum };
}

/** The harness with what every case does: a store's fixture. */
export class Fixture {
  readonly store: NodeStore;
  readonly app: NodeStoreApplication;
  readonly harness: NodeStoreHarness;
  readonly options: Required<NodeStoreContractOptions>;

  constructor(harness: NodeStoreHarness, options: NodeStoreContractOptions) {
    this.harness = harness;
    this.store = harness.store;
    this.app = harness.app;
    this.options = {
      dimension: 16,
      bits: true,
      byteExact: true,
      manyNodes: 1200,
      ...options,
    };
  }

  /** A vector of unit length that differs by seed. */
  vector(seed: number): Float32Array {
    const vector = Float32Array.from({ length: this.options.dimension }, (_, index) =>
      Math.sin(seed * 12.9898 + index * 78.233),
    );
    const norm = Math.hypot(...vector);
    return vector.map((element) => element / norm);
  }

  /** `n000`, `n001` …, all of the old model. */
  nodes(count: number, info: EmbeddingInfo | undefined = oldInfo): ContractNode[] {
    return Array.from({ length: count }, (_, index) => ({
      id: `n${String(index).padStart(3, '0')}`,
      content: `content ${index}`,
      vector: this.vector(index),
      ...info,
    }));
  }

  async read(id: string): Promise<StoredNode> {
    const [node] = await this.store.read([id]);
    assert.ok(node, `node ${id} is not there`);
    return node;
  }

  /** Embeds nodes with the new model, as a worker does. */
  async migrate(ids: readonly string[]): Promise<void> {
    const nodes = await this.store.read(ids);
    const outcomes = await this.store.write(
      nodes.map(({ id, fence, contentHash }, index) => ({
        nodeId: id,
        fence,
        set: { ...newInfo, vector: this.vector(1000 + index), embeddedHash: contentHash },
      })),
    );
    for (const outcome of outcomes) assert.equal(outcome, 'written');
  }

  /** All pages. Fails where a page is longer than its limit, or the pages do not end. */
  async scan(
    options: Omit<Parameters<NodeStore['scan']>[0], 'limit' | 'after'> = {},
    limit = 7,
    betweenPages?: (page: readonly NodeHead[]) => Promise<void>,
  ): Promise<NodeHead[]> {
    const heads: NodeHead[] = [];
    let after: string | undefined;
    for (let pages = 0; pages < 10_000; pages++) {
      const page = await this.store.scan({ ...options, limit, ...(after === undefined ? {} : { after }) });
      assert.ok(page.items.length <= limit, `a page of ${page.items.length} for a limit of ${limit}`);
      heads.push(...page.items);
      await betweenPages?.(page.items);
      if (page.next === undefined) return heads;
      after = page.next;
    }
    return assert.fail('the pages of a scan do not end');
  }

  assertVector(actual: Vector | undefined, expected: Vector): void {
    assert.ok(actual, 'the vector is not there');
    assert.equal(actual instanceof Uint8Array, expected instanceof Uint8Array, 'the vector changed its type');
    if (this.options.byteExact) {
      assert.deepEqual([...vectorBytes(actual)], [...vectorBytes(expected)]);
      return;
    }
    assert.equal(actual.length, expected.length);
    for (const [index, element] of actual.entries())
      assert.ok(Math.abs(element - expected[index]!) <= 1e-6, `element ${index}`);
  }
}

/** Ids in an order that does not depend on the store's. */
export function idsOf(nodes: readonly { readonly id: string }[]): string[] {
  return nodes.map(({ id }) => id).sort();
}

/** Fails on a duplicate, or where the ids are not exactly these. */
export function assertIds(nodes: readonly { readonly id: string }[], expected: readonly string[]): void {
  assert.deepEqual(idsOf(nodes), [...expected].sort());
}

/** Vector, stamp and hashes, without the fence. */
export function withoutFence(node: StoredNode): Omit<StoredNode, 'fence'> {
  const { fence: _, ...rest } = node;
  return rest;
}
