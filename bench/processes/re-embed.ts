// Migrates one store and says how fast, and how much memory the process took at most.
import { readFileSync } from 'node:fs';
import { BATCH, newRegistry, openStore, specs } from '../scene.ts';
import { jobOf, report } from './child.ts';

export interface ReEmbedJob {
  readonly store: string;
  readonly registry: string;
  readonly from: keyof typeof specs;
  readonly to: keyof typeof specs;
}

export interface ReEmbedAnswer {
  readonly seconds: number;
  readonly nodes: number;
  readonly peakBytes: number;
}

const job = jobOf<ReEmbedJob>();
const store = await openStore(job.store);
const manager = await newRegistry(job.registry, store, specs[job.from]);
const { modelId, version } = specs[job.to];
const { planId } = await manager.createMigration({
  targetModelId: modelId,
  targetVersion: version,
  batchSize: BATCH,
  throttleMs: 0,
});
const startedAt = performance.now();
const plan = await manager.runMigration(planId);
const seconds = (performance.now() - startedAt) / 1000;
if (plan.status !== 'completed') throw new Error(`The migration ended ${plan.status}`);
const answer: ReEmbedAnswer = {
  seconds,
  nodes: plan.completedNodes,
  peakBytes: peakBytes(),
};
report(answer);
await manager.close();
await store.close();
process.disconnect();

/** What `resourceUsage` tells begins, on Linux, with the memory of the process that started this one. */
function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
