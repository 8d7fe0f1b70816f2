import type { Clock } from '../clock.ts';
import { type Reason, RegistryError } from '../errors.ts';
import type { EmbeddingModelSpec, ModelNotes, ModelRef } from '../model/model-spec.ts';
import type { PlanTuning } from '../model/plan.ts';
import type { MigrationStatus } from '../model/status.ts';
import type { WitnessSample } from '../model/witness.ts';
import type { PageOptions } from '../ports/node-store.ts';
import type {
  BackedUpNode,
  BatchResult,
  Lease,
  PlanCreation,
  PlanDraft,
  ProcessIdentity,
  RegistryStore,
  RollbackResult,
  SideNote,
  TaskSeed,
} from '../ports/registry-store.ts';
import type { StampingEnd } from '../ports/totals.ts';
import * as batches from './batches.ts';
import { type Context, setting } from './context.ts';
import * as creation from './creation.ts';
import type { SqliteDatabase } from './database.ts';
import * as leases from './leases.ts';
import * as models from './models.ts';
import * as plans from './plans.ts';
import * as rollbacks from './rollbacks.ts';
import { planOf } from './rows.ts';
import * as seeing from './seeing.ts';
import * as sideNotes from './side-notes.ts';
import { reserveTokens, settleTokens } from './spending.ts';
import * as sweeps from './sweeps.ts';
import { failures, type TaskQuery, tasks } from './task-list.ts';
import * as totals from './totals.ts';
import * as witnesses from './witnesses.ts';

const CREATION_PATIENCE_MS = 5_000;
const CREATION_POLL_MS = 50;
const VACUUM_PAGES = 2_000;

/** The registry in one SQLite file. Each method is one transaction, retried while other writers are busy. */
export class SqliteRegistryStore implements RegistryStore {
  readonly #context: Context;
  readonly #db: SqliteDatabase;
  readonly #clock: Clock;

  constructor(db: SqliteDatabase, options: { clock: Clock; actor: string }) {
    this.#db = db;
    this.#clock = options.clock;
    this.#context = { db, ...options };
  }

