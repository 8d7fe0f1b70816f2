import { stopwatch } from '../clock.ts';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { isRegistryError } from '../errors.ts';
import { evaluateMigration } from '../gate/evaluate-migration.ts';
import type { GateReport } from '../gate/report.ts';
import { activeModel } from '../lookups.ts';
import { isAtTarget } from '../model/compatibility.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { RollbackReport } from '../model/rollback-report.ts';
import { planMigration } from '../planner/plan-migration.ts';
import type { FailureGroup } from '../ports/registry-store.ts';
import { ReEmbeddingWorker } from '../worker/re-embedding-worker.ts';
import type { Workers } from './doomed-worker.ts';
import type { Phase } from './messages.ts';
import { statesOf } from './scratch.ts';
import { type Account, idleMs } from './thrifty-embedder.ts';
import { type WorkerProgram, workUntilKilled } from './worker-process.ts';

/** Batches that there have to be for so many workers to die in: each takes one on, and some are left. */
const BATCHES_BESIDES = 4;
const GATE_NODES_AT_LEAST = 10;
const QUERIES_OF = 100;

/** What of the options a play goes by. */
interface Wish {
  readonly kills: number;
  readonly rateLimits: number;
  readonly seed: number;
  readonly workerProgram?: WorkerProgram | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What was seen of a play. */
interface Told {
  readonly findings: readonly string[];
  readonly kills: readonly string[];
  readonly completed: number;
  readonly failures: readonly FailureGroup[];
  readonly workedSeconds: number;
  readonly gate: GateReport | undefined;
  readonly rollback: RollbackReport;
}

/** What a play is made with. */
interface Props {
  readonly workers: Workers;
  readonly wish: Wish;
  readonly ids: readonly string[];
  readonly folder: string;
  readonly account: Account;
}

/** Where a plan is played: its gate, its migration by workers that die, a cutover and a rollback. */
export class Stage {
  readonly #base: ManagerContext;
  readonly #workers: Workers;
  readonly #wish: Wish;
  readonly #ids: readonly string[];
  readonly #folder: string;
  readonly #account: Account;
  readonly #findings: string[] = [];
  readonly #kills: string[] = [];

  constructor(base: ManagerContext, { workers, wish, ids, folder, account }: Props) {
    this.#base = base;
    this.#workers = workers;
    this.#wish = wish;
    this.#ids = ids;
    this.#folder = folder;
    this.#account = account;
  }

