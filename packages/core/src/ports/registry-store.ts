import type { Reason, RegistryErrorCode } from '../errors.ts';
import type {
  EmbeddingInfo,
  EmbeddingModelSpec,
  ModelNotes,
  ModelRef,
  RegisteredModel,
  SpecFields,
} from '../model/model-spec.ts';
import type { MigrationPlan, NodeFilter, PlanSettings, PlanTuning } from '../model/plan.ts';
import type { RollbackReport } from '../model/rollback-report.ts';
import type { MigrationStatus, Priority, Strategy, TaskStatus } from '../model/status.ts';
import type { MigrationTask } from '../model/task.ts';
import type { Vector } from '../model/vector.ts';
import type { Witness, WitnessSample } from '../model/witness.ts';
import type { Page, PageOptions } from './node-store.ts';
import type { TokenCounts } from './token-counts.ts';
import type { BackupTotals, EndedTasks, StampingEnd, SweepResult } from './totals.ts';

/** What a node was before this plan wrote it. Absent vector, stamp or embedded hash are values too. */
export interface NodeBackup extends Partial<EmbeddingInfo> {
  readonly vector?: Vector;
  readonly contentHash: string;
  readonly embeddedHash?: string;
}

/** A backup with the id of its node. */
export interface BackedUpNode extends NodeBackup {
  readonly nodeId: string;
  /** What was read is half a write: it replaces no backup, and where there is none, neither vector nor stamp is kept. */
  readonly inTransit?: true;
}

/** A plan as it is asked for. */
export interface PlanDraft extends PlanSettings {
  readonly source: ModelRef;
  readonly target: ModelRef;
  readonly strategy: Strategy;
  /** Why this one. */
  readonly strategyReason?: string;
  readonly priority: Priority;
  /** Follows nodes that appear while it runs; otherwise the tasks are a list. */
  readonly wholeStore: boolean;
  readonly where?: NodeFilter;
  readonly backupOldVectors: boolean;
  /** The target becomes the active model in the transaction that seals the plan. */
  readonly activate: boolean;
}

/** Backups that no plan wants. Without `planId` their plan is gone from the registry. */
export interface StrayBackups {
  readonly planId?: string;
  readonly count: number;
}

/** A process, as a liveness probe asks for it. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
}

/** A node that is to become a task. `source`: the stamp it carries; absent where it carries none, or is not known. */
export interface TaskSeed {
  readonly nodeId: string;
  readonly source?: EmbeddingInfo;
  /** Side by side: the side that is written had it. */
  readonly isThere?: true;
}

/** A plan under creation: invisible and claimed by no one until it is sealed. */
export interface PlanCreation {
  readonly leaseId: string;
  readonly planId: string;
  readonly draft: PlanDraft;
  /** Where an interrupted creation over the store stopped. */
  readonly scanCursor?: string;
}

/** A task in the hands of a worker, with what it went through. */
export interface LeasedTask {
  readonly nodeId: string;
  /** Failed attempts and write conflicts so far. */
  readonly attempts: number;
  readonly conflicts: number;
  /** The side that is written had it when a sweep met it last. */
  readonly wasThere?: true;
}

/**
 * Work in the hands of one worker: ours as long as the registry holds it; the deadline only allows others
 * to take it.
 */
export interface Lease {
  readonly leaseId: string;
  readonly kind: 'batch' | 'sweep' | 'rollback' | 'node';
  /** The plan as it was at the claim: its settings are obeyed for this batch. */
  readonly plan: MigrationPlan;
  readonly tasks: readonly LeasedTask[];
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** The plan is held and this batch finds out whether the hold may end; `heldSince` tells since when. */
  readonly heldSince?: number;
}

/** What a worker that asked for work got. */
export type Claim =
  | { readonly kind: 'lease'; readonly lease: Lease }
  /** Nothing to claim now. `until` (ms since the epoch) where time alone will change that. */
  | { readonly kind: 'wait'; readonly because: 'lanes' | 'hold' | 'backoff'; readonly until?: number }
  /** The plan is in a status in which nothing is claimed. */
  | { readonly kind: 'rest' };

/** How one task of a batch ended. Tasks that are not named were completed. */
export type TaskOutcome =
  /** At the target already; counted as adopted where no backup of this plan exists. */
  | { readonly nodeId: string; readonly status: 'completed' }
  | { readonly nodeId: string; readonly status: 'skipped' }
  | { readonly nodeId: string; readonly status: 'failed'; readonly error: Reason }
  /** To be tried again from `notBefore` (ms since the epoch, at most ten minutes ahead) on. */
  | {
      readonly nodeId: string;
      readonly status: 'pending';
      readonly notBefore?: number;
      readonly charge?: 'retry' | 'conflict';
      readonly error?: Reason;
    };

