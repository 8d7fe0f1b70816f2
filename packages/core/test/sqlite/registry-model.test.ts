import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { isRegistryError, type RegistryErrorCode } from '../../src/errors.ts';
import type {
  Claim,
  Lease,
  PlanDraft,
  RollbackOutcome,
  TaskOutcome,
} from '../../src/ports/registry-store.ts';
import { allPlans, allTasks, type KnownLease, LEASE_MS } from '../../src/testing/registry-store/audit.ts';
import { nodeIds, nodesOf, Scene } from '../../src/testing/registry-store/scene.ts';
import { makeRegistryFile } from './registry-files.ts';

const RUNS = 40;
const TIME_LIMIT_MS = 5_000;
const nodes = nodeIds(8);
const error = { code: 'EMBEDDER_FAILED', message: 'm' } as const;

/** Refusals that any step may meet; whatever else is thrown is a failure. */
const refusals: readonly RegistryErrorCode[] = [
  'PLAN_STATE',
  'PLAN_OVERLAP',
  'PLAN_FINALIZED',
  'BACKUP_MISSING',
  'NODE_UNKNOWN',
];

interface Step {
  readonly kind: keyof typeof steps;
  readonly a: number;
  readonly b: number;
}

/** A registry under random calls. The scene audits counters, leases, statuses and lists after every one. */
class Play {
  readonly scene: Scene;

  constructor(scene: Scene) {
    this.scene = scene;
  }

  /** One of the two workers, each on a connection of its own. */
  worker(n: number) {
    return n % 2 === 0
      ? { workerId: 'a', store: this.scene.store }
      : { workerId: 'b', store: this.scene.second };
  }

  async planId(n: number): Promise<string> {
    const plans = await allPlans(this.scene.store);
    return plans[n % plans.length]?.planId ?? 'none';
  }

  /** Claims of a plan that is to run, now and then of any. */
  async claim(a: number, b: number): Promise<Claim> {
    const { workerId, store } = this.worker(a);
    const runnable = await store.runnable();
    const planId = a % 7 === 0 ? undefined : runnable[b % Math.max(1, runnable.length)]?.planId;
    const deadWorkers = b % 11 === 0 ? ['a', 'b'].filter((other) => other !== workerId) : [];
    const own = this.scene.book.leases.filter((known) => known.workerId === workerId);
    const embedded = a % 5 === 0 ? own.map(({ lease }) => lease.leaseId) : [];
    return store.claim({
      planId: planId ?? (await this.planId(b)),
      workerId,
      leaseMs: LEASE_MS,
      deadWorkers,
      embedded,
    });
  }

  lease(n: number, kind: KnownLease['lease']['kind']) {
    const held = this.scene.book.leases.filter(({ lease }) => lease.kind === kind);
    return held[n % held.length]?.lease;
  }
}

/** Bits of a number as choices, so that a step shrinks with its two numbers. */
const pick = (n: number, choices: number, at: number) => Math.floor(n / choices ** at) % choices;
const some = (ids: readonly string[], n: number) => ids.filter((_, index) => (n >> index) & 1);

function outcomeOf(nodeId: string, choice: number, now: number): TaskOutcome | undefined {
  const outcomes: readonly (TaskOutcome | undefined)[] = [
    undefined,
    undefined,
    { nodeId, status: 'completed' },
    { nodeId, status: 'skipped' },
    { nodeId, status: 'failed', error },
    { nodeId, status: 'pending', charge: 'retry', error, notBefore: now + 1500.5 },
    { nodeId, status: 'pending', charge: 'conflict' },
  ];
  return outcomes[choice % outcomes.length];
}

async function settle({ scene }: Play, lease: Lease | undefined, b: number): Promise<void> {
  if (lease === undefined) return;
  const outcomes = nodesOf(lease).flatMap(
    (nodeId, index) => outcomeOf(nodeId, pick(b, 7, index), scene.clock.now()) ?? [],
  );
  await scene.work(lease, outcomes);
}

