import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddingModelSpec } from '../../src/model/model-spec.ts';
import { TaskStatus } from '../../src/model/status.ts';
import type { Lease, PlanDraft, RegistryStore } from '../../src/ports/registry-store.ts';
import { openSqlite, type SqliteDatabase } from '../../src/sqlite/database.ts';
import { openRegistry } from '../../src/sqlite/open-registry.ts';
import { SqliteRegistryStore } from '../../src/sqlite/registry-store.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { type RecordedStatement, StatementRecorder } from './statement-recorder.ts';

const ROWS = 100_000;
const PAGE = 10_000;
const LEASE_MS = 30_000;
const error = { code: 'EMBEDDER_FAILED', message: 'm' } as const;
const spec = (version: number) =>
  new EmbeddingModelSpec({ modelId: 'model', version, dimension: 4, checksum: `sum-${version}` });
const draft: PlanDraft = {
  source: spec(1),
  target: spec(2),
  strategy: 'inPlace',
  priority: 2,
  wholeStore: true,
  where: { kind: 'a' },
  backupOldVectors: true,
  activate: false,
  batchSize: 256,
  throttleMs: 0,
  maxParallelWorkers: 8,
  maxRetries: 3,
  dutyCycle: 1,
};
const nodeId = (index: number) => `node-${String(index).padStart(6, '0')}`;

/** The tables that grow with the nodes. */
const large = ['tasks', 'backups', 'task_errors'];

/** Names of the large tables within a statement; the view brings its own. */
function aliases(sql: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, table, alias] of sql.matchAll(
    /(?:FROM|JOIN|UPDATE|INTO) (\w+)(?: (?:AS )?(?!\b(?:SET|WHERE|ON|CROSS|LEFT|JOIN|ORDER|INDEXED|LIMIT|GROUP|VALUES)\b)(\w+))?/g,
  ))
    if (table !== undefined) found.set(alias ?? table, table);
  if (sql.includes('migration_tasks'))
    for (const [alias, table] of [
      ['t', 'tasks'],
      ['b', 'backups'],
      ['e', 'task_errors'],
    ] as const)
      found.set(alias, table);
  return found;
}

/** Steps that read a large table from end to end, or all of a plan in it, or sort. */
function findings({ operation, sql, steps }: RecordedStatement): string[] {
  const tables = aliases(sql);
  return steps
    .filter((step) => {
      const [, kind, name] = /^(SCAN|SEARCH) (\w+)/.exec(step) ?? [];
      if (/TEMP B-TREE FOR (ORDER BY|LAST)|AUTOMATIC/.test(step)) return true;
      if (name === undefined || !large.includes(tables.get(name) ?? '')) return false;
      return (
        kind === 'SCAN' ||
        / USING (PRIMARY KEY|INDEX sqlite_autoindex_backups_1|COVERING INDEX sqlite_autoindex_backups_1) \(plan=\?\)$/.test(
          step,
        )
      );
    })
    .map((step) => `${operation}: ${step} in ${sql.slice(0, 120)}`);
}

/** What may walk or sort: it stops by itself, is bounded, or is asked for once in the life of a plan. */
const allowed: readonly (readonly [operation: string, statement: RegExp, why: string])[] = [
  ['claim', /SELECT max\(node_id\) AS last FROM tasks/, 'the last key is read from the end'],
  ['discardPlan', /DELETE FROM tasks .* LIMIT/, 'one page of a creation that is removed'],
  ['beginRollback', /FROM (tasks t|backups b) CROSS JOIN/, 'once, over the smaller of two plans'],
  ['beginRollback', /FROM tasks WHERE plan = :plan\) n/, 'once, when an ended plan takes its nodes back'],
  ['cutOver', /FROM tasks WHERE plan = :plan AND state IN \(3\)/, 'once, when an ended plan is cut over'],
  ['cutOver', /INSERT INTO tasks/, 'once, when an ended plan is cut over'],
  ['endSweep', /GROUP BY e.code ORDER BY count/, 'once, over a dozen codes'],
  ['failures', /GROUP BY e.code ORDER BY count/, 'once, over a dozen codes'],
  ['tasks', /UNION ALL/, 'sorts 20,000 ready tasks at most'],
  ['tasks', /FROM leases l/, 'sorts what is in hand'],
  ['workers', /FROM workers w/, 'sorts the workers'],
];

