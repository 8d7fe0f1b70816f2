import * as z from 'zod';
import { type ManagerContext, nodeStoreOf, writeMark } from '../context.ts';
import { errorCodes, RegistryError, type RegistryErrorCode } from '../errors.ts';
import { modelIdSchema, modelNamed, type RegisteredModel, versionSchema } from '../model/model-spec.ts';
import type { MigrationPlan, PlanTuning } from '../model/plan.ts';
import { MigrationStatus, Priority, type Strategy, TaskStatus } from '../model/status.ts';
import type { MigrationTask } from '../model/task.ts';
import { parseOptions } from '../options.ts';
import type { Page, PageOptions } from '../ports/node-store.ts';
import type { FailureGroup } from '../ports/registry-store.ts';
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

const pageShape = {
  limit: z.int().min(1).max(10_000).optional(),
  after: z.string().optional(),
  signal: z.instanceof(AbortSignal).optional(),
};
/** `next` of a list that is numbered: any other text would silently be the first page, or none. */
const numberedPageShape = {
  ...pageShape,
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'must be `next` of the page before')
    .optional(),
};
export const planIdSchema = z.string('must be the id of a plan').min(1, 'must not be empty');
export const journalSchema = z.strictObject({
  planId: planIdSchema.optional(),
  action: z.string().min(1).optional(),
  ...numberedPageShape,
});
const listPlansSchema = z.strictObject({
  status: z.enum(Object.values(MigrationStatus)).optional(),
  ...numberedPageShape,
});
const listTasksSchema = z.strictObject({
  planId: planIdSchema,
  nodeId: z.string().optional(),
  status: z.enum(Object.values(TaskStatus)).optional(),
  errorCode: z.enum(Object.keys(errorCodes) as RegistryErrorCode[]).optional(),
  ...pageShape,
});

/** Makes plans and lists them. Made by `EmbeddingVersionManager.open`. */
export class MigrationPlanner {
  readonly #context: ManagerContext;

  constructor(context: ManagerContext) {
    this.#context = context;
  }

  /**
   * Plans the migration of nodes to a registered model, page by page, in constant memory. It activates
   * nothing: cut the plan over by hand. An empty selection is a completed plan.
   * @throws RegistryError `MODEL_UNKNOWN`, `PLAN_OVERLAP`, `NODE_STORE_MISSING`, `STRATEGY_UNSUITABLE`,
   * `SPEC_INVALID`
   */
  createMigration(options: CreateMigrationOptions): Promise<MigrationPlan> {
    return this.create(options, false);
  }

  /** As `createMigration`; with `activate` the target becomes active in the transaction that seals the plan. */
  async create(options: CreateMigrationOptions, activate: boolean): Promise<MigrationPlan> {
    const { registry, config, events, nodes } = this.#context;
    const o = parseOptions(createSchema, options, 'migration');
    assertSelection(o, nodes);
    if (o.nodeIds === undefined) nodeStoreOf(this.#context, 'A plan without nodeIds');
    const models = await registry.models();
    const source = models.find((model) => model.isActive);
    const target = { modelId: o.targetModelId, version: o.targetVersion };
    assertPriced(models, target, o.spendCap);
    const { strategy, why } = await this.#strategy(o, models);
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
    const plan = await createPlan(this.#context, draft, o.nodeIds, o.signal);
    await writeMark(this.#context);
    events.emit('plan:created', plan);
    return plan;
  }

  /** A model that is not registered is refused when the plan is written. */
  #strategy(
    { strategy: wanted, targetModelId, targetVersion, nodeIds, where }: z.output<typeof createSchema>,
    models: readonly RegisteredModel[],
  ): ReturnType<typeof chooseStrategy> | { strategy: Strategy; why?: string } {
    const target = modelNamed(models, { modelId: targetModelId, version: targetVersion });
    if (target === undefined) return { strategy: wanted ?? 'inPlace' };
    const source = models.find((model) => model.isActive);
    const isPartial = nodeIds !== undefined || where !== undefined;
    return chooseStrategy(this.#context, { source, target, wanted, isPartial });
  }

  /** @throws RegistryError `PLAN_UNKNOWN` */
  async getMigration(planId: string): Promise<MigrationPlan> {
    const plan = await this.#context.registry.plan(parseOptions(planIdSchema, planId, 'plan id'));
    if (plan !== undefined) return plan;
    throw new RegistryError(
      'PLAN_UNKNOWN',
      `There is no plan ${JSON.stringify(planId)}; listMigrations names them.`,
      {
        details: { planId },
      },
    );
  }

  /** Newest first. */
  async listMigrations(
    options: PageOptions & { status?: MigrationStatus } = {},
  ): Promise<Page<MigrationPlan>> {
    parseOptions(listPlansSchema, options, 'page');
    return this.#context.registry.plans(options);
  }

  /** In the order of node ids, by code point. @throws RegistryError `PLAN_UNKNOWN` */
  async listTasks(
    options: PageOptions & {
      planId: string;
      nodeId?: string;
      status?: TaskStatus;
      errorCode?: RegistryErrorCode;
    },
  ): Promise<Page<MigrationTask>> {
    parseOptions(listTasksSchema, options, 'page');
    return this.#context.registry.tasks(options);
  }

  /** Failed tasks by their cause, the most frequent first. @throws RegistryError `PLAN_UNKNOWN` */
  listFailures(planId: string): Promise<readonly FailureGroup[]> {
    return this.#context.registry.failures(parseOptions(planIdSchema, planId, 'plan id'));
  }
}