async function sweep({ scene }: Play, lease: Lease | undefined, b: number): Promise<void> {
  if (lease === undefined) return;
  const found = b % 3 === 0 ? [] : some([...nodes, 'new-1', 'new-2'], b);
  const result = await scene.store.sweep(
    lease,
    found.map((nodeId) => ({ nodeId })),
  );
  const changed = result !== undefined && result.added + result.requeued + result.failed > 0;
  await scene.store.endSweep(lease, changed);
}

async function rollBack({ scene }: Play, lease: Lease | undefined, b: number): Promise<void> {
  if (lease === undefined) return;
  const { store } = scene;
  const { planId } = lease.plan;
  const page = await store.backups(planId, { after: await store.rollbackCursor(planId), limit: 3 });
  const outcomes: RollbackOutcome[] = ['restored', 'restored', 'skipped', 'conflict', 'failed'];
  const results = page.map(({ nodeId }, index) => ({ nodeId, outcome: outcomes[pick(b, 5, index)]! }));
  const last = page.at(-1);
  if (last) await store.settleRollback(lease, last.seq, results);
  else await store.endRollback(lease, { count: 0, sample: [] });
}

const steps = {
  async create({ scene }: Play, a: number, b: number) {
    const shapes: Partial<PlanDraft>[] = [
      {},
      { wholeStore: true },
      { wholeStore: true, where: { kind: 'a' } },
    ];
    const changes = {
      ...shapes[a % shapes.length],
      activate: b % 3 === 0,
      backupOldVectors: b % 5 !== 0,
      target: b % 2 === 0 ? scene.target : scene.other,
      batchSize: 1 + (b % 4),
      maxParallelWorkers: 1 + (a % 3),
    };
    const creation = await scene.store.createPlan(scene.draft(changes));
    try {
      await scene.addNodes(creation, some(nodes, a >> 2));
      await scene.store.sealPlan(creation);
    } catch (thrown) {
      await scene.store.discardPlan(creation);
      throw thrown;
    }
  },
  async claim(play: Play, a: number, b: number) {
    await play.claim(a, b);
  },
  /** What a worker does that is not interrupted: claims, and does what it was given. */
  async work(play: Play, a: number, b: number) {
    const claim = await play.claim(a, b);
    if (claim.kind !== 'lease') return;
    if (claim.lease.kind === 'batch') await settle(play, claim.lease, b);
    else if (claim.lease.kind === 'sweep') await sweep(play, claim.lease, b);
    else await rollBack(play, claim.lease, b);
  },
  async settle(play: Play, a: number, b: number) {
    await settle(play, play.lease(a, 'batch'), b);
  },
  async hold(play: Play, a: number, b: number) {
    const { scene } = play;
    const lease = play.lease(a, 'batch');
    if (lease === undefined) return;
    const outcomes = nodesOf(lease).map((nodeId) => ({ nodeId, status: 'pending' }) as const);
    const hold = { ...error, until: scene.clock.now() + (b % 5000) };
    await scene.store.settle(lease, { outcomes, embedderAnswered: false, hold });
  },
  async giveBack(play: Play, a: number, b: number) {
    const known = play.scene.book.leases[a % Math.max(1, play.scene.book.leases.length)];
    if (known === undefined) return;
    if (b % 2 === 0) await play.scene.store.endLease(known.lease);
    else if (known.lease.kind === 'batch') await play.scene.store.release(known.lease, some(nodes, b >> 1));
  },
  async lose({ scene }: Play, a: number) {
    await scene.clock.advance(LEASE_MS);
    if (a % 3 === 0) await scene.store.renew({ workerId: 'a', leaseMs: LEASE_MS });
    if (a % 4 === 0) await scene.store.beat({ workerId: 'b', host: 'h', pid: 1 });
  },
  async pass({ scene }: Play, a: number) {
    await scene.clock.advance(a % 3000);
  },
  async setClock({ scene }: Play, a: number) {
    scene.clock.set(scene.clock.now() + (a % 2 === 0 ? 3_600_000 : -3_600_000));
  },
  async move(play: Play, a: number, b: number) {
    const to = (['paused', 'in_progress', 'in_progress', 'cancelled'] as const)[b % 4] ?? 'paused';
    await play.worker(a).store.movePlan(await play.planId(a), to);
  },
  async tune(play: Play, a: number, b: number) {
    const tuning = { batchSize: 1 + (b % 5), maxParallelWorkers: 1 + (a % 4) };
    await play.scene.store.tune(await play.planId(a), tuning);
  },
  async retry(play: Play, a: number, b: number) {
    await play.scene.store.retryFailed(await play.planId(a), ...(b % 2 === 0 ? [] : [some(nodes, b >> 1)]));
  },
  async sweep(play: Play, a: number, b: number) {
    await sweep(play, play.lease(a, 'sweep'), b);
  },
  async beginRollback(play: Play, a: number) {
    const { scene } = play;
    const planId = await play.planId(a);
    const plan = await scene.store.plan(planId);
    const before = await scene.activeModel();
    const { status } = await scene.store.beginRollback(planId);
    const begins = plan?.status !== 'rolling_back' && plan?.status !== 'rolled_back';
    const wasActive =
      before?.modelId === plan?.targetSpec.modelId && before?.version === plan?.targetSpec.version;
    const expected = begins && wasActive ? (plan?.previousActive ?? before) : before;
    const { modelId, version } = (await scene.activeModel()) ?? {};
    assert.deepEqual([modelId, version], [expected?.modelId, expected?.version], status);
  },
  async rollBack(play: Play, a: number, b: number) {
    await rollBack(play, play.lease(a, 'rollback'), b);
  },
  async takeNode(play: Play, a: number, b: number) {
    await play.scene.takeNode(await play.planId(a), nodes[b % nodes.length] ?? '', b % 3 === 0);
  },
  async settleNode(play: Play, a: number, b: number) {
    const lease = play.lease(a, 'node');
    const [nodeId] = lease === undefined ? [] : nodesOf(lease);
    if (lease === undefined || nodeId === undefined) return;
    const outcome = (['restored', 'skipped', 'conflict', 'failed'] as const)[b % 4]!;
    await play.scene.store.settleNode(lease, { nodeId, outcome });
  },
  async cutOver(play: Play, a: number, b: number) {
    await play.scene.store.cutOver(await play.planId(a), b % 2 === 0);
  },
  async finalize(play: Play, a: number) {
    const planId = await play.planId(a);
    await play.scene.store.markFinalized(planId);
    await play.scene.store.dropBackups(planId, 3);
  },
};