let folder = '';
let db: SqliteDatabase;
let recorder: StatementRecorder;
let store: RegistryStore;
const clock = new ManualClock();

async function createPlan(changes: Partial<PlanDraft>, count: number, from = 0): Promise<string> {
  const creation = await store.createPlan({ ...draft, ...changes });
  for (let start = 0; start < count; start += PAGE) {
    const size = Math.min(PAGE, count - start);
    const page = Array.from({ length: size }, (_, index) => ({ nodeId: nodeId(from + start + index) }));
    await store.addTasks(creation, page, String(start));
  }
  return (await store.sealPlan(creation)).planId;
}

async function claim(
  planId: string,
  workerId = 'worker',
  deadWorkers: readonly string[] = [],
): Promise<Lease> {
  const found = await store.claim({ planId, workerId, leaseMs: LEASE_MS, deadWorkers });
  if (found.kind !== 'lease') throw new Error(`No lease: ${JSON.stringify(found)}.`);
  return found.lease;
}

function backUp(lease: Lease, count = lease.tasks.length): Promise<boolean> {
  const vector = Float32Array.of(1);
  const nodes = lease.tasks.slice(0, count);
  return store.backUp(
    lease,
    nodes.map((task) => ({ nodeId: task.nodeId, ...spec(1).info, vector, contentHash: 'c' })),
  );
}

/** Batches in every way: whole, with exceptions, in part, lost, retried. */
async function workOn(planId: string): Promise<void> {
  await store.beat({ workerId: 'worker', host: 'host', pid: 1 });
  const first = await claim(planId);
  const [a, b, c, d, e] = first.tasks.map((task) => task.nodeId) as [string, string, string, string, string];
  await backUp(first);
  await store.release(first, [e]);
  const outcomes = [
    { nodeId: a, status: 'failed', error },
    { nodeId: b, status: 'skipped' },
    { nodeId: c, status: 'completed' },
    { nodeId: d, status: 'pending', error, notBefore: clock.now() + 1000 },
  ] as const;
  await store.settle(first, { outcomes, embedderAnswered: true });
  const hold = { ...error, until: clock.now() };
  await store.settle(await claim(planId), { outcomes: [], embedderAnswered: true, hold });
  const retried = await claim(planId);
  const again = { nodeId: retried.tasks[0]?.nodeId ?? '', status: 'failed', error } as const;
  await store.settle(retried, { outcomes: [again], embedderAnswered: true });
  await claim(planId, 'casualty');
  await store.endLease(await claim(planId, 'worker', ['casualty']));
  await claim(planId);
  await store.renew({ workerId: 'worker', leaseMs: LEASE_MS });
  await store.retryFailed(planId, [a]);
  await store.retryFailed(planId);
  for (const force of [false, true]) {
    const taken = await store.takeNode({
      planId,
      nodeId: nodeId(90_000),
      workerId: 'w',
      leaseMs: LEASE_MS,
      force,
    });
    if (taken.kind === 'lease' && force)
      await store.settleNode(taken.lease, { nodeId: nodeId(90_000), outcome: 'restored' });
  }
}

async function look(planId: string): Promise<void> {
  for (const status of [undefined, ...Object.values(TaskStatus)])
    for (const errorCode of [undefined, error.code] as const)
      await store.tasks({
        planId,
        after: nodeId(2),
        ...(status && { status }),
        ...(errorCode && { errorCode }),
      });
  await store.tasks({ planId, nodeId: nodeId(5) });
  await store.failures(planId);
  await store.plan(planId);
  await store.plans();
  await store.plans({ status: 'pending', after: '9' });
  await store.runnable();
  await store.journal({ planId, after: '9' });
  await store.journal();
  await store.workers();
  await store.backup({ planId, nodeId: nodeId(3) });
}

