import assert from 'node:assert/strict';
import type { MigrationPlan } from '../../model/plan.ts';
import { TaskStatus, unfinishedStatuses } from '../../model/status.ts';
import type { MigrationTask } from '../../model/task.ts';
import type { Page } from '../../ports/node-store.ts';
import type { Claim, Lease, PlanCreation, RegistryStore } from '../../ports/registry-store.ts';

/** How long a lease of the contract lasts. */
export const LEASE_MS = 30_000;

/** A lease as the contract knows it: which nodes it holds, until when. */
export interface KnownLease {
  readonly lease: Lease;
  readonly workerId: string;
  readonly nodes: Set<string>;
  deadline: number;
  /** Its texts are embedded, as its worker said at a claim. */
  isEmbedded: boolean;
}

/** Every item of a list that comes in pages. */
export async function everyItem<T>(page: (after?: string) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const { items: more, next } = await page(after);
    items.push(...more);
    after = next;
  } while (after !== undefined);
  return items;
}

export function allPlans(store: RegistryStore): Promise<MigrationPlan[]> {
  return everyItem((after) => store.plans({ limit: 50, ...(after !== undefined && { after }) }));
}

export function allTasks(
  store: RegistryStore,
  o: { planId: string; status?: TaskStatus; limit?: number },
): Promise<MigrationTask[]> {
  return everyItem((after) => store.tasks({ limit: 1000, ...o, ...(after !== undefined && { after }) }));
}

/**
 * What must hold at every commit, asked through the port alone: counters equal the tasks they count; a task
 * is in progress exactly while a lease holds it; no node is in two leases or in two unfinished plans; no
 * lease belongs to an ended plan; one model is active; each list by status is the part of the whole list,
 * which is asked again where the plan or its tasks are not as they were `seen` before.
 */
async function audit(
  store: RegistryStore,
  leases: Iterable<KnownLease>,
  seen: Map<string, string> = new Map(),
): Promise<void> {
  const held = [...leases];
  const owners = new Map<string, string>();
  for (const plan of await allPlans(store)) {
    const tasks = await allTasks(store, { planId: plan.planId });
    assertCounters(plan, tasks);
    const state = JSON.stringify([plan, tasks]);
    if (seen.get(plan.planId) !== state) await assertLists(store, plan, tasks);
    seen.set(plan.planId, state);
    assertHeld(
      plan,
      tasks,
      held.filter(({ lease }) => lease.plan.planId === plan.planId),
    );
    if (!(unfinishedStatuses as readonly string[]).includes(plan.status)) continue;
    for (const { nodeId } of tasks) {
      const owner = owners.get(nodeId);
      assert.equal(owner, undefined, `node ${nodeId} is in plans ${owner} and ${plan.planId}`);
      owners.set(nodeId, plan.planId);
    }
  }
  const active = (await store.models()).filter((model) => model.isActive);
  assert.equal(active.length, 1, `${active.length} models are active`);
}

function assertCounters(plan: MigrationPlan, tasks: readonly MigrationTask[]): void {
  const count = (status: TaskStatus) => tasks.filter((task) => task.status === status).length;
  const counted = {
    total: tasks.length,
    completed: count('completed'),
    failed: count('failed'),
    skipped: count('skipped'),
    rolledBack: count('rolled_back'),
  };
  const counters = {
    total: plan.totalNodes,
    completed: plan.completedNodes,
    failed: plan.failedNodes,
    skipped: plan.skippedNodes,
    rolledBack: plan.rolledBackNodes,
  };
  assert.deepEqual(counters, counted, `counters of plan ${plan.planId} (${plan.status})`);
  const isOpen = tasks.some(({ status }) => status === 'pending' || status === 'in_progress');
  const isOver = plan.status === 'cancelled' || plan.status === 'rolled_back';
  assert.equal(plan.isComplete, !isOpen || isOver);
  if (isOver) assert.equal(count('pending'), 0, `pending tasks in a plan that is ${plan.status}`);
  else assert.equal(count('cancelled'), 0, `cancelled tasks in a plan that is ${plan.status}`);
  if (!plan.backupOldVectors || plan.finalizedAt !== undefined) return;
  const adopted = tasks.filter((task) => task.status === 'completed' && !task.canRollback).length;
  assert.equal(plan.adoptedNodes, adopted, 'adopted nodes');
}

