/**
 * Moves readers of a plan side by side. Two systems, no transaction over both: what the registry would refuse is
 * asked first, then the store moves its readers in one step, then the registry notes it and activates the target.
 * A crash between the two is repaired by the same call: the store knows where its readers are.
 */
import * as z from 'zod';
import { type ManagerContext, sidesOf, writeMark } from '../context.ts';
import { RegistryError } from '../errors.ts';
import { askGate } from '../gate/ask-gate.ts';
import { knownModel, knownPlan } from '../lookups.ts';
import { modelNamed } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { parseOptions } from '../options.ts';
import type { Comparison, SideBySide } from '../ports/node-store.ts';
import { planIdSchema } from './migration-planner.ts';
import { lookOnce } from './switch-active-model.ts';

/** A busy application is always a little ahead; more rounds would not catch it either. */
const ROUNDS = 4;

/** What a caller of the cutover may accept. */
interface CutoverWish {
  /** Nodes that failed stay behind. */
  readonly acceptFailed: boolean;
  /**
   * So many nodes may be behind when readers move; the last look brings them over. Until then the new side does
   * not have them as they are: there they cannot be edited in part, and a delete of one that is missing is not seen.
   */
  readonly acceptBehind: number;
}

/** The plan, and what a caller accepts of it: nothing unless told. */
export interface CutoverOptions extends Partial<CutoverWish> {
  planId: string;
  /** Why the gate is passed over; it is not asked then, and the journal keeps the sentence. */
  overrideGate?: string;
}

const schema = z.strictObject({
  planId: planIdSchema,
  acceptFailed: z.boolean().default(false),
  acceptBehind: z.int().min(0).default(0),
  overrideGate: z.string().trim().min(1, 'must say why').max(500).optional(),
});

interface Runner {
  runMigration(planId: string): Promise<MigrationPlan>;
}

/** Moves readers and writers to the target of a plan; see `EmbeddingVersionManager.cutoverMigration`. */
export async function cutOver(
  context: ManagerContext,
  worker: Runner,
  options: CutoverOptions,
): Promise<MigrationPlan> {
  const { planId, overrideGate, ...wish } = parseOptions(schema, options, 'options of cutoverMigration');
  const { events, registry, config, embedders } = context;
  const before = await knownPlan(context, planId);
  const wasActive = modelNamed(await registry.models(), before.targetSpec)?.isActive ?? false;
  const isInPlace = before.strategy === 'inPlace';
  if (!wasActive) {
    // What is refused anyway is refused before anything is embedded.
    await registry.cutOver(planId, wish.acceptFailed, { dryRun: true });
    await askGate(context, before, overrideGate);
  }
  const mayRun = config.workerEnabled && embedders.lacks(before.targetSpec) === undefined;
  const catchUp = mayRun ? () => worker.runMigration(planId) : undefined;
  const { plan, followUp = undefined } = isInPlace
    ? await registry.cutOver(planId, wish.acceptFailed)
    : { plan: await cutOverSides(context, planId, wish, catchUp) };
  if (!wasActive) events.emit('model:activated', await knownModel(context, plan.targetSpec));
  if (plan.cutOverAt !== before.cutOverAt) events.emit('plan:cutover', plan);
  if (followUp !== undefined) {
    await writeMark(context);
    events.emit('plan:created', followUp);
    // Most often nothing is left to do, and until it has ended the plan cannot be rolled back.
    if (followUp.totalNodes === followUp.failedNodes && context.nodes !== undefined)
      await lookOnce(context, followUp);
  }
  return isInPlace || catchUp === undefined ? plan : catchUp();
}

/**
 * Answers the plan once its readers have moved.
 * @throws RegistryError `NODES_BEHIND`, `PLAN_STATE`, and what the store refuses
 */
async function cutOverSides(
  context: ManagerContext,
  planId: string,
  wish: CutoverWish,
  /** Works on the plan until it rests; absent where nobody can here. */
  catchUp: (() => Promise<unknown>) | undefined,
): Promise<MigrationPlan> {
  const { registry } = context;
  const { plan } = await registry.cutOver(planId, wish.acceptFailed, { dryRun: true });
  const side = await sidesOf(context, plan, 'A cutover');
  await context.sides.prepared(plan);
  if ((await side.readers()) === 'old') {
    await awaitCatchUp(context, side, planId, wish, catchUp);
    // Readers must not move to what the registry would not call active.
    await registry.cutOver(planId, wish.acceptFailed, { dryRun: true });
    await side.cutover();
  }
  const { plan: moved } = await registry.cutOver(planId, wish.acceptFailed);
  // Asked again: what was written to the old side behind the last look is brought over by another one.
  const isOpen = moved.status === 'completed' && moved.finalizedAt === undefined;
  if (plan.cutOverAt === undefined || !isOpen || catchUp === undefined) return moved;
  return (await registry.movePlan(planId, 'in_progress')).plan;
}

async function awaitCatchUp(
  { registry }: ManagerContext,
  side: SideBySide,
  planId: string,
  wish: CutoverWish,
  catchUp: (() => Promise<unknown>) | undefined,
): Promise<void> {
  for (let round = 0; ; round++) {
    const plan = await registry.plan(planId);
    if (plan === undefined) return;
    const open = openNodes(plan);
    const comparison = open > wish.acceptBehind ? undefined : await side.forward.compare();
    if (comparison !== undefined && isNear(comparison, plan, wish)) return;
    const isRunning = plan.status === 'in_progress' || plan.status === 'pending';
    const mayRun = plan.status !== 'paused' && !(comparison && comparison.findings.length > 0);
    if (catchUp === undefined || round >= ROUNDS || !mayRun) throw nodesBehind(plan, open, comparison);
    if (!isRunning) await registry.movePlan(planId, 'in_progress');
    await catchUp();
  }
}

function openNodes({
  totalNodes,
  completedNodes,
  failedNodes,
  skippedNodes,
  rolledBackNodes,
}: MigrationPlan) {
  return totalNodes - completedNodes - failedNodes - skippedNodes - rolledBackNodes;
}

function isNear(comparison: Comparison, plan: MigrationPlan, wish: CutoverWish): boolean {
  const accepted = wish.acceptBehind + (wish.acceptFailed ? plan.failedNodes : 0);
  return comparison.findings.length === 0 && comparison.behind + comparison.extra <= accepted;
}

function nodesBehind(plan: MigrationPlan, open: number, comparison: Comparison | undefined): RegistryError {
  const { behind = open, extra = 0, sample = [], findings = [] } = comparison ?? {};
  const alone =
    plan.rolledBackNodes > 0 ? ` ${plan.rolledBackNodes} of them may be those rolled back alone.` : '';
  const what = [
    ...(behind > 0 ? [`${behind} ${behind === 1 ? 'node is' : 'nodes are'} not on the new side yet`] : []),
    ...(extra > 0 ? [`${extra} ${extra === 1 ? 'node is' : 'nodes are'} on the new side only`] : []),
    ...findings,
  ].join('; ');
  return new RegistryError(
    'NODES_BEHIND',
    `Readers of plan ${plan.planId} were not moved: ${what}.${alone} Resume the plan and let a worker catch up, write to both sides meanwhile (dualWrite), rest the writers, or pass acceptBehind: the last look after the cutover brings them over.`,
    { details: { planId: plan.planId, behind, extra, sample, findings } },
  );
}
