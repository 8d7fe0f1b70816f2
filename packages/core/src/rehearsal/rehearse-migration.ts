/**
 * The whole of a plan on copies of some of its nodes: migration, cutover, gate and rollback, by workers that die
 * half-way and with an embedder that is asked too often. Nothing of it touches the registry or the nodes.
 *
 * A worker dies at a step that is drawn: with `workerProgram` it is a process of its own, killed there for real;
 * else it stays in this process, and from that step on none of its calls comes back. What it had written stays, and
 * others take its work over.
 */
import { z } from 'zod';
import { seededChance, seedOf } from '../chance.ts';
import { stopwatch } from '../clock.ts';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { isRegistryError } from '../errors.ts';
import { nodePages } from '../gate/draw-nodes.ts';
import { evaluateMigration } from '../gate/evaluate-migration.ts';
import type { GateReport } from '../gate/report.ts';
import { isAtTarget } from '../model/compatibility.ts';
import type { RegisteredModel } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { RollbackReport } from '../model/rollback-report.ts';
import { openContext } from '../open.ts';
import { parseOptions } from '../options.ts';
import { MigrationPlanner } from '../planner/migration-planner.ts';
import type { FailureGroup } from '../ports/registry-store.ts';
import { ReEmbeddingWorker } from '../worker/re-embedding-worker.ts';
import { Workers } from './doomed-worker.ts';
import type { Phase } from './messages.ts';
import { registryFile } from './rehearsal-worker.ts';
import type { RehearsalReport } from './report.ts';
import {
  copyNodes,
  drawIds,
  inTemporaryFolder,
  type MakeScratchStore,
  type ScratchStore,
  statesOf,
} from './scratch.ts';
import { type Account, idleMs, thriftyEmbedder } from './thrifty-embedder.ts';
import { type WorkerProgram, workUntilKilled } from './worker-process.ts';

/** Which plan, on how many nodes, in which store. */
export interface RehearseMigrationOptions {
  planId: string;
  /** Makes the store of the copies: `scratchStore` of `@registry/node-memory`. */
  scratchStore: MakeScratchStore;
  /** Nodes to copy, 1 to 5,000; 200 unless told. */
  nodes?: number;
  /** By chance unless told. */
  seed?: number;
  /**
   * The workers that die are processes of this program, killed with SIGKILL. Without it they are played in this
   * process, where only what a database would lose of a process is not seen.
   */
  workerProgram?: WorkerProgram;
  /** Workers that die in the migration, 0 to 20; 3 unless told. One more dies in the rollback, if any. */
  kills?: number;
  /** Calls that are answered "too many requests", 0 to 20; 2 unless told. Each takes a second. */
  rateLimits?: number;
  signal?: AbortSignal;
}

const schema = z.strictObject({
  planId: z.string(),
  scratchStore: z.custom<MakeScratchStore>((value) => typeof value === 'function', 'must be a function'),
  nodes: z.int().min(1).max(5_000).default(200),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  workerProgram: z
    .strictObject({ file: z.string().min(1), arguments: z.array(z.string()).optional() })
    .optional(),
  kills: z.int().min(0).max(20).default(3),
  rateLimits: z.int().min(0).max(20).default(2),
  signal: z.instanceof(AbortSignal).optional(),
});
type Wish = z.output<typeof schema> & { readonly seed: number };

/** Batches that there have to be for so many workers to die in: each takes one on, and some are left. */
const BATCHES_BESIDES = 4;
const GATE_NODES_AT_LEAST = 10;
const QUERIES_OF = 100;

/**
 * Plays a plan on copies of some of its nodes, in a store and registry that are thrown away: the gate, the
 * migration by workers that die half-way, with made-up rate limits, a cutover and a rollback, compared byte for
 * byte. Nothing of this registry or its nodes changes. The embedders are handed each text once: those of the
 * copied nodes, and for the gate two queries of each of a hundred nodes at most.
 * @throws RegistryError `PLAN_UNKNOWN`, `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `NODE_STORE_MISSING`
 */
export async function rehearseMigration(
  context: ManagerContext,
  plan: MigrationPlan,
  options: RehearseMigrationOptions,
): Promise<RehearsalReport> {
  const parsed = parseOptions(schema, options, 'options of rehearseMigration');
  const wish = { ...parsed, seed: seedOf(parsed.seed, context) };
  nodeStoreOf(context, 'A rehearsal');
  context.embedders.get(plan.targetSpec);
  return inTemporaryFolder(context, async (folder) => {
    const scratch = await wish.scratchStore(folder);
    try {
      return await rehearseIn(context, plan, wish, folder, scratch);
    } finally {
      await scratch.close();
    }
  });
}

