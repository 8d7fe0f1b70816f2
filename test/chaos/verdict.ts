/** What must hold once a plan rests and every process has ended: against the account, and against the history. */
import assert from 'node:assert/strict';
import {
  type EmbeddingVersionManager,
  isAtTarget,
  type MigrationPlan,
  type RollbackReport,
  sameStamp,
} from '@registry/core';
import { type ModelName, models } from '../crash/models.ts';
import { stateOf } from '../crash/node-states.ts';
import { MOST_LANES } from './ground.ts';
import type { ChaosWorld } from './world.ts';

interface TaskRow {
  node_id: string;
  state: number;
  attempts: number;
  code: string | null;
  message: string | null;
}

const COMPLETED = 3;
const FAILED = 4;
const SKIPPED = 5;

/** Nobody's edit is lost, nothing comes back, and no healthy text was charged with the deaths around it. */
export function assertSound(world: ChaosWorld, planId: string): void {
  // Batches of a cancelled plan may be in frozen hands still, from when it had more lanes.
  world.witness.look(planId, MOST_LANES);
  const account = world.account();
  const wanted = [...account.nodes].filter(([, node]) => node !== null);
  const content = world.content();
  for (const [id, node] of account.nodes) assert.deepEqual(content.get(id) ?? null, node, `content of ${id}`);
  assert.equal(content.size, wanted.length, 'nodes');
  for (const { node_id, state, attempts, code, message } of tasksOf(world, planId)) {
    // Told of a node that was edited since, by the rollback of the plan or of the node alone.
    const isConflict = code === 'ROLLBACK_CONFLICT' && account.touches(node_id, 2) > 0;
    assert.ok(state !== FAILED || isConflict, `${node_id} failed: ${code} ${message}`);
    assert.equal(attempts, 0, `${node_id} was charged a retry: ${code} ${message}`);
  }
}

function tasksOf(world: ChaosWorld, planId: string): TaskRow[] {
  return world.registry.all<TaskRow>(
    `SELECT t.node_id, t.state, t.attempts, e.code, e.message FROM tasks t JOIN plans p ON p.plan = t.plan
     LEFT JOIN task_errors e ON e.plan = t.plan AND e.node_id = t.node_id WHERE p.plan_id = ?`,
    planId,
  );
}

function assertActive(world: ChaosWorld, name: ModelName): void {
  const [active] = world.registry.all<{ model_id: string; version: number }>(
    'SELECT s.model_id, s.version FROM active_model a JOIN model_specs s ON s.model = a.model',
  );
  const { modelId, version } = models[name];
  assert.deepEqual({ ...active }, { model_id: modelId, version }, 'the active model');
}

/** The last sweep of a plan, frozen for a whole lease, takes no longer. */
const LAST_SWEEP_MS = 60_000;

/** Every node is at the target, but those that were rolled back alone, or written since the last sweep. */
export function assertCompleted(
  world: ChaosWorld,
  plan: MigrationPlan,
  target: ModelName,
  active: ModelName,
): void {
  assertSound(world, plan.planId);
  assert.equal(plan.status, 'completed', plan.reason?.message);
  assertActive(world, active);
  const account = world.account();
  const endedAt = Date.parse(plan.completedAt ?? '');
  const tasks = new Map(tasksOf(world, plan.planId).map((task) => [task.node_id, task]));
  for (const [id, { node }] of world.witness.latest) {
    const state = tasks.get(id)?.state ?? COMPLETED;
    if (node === undefined || (state !== COMPLETED && state !== SKIPPED)) continue;
    if ((account.changedAt.get(id) ?? 0) > endedAt - LAST_SWEEP_MS) continue;
    const there = { ...node, fence: '' };
    assert.ok(isAtTarget(there, models[target].info), `${id} is off the target: ${stateOf(node)}`);
  }
  assertBackups(world, plan);
}

/** A backup for each node that was written, and for no node that was not even a task. */
function assertBackups(world: ChaosWorld, { planId, adoptedNodes }: MigrationPlan): void {
  const backups = world.registry.backups(planId);
  const tasks = tasksOf(world, planId);
  const ids = new Set(tasks.map(({ node_id }) => node_id));
  for (const id of backups.keys()) assert.ok(ids.has(id), `${id} has a backup and no task`);
  const adopted = tasks.filter(({ node_id, state }) => state === COMPLETED && !backups.has(node_id));
  assert.equal(adoptedNodes, adopted.length, 'adopted nodes');
}

/** Each node is what the plan found, or what the application has made of it since, or a conflict. */
export function assertRolledBack(
  world: ChaosWorld,
  plan: MigrationPlan,
  report: RollbackReport,
  active: ModelName,
): void {
  assertSound(world, plan.planId);
  assert.equal(plan.status, 'rolled_back', plan.reason?.message);
  assertActive(world, active);
  const backups = world.registry.backups(plan.planId);
  const { restored, skipped, conflicts, failed, remaining } = report;
  assert.equal(restored + skipped + conflicts + failed, backups.size, 'outcomes and backups');
  assert.equal(failed, 0, 'nodes that could not be rolled back');
  const target = plan.targetSpec.info;
  for (const [id, { node }] of world.witness.latest)
    if (node !== undefined && sameStamp(node, target) && world.witness.makers.get(id) === 'plan')
      assertConflict(id, node.contentHash, backups.get(id));
  // The application may write at the target before and after the count.
  assert.ok(world.witness.countsAtTarget.has(remaining), `${remaining} nodes never were at the target`);
}

/** What a plan wrote and a rollback left alone is of another text than what was kept. */
function assertConflict(id: string, hash: string, backup: string | undefined): void {
  assert.ok(backup !== undefined, `${id} is still at the target, and was never backed up`);
  const [, , [kept]] = JSON.parse(backup) as [unknown, unknown, [string]];
  assert.notEqual(hash, kept, `${id} is still at the target, with the text that was backed up`);
}

/** What no application and no other plan has touched is byte for byte as it was at the beginning. */
export function assertUntouched(
  world: ChaosWorld,
  beginning: ReadonlyMap<string, string>,
  touched: (id: string) => boolean,
): number {
  let same = 0;
  for (const [id, state] of beginning) {
    if (touched(id)) continue;
    assert.equal(stateOf(world.witness.latest.get(id)?.node), state, `${id} is not as it was`);
    same += 1;
  }
  return same;
}

/** A second run does nothing, and says the same. */
export async function assertRepeatable(
  manager: EmbeddingVersionManager,
  planId: string,
): Promise<RollbackReport> {
  const first = await manager.rollbackMigration({ planId });
  assert.deepEqual(await manager.rollbackMigration({ planId }), first);
  return first;
}
