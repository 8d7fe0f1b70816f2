import type {
  EmbeddingVersionManager,
  MigrationStatus,
  Page,
  PlanTuning,
  RegisterModelOptions,
  RegistryErrorCode,
  RetryFailedOptions,
  TaskStatus,
} from '@registry/core';
import { MigrationStatus as statuses } from '@registry/core';
import { parseVerdict } from './verdict.ts';

type Manager = EmbeddingVersionManager;

/** Failures beyond the newest plans of each status are not counted. */
const MOST_FAILING = 100;
const mayFail: ReadonlySet<MigrationStatus> = new Set(['in_progress', 'paused', 'failed']);

interface PageRequest {
  readonly limit: number;
  readonly after?: string;
}

/** What is asked of a registry that is open for reading. Answers are plain data: they cross to another process. */
export const reads = {
  models: async (manager: Manager) => (await manager.listModels()).map(plain),
  plan: async (manager: Manager, o: { planId: string }) => (await manager.getMigration(o.planId)).toJSON(),
  plans: async (manager: Manager, o: PageRequest & { status?: MigrationStatus }) =>
    plainPage(await manager.listMigrations(o)),
  tasks: async (
    manager: Manager,
    o: PageRequest & { planId: string; status?: TaskStatus; errorCode?: RegistryErrorCode; nodeId?: string },
  ) => plainPage(await manager.listTasks(o)),
  failures: (manager: Manager, o: { planId: string }) => manager.listFailures(o.planId),
  journal: (manager: Manager, o: PageRequest & { planId?: string }) => manager.listJournal(o),
  workers: (manager: Manager) => manager.listWorkers(),
  /** What the gate said last of a plan; cutting over goes by it. */
  verdict: async (manager: Manager, o: { planId: string }) => {
    const { items } = await manager.listJournal({ ...o, action: 'plan:gate', limit: 1 });
    return parseVerdict(items[0]?.details);
  },
  /** Reads the registry; what is written is a file beside it. */
  report: (manager: Manager, o: { planId: string; path: string }) => manager.writeReport(o),
  /** What a view shows before anything is expanded. */
  summary: async (manager: Manager) => {
    const models = await manager.listModels();
    const firsts = await Promise.all(
      Object.values(statuses).map((status) =>
        manager.listMigrations({ status, limit: mayFail.has(status) ? MOST_FAILING : 1 }),
      ),
    );
    const failing = firsts
      .flatMap(({ items }) => items)
      .filter((plan) => mayFail.has(plan.status) && plan.failedNodes > 0 && plan.finalizedAt === undefined);
    const workers = await manager.listWorkers();
    const [latest] = (await manager.listJournal({ limit: 1 })).items;
    return {
      activeModel: models.find((model) => model.isActive)?.qualifiedId,
      modelCount: models.length,
      /** Those that some plan has. */
      statuses: Object.values(statuses).filter((_, index) => (firsts[index]?.items.length ?? 0) > 0),
      workers,
      /** Plans with failed nodes that can still be tried again, and those nodes. */
      failing: {
        plans: failing.length,
        nodes: failing.reduce((sum, { failedNodes }) => sum + failedNodes, 0),
      },
      /** Another one as soon as a model, a plan or a setting changes. */
      revision: JSON.stringify([latest, workers.map(({ workerId }) => workerId), models.length]),
    };
  },
};

/** What is asked of a registry that is opened for writing, and closed again at once. */
export const writes = {
  /** Opened for writing, it is one of this program. */
  open: async (_: Manager, __: Record<never, never>) => {},
  registerModel: async (manager: Manager, o: RegisterModelOptions) =>
    (await manager.registerModel(o)).toJSON(),
  pause: async (manager: Manager, o: { planId: string }) => (await manager.pauseMigration(o.planId)).toJSON(),
  resume: async (manager: Manager, o: { planId: string }) =>
    (await manager.resumeMigration(o.planId)).toJSON(),
  cancel: async (manager: Manager, o: { planId: string }) =>
    (await manager.cancelMigration(o.planId)).toJSON(),
  tune: async (manager: Manager, o: { planId: string } & PlanTuning) =>
    (await manager.tuneMigration(o)).toJSON(),
  retryFailed: (manager: Manager, o: RetryFailedOptions) => manager.retryFailed(o),
};

const plain = <T>(item: { toJSON(): T }): T => item.toJSON();

function plainPage<T>(page: Page<{ toJSON(): T }>): Page<T> {
  return { ...page, items: page.items.map(plain) };
}
