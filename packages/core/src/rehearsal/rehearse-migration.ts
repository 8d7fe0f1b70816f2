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
import { nodePages } from '../gate/draw-nodes.ts';
import type { GateReport } from '../gate/report.ts';
import type { RegisteredModel } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { openContext } from '../open.ts';
import { parseOptions } from '../options.ts';
import type { Embedder } from '../ports/embedder.ts';
import { Workers } from './doomed-worker.ts';
import { registryFile } from './rehearsal-worker.ts';
import type { RehearsalReport } from './report.ts';
import {
  copyNodes,
  drawIds,
  inTemporaryFolder,
  type MakeScratchStore,
  type ScratchStore,
} from './scratch.ts';
import { Stage } from './stage.ts';
import { type Account, thriftyEmbedder } from './thrifty-embedder.ts';
import type { WorkerProgram } from './worker-process.ts';

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
    embedders: thriftyEmbedders(context, plan, wish, { models, account }),
  });
  try {
    await registerModels(context, base, models);
    const stage = new Stage(base, { workers: new Workers(base, chance), wish, ids, folder, account });
    const told = await stage.play(plan);
    return {
      ...verdictOf(told.findings, told.gate),
      seed: wish.seed,
      nodes,
      of,
      kills: told.kills,
      rateLimits: account.rateLimits,
      completed: told.completed,
      failures: told.failures,
      nodesPerSecond: told.completed / told.workedSeconds,
      textsEmbedded: account.texts,
      gate: told.gate,
      rollback: told.rollback,
      seconds: elapsed(),
    };
  } finally {
    await release();
  }
}

/** Those of the registered models that are at hand. */
function thriftyEmbedders(
  { embedders, clock }: ManagerContext,
  { targetSpec }: MigrationPlan,
  wish: Wish,
  { models, account }: { models: readonly RegisteredModel[]; account: Account },
): Embedder[] {
  return models
    .filter((model) => embedders.lacks(model) === undefined)
    .map((model) =>
      thriftyEmbedder({
        embedders,
        clock,
        account,
        model,
        refusedCalls: model.equals(targetSpec) ? refusedCalls(wish) : new Set(),
        signal: wish.signal,
      }),
    );
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