  async play(original: MigrationPlan): Promise<Told> {
    const { registry } = this.#base;
    const before = await statesOf(this.#store, this.#ids);
    const activeBefore = await this.#active();
    const { planId } = await this.#plan(original);
    const elapsed = stopwatch();
    await this.#migrate(planId);
    const workedSeconds = Math.max(0.001, elapsed() - idleMs(this.#account) / 1_000);
    const done = (await registry.plan(planId))!;
    const failures = await registry.failures(planId);
    await this.#checkMigrated(done, failures);
    const gate = await this.#judge(done);
    const rollback = await this.#rollBack(planId);
    await this.#checkRestored(before, activeBefore, rollback);
    return {
      findings: this.#findings,
      kills: this.#kills,
      completed: done.completedNodes,
      failures,
      workedSeconds,
      gate,
      rollback,
    };
  }

  get #store() {
    return nodeStoreOf(this.#base, 'A rehearsal');
  }

  #plan({ targetSpec, batchSize, maxParallelWorkers, maxRetries }: MigrationPlan): Promise<MigrationPlan> {
    const batches = this.#wish.kills + this.#wish.rateLimits + BATCHES_BESIDES;
    const options = {
      targetModelId: targetSpec.modelId,
      targetVersion: targetSpec.version,
      throttleMs: 0,
      maxParallelWorkers,
      maxRetries,
      batchSize: Math.max(1, Math.min(batchSize, Math.ceil(this.#ids.length / batches))),
      ...(this.#wish.signal && { signal: this.#wish.signal }),
    };
    return planMigration(this.#base, options, { activate: false });
  }

  /** After the migration, whose vectors it need not embed again. */
  async #judge(plan: MigrationPlan): Promise<GateReport | undefined> {
    if (this.#ids.length < GATE_NODES_AT_LEAST) return undefined;
    try {
      const gate = await evaluateMigration(this.#base, plan, {
        planId: plan.planId,
        seed: this.#wish.seed,
        sampleSize: this.#ids.length,
        generatedQueries: Math.min(QUERIES_OF, this.#ids.length),
        ...(this.#wish.signal && { signal: this.#wish.signal }),
      });
      if (gate.verdict === 'no-go') this.#findings.push(...gate.reasons);
      return gate;
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      this.#findings.push(`The gate could not judge (${error.code}): ${error.message}`);
      return undefined;
    }
  }

  /** Workers that die one after the other, and one that comes to the end; readers move in between. */
  async #migrate(planId: string): Promise<void> {
    for (let kill = 0; kill < this.#wish.kills; kill++) await this.#letDie('migration', planId);
    const plan = await this.#base.registry.plan(planId);
    // A plan that has ended would get another one, for what was written since.
    if (plan?.status === 'in_progress') await this.#base.registry.cutOver(planId, true);
    const worker = new ReEmbeddingWorker(this.#workers.healthy());
    await this.#until(worker, [worker.runMigration(planId)]);
  }

  async #rollBack(planId: string): Promise<RollbackReport> {
    if (this.#wish.kills > 0) await this.#letDie('rollback', planId);
    const worker = new ReEmbeddingWorker(this.#workers.healthy());
    return this.#until(worker, [worker.rollbackMigration({ planId })]);
  }

  /** Lets a worker work until it dies at a step, or comes to the end before. */
  async #letDie(phase: Phase, planId: string): Promise<void> {
    const step = this.#workers.drawStep(phase);
    const { workerProgram } = this.#wish;
    const hasDied = workerProgram
      ? await this.#dieThere(workerProgram, phase, step, planId)
      : await this.#dieHere(phase, step, planId);
    if (hasDied) this.#kills.push(step);
  }

  async #dieHere(phase: Phase, step: string, planId: string): Promise<boolean> {
    const { context, death } = this.#workers.doomed(step);
    const worker = new ReEmbeddingWorker(context);
    const work: Promise<unknown> =
      phase === 'migration' ? worker.runMigration(planId) : worker.rollbackMigration({ planId });
    return this.#until(worker, [work.then(() => false), death.then(() => true)]);
  }

  async #dieThere(program: WorkerProgram, phase: Phase, step: string, planId: string): Promise<boolean> {
    const { clock } = this.#base;
    const startedAt = clock.now();
    const models = await this.#base.registry.models();
    const { how, pid } = await workUntilKilled({
      program,
      context: this.#base,
      signal: this.#wish.signal,
      onReady: () => this.#account.idle.push([startedAt, clock.now()]),
      errand: { folder: this.#folder, planId, phase, step, dead: this.#workers.dead },
      models: models.filter((model) => this.#base.embedders.lacks(model) === undefined),
    });
    this.#workers.bury(pid);
    if (typeof how === 'object')
      this.#findings.push(`The process of a worker ended by itself (${how.byItself}).`);
    return how === 'killed';
  }

  /** What comes first; a worker that lives and is not wanted any more is stopped before its files go. */
  async #until<T>(worker: ReEmbeddingWorker, calls: readonly Promise<T>[]): Promise<T> {
    const { signal } = this.#wish;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => {
      const leave = () => aborted.reject(signal?.reason);
      // A dead worker never leaves: its death is the second call.
      void Promise.race([worker.stopAll(), ...calls.slice(1)]).then(leave, leave);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      return await Promise.race([...calls, aborted.promise]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      for (const call of calls) void call.catch(() => {});
    }
  }

  async #checkMigrated(plan: MigrationPlan, failures: readonly FailureGroup[]): Promise<void> {
    for (const { code, count, message } of failures)
      this.#findings.push(`${count} of ${plan.totalNodes} nodes failed with ${code}: ${message}`);
    if (plan.status !== 'completed' && plan.status !== 'failed')
      this.#findings.push(
        `The plan came to rest as ${plan.status}${plan.reason ? ` (${plan.reason.code}: ${plan.reason.message})` : ''}.`,
      );
    const target = plan.targetSpec.info;
    let behind = 0;
    for (const node of await this.#store.read(this.#ids)) if (!isAtTarget(node, target)) behind += 1;
    const unexplained = behind - plan.failedNodes;
    if (unexplained > 0 && plan.status === 'completed')
      this.#findings.push(`${unexplained} nodes are not at the target, though the plan completed.`);
  }

  async #checkRestored(
    before: ReadonlyMap<string, string>,
    activeBefore: string | undefined,
    rollback: RollbackReport,
  ): Promise<void> {
    const after = await statesOf(this.#store, this.#ids);
    const differing = [...before].filter(([id, state]) => after.get(id) !== state).length;
    if (differing > 0)
      this.#findings.push(
        `${differing} of ${before.size} nodes are not what they were before, byte for byte.`,
      );
    if (!rollback.succeeded) this.#findings.push('The rollback did not bring every node back.');
    if ((await this.#active()) !== activeBefore)
      this.#findings.push('The model that was active before is not active again.');
  }

  async #active(): Promise<string | undefined> {
    return (await activeModel(this.#base))?.qualifiedId;
  }
}