async function assertLists(store: RegistryStore, plan: MigrationPlan, tasks: readonly MigrationTask[]) {
  for (const status of Object.values(TaskStatus)) {
    const listed = await allTasks(store, { planId: plan.planId, status, limit: 100 });
    const expected = tasks.filter((task) => task.status === status);
    assert.deepEqual(listed, expected, `tasks listed as ${status} of a plan that is ${plan.status}`);
  }
}

function assertHeld(
  plan: MigrationPlan,
  tasks: readonly MigrationTask[],
  leases: readonly KnownLease[],
): void {
  const inHand = new Set<string>();
  const withNode = new Set<string>();
  for (const { lease, nodes } of leases)
    for (const nodeId of nodes) (lease.kind === 'node' ? withNode : inHand).add(nodeId);
  for (const { nodeId, status } of tasks) {
    if (withNode.has(nodeId)) continue;
    assert.equal(status === 'in_progress', inHand.has(nodeId), `task ${nodeId} is ${status}`);
  }
  if (['completed', 'failed', 'rolled_back'].includes(plan.status))
    assert.deepEqual(
      leases.filter(({ lease }) => lease.kind !== 'node'),
      [],
      `leases of a plan that is ${plan.status}`,
    );
}

type Call = { readonly name: string; readonly args: readonly unknown[]; readonly result: unknown };

const hasEnded = ({ status }: MigrationPlan) => !(unfinishedStatuses as readonly string[]).includes(status);

/** Where nodes may pass on to another plan, what is still in hand of ended plans is ended. */
function passesNodesOn({ name, args, result }: Call, ended: readonly string[]): boolean {
  if (name === 'retryFailed') return (result as number) > 0 && ended.includes(args[0] as string);
  if (name === 'cutOver') return (result as { followUp?: unknown }).followUp !== undefined;
  return name === 'sealPlan';
}

const readers = new Set<PropertyKey>(
  'models plan plans tasks failures backup journal runnable backups rollbackCursor rollbackReport mark workers creator close'.split(
    ' ',
  ),
);

/** Keeps the leases that were given out, and audits the registry after every call that may change it. */
export class LeaseBook {
  readonly #leases = new Map<string, KnownLease>();
  /** Leases of creations, which hold no task. */
  readonly #creations = new Set<string>();
  readonly #beats = new Map<string, number>();
  readonly #seen = new Map<string, string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get leases(): readonly KnownLease[] {
    return [...this.#leases.values()];
  }

