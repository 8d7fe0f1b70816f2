import { finalizeSchema, nodeOfPlanSchema, rollbackSchema, signalSchema } from './call-schemas.ts';
import type { ManagerContext } from './context.ts';
import { type DiagnoseOptions, type Diagnosis, diagnose } from './doctor/diagnose.ts';
import { type EmbedOptions, embedTexts } from './embed-texts.ts';
import type { RegistryErrorCode } from './errors.ts';
import {
  type EstimateMigrationOptions,
  estimateMigration,
  type MigrationEstimate,
} from './estimate/estimate-migration.ts';
import type { MigrationProgress, RegistryEvents, WorkerStats } from './events.ts';
import { type EvaluateMigrationOptions, evaluateMigration } from './gate/evaluate-migration.ts';
import type { GateReport } from './gate/report.ts';
import {
  type TranslatedThreshold,
  type TranslateThresholdOptions,
  translateThreshold,
} from './gate/translate-threshold.ts';
import type {
  EmbeddingInfo,
  EmbeddingModelSpec,
  ModelNotes,
  ModelRef,
  RegisteredModel,
} from './model/model-spec.ts';
import type { MigrationPlan, PlanTuning } from './model/plan.ts';
import type { RollbackReport } from './model/rollback-report.ts';
import type { MigrationStatus, TaskStatus } from './model/status.ts';
import type { MigrationTask } from './model/task.ts';
import type { Vector } from './model/vector.ts';
import { type OpenOptions, openContext } from './open.ts';
import { parseOptions } from './options.ts';
import { type CutoverOptions, cutOver } from './planner/cutover.ts';
import { journalSchema, MigrationPlanner, planIdSchema } from './planner/migration-planner.ts';
import type { CreateMigrationOptions } from './planner/plan-migration.ts';
import { type RetryFailedOptions, retryFailed, retrySchema } from './planner/retry-failed.ts';
import { type SwitchActiveModelOptions, switchActiveModel } from './planner/switch-active-model.ts';
import { tunePlan } from './planner/tuning.ts';
import type { Page, PageOptions } from './ports/node-store.ts';
import type { FailureGroup, JournalEntry, NodeBackup, WorkerInfo } from './ports/registry-store.ts';
import { EmbeddingRegistry, type RegisterModelOptions } from './registry.ts';
import { type RehearseMigrationOptions, rehearseMigration } from './rehearsal/rehearse-migration.ts';
import type { RehearsalReport } from './rehearsal/report.ts';
import { type WriteReportOptions, writeReport } from './report/write-report.ts';
import { finalizePlan } from './rollback/finalize.ts';
import { type SearchHit, type SearchOptions, searchAcrossModels } from './search.ts';
import { type StampNodesOptions, stampNodes } from './stamping.ts';
import { type UnstampNodesOptions, unstampNodes } from './unstamping.ts';
import { watchMigration } from './watch.ts';
import { type CheckWitnessOptions, checkWitness, type WitnessReport } from './witness/check-witness.ts';
import { ReEmbeddingWorker, type RollbackOptions } from './worker/re-embedding-worker.ts';