  #read<T>(body: (context: Context) => T, signal?: AbortSignal): Promise<T> {
    return this.#db.read(() => body(this.#context), { signal });
  }

  #write<T>(body: (context: Context) => T): Promise<T> {
    return this.#db.write(() => body(this.#context));
  }

  /**
   * For what is done anew where a loss of power took it back: claims, heartbeats, and outcomes of what the node store
   * has on disk already. No write of a node stands on it: a backup, a seal and each change of a status is synced, and
   * takes what was committed before it along.
   */
  #writeUnsynced<T>(body: (context: Context) => T): Promise<T> {
    return this.#db.write(() => body(this.#context), { isSynced: false });
  }

  putModel(o: {
    spec: EmbeddingModelSpec;
    notes: ModelNotes;
    activate: boolean;
    allowLowerVersion: boolean;
  }) {
    return this.#write((context) => models.putModel(context, o));
  }

  putNotes(ref: ModelRef, notes: ModelNotes) {
    return this.#write((context) => models.putNotes(context, ref, notes));
  }

  deleteModel(ref: ModelRef) {
    return this.#write((context) => models.deleteModel(context, ref));
  }

  models() {
    return this.#read(models.models);
  }

  activate(ref: ModelRef) {
    return this.#write((context) => models.activate(context, ref));
  }

  noteStamping(ref: ModelRef | undefined, ended?: StampingEnd) {
    return this.#write((context) => models.noteStamping(context, ref, ended));
  }

  putWitness(
    spec: Parameters<RegistryStore['putWitness']>[0],
    samples: readonly WitnessSample[],
    o: { replace?: boolean } = {},
  ) {
    return this.#write((context) => witnesses.putWitness(context, spec, samples, o));
  }

  witness(ref: ModelRef) {
    return this.#read((context) => witnesses.witness(context, ref));
  }

  async createPlan(draft: PlanDraft, creator?: ProcessIdentity): Promise<PlanCreation> {
    let deadline = this.#clock.now() + CREATION_PATIENCE_MS;
    for (;;) {
      deadline = Math.min(deadline, this.#clock.now() + CREATION_PATIENCE_MS);
      const found = await this.#write((context) => creation.createPlan(context, draft, creator));
      if (found !== undefined) {
        await this.#discard(found.abandoned);
        return found.creation;
      }
      if (this.#clock.now() >= deadline)
        throw new RegistryError(
          'PLAN_OVERLAP',
          'Another plan is being created; wait until it is, then try again.',
        );
      await this.#clock.sleep(CREATION_POLL_MS);
    }
  }

  async adoptCreation(creator?: ProcessIdentity) {
    // Workers ask whenever they are idle: a look costs no write lock.
    if ((await this.#read(creation.unsealed)).length === 0) return undefined;
    const found = await this.#write((context) => creation.adoptCreation(context, creator));
    await this.#discard(found.abandoned);
    return found.creation;
  }

  creator() {
    return this.#read(creation.creator);
  }

  async #discard(planIds: readonly string[]): Promise<void> {
    for (const planId of planIds) while (!(await this.discardPlan({ planId })));
  }

  addTasks(plan: PlanCreation, seeds: readonly TaskSeed[], scanCursor?: string) {
    return this.#writeUnsynced((context) => creation.addTasks(context, plan, seeds, scanCursor));
  }

  sealPlan(plan: PlanCreation) {
    return this.#write((context) => creation.sealPlan(context, plan));
  }

  discardPlan(plan: Pick<PlanCreation, 'planId'> & Partial<Pick<PlanCreation, 'leaseId'>>) {
    return this.#write((context) => creation.discardPlan(context, plan));
  }

  async plan(planId: string) {
    return this.#read((context) => {
      const row = plans.findPlan(context, planId);
      return row && planOf(row);
    });
  }

  plans(o: PageOptions & { status?: MigrationStatus } = {}) {
    return this.#read((context) => plans.plans(context, o), o.signal);
  }

  tasks(o: TaskQuery) {
    return this.#read((context) => tasks(context, o), o.signal);
  }

  failures(planId: string) {
    return this.#read((context) => failures(context, planId));
  }

  backup(o: { planId: string; nodeId: string }) {
    return this.#read((context) => {
      const found = rollbacks.backup(context, o.planId, o.nodeId);
      if (found === undefined) return undefined;
      const { nodeId: _, ...backup } = found;
      return backup;
    });
  }

  endedTasks(o: totals.EndedTasksQuery) {
    return this.#read((context) => totals.endedTasks(context, o));
  }

  backupTotals(o: { planId: string; after?: string; limit?: number }) {
    return this.#read((context) => totals.backupTotals(context, o));
  }

  strayBackups() {
    return this.#read(seeing.strayBackups);
  }

  journal(o: PageOptions & { planId?: string; action?: string } = {}) {
    return this.#read((context) => seeing.journal(context, o), o.signal);
  }

  noteOfPlan(o: Parameters<RegistryStore['noteOfPlan']>[0]) {
    return this.#write((context) => seeing.noteOfPlan(context, o));
  }

  movePlan(planId: string, to: 'in_progress' | 'paused' | 'cancelled', reason?: Reason) {
    return this.#write((context) =>
      to === 'in_progress' && sweeps.mayGoOn(context, planId)
        ? sweeps.lookAgain(context, planId)
        : plans.movePlan(context, planId, to, reason),
    );
  }

  tune(planId: string, tuning: PlanTuning) {
    return this.#write((context) => plans.tune(context, planId, tuning));
  }

  retryFailed(planId: string, nodeIds?: readonly string[]) {
    return this.#write((context) => sweeps.retryFailed(context, planId, nodeIds));
  }

  cutOver(planId: string, acceptFailed: boolean, o: { dryRun?: boolean } = {}) {
    return this.#write((context) => sweeps.cutOver(context, planId, acceptFailed, o));
  }

  runnable({ skip = 0 }: { skip?: number } = {}) {
    return this.#read((context) => leases.runnable(context, skip));
  }

  claim(o: leases.ClaimOptions) {
    return this.#writeUnsynced((context) => leases.claim(context, o));
  }

  checkNode(o: { planId: string; nodeId: string }) {
    return this.#read((context) => void rollbacks.nodeGoingBack(context, o));
  }

  takeNode(o: { planId: string; nodeId: string; workerId: string; leaseMs: number; force: boolean }) {
    return this.#write((context) => rollbacks.takeNode(context, o));
  }

  renew(o: { workerId: string; leaseMs: number }) {
    return this.#writeUnsynced((context) => leases.renew(context, o));
  }

  release(lease: Lease, nodeIds: readonly string[]) {
    return this.#writeUnsynced((context) => leases.release(context, lease.leaseId, nodeIds));
  }

  endLease(lease: Pick<Lease, 'leaseId'>) {
    return this.#writeUnsynced((context) => leases.endLease(context, lease.leaseId));
  }

  backUp(lease: Lease, backups: readonly BackedUpNode[]) {
    return this.#write((context) => batches.backUp(context, lease, backups));
  }

  reserveTokens(lease: Lease, tokens: readonly number[]) {
    return this.#write((context) => reserveTokens(context, lease, tokens));
  }

  settleTokens(lease: Lease, o: { reserved: number; billed: number }) {
    return this.#write((context) => settleTokens(context, lease, o));
  }

  settle(lease: Lease, result: BatchResult) {
    return this.#writeUnsynced((context) => batches.settle(context, lease, result));
  }

  sweep(lease: Lease, heads: readonly TaskSeed[]) {
    return this.#write((context) => sweeps.sweep(context, lease, heads));
  }

  endSweep(lease: Lease, changed: boolean) {
    return this.#write((context) => sweeps.endSweep(context, lease, changed));
  }

  beginRollback(planId: string, o: { dryRun?: boolean; reason?: Reason } = {}) {
    return this.#write((context) => rollbacks.beginRollback(context, planId, o));
  }

  backups(planId: string, o: { after: number; limit: number }) {
    return this.#read((context) => rollbacks.backupsAfter(context, planId, o));
  }

  rollbackCursor(planId: string) {
    return this.#read((context) => plans.planRow(context, planId).rollback_cursor);
  }

  settleRollback(lease: Lease, cursor: number, results: readonly RollbackResult[]) {
    return this.#writeUnsynced((context) => rollbacks.settleRollback(context, lease, cursor, results));
  }

  endRollback(lease: Lease, remaining: { count: number; sample: readonly string[] }) {
    return this.#write((context) => rollbacks.endRollback(context, lease, remaining));
  }

  rollbackReport(planId: string) {
    return this.#read((context) => rollbacks.rollbackReport(context, planId));
  }

  keepNotes(planId: string, notes: readonly SideNote[]) {
    return this.#write((context) => sideNotes.keepNotes(context, planId, notes));
  }

  notes(planId: string, nodeIds: readonly string[]) {
    return this.#read((context) => sideNotes.notes(context, planId, nodeIds));
  }

  dropNotes(planId: string, limit: number) {
    return this.#write((context) => sideNotes.dropNotes(context, planId, limit));
  }

  settleNode(lease: Lease, result: RollbackResult) {
    return this.#write((context) => rollbacks.settleNode(context, lease, result));
  }

  markFinalized(planId: string) {
    return this.#write((context) => seeing.markFinalized(context, planId));
  }

  async dropBackups(planId: string, limit: number) {
    const isDone = await this.#write((context) => seeing.dropBackups(context, planId, limit));
    this.#db.shrink(isDone ? 0 : VACUUM_PAGES);
    return isDone;
  }

  async bindNodeStore(storeId: string) {
    // Most often it is bound already, and then a busy writer is not waited for.
    if ((await this.nodeStoreId()) === storeId) return;
    return this.#write((context) => seeing.bindNodeStore(context, storeId));
  }

  nodeStoreId() {
    return this.#read((context) => setting<string>(context, 'store_id'));
  }

  mark() {
    return this.#read((context) => setting<number>(context, 'mark') ?? 0);
  }

  async catchUpMark(mark: number) {
    if (mark <= (await this.mark())) return 0;
    return this.#write((context) => seeing.catchUpMark(context, mark));
  }

  beat(worker: Parameters<RegistryStore['beat']>[0]) {
    return this.#writeUnsynced((context) => seeing.beat(context, worker));
  }

  dropWorker(workerId: string) {
    return this.#writeUnsynced(({ db }) => void db.sql('DELETE FROM workers WHERE worker = ?').run(workerId));
  }

  workers() {
    return this.#read(seeing.workers);
  }

  async close() {
    this.#db.close();
  }
}
