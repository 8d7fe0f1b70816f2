import assert from 'node:assert/strict';
import { isRegistryError, type RegistryError, type RegistryErrorCode } from '../../errors.ts';
import { EmbeddingModelSpec } from '../../model/model-spec.ts';
import type { MigrationPlan } from '../../model/plan.ts';
import type { TaskStatus } from '../../model/status.ts';
import type {
  BackedUpNode,
  BatchResult,
  Claim,
  Lease,
  PlanCreation,
  PlanDraft,
  RegistryStore,
  RollbackOutcome,
  TaskOutcome,
} from '../../ports/registry-store.ts';
import { ManualClock } from '../manual-clock.ts';
import { allTasks, LEASE_MS, LeaseBook } from './audit.ts';

/** A fresh registry for one case of the contract. */
export interface RegistryStoreUnderTest {
  readonly store: RegistryStore;
  /** Another connection to the same registry, where there can be one. */
  readonly second?: RegistryStore;
  close(): Promise<void>;
}

/** Makes a fresh registry that lives by this clock. */
export type MakeRegistryStore = (options: {
  clock: ManualClock;
}) => RegistryStoreUnderTest | Promise<RegistryStoreUnderTest>;

/** A case of the contract, on a registry of its own. */
export type SceneCase = (scene: Scene) => Promise<void>;

const spec = (modelId: string, version: number) =>
  new EmbeddingModelSpec({ modelId, version, dimension: 4, checksum: `sum-${modelId}-${version}` });

/** `node-001`, `node-002`, …: as many as told. */
export function nodeIds(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `node-${String(from + index).padStart(3, '0')}`);
}

export const nodesOf = (lease: Lease): string[] => lease.tasks.map((task) => task.nodeId);

/** What a batch answers where nothing but `outcomes` is worth telling. */
export const batchResult = (outcomes: readonly TaskOutcome[] = []): BatchResult => ({
  outcomes,
  embedderAnswered: true,
});