/** How a batch ended: each task that was not plainly completed, and what was learned of the embedder. */
export interface BatchResult {
  readonly outcomes: readonly TaskOutcome[];
  /** The embedder answered: the hold that this batch was claimed to probe ends. */
  readonly embedderAnswered: boolean;
  /** Nothing of this plan is claimed before `until` (ms since the epoch). */
  readonly hold?: Reason & { readonly until: number };
}

/** What became of one node in a rollback; see the fields of `RollbackReport`. */
export type RollbackOutcome = 'restored' | 'skipped' | 'conflict' | 'failed';

/** The outcome of one node, with the reason where it was not put back. */
export interface RollbackResult {
  readonly nodeId: string;
  readonly outcome: RollbackOutcome;
  readonly error?: Reason;
}

/** The failed tasks of a plan that share a cause. */
export interface FailureGroup {
  readonly code: RegistryErrorCode;
  readonly count: number;
  /** What one of them says. */
  readonly message: string;
}

/** A running worker of any process. */
export interface WorkerInfo {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  /** ISO time. */
  readonly heartbeatAt: string;
  readonly planIds: readonly string[];
  /** Plans that it could not go on with when it was heard of last, and why: no embedder here, a hold. */
  readonly waiting: readonly ({ readonly planId: string } & Reason)[];
}

/** Who did what to which model or plan. */
export interface JournalEntry {
  /** ISO time. */
  readonly at: string;
  readonly actor: string;
  /** `noun:verb`. */
  readonly action: string;
  readonly planId?: string;
  readonly model?: ModelRef;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a node store keeps of a node while its plan is rolled back; what it says is the store's own. */
export interface SideNote {
  readonly nodeId: string;
  readonly note: string;
}

/**
 * Models, plans, tasks, leases, backups and journal. Each method is one transaction that every process sees and
 * that outlives them all; none exposes a connection. A loss of power may take back only what is done anew (tasks
 * of an unsealed plan, claims, heartbeats, outcomes of batches and of pages of a rollback), and never anything that
 * was there before a backup, a seal or a change of status that stands. Methods on a lease answer false once the lease is no longer there, and then change nothing.
 * Errors: RegistryErrors with the codes named; any of them `DATABASE_LOCKED`, `DISK_FULL`,
 * `DATABASE_READONLY`, `DATABASE_INVALID`, `DATABASE_NEWER`, `DATABASE_UNAVAILABLE`.
 */
export interface RegistryStore extends TokenCounts {
  // ── models ──
  /** The same specification again is a no-op that keeps its notes. `MODEL_CONFLICT`. */
  putModel(o: {
    spec: EmbeddingModelSpec;
    notes: ModelNotes;
    activate: boolean;
    allowLowerVersion: boolean;
  }): Promise<RegisteredModel>;
  /** Notes that are named replace the old ones. `MODEL_UNKNOWN`. */
  putNotes(ref: ModelRef, notes: ModelNotes): Promise<RegisteredModel>;
  /** Its witness goes with it. `MODEL_UNKNOWN`, `MODEL_IN_USE` (active or planned; nodes are the caller's to check). */
  deleteModel(ref: ModelRef): Promise<void>;
  models(): Promise<readonly RegisteredModel[]>;
  /** `MODEL_UNKNOWN`. */
  activate(ref: ModelRef): Promise<RegisteredModel>;
  /**
   * Keeps the witness of a model. The first one stays: false where there is one already, and nothing changed,
   * unless it is to be replaced. `MODEL_UNKNOWN`, also where the model is registered with another checksum.
   */
  putWitness(
    spec: Pick<SpecFields, 'modelId' | 'version' | 'checksum'>,
    samples: readonly WitnessSample[],
    o?: { replace?: boolean },
  ): Promise<boolean>;
  /** Its texts in the order they were given; undefined where there is none, or no such model. */
  witness(ref: ModelRef): Promise<Witness | undefined>;

  /** Journals a stamping for this model, or an unstamping without one; `ended`: how it ended. `MODEL_UNKNOWN`. */
  noteStamping(ref: ModelRef | undefined, ended?: StampingEnd): Promise<void>;

