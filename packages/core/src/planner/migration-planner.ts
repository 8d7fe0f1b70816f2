import * as z from 'zod';
import type { ManagerContext } from '../context.ts';
import { errorCodes, type RegistryErrorCode } from '../errors.ts';
import { knownPlan } from '../lookups.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { MigrationStatus, TaskStatus } from '../model/status.ts';
import type { MigrationTask } from '../model/task.ts';
import { parseOptions } from '../options.ts';
import type { Page, PageOptions } from '../ports/node-store.ts';
import type { FailureGroup } from '../ports/registry-store.ts';
import { type CreateMigrationOptions, planMigration } from './plan-migration.ts';

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
    return planMigration(this.#context, options, { activate: false });
  }

  /** @throws RegistryError `PLAN_UNKNOWN` */
  async getMigration(planId: string): Promise<MigrationPlan> {
    return knownPlan(this.#context, parseOptions(planIdSchema, planId, 'plan id'));
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