/** Settles all, lets a sweep find a few nodes off the target, and ends the plan. */
async function finish(planId: string): Promise<void> {
  await store.tune(planId, { batchSize: ROWS, maxParallelWorkers: 100 });
  for (let hasSwept = false; ; ) {
    const next = await store.claim({ planId, workerId: 'worker', leaseMs: LEASE_MS });
    if (next.kind === 'rest') return;
    if (next.kind === 'wait') await clock.advance(Math.max(1, (next.until ?? 0) - clock.now()));
    else if (next.lease.kind === 'batch') {
      await backUp(next.lease, 10);
      const [first] = next.lease.tasks;
      const outcomes = first ? [{ nodeId: first.nodeId, status: 'failed', error } as const] : [];
      await store.settle(next.lease, { outcomes, embedderAnswered: true });
    } else {
      if (!hasSwept)
        await store.sweep(
          next.lease,
          [nodeId(7), nodeId(50_000), 'new'].map((id) => ({ nodeId: id })),
        );
      await store.endSweep(next.lease, !hasSwept);
      hasSwept = true;
    }
  }
}

/** Rolls two plans over the same nodes back, the later one first, and gives up the backups of the other. */
async function rollBack(planId: string, laterPlanId: string): Promise<void> {
  await store.beginRollback(planId).catch(() => undefined);
  await store.beginRollback(laterPlanId);
  const lease = await claim(laterPlanId);
  const after = await store.rollbackCursor(laterPlanId);
  const page = await store.backups(laterPlanId, { after, limit: 100 });
  const results = page.map((backup) => ({ nodeId: backup.nodeId, outcome: 'restored' as const }));
  await store.settleRollback(lease, page.at(-1)?.seq ?? 0, results);
  await store.endRollback(lease, { count: 0, sample: [] });
  await store.rollbackReport(laterPlanId);
  await store.markFinalized(planId);
  await store.dropBackups(planId, 10);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-plans-'));
  const path = join(folder, 'registry.sqlite');
  await (await openRegistry({ path, actor: 'test', clock })).close();
  db = await openSqlite({ path, clock });
  recorder = new StatementRecorder(db);
  store = recorder.named(new SqliteRegistryStore(db, { clock, actor: 'test' }));
  for (const version of [1, 2])
    await store.putModel({
      spec: spec(version),
      notes: {},
      activate: version === 1,
      allowLowerVersion: false,
    });
  const planId = await createPlan({}, ROWS);
  await workOn(planId);
  await look(planId);
  await finish(planId);
  await look(planId);
  // Holders are looked for only where there is another plan that may hold something.
  const beside = await createPlan({ wholeStore: false }, 10, 2 * ROWS);
  const later = await createPlan({ wholeStore: false }, 1000, 200);
  await finish(beside);
  await finish(later);
  await rollBack(planId, later);
  await store.discardPlan(await store.createPlan(draft));
  await store.adoptCreation();
  const listed = await createPlan({ wholeStore: false }, 1000, ROWS);
  await finish(listed);
  await store.cutOver(listed, true);
});

afterAll(async () => {
  await store?.close();
  await rm(folder, { recursive: true });
});

