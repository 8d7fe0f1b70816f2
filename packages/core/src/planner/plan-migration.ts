import * as z from 'zod';
import { type ManagerContext, nodeStoreOf, writeMark } from '../context.ts';
import { modelIdSchema, modelNamed, type RegisteredModel, versionSchema } from '../model/model-spec.ts';
import type { MigrationPlan, PlanTuning } from '../model/plan.ts';
import { Priority, type Strategy } from '../model/status.ts';
import { parseOptions } from '../options.ts';
import { createPlan } from './create-plan.ts';
import { assertSelection, type Selection, selectionShape } from './selection.ts';
import { chooseStrategy } from './strategy.ts';
import { assertPriced, tuningShape, withDefaults } from './tuning.ts';

/** What to migrate, to which registered model, how urgently and at what pace; the pace not named is that of the configuration. */
export interface CreateMigrationOptions extends Selection, PlanTuning {
  targetModelId: string;
  targetVersion: number;
  priority?: Priority;
  strategy?: Strategy;
  signal?: AbortSignal;
}

const createSchema = z.strictObject({
  targetModelId: modelIdSchema,
  targetVersion: versionSchema,
  ...selectionShape,
  priority: z.literal([0, 1, 2, 3], 'must be 0 (critical) to 3 (low)').optional(),
  strategy: z.enum(['inPlace', 'namedVector', 'shadow']).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  ...tuningShape,
});

/**
 * Makes the plan that is asked for, page by page; with `activate` its target becomes active in the transaction that
 * seals it. Errors as of `createMigration`.
 */
export async function planMigration(
  context: ManagerContext,
  options: CreateMigrationOptions,
  { activate }: { readonly activate: boolean },
): Promise<MigrationPlan> {
  const { registry, config, events, nodes } = context;
  const o = parseOptions(createSchema, options, 'migration');
  assertSelection(o, nodes);
  if (o.nodeIds === undefined) nodeStoreOf(context, 'A plan without nodeIds');
  const models = await registry.models();
  const source = models.find((model) => model.isActive);
  const target = { modelId: o.targetModelId, version: o.targetVersion };
  assertPriced(models, target, o.spendCap);
  const { strategy, why } = await strategyOf(context, o, models);
  const draft = {
    source: source ?? target,
    target,
    strategy,
    ...(why !== undefined && { strategyReason: why }),
    priority: o.priority ?? Priority.NORMAL,
    wholeStore: o.nodeIds === undefined,
    ...(o.where && { where: o.where }),
    backupOldVectors: config.backupOldVectors,
    // Side by side readers move at the cutover, and the active model with them.
    activate: activate && strategy === 'inPlace',
    ...withDefaults(o, config),
  };
  const plan = await createPlan(context, draft, o.nodeIds, o.signal);
  await writeMark(context);
  events.emit('plan:created', plan);
  return plan;
}

/** A model that is not registered is refused when the plan is written. */
function strategyOf(
  context: ManagerContext,
  { strategy: wanted, targetModelId, targetVersion, nodeIds, where }: z.output<typeof createSchema>,
  models: readonly RegisteredModel[],
): ReturnType<typeof chooseStrategy> | { strategy: Strategy; why?: string } {
  const target = modelNamed(models, { modelId: targetModelId, version: targetVersion });
  if (target === undefined) return { strategy: wanted ?? 'inPlace' };
  const source = models.find((model) => model.isActive);
  const isPartial = nodeIds !== undefined || where !== undefined;
  return chooseStrategy(context, { source, target, wanted, isPartial });
}