/** Awaits the refusal with this code. */
export async function refused(call: Promise<unknown>, code: RegistryErrorCode): Promise<RegistryError> {
  const error = await call.then(
    (value) => assert.fail(`was not refused with ${code} but answered ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!isRegistryError(error, code)) throw error;
  return error;
}

/** A registry with two models of one id, the first one active, whose every change is audited. */
export class Scene {
  readonly clock: ManualClock;
  readonly store: RegistryStore;
  /** Another connection where there is one, else the same. */
  readonly second: RegistryStore;
  readonly book: LeaseBook;
  readonly old = spec('model', 1);
  readonly target = spec('model', 2);
  readonly other = spec('other', 1);

  private constructor(clock: ManualClock, made: RegistryStoreUnderTest) {
    this.clock = clock;
    this.book = new LeaseBook(() => clock.now());
    this.store = this.book.watch(made.store);
    this.second = made.second === undefined ? this.store : this.book.watch(made.second);
  }

  /** Runs one case on a registry made for it. */
  static async play(makeStore: MakeRegistryStore, act: SceneCase): Promise<void> {
    const clock = new ManualClock();
    const made = await makeStore({ clock });
    try {
      const scene = new Scene(clock, made);
      for (const model of [scene.old, scene.target, scene.other])
        await made.store.putModel({
          spec: model,
          notes: {},
          activate: model === scene.old,
          allowLowerVersion: false,
        });
      await act(scene);
    } finally {
      await made.close();
    }
  }

  draft(changes: Partial<PlanDraft> = {}): PlanDraft {
    return {
      source: this.old,
      target: this.target,
      strategy: 'inPlace',
      priority: 2,
      wholeStore: false,
      backupOldVectors: true,
      activate: false,
      batchSize: 4,
      throttleMs: 0,
      maxParallelWorkers: 2,
      maxRetries: 3,
      dutyCycle: 1,
      ...changes,
    };
  }

  async addNodes(creation: PlanCreation, ids: readonly string[], cursor?: string): Promise<number> {
    return this.store.addTasks(
      creation,
      ids.map((nodeId) => ({ nodeId, source: this.old.info })),
      cursor,
    );
  }

  /** A sealed plan over these nodes. */
  async plan(ids: readonly string[], changes: Partial<PlanDraft> = {}): Promise<MigrationPlan> {
    const creation = await this.store.createPlan(this.draft(changes));
    if (ids.length > 0) await this.addNodes(creation, ids);
    return this.store.sealPlan(creation);
  }

  claim(planId: string, workerId = 'worker-1', deadWorkers: readonly string[] = []): Promise<Claim> {
    return this.store.claim({ planId, workerId, leaseMs: LEASE_MS, deadWorkers });
  }

  /** Claims and expects a lease of this kind. */
  async lease(planId: string, kind: Lease['kind'] = 'batch', workerId = 'worker-1'): Promise<Lease> {
    const claim = await this.claim(planId, workerId);
    assert.equal(claim.kind, 'lease', `no lease: ${JSON.stringify(claim)}`);
    const { lease } = claim as Extract<Claim, { kind: 'lease' }>;
    assert.equal(lease.kind, kind);
    return lease;
  }

  takeNode(planId: string, nodeId: string, force = false, workerId = 'rescuer'): Promise<Claim> {
    return this.store.takeNode({ planId, nodeId, workerId, leaseMs: LEASE_MS, force });
  }

  async nodeLease(planId: string, nodeId: string, force = false): Promise<Lease> {
    const claim = await this.takeNode(planId, nodeId, force);
    assert.equal(claim.kind, 'lease', `no lease: ${JSON.stringify(claim)}`);
    return (claim as Extract<Claim, { kind: 'lease' }>).lease;
  }

  backupOf(nodeId: string): BackedUpNode {
    const text = `hash of ${nodeId}`;
    const vector = Float32Array.of(nodeId.length, 0.1, -0, 1e-40);
    return { nodeId, ...this.old.info, vector, contentHash: text, embeddedHash: text };
  }

  /** Does the batch as a worker does: what `outcomes` does not name is backed up and written. */
  async work(lease: Lease, outcomes: readonly TaskOutcome[] = []): Promise<void> {
    const named = new Set(outcomes.map((outcome) => outcome.nodeId));
    const known = this.book.leases.find((each) => each.lease.leaseId === lease.leaseId);
    const written = [...(known?.nodes ?? [])].filter((nodeId) => !named.has(nodeId));
    const backups = written.map((nodeId) => this.backupOf(nodeId));
    if (lease.plan.backupOldVectors) assert.equal(await this.store.backUp(lease, backups), true);
    assert.equal(await this.store.settle(lease, batchResult(outcomes)), true);
  }

  /** Does the batch, but these nodes become dead letters. */
  async workExcept(lease: Lease, failing: readonly string[]): Promise<void> {
    const error = { code: 'EMBEDDER_FAILED', message: 'refused' } as const;
    await this.work(
      lease,
      failing.map((nodeId) => ({ nodeId, status: 'failed', error })),
    );
  }

  /** Works on the plan until it rests; `seen` collects the order in which its nodes came. */
  async finish(planId: string, seen: string[] = []): Promise<MigrationPlan> {
    for (let step = 0; step < 1000; step++) {
      const claim = await this.claim(planId);
      if (claim.kind === 'rest') return this.read(planId);
      if (claim.kind === 'wait') {
        assert.ok(
          claim.until !== undefined && claim.until > this.clock.now(),
          'waits for a time that is past',
        );
        await this.clock.advance(claim.until - this.clock.now());
      } else if (claim.lease.kind === 'batch') {
        seen.push(...nodesOf(claim.lease));
        await this.work(claim.lease);
      } else if (claim.lease.kind === 'sweep') await this.store.endSweep(claim.lease, false);
      else await this.rollBackRest(claim.lease);
    }
    return assert.fail(`plan ${planId} does not come to rest`);
  }

  /** Walks the backups in pages of two, answering `outcome` for each, and ends the rollback. */
  async rollBackRest(lease: Lease, outcome: RollbackOutcome = 'restored'): Promise<void> {
    const { planId } = lease.plan;
    for (;;) {
      const after = await this.store.rollbackCursor(planId);
      const page = await this.store.backups(planId, { after, limit: 2 });
      const last = page.at(-1);
      if (last === undefined) break;
      const results = page.map(({ nodeId }) => ({ nodeId, outcome }));
      assert.equal(await this.store.settleRollback(lease, last.seq, results), true);
    }
    assert.equal(await this.store.endRollback(lease, { count: 0, sample: [] }), true);
  }

  async rollBack(planId: string): Promise<MigrationPlan> {
    await this.store.beginRollback(planId);
    await this.rollBackRest(await this.lease(planId, 'rollback'));
    return this.read(planId);
  }

  async read(planId: string): Promise<MigrationPlan> {
    const plan = await this.store.plan(planId);
    assert.ok(plan !== undefined, `plan ${planId} is gone`);
    return plan;
  }

  async statuses(planId: string): Promise<Record<string, TaskStatus>> {
    const tasks = await allTasks(this.store, { planId });
    return Object.fromEntries(tasks.map((task) => [task.nodeId, task.status]));
  }

  async activeModel(): Promise<EmbeddingModelSpec | undefined> {
    return (await this.store.models()).find((model) => model.isActive);
  }

  async actions(planId?: string): Promise<string[]> {
    const { items } = await this.store.journal({ limit: 500, ...(planId !== undefined && { planId }) });
    return items.map((entry) => entry.action).reverse();
  }
}
