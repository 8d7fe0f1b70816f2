/** What the registry knows of a plan, for its report. Reads in pages, and no node. */
import { nextTurn } from '../clock.ts';
import type { ManagerContext } from '../context.ts';
import { knownPlan } from '../lookups.ts';
import type { ModelRef, RegisteredModel } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { RollbackReport } from '../model/rollback-report.ts';
import type { MigrationTask } from '../model/task.ts';
import type { Page } from '../ports/node-store.ts';
import type { FailureGroup, JournalEntry, WorkerInfo } from '../ports/registry-store.ts';
import type { EndedTasks } from '../ports/totals.ts';

const JOURNAL_PAGE = 1_000;
/** Entries of the journal that are looked at, the newest first. */
const JOURNAL_AT_MOST = 100_000;
const SAMPLES = 10;
const BUCKETS = 96;
const steps = [
  ...[100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080].map((minutes) => minutes * 60_000),
];

const sameModel = (a: ModelRef, b: ModelRef) => a.modelId === b.modelId && a.version === b.version;

/** Failed tasks of one cause, and the first of them. */
export interface ReportedFailures extends FailureGroup {
  readonly tasks: readonly MigrationTask[];
}

/** Everything that a report shows. Times are ISO strings, or milliseconds since the epoch where they end in `Ms`. */
export interface ReportData {
  readonly writtenAt: string;
  readonly plan: MigrationPlan;
  readonly models: readonly RegisteredModel[];
  /** Of the plan, and of its two models; oldest first, without the dead letters. */
  readonly journal: readonly JournalEntry[];
  readonly deadLetters: number;
  readonly failures: readonly ReportedFailures[];
  readonly backups: { readonly count: number; readonly bytes: number };
  readonly rollback: RollbackReport | undefined;
  readonly workers: readonly WorkerInfo[];
  readonly pace: Pace;
}

/** Tasks by when they ended, in stretches of the same length. */
export interface Pace {
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
  readonly ended: readonly EndedTasks[];
}

/** @throws RegistryError `PLAN_UNKNOWN` */
export async function gatherReport(context: ManagerContext, planId: string): Promise<ReportData> {
  const { registry, clock } = context;
  const plan = await knownPlan(context, planId);
  const { journal, deadLetters } = await journalOf(context, plan);
  const isRolledBack = plan.status === 'rolling_back' || plan.status === 'rolled_back';
  const { sourceSpec, targetSpec } = plan;
  return {
    writtenAt: new Date(clock.now()).toISOString(),
    plan,
    models: (await registry.models()).filter(
      (model) => sameModel(model, sourceSpec) || sameModel(model, targetSpec),
    ),
    journal,
    deadLetters,
    failures: await failuresOf(context, planId),
    backups: await backupsOf(context, planId),
    rollback: isRolledBack ? await registry.rollbackReport(planId) : undefined,
    workers: (await registry.workers()).filter(({ planIds }) => planIds.includes(planId)),
    pace: await paceOf(context, plan),
  };
}

async function journalOf({ registry }: ManagerContext, plan: MigrationPlan) {
  const models = [plan.sourceSpec, plan.targetSpec];
  const journal: JournalEntry[] = [];
  let deadLetters = 0;
  let seen = 0;
  for await (const entry of everyItem((after) => registry.journal({ limit: JOURNAL_PAGE, ...after }))) {
    seen += 1;
    if (seen > JOURNAL_AT_MOST) break;
    const { planId, model } = entry;
    const isOfModels = planId === undefined && models.some((spec) => model && sameModel(model, spec));
    if (planId !== plan.planId && !isOfModels) continue;
    if (entry.action === 'task:failed') deadLetters += 1;
    else journal.push(entry);
  }
  return { journal: journal.reverse(), deadLetters };
}

async function failuresOf({ registry }: ManagerContext, planId: string): Promise<ReportedFailures[]> {
  const found: ReportedFailures[] = [];
  for (const group of await registry.failures(planId)) {
    const page = await registry.tasks({ planId, status: 'failed', errorCode: group.code, limit: SAMPLES });
    found.push({ ...group, tasks: page.items });
  }
  return found;
}

async function backupsOf({ registry }: ManagerContext, planId: string) {
  const sum = { count: 0, bytes: 0 };
  let after: string | undefined;
  do {
    const page = await registry.backupTotals({ planId, ...(after !== undefined && { after }) });
    sum.count += page.count;
    sum.bytes += page.bytes;
    after = page.next;
    await nextTurn();
  } while (after !== undefined);
  return sum;
}

async function paceOf({ registry, clock }: ManagerContext, plan: MigrationPlan): Promise<Pace> {
  const { planId } = plan;
  const startMs = Date.parse(plan.startedAt ?? plan.createdAt);
  const endMs = Math.max(startMs, plan.completedAt ? Date.parse(plan.completedAt) : clock.now());
  const bucketMs = steps.find((step) => (endMs - startMs) / step <= BUCKETS) ?? endMs - startMs;
  const sums = new Map<string, EndedTasks>();
  const pages = (after: { after?: string }) => registry.endedTasks({ planId, bucketMs, ...after });
  for await (const ended of everyItem(pages)) {
    const key = `${ended.at} ${ended.status}`;
    sums.set(key, { ...ended, count: ended.count + (sums.get(key)?.count ?? 0) });
  }
  const fromMs = Math.floor(startMs / bucketMs) * bucketMs;
  const toMs = (Math.floor(endMs / bucketMs) + 1) * bucketMs;
  return { fromMs, toMs, bucketMs, ended: [...sums.values()].sort((a, b) => a.at - b.at) };
}

async function* everyItem<T>(read: (after: { after?: string }) => Promise<Page<T>>): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page: Page<T> = await read(after === undefined ? {} : { after });
    yield* page.items;
    after = page.next;
    await nextTurn();
  } while (after !== undefined);
}