async function rehearseIn(
  context: ManagerContext,
  plan: MigrationPlan,
  wish: Wish,
  folder: string,
  scratch: ScratchStore,
): Promise<RehearsalReport> {
  const elapsed = stopwatch();
  const store = nodeStoreOf(context, 'A rehearsal');
  const chance = seededChance(wish.seed);
  const pages = nodePages(context, store, plan, wish.signal);
  const { ids, of } = await drawIds(pages, wish.nodes, chance);
  const nodes = await copyNodes(store, ids, scratch);
  const account: Account = { texts: 0, rateLimits: 0, idle: [] };
  const models = await context.registry.models();
  const { context: base, release } = await openContext({
    dbPath: registryFile(folder),
    nodeStore: scratch.store,
    clock: context.clock,
    embedders: models
      .filter((model) => context.embedders.lacks(model) === undefined)
      .map((model) =>
        thriftyEmbedder({
          ...{ embedders: context.embedders, clock: context.clock, account, model },
          refusedCalls: model.equals(plan.targetSpec) ? refusedCalls(wish) : new Set(),
          signal: wish.signal,
        }),
      ),
  });
  try {
    await registerModels(context, base, models);
    const stage = new Stage(base, { workers: new Workers(base, chance), wish, ids, folder, account });
    const told = await stage.play(plan);
    const { texts, rateLimits } = account;
    return {
      ...verdictOf(told.findings, told.gate),
      ...{ seed: wish.seed, nodes, of, kills: told.kills, rateLimits, completed: told.completed },
      ...{
        failures: told.failures,
        nodesPerSecond: told.completed / told.workedSeconds,
        textsEmbedded: texts,
      },
      ...{ gate: told.gate, rollback: told.rollback, seconds: elapsed() },
    };
  } finally {
    await release();
  }
}

/** The second call and every other one after it, so that some work lies between. */
function refusedCalls({ rateLimits }: Wish): ReadonlySet<number> {
  return new Set(Array.from({ length: rateLimits }, (_, index) => 2 + 2 * index));
}

/** With their witnesses: a model that has drifted would pause the plan itself too. */
async function registerModels(
  from: ManagerContext,
  to: ManagerContext,
  models: readonly RegisteredModel[],
): Promise<void> {
  for (const model of models) {
    await to.registry.putModel({
      spec: model,
      notes: {},
      activate: model.isActive,
      allowLowerVersion: true,
    });
    const witness = await from.registry.witness(model);
    if (witness !== undefined) await to.registry.putWitness(model, witness.samples, { replace: false });
  }
}

function verdictOf(
  findings: readonly string[],
  gate: GateReport | undefined,
): Pick<RehearsalReport, 'verdict' | 'findings'> {
  if (findings.length > 0) return { verdict: 'unsafe', findings };
  if (gate === undefined || gate.verdict === 'go') return { verdict: 'safe', findings };
  return { verdict: 'inconclusive', findings: gate.reasons };
}

interface Told {
  readonly findings: readonly string[];
  readonly kills: readonly string[];
  readonly completed: number;
  readonly failures: readonly FailureGroup[];
  readonly workedSeconds: number;
  readonly gate: GateReport | undefined;
  readonly rollback: RollbackReport;
}

interface Props {
  readonly workers: Workers;
  readonly wish: Wish;
  readonly ids: readonly string[];
  readonly folder: string;
  readonly account: Account;
}

/** What is played, and what is seen of it. */
class Stage {
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
      ...{ findings: this.#findings, kills: this.#kills, completed: done.completedNodes },
      ...{ failures, workedSeconds, gate, rollback },
    };
  }

  get #store() {
    return nodeStoreOf(this.#base, 'A rehearsal');
  }

  #plan({ targetSpec, batchSize, maxParallelWorkers, maxRetries }: MigrationPlan): Promise<MigrationPlan> {
    const batches = this.#wish.kills + this.#wish.rateLimits + BATCHES_BESIDES;
    return new MigrationPlanner(this.#base).createMigration({
      ...{ targetModelId: targetSpec.modelId, targetVersion: targetSpec.version, throttleMs: 0 },
      ...{ maxParallelWorkers, maxRetries },
      batchSize: Math.max(1, Math.min(batchSize, Math.ceil(this.#ids.length / batches))),
      ...(this.#wish.signal && { signal: this.#wish.signal }),
    });
  }

  /** After the migration, whose vectors it need not embed again. */
  async #judge(plan: MigrationPlan): Promise<GateReport | undefined> {
    if (this.#ids.length < GATE_NODES_AT_LEAST) return undefined;
    try {
      const gate = await evaluateMigration(this.#base, plan, {
        ...{ planId: plan.planId, seed: this.#wish.seed, sampleSize: this.#ids.length },
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
      ...{ program, context: this.#base, signal: this.#wish.signal },
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
    return (await this.#base.registry.models()).find((model) => model.isActive)?.qualifiedId;
  }
}