  // ── making a plan ──
  /**
   * Takes the create lease of the registry. Goes on with an interrupted creation of the same draft over the
   * store; removes any other interrupted one. `PLAN_OVERLAP`, `MODEL_UNKNOWN`.
   */
  createPlan(draft: PlanDraft, creator?: ProcessIdentity): Promise<PlanCreation>;
  /**
   * An interrupted creation over the store that a worker may go on with: not one whose nodes another plan has
   * taken back since. Removes interrupted lists.
   */
  adoptCreation(creator?: ProcessIdentity): Promise<PlanCreation | undefined>;
  /** Who holds the create lease, where it was told; `endLease` ends it where that process is dead. */
  creator(): Promise<(ProcessIdentity & Pick<Lease, 'leaseId'>) | undefined>;
  /** Adds a page of tasks, duplicates ignored. `PLAN_OVERLAP`, `PLAN_UNKNOWN` where the creation is lost. */
  addTasks(creation: PlanCreation, seeds: readonly TaskSeed[], scanCursor?: string): Promise<number>;
  /** Makes the plan visible. What was left in hand of plans that have ended is ended: nodes pass on to this one. */
  sealPlan(creation: PlanCreation): Promise<MigrationPlan>;
  /** Removes a creation in pages, unless another lease holds it; call until it answers true. */
  discardPlan(
    creation: Pick<PlanCreation, 'planId'> & Partial<Pick<PlanCreation, 'leaseId'>>,
  ): Promise<boolean>;

  // ── seeing ──
  plan(planId: string): Promise<MigrationPlan | undefined>;
  plans(o?: PageOptions & { status?: MigrationStatus }): Promise<Page<MigrationPlan>>;
  tasks(
    o: PageOptions & { planId: string; nodeId?: string; status?: TaskStatus; errorCode?: RegistryErrorCode },
  ): Promise<Page<MigrationTask>>;
  /** Failed tasks by their cause, the most frequent first. `PLAN_UNKNOWN`. */
  failures(planId: string): Promise<readonly FailureGroup[]>;
  backup(o: { planId: string; nodeId: string }): Promise<NodeBackup | undefined>;
  /** How many tasks ended when and how, over the next `limit` (50,000) tasks: to be added up. `PLAN_UNKNOWN`. */
  endedTasks(o: {
    planId: string;
    bucketMs: number;
    after?: string;
    limit?: number;
  }): Promise<Page<EndedTasks>>;
  /** Number and size of the next `limit` (20,000) backups of a plan: to be added up. `PLAN_UNKNOWN`. */
  backupTotals(o: { planId: string; after?: string; limit?: number }): Promise<BackupTotals>;
  /** Backups that nobody will ask for: of no plan (any more), or of one that gave them up and was interrupted. */
  strayBackups(): Promise<readonly StrayBackups[]>;
  journal(o?: PageOptions & { planId?: string; action?: string }): Promise<Page<JournalEntry>>;
  /** An entry of the journal about a plan, apart from what other methods note by themselves. `PLAN_UNKNOWN`. */
  noteOfPlan(o: { planId: string; action: string; details: JournalEntry['details'] }): Promise<void>;

  // ── steering ──
  /**
   * `PLAN_UNKNOWN`, `PLAN_STATE`, `PLAN_OVERLAP`; the status the plan has already is a no-op. A plan side by side
   * that has ended may go on, until it is finalized: it looks through the store once more.
   */
  movePlan(
    planId: string,
    to: 'in_progress' | 'paused' | 'cancelled',
    reason?: Reason,
  ): Promise<{ plan: MigrationPlan; from: MigrationStatus }>;
  tune(planId: string, tuning: PlanTuning): Promise<MigrationPlan>;
  /** Answers how many. `PLAN_UNKNOWN`, `PLAN_STATE`, `PLAN_FINALIZED`, `PLAN_OVERLAP`. */
  retryFailed(planId: string, nodeIds?: readonly string[]): Promise<number>;
  /**
   * Activates the target of a plan. One that has ended gets a follow-up in place, and goes on itself side by
   * side, with one more look. `dryRun` only refuses. `PLAN_UNKNOWN`, `PLAN_STATE`, `PLAN_FINALIZED`,
   * `PLAN_OVERLAP`, `MODEL_UNKNOWN`.
   */
  cutOver(
    planId: string,
    acceptFailed: boolean,
    o?: { dryRun?: boolean },
  ): Promise<{ plan: MigrationPlan; followUp?: MigrationPlan }>;