describe('on a plan of 100,000 tasks', () => {
  it('no statement walks or sorts what grows with the nodes', () => {
    const isAllowed = ({ operation, sql }: RecordedStatement) =>
      allowed.some(([name, statement]) => name === operation && statement.test(sql));
    expect(recorder.statements.filter((each) => !isAllowed(each)).flatMap(findings)).toEqual([]);
  });

  it('no statement shows its planner a bound value, for which it would be prepared anew each time', () => {
    const shown = recorder.statements.filter(
      ({ sql }) => /\b(LIMIT|OFFSET) [?:]/.test(sql) || / JOIN .*\bp\.plan(_id)? = [?:]/.test(sql),
    );
    expect(shown.map(({ operation, sql }) => `${operation}: ${sql}`)).toEqual([]);
  });

  it.each(allowed)('%s is rightly excepted for %s: %s', (operation, statement) => {
    const excepted = recorder.statements.filter(
      (each) => each.operation === operation && statement.test(each.sql),
    );
    expect(excepted.flatMap(findings)).not.toEqual([]);
  });

  it.each([
    ['claim', /SELECT node_id FROM tasks .* state = 0/, 'tasks USING PRIMARY KEY (plan=? AND node_id>?)'],
    [
      'claim',
      /FROM tasks INDEXED BY ready_tasks .* losses = \?/,
      'tasks USING INDEX ready_tasks (plan=? AND not_before=? AND losses=?)',
    ],
    ['claim', /SELECT losses FROM tasks/, 'tasks USING COVERING INDEX ready_tasks (plan=? AND not_before=?)'],
    [
      'claim',
      /SET not_before = 0/,
      'tasks USING COVERING INDEX ready_tasks (plan=? AND not_before>? AND not_before<?)',
    ],
    ['claim', /UPDATE tasks SET state = 2/, 'tasks USING PRIMARY KEY (plan=? AND node_id=?)'],
    ['claim', /SELECT min\(not_before\)/, 'tasks USING COVERING INDEX ready_tasks (plan=?)'],
    [
      'claim',
      /losses = losses \+ .* BETWEEN/,
      'tasks USING PRIMARY KEY (plan=? AND node_id>? AND node_id<?)',
    ],
    ['settle', /SET state = 3.* BETWEEN/, 'tasks USING PRIMARY KEY (plan=? AND node_id>? AND node_id<?)'],
    ['settle', /SET state = 3.* json_each/, 'tasks USING PRIMARY KEY (plan=? AND node_id=?)'],
    [
      'retryFailed',
      /UPDATE tasks SET (?!.*json_each\(:ids)/,
      'tasks USING COVERING INDEX odd_tasks (plan=? AND state=?)',
    ],
    ['sweep', /SELECT t.node_id, t.state/, 't USING PRIMARY KEY (plan=? AND node_id=?)'],
    ['sweep', /NOT EXISTS \(SELECT 1 FROM plans o/, 'h USING PRIMARY KEY (plan=? AND node_id=?)'],
    ['addTasks', /FROM plans o CROSS JOIN/, 'h USING PRIMARY KEY (plan=? AND node_id=?)'],
    ['backups', /FROM backups b/, 'b USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
    ['dropBackups', /DELETE FROM backups/, 'backups USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
    ['settleRollback', /UPDATE tasks/, 'tasks USING PRIMARY KEY (plan=? AND node_id=?)'],
    ['plan', /FROM plans p/, 'p USING INDEX sqlite_autoindex_plans_1 (plan_id=?)'],
    [
      'tasks',
      /SELECT node_id FROM tasks .* state = 4/,
      'tasks USING COVERING INDEX odd_tasks (plan=? AND state=? AND node_id>?)',
    ],
    ['tasks', /SELECT plan_id, node_id/, 't USING PRIMARY KEY (plan=? AND node_id=?)'],
    [
      'tasks',
      /FROM task_errors e .*after ORDER/,
      'e USING COVERING INDEX task_errors_by_code (plan=? AND code=? AND node_id>?)',
    ],
  ])('%s %s searches %s', (operation, statement, step) => {
    expect(recorder.steps(operation, statement)).toContain(`SEARCH ${step}`);
  });

  it('runnable plans come in the order of their index', () => {
    expect(recorder.steps('runnable', /FROM plans p/)[0]).toBe('SCAN p USING INDEX runnable_plans');
  });

  it('would notice a statement that walks', async () => {
    const walk = 'SELECT node_id FROM tasks WHERE plan = 1 AND state = 4 ORDER BY node_id';
    db.sql(walk).all();
    const found = recorder.statements.filter(({ sql }) => sql === walk).flatMap(findings);
    expect(found).toHaveLength(1);
  });
});