async function take(play: Play, { kind, a, b }: Step): Promise<void> {
  try {
    await steps[kind](play, a, b);
  } catch (thrown) {
    if (!isRegistryError(thrown) || !refusals.includes(thrown.code)) throw thrown;
  }
}

/** Faults stop: every plan comes to rest in a bounded number of claims, and leaves nothing undone. */
async function comeToRest({ scene }: Play): Promise<void> {
  for (const { planId, status } of await allPlans(scene.store))
    if (status === 'paused') await scene.store.movePlan(planId, 'in_progress');
  for (const { planId } of await scene.store.runnable()) {
    const plan = await scene.finish(planId);
    assert.ok(['completed', 'failed', 'rolled_back'].includes(plan.status), plan.status);
    const open = (await allTasks(scene.store, { planId })).filter(
      ({ status }) => status === 'pending' || status === 'in_progress',
    );
    assert.deepEqual(open, []);
  }
}

const weights: Readonly<Partial<Record<Step['kind'], number>>> = {
  work: 12,
  claim: 5,
  settle: 4,
  create: 3,
};
const number = fc.integer({ min: 0, max: 2 ** 24 });
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    ...(Object.keys(steps) as Step['kind'][]).map((kind) => ({
      weight: weights[kind] ?? 1,
      arbitrary: fc.constant(kind),
    })),
  ),
  a: number,
  b: number,
});

describe('a registry under any sequence of calls by two workers', () => {
  it('keeps its invariants, and comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (sequence) =>
        Scene.play(makeRegistryFile, async (scene) => {
          const play = new Play(scene);
          await take(play, { kind: 'create', a: 2 ** 12 - 3, b: 1 });
          for (const each of sequence) await take(play, each);
          await comeToRest(play);
        }),
      ),
      { numRuns: RUNS, interruptAfterTimeLimit: TIME_LIMIT_MS },
    );
  });
});
