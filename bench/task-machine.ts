/** Plans and tasks in a registry without nodes: what only the registry itself can be slow at. */
import { statSync } from 'node:fs';
import type { BatchResult, PlanDraft, RegistryStore } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import { after, BATCH, before, idOf } from './scene.ts';

const PAGE = 10_000;
const LEASE_MS = 30_000;

export async function openPlans(path: string): Promise<RegistryStore> {
  const registry = await openRegistry({ path, actor: 'bench' });
  for (const spec of [before, after])
    await registry.putModel({ spec, notes: {}, activate: spec === before, allowLowerVersion: false });
  return registry;
}

const draft: PlanDraft = {
  source: before,
  target: after,
  strategy: 'inPlace',
  priority: 2,
  wholeStore: false,
  backupOldVectors: true,
  activate: false,
  batchSize: BATCH,
  throttleMs: 0,
  maxParallelWorkers: 2,
  maxRetries: 3,
  dutyCycle: 1,
};

/** Makes a plan over `size` nodes from number `first` on; answers its id. */
export async function makePlan(registry: RegistryStore, first: number, size: number): Promise<string> {
  const creation = await registry.createPlan(draft);
  for (let start = 0; start < size; start += PAGE) {
    const count = Math.min(PAGE, size - start);
    const seeds = Array.from({ length: count }, (_, index) => ({
      nodeId: idOf(first + start + index),
      source: before.info,
    }));
    await registry.addTasks(creation, seeds);
  }
  return (await registry.sealPlan(creation)).planId;
}

const completed: BatchResult = { outcomes: [], embedderAnswered: true };

/** Claims and settles batch after batch; of the first `failing` batches the first task fails. */
export async function settleAll(
  registry: RegistryStore,
  planId: string,
  o: { batches?: number; failing?: number } = {},
): Promise<void> {
  const { batches = Number.POSITIVE_INFINITY, failing = 0 } = o;
  const error = { code: 'CONTENT_MISSING', message: 'The node has no content.' } as const;
  for (let batch = 0; batch < batches; batch++) {
    const claim = await registry.claim({ planId, workerId: 'bench', leaseMs: LEASE_MS });
    if (claim.kind !== 'lease' || claim.lease.kind !== 'batch') return;
    const first = claim.lease.tasks[0];
    const fails = first !== undefined && batch < failing;
    await registry.settle(
      claim.lease,
      fails ? { ...completed, outcomes: [{ nodeId: first.nodeId, status: 'failed', error }] } : completed,
    );
  }
}

/** Size of a new registry with one unworked plan, by its tasks. */
export async function bytesPerTask(path: string, size: number): Promise<number> {
  const registry = await openPlans(path);
  await makePlan(registry, 0, size);
  await registry.close();
  return statSync(path).size / size;
}
