import * as z from 'zod';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { embedderFailureOf, isRegistryError } from '../errors.ts';
import { GATE_SKIPPED } from '../gate/ask-gate.ts';
import { knownActiveModel, knownModel } from '../lookups.ts';
import { modelIdSchema, type RegisteredModel, versionSchema } from '../model/model-spec.ts';
import type { MigrationPlan, PlanTuning } from '../model/plan.ts';
import { parseOptions } from '../options.ts';
import { embedOrThrow, PROBE_TEXT } from '../worker/embed-call.ts';
import { LEASE_MS } from '../worker/pace.ts';
import { assertNoneBehind } from './nodes-behind.ts';
import { planMigration } from './plan-migration.ts';
import { sweepPlan } from './sweep.ts';
import { givenOnly, tuningShape } from './tuning.ts';

/** The model that is to be active, and what becomes of the nodes of the others. */
export interface SwitchActiveModelOptions extends PlanTuning {
  targetModelId: string;
  targetVersion: number;
  /** `true`: plan the migration of all nodes. `false`: activate over them. Unset: `autoMigrate` decides. */
  migrateExisting?: boolean;
  /** Activate without trying the target's embedder first: for machines that only plan. */
  unchecked?: boolean;
}

const schema = z.strictObject({
  targetModelId: modelIdSchema,
  targetVersion: versionSchema,
  migrateExisting: z.boolean().optional(),
  unchecked: z.boolean().optional(),
  ...tuningShape,
});

const ASKED_NO_GATE =
  'switchActiveModel activates the target before a node is written and asks no gate; createMigration and cutoverMigration do.';

/** Answers the plan, or undefined where none was wanted. */
export async function switchActiveModel(
  context: ManagerContext,
  options: SwitchActiveModelOptions,
): Promise<MigrationPlan | undefined> {
  const o = parseOptions(schema, options, 'switch');
  const target = await knownModel(context, { modelId: o.targetModelId, version: o.targetVersion });
  const isWanted = o.migrateExisting ?? context.config.autoMigrate;
  if (!isWanted) {
    if (o.migrateExisting === undefined) await assertNoneBehind(context, target);
    const model = await context.registry.activate(target);
    context.events.emit('model:activated', model);
    return undefined;
  }
  nodeStoreOf(context, 'Migrating existing nodes');
  if (!o.unchecked) await probe(context, target);
  const { targetModelId, targetVersion } = o;
  const plan = await planMigration(
    context,
    { targetModelId, targetVersion, ...givenOnly(o) },
    { activate: true },
  );
  if (plan.strategy !== 'inPlace') return plan;
  await context.registry.noteOfPlan({
    planId: plan.planId,
    action: GATE_SKIPPED,
    details: { message: ASKED_NO_GATE },
  });
  context.events.emit('model:activated', await knownActiveModel(context));
  return plan.totalNodes === 0 ? lookOnce(context, plan) : plan;
}

/**
 * Nothing is activated that cannot embed: a stored text, or a fixed one in an empty store. A text that the
 * model refuses is that node's trouble and proves nothing against the model, so the fixed one is asked then.
 * @throws RegistryError `EMBEDDER_MISSING`, `EMBEDDER_MISMATCH`, `EMBEDDER_FAILED`, `VECTOR_INVALID`
 */
async function probe({ nodes, embedders, clock }: ManagerContext, target: RegisteredModel): Promise<void> {
  const embed = (text: string) =>
    embedOrThrow([text], { embedders, clock, spec: target, purpose: 'document' });
  const [head] = (await nodes?.scan({ limit: 1 }))?.items ?? [];
  const [node] = head === undefined ? [] : ((await nodes?.read([head.id])) ?? []);
  if (!node?.content) return void (await embed(PROBE_TEXT));
  try {
    await embed(node.content);
  } catch (error) {
    if (!isRegistryError(error, 'VECTOR_INVALID') && embedderFailureOf(error) !== 'refused') throw error;
    await embed(PROBE_TEXT);
  }
}

/** A plan without a node ends now, not when a worker comes by, unless a writer was busy until just now. */
export async function lookOnce(context: ManagerContext, plan: MigrationPlan): Promise<MigrationPlan> {
  try {
    return await look(context, plan);
  } catch (error) {
    // The model is active and the plan is made: a worker looks instead.
    context.logger.warn(`Plan ${plan.planId} could not be looked through at once`, { error });
    return plan;
  }
}

async function look(context: ManagerContext, plan: MigrationPlan): Promise<MigrationPlan> {
  const { registry, clock } = context;
  const claim = await registry.claim({ planId: plan.planId, workerId: clock.uuid(), leaseMs: LEASE_MS });
  if (claim.kind === 'lease' && claim.lease.kind === 'sweep') {
    const ended = await sweepPlan(context, claim.lease);
    if (ended.status !== plan.status) context.events.emit('plan:changed', { plan: ended, from: plan.status });
    return ended;
  }
  if (claim.kind === 'lease') await registry.endLease(claim.lease);
  return (await registry.plan(plan.planId)) ?? plan;
}