/** The one door: a registry, its planner and its worker, over one node store. Use {@link EmbeddingVersionManager.open}. */
export class EmbeddingVersionManager implements AsyncDisposable {
  readonly registry: EmbeddingRegistry;
  readonly planner: MigrationPlanner;
  readonly worker: ReEmbeddingWorker;
  readonly #context: ManagerContext;
  readonly #release: () => Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(context: ManagerContext, release: () => Promise<void>) {
    this.#context = context;
    this.#release = release;
    this.registry = new EmbeddingRegistry(context);
    this.planner = new MigrationPlanner(context);
    this.worker = new ReEmbeddingWorker(context);
  }

  /**
   * Opens a registry; the file and its folder are made where there are none. Reads neither configuration files
   * nor the environment.
   * @throws RegistryError `CONFIG_INVALID`, `DATABASE_*`, `RUNTIME_TOO_OLD`, `NODE_STORE_MISMATCH`
   */
  static async open(options: OpenOptions = {}): Promise<EmbeddingVersionManager> {
    const { context, release } = await openContext(options);
    return new EmbeddingVersionManager(context, release);
  }

  /** {@link EmbeddingRegistry.registerModel} */
  registerModel(options: RegisterModelOptions): Promise<EmbeddingModelSpec> {
    return this.registry.registerModel(options);
  }

  /** {@link EmbeddingRegistry.updateModel} */
  updateModel(options: ModelRef & ModelNotes): Promise<RegisteredModel> {
    return this.registry.updateModel(options);
  }

  /** {@link EmbeddingRegistry.removeModel} */
  removeModel(options: ModelRef): Promise<void> {
    return this.registry.removeModel(options);
  }

  /** {@link EmbeddingRegistry.getModel} */
  getModel(options: ModelRef): Promise<RegisteredModel | undefined> {
    return this.registry.getModel(options);
  }

  /** {@link EmbeddingRegistry.getActiveModel} */
  getActiveModel(): Promise<RegisteredModel> {
    return this.registry.getActiveModel();
  }

  /** {@link EmbeddingRegistry.listModels} */
  listModels(): Promise<readonly RegisteredModel[]> {
    return this.registry.listModels();
  }

  /**
   * Makes another model the active one. With a migration, the plan is sealed and the target activated in one
   * transaction, after its embedder was tried and without asking the gate (the journal says so; `createMigration` and
   * `cutoverMigration` ask it); readers ask both models meanwhile. Answers the plan, undefined where none was wanted.
   * @throws RegistryError `MODEL_UNKNOWN`, `MIGRATION_REQUIRED` (nodes would be left behind and nothing was
   * said about them), `PLAN_OVERLAP`, `NODE_STORE_MISSING`, `EMBEDDER_MISSING`, `EMBEDDER_FAILED`
   */
  switchActiveModel(options: SwitchActiveModelOptions & { migrateExisting: true }): Promise<MigrationPlan>;
  switchActiveModel(options: SwitchActiveModelOptions): Promise<MigrationPlan | undefined>;
  async switchActiveModel(options: SwitchActiveModelOptions): Promise<MigrationPlan | undefined> {
    const plan = await switchActiveModel(this.#context, options);
    this.worker.nudge();
    return plan;
  }

  /** {@link MigrationPlanner.createMigration} */
  async createMigration(options: CreateMigrationOptions): Promise<MigrationPlan> {
    const plan = await this.planner.createMigration(options);
    this.worker.nudge();
    return plan;
  }

  /**
   * What `createMigration` with these options would take: nodes, texts, tokens, money, space and time, each with
   * its uncertainty. Every text is read, in constant memory and without a write; a dozen are embedded, and paid.
   * @throws RegistryError as {@link MigrationPlanner.createMigration}
   */
  estimateMigration(options: EstimateMigrationOptions): Promise<MigrationEstimate> {
    return estimateMigration(this.#context, options);
  }

  /** {@link MigrationPlanner.getMigration} */
  getMigration(planId: string): Promise<MigrationPlan> {
    return this.planner.getMigration(planId);
  }

  /** {@link MigrationPlanner.listMigrations} */
  listMigrations(options: PageOptions & { status?: MigrationStatus } = {}): Promise<Page<MigrationPlan>> {
    return this.planner.listMigrations(options);
  }

  /** {@link MigrationPlanner.listTasks} */
  listTasks(
    options: PageOptions & {
      planId: string;
      nodeId?: string;
      status?: TaskStatus;
      errorCode?: RegistryErrorCode;
    },
  ): Promise<Page<MigrationTask>> {
    return this.planner.listTasks(options);
  }

  /** Failed tasks of a plan by their cause, the most frequent first. @throws RegistryError `PLAN_UNKNOWN` */
  listFailures(planId: string): Promise<readonly FailureGroup[]> {
    return this.planner.listFailures(planId);
  }

  /**
   * What a node was before the plan wrote it; undefined where there is no backup (any more).
   * @throws RegistryError `PLAN_UNKNOWN`
   */
  async getBackup(options: { planId: string; nodeId: string }): Promise<NodeBackup | undefined> {
    const o = parseOptions(nodeOfPlanSchema, options, 'options of getBackup');
    await this.getMigration(o.planId);
    return this.#context.registry.backup(o);
  }

  /** First the present state, then each change by any process; ends when nothing more will happen by itself. */
  watchMigration(planId: string, options: { signal?: AbortSignal } = {}): AsyncIterable<MigrationProgress> {
    return watchMigration(this.#context, planId, options.signal);
  }

  /** Claims nothing more; batches in hand settle. @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE` */
  pauseMigration(planId: string): Promise<MigrationPlan> {
    return this.#move(planId, 'paused');
  }

  /** @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE` */
  resumeMigration(planId: string): Promise<MigrationPlan> {
    return this.#move(planId, 'in_progress');
  }

  /**
   * Ends the plan; batches in hand settle and nodes that are done stay at the target. Rollback puts them back.
   * @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE`
   */
  cancelMigration(planId: string): Promise<MigrationPlan> {
    return this.#move(planId, 'cancelled');
  }

  async #move(planId: string, to: 'paused' | 'in_progress' | 'cancelled'): Promise<MigrationPlan> {
    const moved = await this.#context.registry.movePlan(parseOptions(planIdSchema, planId, 'plan id'), to);
    this.#announce(moved);
    return moved.plan;
  }

  #announce(moved: { plan: MigrationPlan; from: MigrationStatus }): void {
    if (moved.from !== moved.plan.status) this.#context.events.emit('plan:changed', moved);
    if (moved.from === 'paused') this.worker.lookAgain(moved.plan.planId);
    this.worker.nudge();
  }

  /** Changes pace and spend cap of a plan from the next batch on. @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE`, `SPEC_INVALID` */
  async tuneMigration(options: { planId: string } & PlanTuning): Promise<MigrationPlan> {
    const plan = await tunePlan(this.#context, options);
    if (plan === undefined) return this.getMigration(options.planId);
    this.worker.nudge();
    return plan;
  }

  /**
   * Puts failed tasks back to pending, with their retries: all, of these nodes, or of one cause. Answers how many.
   * @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE`, `PLAN_FINALIZED`, `PLAN_OVERLAP` (a newer plan took nodes)
   */
  async retryFailed(options: RetryFailedOptions): Promise<number> {
    const o = parseOptions(retrySchema, options, 'options of retryFailed');
    const before = await this.getMigration(o.planId);
    const count = await retryFailed(this.#context.registry, o);
    this.#announce({ plan: await this.getMigration(o.planId), from: before.status });
    return count;
  }

  /**
   * The gate: searches a sample of the plan's nodes in the old space and in the new one, and says whether the new
   * one is worse. Works before the first write, at any point of the plan, and after the cutover; writes nothing but
   * its verdict into the journal. The embedder of the target is needed; without that of the old model retrieval
   * cannot be compared.
   * @throws RegistryError `PLAN_UNKNOWN`, `NODE_STORE_MISSING`, `EMBEDDER_MISSING`, `EMBEDDER_FAILED`
   */
  async evaluateMigration(options: EvaluateMigrationOptions): Promise<GateReport> {
    return evaluateMigration(this.#context, await this.getMigration(options.planId), options);
  }

  /** {@link translateThreshold} */
  async translateThreshold(options: TranslateThresholdOptions): Promise<TranslatedThreshold> {
    return translateThreshold(this.#context, await this.getMigration(options.planId), options);
  }

  /**
   * Moves readers and writers to the target of a plan. In place it may happen at any time; the plan then
   * looks through the store once more, and one that has ended gets a follow-up plan that does. Side by side it
   * happens once no more than `acceptBehind` nodes (none unless told; not to be edited in part, nor deleted, before
   * the last look) are behind; where the target's embedder is
   * here, the plan first goes on until then, and looks once more after it, also each time this is called again.
   * @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE` (failed nodes without `acceptFailed`, or over),
   * `NODES_BEHIND`, `GATE_NO_GO` (the last verdict of {@link evaluateMigration}, which is asked for here where
   * there is none yet and the target's embedder is here; `overrideGate` passes over it with a reason for the journal)
   */
  async cutoverMigration(options: CutoverOptions): Promise<MigrationPlan> {
    const plan = await cutOver(this.#context, this.worker, options);
    this.worker.nudge();
    return plan;
  }

  /** {@link ReEmbeddingWorker.rollbackMigration} */
  async rollbackMigration(options: RollbackOptions): Promise<RollbackReport> {
    parseOptions(rollbackSchema, options, 'options of rollbackMigration');
    return this.worker.rollbackMigration(options);
  }

  /**
   * Gives the right to roll back up: removes the backups of a plan that has ended, and gives their space back.
   * Side by side it drops the vectors that readers do not use any more, whose name is to be passed as `drop`.
   * @throws RegistryError `PLAN_UNKNOWN`, `PLAN_STATE`, `CONFIRMATION_MISSING` (the message holds the name)
   */
  async finalizeMigration(options: { planId: string; drop?: string }): Promise<MigrationPlan> {
    const { planId, drop } = parseOptions(finalizeSchema, options, 'options of finalizeMigration');
    return finalizePlan(this.#context, await this.getMigration(planId), drop);
  }

  /** {@link ReEmbeddingWorker.startWorker} */
  startWorker(): Promise<void> {
    return this.worker.startWorker();
  }

  /** {@link ReEmbeddingWorker.stopWorker} */
  stopWorker(): Promise<void> {
    return this.worker.stopWorker();
  }

  /** {@link ReEmbeddingWorker.getWorkerStats} */
  getWorkerStats(): Promise<WorkerStats> {
    return this.worker.getWorkerStats();
  }

  /** Workers of every process, by heartbeat. */
  listWorkers(): Promise<readonly WorkerInfo[]> {
    return this.#context.registry.workers();
  }

  /** {@link ReEmbeddingWorker.runMigration} */
  async runMigration(planId: string, options: { signal?: AbortSignal } = {}): Promise<MigrationPlan> {
    parseOptions(planIdSchema, planId, 'plan id');
    parseOptions(signalSchema, options, 'options of runMigration');
    return this.worker.runMigration(planId, options);
  }

  /**
   * Declares which model made vectors that carry no stamp, after embedding a sample of their contents.
   * @throws RegistryError `STAMP_MISMATCH`, `MODEL_UNKNOWN`, `EMBEDDER_MISSING`, `NODE_STORE_MISSING`
   */
  stampNodes(options: StampNodesOptions): Promise<{ stamped: number; skipped: number }> {
    return stampNodes(this.#context, options);
  }

  /**
   * Takes the stamps off nodes whose vectors are not what their stamps say; the vectors stay. The next plan embeds
   * them again. @throws RegistryError `NODE_STORE_MISSING`, `SPEC_INVALID`
   */
  unstampNodes(options: UnstampNodesOptions): Promise<{ unstamped: number; skipped: number }> {
    return unstampNodes(this.#context, options);
  }

  /** {@link embedTexts} */
  embed(
    texts: readonly string[],
    options: EmbedOptions = {},
  ): Promise<{ vectors: readonly Vector[]; info: EmbeddingInfo }> {
    return embedTexts(this.#context, texts, options);
  }

  /**
   * Reads registry and node store from end to end and says what is wrong, with what mends it; embeds witnesses and a
   * sample of the nodes again where their embedders are here. Writes nothing.
   * @throws RegistryError of the stores; what an embedder does wrong is a finding
   */
  diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
    return diagnose(this.#context, options);
  }

  /**
   * Embeds a few pinned texts again, in one call, and compares them with what the model made of them at first:
   * cheap enough for the start of an application. A model without such a witness gets it.
   * @throws RegistryError `MODEL_DRIFTED` (the message names the drift and the way out), `MODEL_UNKNOWN`,
   * `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `EMBEDDER_FAILED`, `VECTOR_INVALID`
   */
  checkWitness(options: CheckWitnessOptions = {}): Promise<WitnessReport> {
    return checkWitness(this.#context, options);
  }

  /**
   * Asks each model that has nodes, over its own nodes only, and fuses by rank: right at every point of an
   * in-place migration. @throws RegistryError `NODE_STORE_MISSING`, `EMBEDDER_MISSING`, `MODEL_UNKNOWN`
   */
  searchAcrossModels(query: string, options: SearchOptions): Promise<readonly SearchHit[]> {
    return searchAcrossModels(this.#context, query, options);
  }

  /** Who did what to which model or plan, newest first; `action` is `noun:verb` as the entries have it. */
  async listJournal(
    options: PageOptions & { planId?: string; action?: string } = {},
  ): Promise<Page<JournalEntry>> {
    parseOptions(journalSchema, options, 'page');
    return this.#context.registry.journal(options);
  }

  /** {@link rehearseMigration} */
  async rehearseMigration(options: RehearseMigrationOptions): Promise<RehearsalReport> {
    return rehearseMigration(this.#context, await this.getMigration(options.planId), options);
  }

  /** {@link writeReport} */
  writeReport(options: WriteReportOptions): Promise<{ path: string; bytes: number }> {
    return writeReport(this.#context, options);
  }

  /** Events of this process; answers the function that ends it. */
  on<E extends keyof RegistryEvents>(event: E, listener: (event: RegistryEvents[E]) => void): () => void {
    return this.#context.events.on(event, listener);
  }

  /** Stops what runs here and closes what `open` opened; idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.worker.stopAll().then(() => this.#release());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
