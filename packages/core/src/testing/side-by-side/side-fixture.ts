import assert from 'node:assert/strict';
import { EmbeddingModelSpec } from '../../model/model-spec.ts';
import type {
  Crossing,
  NodeHead,
  NodeStore,
  ReconciledPage,
  SideBySide,
  SideNotes,
  SidePlan,
  StoredNode,
  WriteOutcome,
} from '../../ports/node-store.ts';
import type { ContractNode, NodeStoreApplication } from '../node-store/fixture.ts';

/** One store with nothing in it, an application that uses it by its name, and writers that hold on to a side. */
export interface SideHarness {
  readonly store: NodeStore;
  readonly app: NodeStoreApplication;
  /** Writers that had resolved the name before readers moved, or that write to one side alone. */
  writerOn(side: 'old' | 'new', sides: SideBySide): NodeStoreApplication | Promise<NodeStoreApplication>;
  /** Another store object over the same nodes. */
  reopen?(): Promise<NodeStore>;
  close(): Promise<void>;
}

/** What the contract needs to know of the store under test. */
export interface SideContractOptions {
  /** Of the vectors of the old model, 16 unless told; those of the new one have `newDimension`, 24 unless told. */
  readonly dimension?: number;
  readonly newDimension?: number;
  /** Both sides hold nodes of their own (a second collection), not the same ones; true unless told. */
  readonly isApart?: boolean;
  /** Which strategy is tested; `shadow` unless told. */
  readonly strategy?: SidePlan['strategy'];
}

/** The harness with what every case does. */
export class SideFixture {
  readonly harness: SideHarness;
  readonly store: NodeStore;
  readonly app: NodeStoreApplication;
  readonly options: Required<SideContractOptions>;
  readonly old: EmbeddingModelSpec;
  readonly target: EmbeddingModelSpec;
  readonly plan: SidePlan;

  constructor(harness: SideHarness, options: SideContractOptions) {
    this.harness = harness;
    this.store = harness.store;
    this.app = harness.app;
    this.options = { dimension: 16, newDimension: 24, isApart: true, strategy: 'shadow', ...options };
    const { dimension, newDimension } = this.options;
    this.old = new EmbeddingModelSpec({
      modelId: 'model-one',
      version: 1,
      checksum: 'aaaaaaaa11',
      dimension,
    });
    this.target = new EmbeddingModelSpec({
      modelId: 'model-two',
      version: 3,
      checksum: 'bbbbbbbb22',
      dimension: newDimension,
    });
    this.plan = this.planOf('plan-1');
  }

  planOf(planId: string): SidePlan {
    const { strategy } = this.options;
    return { planId, strategy, sourceSpec: this.old, targetSpec: this.target };
  }

  async sides(
    plan: SidePlan = this.plan,
    store: NodeStore = this.store,
    notes?: SideNotes,
  ): Promise<SideBySide> {
    const { sideBySide } = store;
    assert.ok(sideBySide, 'the store has no sideBySide');
    return sideBySide.call(store, plan, notes);
  }

  async prepared(): Promise<SideBySide> {
    const sides = await this.sides();
    await sides.prepare();
    return sides;
  }

  vector(seed: number, spec: EmbeddingModelSpec): Float32Array {
    const vector = Float32Array.from({ length: spec.dimension }, (_, index) =>
      Math.sin(seed * 12.9898 + index * 78.233),
    );
    const norm = Math.hypot(...vector);
    return vector.map((element) => element / norm);
  }

  node(id: string, content = `content of ${id}`): ContractNode {
    return { id, content, vector: this.vector(id.length, this.old), ...this.old.info };
  }

  nodes(count: number): ContractNode[] {
    return Array.from({ length: count }, (_, index) => this.node(`n${String(index).padStart(3, '0')}`));
  }

  /** All pages of a pass. Fails where they do not end or a node is met twice. */
  async pass(crossing: Crossing, limit = 3): Promise<Omit<ReconciledPage, 'next'>> {
    const all = {
      items: [] as ReconciledPage['items'][number][],
      gone: [] as string[],
      onlyOld: [] as NodeHead[],
      mended: 0,
    };
    let after: string | undefined;
    for (let pages = 0; pages < 1000; pages++) {
      const page = await crossing.reconcile({ limit, ...(after !== undefined && { after }) });
      all.items.push(...page.items);
      all.gone.push(...page.gone);
      all.onlyOld.push(...page.onlyOld);
      all.mended += page.mended;
      after = page.next;
      if (after === undefined) break;
    }
    assert.equal(after, undefined, 'the pages of a pass do not end');
    const ids = [...all.items.map(({ id }) => id), ...all.gone, ...all.onlyOld.map(({ id }) => id)];
    assert.equal(new Set(ids).size, ids.length, 'a node was met twice');
    return all;
  }

  /** Embeds nodes as a worker would, with the model of the direction. */
  async bring(
    crossing: Crossing,
    ids: readonly string[],
    spec = this.target,
  ): Promise<readonly WriteOutcome[]> {
    const nodes = await crossing.read(ids);
    return crossing.write(
      nodes.map(({ id, fence, contentHash, content = '' }) => ({
        nodeId: id,
        fence,
        set: { ...spec.info, vector: this.vector(content.length, spec), embeddedHash: contentHash },
      })),
    );
  }

  /** Passes until one finds nothing; what is gone goes. */
  async bringAll(crossing: Crossing, spec = this.target): Promise<void> {
    for (let pass = 0; pass < 5; pass++) {
      const { items, gone } = await this.pass(crossing);
      if (gone.length > 0) await crossing.remove(gone);
      if (items.length === 0) return;
      for (const outcome of await this.bring(
        crossing,
        items.map(({ id }) => id),
        spec,
      ))
        assert.equal(outcome, 'written');
    }
    assert.fail('five passes did not bring the sides together');
  }

  /** Everything brought over, and readers moved. */
  async cutOver(): Promise<SideBySide> {
    const sides = await this.prepared();
    await this.bringAll(sides.forward);
    await sides.cutover();
    return sides;
  }

  async read(from: Pick<NodeStore, 'read'>, id: string): Promise<StoredNode> {
    const [node] = await from.read([id]);
    assert.ok(node, `node ${id} is not there`);
    return node;
  }

  assertVector(actual: StoredNode['vector'], expected: Float32Array): void {
    assert.ok(actual instanceof Float32Array, 'there is no float32 vector');
    assert.equal(actual.length, expected.length);
    for (const [index, element] of actual.entries())
      assert.ok(Math.abs(element - expected[index]!) <= 1e-6, `element ${index}`);
  }

  async assertFine(crossing: Crossing): Promise<void> {
    const { behind, extra, findings } = await crossing.compare();
    assert.deepEqual({ behind, extra, findings: [...findings] }, { behind: 0, extra: 0, findings: [] });
    const { items, gone, mended } = await this.pass(crossing);
    assert.deepEqual({ items: [...items], gone: [...gone], mended }, { items: [], gone: [], mended: 0 });
  }
}

/** Ids in an order that does not depend on the store's. */
export function idsOf(heads: readonly { readonly id: string }[]): string[] {
  return heads.map(({ id }) => id).sort();
}