  // ── working ──
  /** Plans a worker has something to do for, in the order in which they are to run: 100 after the first `skip`. */
  runnable(o?: { skip?: number }): Promise<readonly MigrationPlan[]>;
  claim(o: {
    planId: string;
    workerId: string;
    leaseMs: number;
    /** Workers that a liveness probe found dead: their leases are taken at once. */
    deadWorkers?: readonly string[];
    /** Leases of this worker whose texts are embedded: such a batch is yet to be written, and takes no lane. */
    embedded?: readonly string[];
  }): Promise<Claim>;
  /** Changes nothing, and throws what {@link takeNode} would. */
  checkNode(o: { planId: string; nodeId: string }): Promise<void>;
  /**
   * Takes one node for its rollback. `wait`: a batch or a sweep is at it; with `force` that lease ends
   * first, without a loss. Meanwhile nobody else claims the node. `NODE_UNKNOWN`, `PLAN_UNKNOWN`, `PLAN_STATE`,
   * `PLAN_FINALIZED`, `BACKUP_MISSING`, `PLAN_OVERLAP`.
   */
  takeNode(o: {
    planId: string;
    nodeId: string;
    workerId: string;
    leaseMs: number;
    force: boolean;
  }): Promise<Claim>;
  /** Moves the deadlines of this worker's leases; answers which of them are still held. */
  renew(o: { workerId: string; leaseMs: number }): Promise<readonly string[]>;
  /** Gives tasks of a batch back unharmed. */
  release(lease: Lease, nodeIds: readonly string[]): Promise<boolean>;
  /** Gives the whole lease back unharmed. */
  endLease(lease: Pick<Lease, 'leaseId'>): Promise<boolean>;
  /**
   * Keeps what was read off the target, replacing older backups of these tasks; but a vector that has the
   * target's stamp (of a text edited since), or is in transit, never replaces one.
   */
  backUp(lease: Lease, backups: readonly BackedUpNode[]): Promise<boolean>;
  settle(lease: Lease, result: BatchResult): Promise<boolean>;

  // ── sweeping ──
  /** Takes in nodes found off the target; undefined once the lease is gone. */
  sweep(lease: Lease, heads: readonly TaskSeed[]): Promise<SweepResult | undefined>;
  /**
   * Ends a sweep. Where it changed nothing and nothing is pending, leased or due, the plan ends
   * `completed` or `failed`.
   */
  endSweep(lease: Lease, changed: boolean): Promise<MigrationPlan>;

  // ── rolling back ──
  /**
   * `PLAN_UNKNOWN`, `PLAN_STATE`, `PLAN_FINALIZED`, `BACKUP_MISSING`, `PLAN_OVERLAP` (a later plan, or one that
   * is unfinished). Side by side the target stays active until `endRollback`, and `reason` tells whoever goes on
   * with it what was decided, also where that was only after it had begun.
   */
  beginRollback(planId: string, o?: { dryRun?: boolean; reason?: Reason }): Promise<MigrationPlan>;
  /** The next backups of the plan in the order they were made. `after`: 0 for the first page. */
  backups(
    planId: string,
    o: { after: number; limit: number },
  ): Promise<readonly (BackedUpNode & { seq: number })[]>;
  /** Where the rollback of the plan stands: pass it as `after`. */
  rollbackCursor(planId: string): Promise<number>;
  settleRollback(lease: Lease, cursor: number, results: readonly RollbackResult[]): Promise<boolean>;
  /** Side by side, what was active before the cutover is active again, where the target still was. */
  endRollback(lease: Lease, remaining: { count: number; sample: readonly string[] }): Promise<boolean>;
  rollbackReport(planId: string): Promise<RollbackReport>;
  /** Keeps what a node store wants to know of nodes later, in place of what was kept; while the plan rolls back alone. */
  keepNotes(planId: string, notes: readonly SideNote[]): Promise<void>;
  /** Nodes of which nothing was kept are left out. */
  notes(planId: string, nodeIds: readonly string[]): Promise<readonly SideNote[]>;
  /** Forgets notes in pages, once the plan rolls back no more; answers true once none is left. */
  dropNotes(planId: string, limit: number): Promise<boolean>;
  /** Settles the rollback of one node and ends its lease. */
  settleNode(lease: Lease, result: RollbackResult): Promise<boolean>;

  // ── giving backups up ──
  /** Ends what is in hand of a cancelled plan. `PLAN_UNKNOWN`, `PLAN_STATE`. */
  markFinalized(planId: string): Promise<MigrationPlan>;
  /** Removes backups of a finalized plan in pages; answers true once none is left. `PLAN_STATE`. */
  dropBackups(planId: string, limit: number): Promise<boolean>;

  // ── keeping company ──
  /** Remembers the node store at first use. `NODE_STORE_MISMATCH`. */
  bindNodeStore(storeId: string): Promise<void>;
  /** The node store it was bound to; undefined while it serves none. */
  nodeStoreId(): Promise<string | undefined>;
  /** The number that seals, rollbacks and finalizes raise. */
  mark(): Promise<number>;
  /**
   * The store is ahead: unfinished plans are paused `REGISTRY_OLDER`, interrupted creations are given up, and
   * the mark catches up. Answers how many were paused.
   */
  catchUpMark(mark: number): Promise<number>;
  /** `waiting`: none unless told. */
  beat(worker: {
    workerId: string;
    host: string;
    pid: number;
    waiting?: WorkerInfo['waiting'];
  }): Promise<void>;
  dropWorker(workerId: string): Promise<void>;
  workers(): Promise<readonly WorkerInfo[]>;
  close(): Promise<void>;
}