  /** The store, each of whose calls is written into this book and followed by an audit. */
  watch(store: RegistryStore): RegistryStore {
    return new Proxy(store, {
      get: (target, name) => {
        const method = Reflect.get(target, name, target) as unknown;
        if (typeof method !== 'function') return method;
        const call = method.bind(target) as (...args: unknown[]) => Promise<unknown>;
        if (readers.has(name)) return call;
        return async (...args: unknown[]) => {
          try {
            const ended = (await allPlans(target)).filter(hasEnded).map((plan) => plan.planId);
            const result = await call(...args);
            this.#write({ name: String(name), args, result });
            if (passesNodesOn({ name: String(name), args, result }, ended))
              this.#endAll(({ lease }) => ended.includes(lease.plan.planId));
            return result;
          } finally {
            await audit(target, this.#leases.values(), this.#seen);
          }
        };
      },
    });
  }

  #write({ name, args, result }: Call): void {
    const first = args[0] as never;
    if (name === 'createPlan' || name === 'adoptCreation')
      this.#creations.add((result as PlanCreation | undefined)?.leaseId ?? '');
    if (name === 'claim' || name === 'takeNode') this.#grant(first, result as Claim);
    if (name === 'beat') this.#beats.set((first as { workerId: string }).workerId, this.#now());
    if (name === 'renew') this.#renew(first, result as readonly string[]);
    if (name === 'release') this.#release(first, args[1] as readonly string[], result as boolean);
    if (['settle', 'endLease', 'endRollback', 'settleNode'].includes(name))
      this.#end(first, result as boolean);
    if (name === 'endSweep') this.#leases.delete((first as Lease).leaseId);
    if (['backUp', 'settleRollback', 'sweep'].includes(name))
      assert.equal(this.#leases.has((first as Lease).leaseId), result !== false && result !== undefined);
    if (name === 'markFinalized') this.#endAll(({ lease }) => lease.plan.planId === first);
    if (name === 'beginRollback' && !(args[1] as { dryRun?: boolean } | undefined)?.dryRun)
      this.#endAll(({ lease }) => lease.plan.planId === first && lease.kind !== 'rollback');
  }

  #grant(
    o: {
      workerId: string;
      planId: string;
      nodeId?: string;
      force?: boolean;
      deadWorkers?: readonly string[];
      embedded?: readonly string[];
    },
    claim: Claim,
  ): void {
    const now = this.#now();
    for (const known of this.leases)
      if (known.workerId === o.workerId && o.embedded?.includes(known.lease.leaseId)) known.isEmbedded = true;
    this.#endAll(
      ({ deadline, workerId }) =>
        deadline <= now || deadline > now + 2 * LEASE_MS || o.deadWorkers?.includes(workerId) === true,
    );
    const { nodeId } = o;
    if (nodeId !== undefined && o.force)
      this.#endAll(
        ({ lease, nodes }) => lease.plan.planId === o.planId && (lease.kind === 'sweep' || nodes.has(nodeId)),
      );
    if (claim.kind !== 'lease') return;
    const { lease } = claim;
    const nodes = new Set(lease.tasks.map((task) => task.nodeId));
    for (const other of this.leases)
      for (const node of nodes)
        assert.ok(
          !other.nodes.has(node),
          `node ${node} is in leases ${other.lease.leaseId} and ${lease.leaseId}`,
        );
    assert.equal(lease.takenAt, now);
    this.#leases.set(lease.leaseId, {
      lease,
      nodes,
      workerId: o.workerId,
      deadline: now + LEASE_MS,
      isEmbedded: false,
    });
    const batches = this.leases.filter(
      (known) => known.lease.kind === 'batch' && known.lease.plan.planId === o.planId,
    );
    if (lease.kind !== 'batch') return;
    const { maxParallelWorkers } = lease.plan;
    const embedding = batches.filter((known) => !known.isEmbedded);
    assert.ok(embedding.length <= maxParallelWorkers, 'more batches being embedded than lanes');
    assert.ok(batches.length <= 2 * maxParallelWorkers, 'more batches than lanes are to be written');
  }

  #renew(o: { workerId: string }, held: readonly string[]): void {
    const own = this.leases.filter(({ workerId }) => workerId === o.workerId);
    // Who was not heard of for a lease has slept, and lets the others wake as well.
    if (this.#now() - (this.#beats.get(o.workerId) ?? this.#now()) > LEASE_MS)
      for (const known of this.leases) known.deadline = Math.max(known.deadline, this.#now() + LEASE_MS);
    assert.deepEqual([...held].sort(), own.map(({ lease }) => lease.leaseId).sort());
    for (const known of own) known.deadline = this.#now() + LEASE_MS;
  }

  #release({ leaseId }: Lease, nodeIds: readonly string[], isHeld: boolean): void {
    const known = this.#leases.get(leaseId);
    assert.equal(isHeld, known !== undefined);
    for (const nodeId of nodeIds) known?.nodes.delete(nodeId);
  }

  #end({ leaseId }: Pick<Lease, 'leaseId'>, wasHeld: boolean): void {
    if (this.#creations.has(leaseId)) return;
    assert.equal(this.#leases.delete(leaseId), wasHeld, 'says wrongly whether the lease was held');
  }

  #endAll(isOver: (known: KnownLease) => boolean): void {
    for (const known of this.leases) if (isOver(known)) this.#leases.delete(known.lease.leaseId);
  }
}
