/**
 * What must hold whenever things are at rest, whatever was killed, failed or frozen before. The account of
 * the application's acknowledged writes and the log of landed writes are the test's own; nothing here asks the
 * engine whether it is right.
 */
import assert from 'node:assert/strict';
import {
  isAtTarget,
  type MigrationPlan,
  type MigrationTask,
  type RollbackReport,
  type StoredNode,
  vectorBytes,
} from '@registry/core';
import { expectedVector } from '@registry/core/testing';
import { models } from './models.ts';
import { stateOf } from './node-states.ts';
import type { Worker, World } from './world.ts';

export async function tasksOf({ manager }: Worker, planId: string): Promise<readonly MigrationTask[]> {
  return (await manager.listTasks({ planId, limit: 1000 })).items;
}

/** Holds at rest in every world. `mayFail`: nodes that may be dead letters, or have used retries. */
export async function assertSound(
  world: World,
  worker: Worker,
  planId: string,
  { mayFail = [] }: { mayFail?: readonly string[] } = {},
): Promise<MigrationPlan> {
  world.witness.testify();
  world.registry.assertConsistent();
  const nodes = await world.nodes();
  const plan = await worker.manager.getMigration(planId);
  const tasks = await tasksOf(worker, planId);
  for (const [id, expected] of world.application.contents) {
    assertContent(id, nodes.get(id), expected);
    const stored = await world.application.store.get(id);
    assert.deepEqual(stored?.metadata, expected?.metadata, `metadata of ${id}`);
    const node = nodes.get(id);
    if (node !== undefined) assertVector(world, node);
    const isTask = tasks.some((task) => task.nodeId === id);
    if (!isTask && !world.application.written.has(id) && plan.status !== 'rolled_back')
      assertUntouched(world, id, node, plan);
  }
  assertAdopted(plan, tasks);
  for (const task of tasks) {
    if (plan.finalizedAt === undefined) assertOriginal(world, task);
    if (mayFail.includes(task.nodeId)) continue;
    assert.equal(task.retryCount, 0, `${task.nodeId} was charged a retry (${task.errorMessage})`);
    assert.notEqual(task.status, 'failed', `${task.nodeId} failed: ${task.errorCode} ${task.errorMessage}`);
  }
  return plan;
}

/** No lost edit: content is what the application wrote last, and what it deleted is gone. */
function assertContent(
  id: string,
  node: StoredNode | undefined,
  expected: { content: string } | undefined,
): void {
  assert.equal(node?.content, expected?.content, `content of ${id}`);
}

/** Stamp truth: the vector is what the model of the stamp makes of the text that was embedded. */
function assertVector(world: World, node: StoredNode): void {
  const { id, vector, embeddingModelId, embeddingVersion, embeddedHash } = node;
  if (embeddingModelId === undefined) return;
  const model = Object.values(models).find(
    ({ modelId, version }) => modelId === embeddingModelId && version === embeddingVersion,
  );
  assert.ok(model !== undefined && vector !== undefined, `${id} is stamped ${embeddingModelId}`);
  assert.equal(node.embeddingChecksum, model.checksum, `checksum of ${id}`);
  const text = world.application.texts.get(embeddedHash ?? '');
  assert.ok(text !== undefined, `${id} was embedded from a text that nobody wrote`);
  const truth = expectedVector(model, text);
  assert.deepEqual(
    Buffer.from(vectorBytes(vector)),
    Buffer.from(vectorBytes(truth)),
    `the vector of ${id} is not what ${model.qualifiedId} makes of its text`,
  );
}

function assertUntouched(world: World, id: string, node: StoredNode | undefined, plan: MigrationPlan): void {
  if (node !== undefined && !plan.wholeStore) return;
  if (!world.start.has(id)) return;
  assert.equal(stateOf(node), world.start.get(id), `${id} belongs to no plan and was changed`);
}

function assertAdopted(plan: MigrationPlan, tasks: readonly MigrationTask[]): void {
  if (plan.finalizedAt !== undefined) return;
  const adopted = tasks.filter((task) => task.status === 'completed' && !task.canRollback);
  assert.equal(plan.adoptedNodes, adopted.length, 'adopted nodes');
}

/** True original: the backup is what stood there before the plan wrote, and last by anyone else. */
function assertOriginal(world: World, { nodeId, target, canRollback }: MigrationTask): void {
  const { embeddingModelId, embeddingVersion } = target;
  const original = world.states.originalOf(nodeId, `${embeddingModelId}:v${embeddingVersion}`);
  if (original === undefined) return;
  assert.ok(canRollback, `the plan wrote ${nodeId} and has no backup of it`);
  const backup = world.registry.backupState(nodeId, embeddingModelId, embeddingVersion);
  assert.equal(backup, original, `the backup of ${nodeId} is not what the plan replaced`);
}

/** The plan has ended well: every node of it is at the target, or gone. */
export async function assertCompleted(world: World, worker: Worker, planId: string): Promise<void> {
  const plan = await assertSound(world, worker, planId);
  assert.equal(plan.status, 'completed', plan.reason?.message);
  assert.ok(plan.isComplete);
  if (plan.rolledBackNodes === 0) assert.equal(plan.progressPercent, 100);
  const nodes = await world.nodes();
  for (const { nodeId, status } of await tasksOf(worker, planId)) {
    const node = nodes.get(nodeId);
    if (status === 'rolled_back') continue;
    if (status === 'skipped') assert.equal(node, undefined, `task of ${nodeId} is skipped`);
    if (node !== undefined)
      assert.ok(isAtTarget(node, plan.targetSpec.info), `${nodeId} is off the target: ${stateOf(node)}`);
  }
}

/** Every node that the application left alone is byte for byte what it was before the plan. */
export async function assertRolledBack(
  world: World,
  worker: Worker,
  planId: string,
  report?: RollbackReport,
): Promise<void> {
  const plan = await assertSound(world, worker, planId, { mayFail: [...world.application.written] });
  assert.equal(plan.status, 'rolled_back');
  const now = await world.nodeStates();
  for (const [id, before] of world.start)
    if (!world.application.written.has(id)) assert.equal(now.get(id), before, `${id} is not as it was`);
  if (report === undefined) return;
  const backups = (await tasksOf(worker, planId)).filter((task) => task.canRollback).length;
  const { restored, skipped, conflicts, failed, remaining } = report;
  assert.equal(restored + skipped + conflicts + failed, backups, 'outcomes of the rollback and backups');
  const nodes = [...(await world.nodes()).values()];
  const { modelId, version } = plan.targetSpec;
  const atTarget = nodes.filter(
    (node) => node.embeddingModelId === modelId && node.embeddingVersion === version,
  );
  assert.equal(remaining, atTarget.length, 'nodes that remain at the target');
}
