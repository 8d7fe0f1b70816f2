import type { MigrationStatus, RegistryErrorCode, TaskStatus } from '@registry/core';
import type { Say } from '../language.ts';
import type { PlanData, ProgressData, TaskData, WorkerData } from '../registry-process/messages.ts';
import { faultRow, moreRow, noteRow, PAGE, type Reader, registryRow } from './branches.ts';
import { count } from './figures.ts';
import { capabilities } from './plan-capabilities.ts';
import { planRow, reasonOf, statusIcon, taskRow, workerRow } from './plan-row.ts';
import { nodesText, statusName } from './plan-text.ts';
import type { RegistryFile } from './registry-file.ts';
import type { Row } from './row.ts';

/** What stands behind a row. */
export type MigrationsBranch = { readonly row: Row; readonly file: RegistryFile } & (
  | { readonly kind: 'registry' | 'fault' | 'note' }
  | { readonly kind: 'workers'; readonly workers: readonly WorkerData[] }
  | { readonly kind: 'worker'; readonly worker: WorkerData }
  | { readonly kind: 'status'; readonly status: MigrationStatus }
  | { readonly kind: 'plan'; readonly plan: PlanData }
  | { readonly kind: 'tasks'; readonly plan: PlanData; readonly status: TaskStatus }
  | { readonly kind: 'failure'; readonly plan: PlanData; readonly code: RegistryErrorCode }
  | { readonly kind: 'task'; readonly plan: PlanData; readonly task: TaskData }
  | { readonly kind: 'more'; readonly parentId: string }
);

/** What needs attention first stands first. */
const order: readonly MigrationStatus[] = [
  'in_progress',
  'rolling_back',
  'pending',
  'paused',
  'failed',
  'completed',
  'cancelled',
  'rolled_back',
];
const unfinished: readonly MigrationStatus[] = ['in_progress', 'rolling_back', 'pending', 'paused'];

/** Plans by status, their tasks by status, failed ones by cause. Reads what is asked for, in pages, and no more. */
export class MigrationsTree {
  readonly #reader: Reader;
  readonly #say: Say;
  readonly #host: string;
  readonly #shown = new Map<string, number>();
  readonly #progress = new Map<string, ProgressData>();

  /** `host`: the name of this machine, whose workers can be stopped from here. */
  constructor(reader: Reader, say: Say, host = '') {
    this.#reader = reader;
    this.#say = say;
    this.#host = host;
  }

  /** The rows of one registry alone have no row for it above them. */
  async roots(files: readonly RegistryFile[]): Promise<readonly MigrationsBranch[]> {
    const [only] = files;
    if (files.length === 1 && only !== undefined) return this.#guarded(only, () => this.#statuses(only));
    return files.map((file) => ({ kind: 'registry', file, row: registryRow(file, this.#say) }));
  }

  children(branch: MigrationsBranch): Promise<readonly MigrationsBranch[]> {
    return this.#guarded(branch.file, async () => {
      switch (branch.kind) {
        case 'registry':
          return this.#noted(branch.file, await this.#statuses(branch.file));
        case 'workers':
          return branch.workers.map((worker) => this.#worker(branch.file, worker));
        case 'status':
          return this.#plans(branch.file, branch.row.id, branch.status);
        case 'plan':
          return this.#groups(branch.file, await this.#fresh(branch));
        case 'tasks':
          return branch.status === 'failed'
            ? this.#failures(branch)
            : this.#tasks(branch, { status: branch.status });
        case 'failure':
          return this.#tasks(branch, { status: 'failed', errorCode: branch.code });
        default:
          return [];
      }
    });
  }

  /** Shows another page below a row. */
  showMore(parentId: string): void {
    this.#shown.set(parentId, (this.#shown.get(parentId) ?? PAGE) + PAGE);
  }

  /** The branch of a plan with its progress, which it keeps until told otherwise. */
  withProgress(file: RegistryFile, progress: ProgressData): MigrationsBranch {
    const id = planId(file, progress.plan);
    this.#progress.set(id, progress);
    return this.#plan(file, progress.plan);
  }

  async #guarded(
    file: RegistryFile,
    list: () => Promise<readonly MigrationsBranch[]>,
  ): Promise<readonly MigrationsBranch[]> {
    try {
      return await list();
    } catch (error) {
      return [{ kind: 'fault', file, row: faultRow(file, error, this.#say) }];
    }
  }

  async #statuses(file: RegistryFile): Promise<readonly MigrationsBranch[]> {
    const { statuses, workers } = await this.#reader.read(file.path, 'summary');
    // A plan that has just ended is not to be looked for: its cutover is next.
    const open = statuses.some((status) => unfinished.includes(status)) ? unfinished : ['completed'];
    const groups = order
      .filter((status) => statuses.includes(status))
      .map((status) => {
        const label = statusName(status, this.#say);
        const row: Row = {
          id: `${file.path}|${status}`,
          label,
          icon: { name: 'folder' },
          spoken: this.#say('{status} plans', { status: label }),
          context: 'status',
          expansion: open.includes(status) ? 'expanded' : 'collapsed',
        };
        return { kind: 'status', file, status, row } as const;
      });
    return workers.length === 0 ? groups : [...groups, this.#workers(file, workers)];
  }

  /** Several registries stand side by side, so the welcome cannot say it of one. */
  #noted(file: RegistryFile, branches: readonly MigrationsBranch[]): readonly MigrationsBranch[] {
    const text = this.#say('No migration was planned yet.');
    return branches.length > 0 ? branches : [{ kind: 'note', file, row: noteRow(file.path, text) }];
  }

  /** Whoever works here, whichever program started it. */
  #workers(file: RegistryFile, workers: readonly WorkerData[]): MigrationsBranch {
    const label = this.#say('Workers');
    const row: Row = {
      id: `${file.path}|workers`,
      label,
      description: count(workers.length),
      icon: { name: 'server-process' },
      spoken: `${label}, ${count(workers.length)}`,
      context: 'workers',
      expansion: 'collapsed',
    };
    return { kind: 'workers', file, workers, row };
  }

  #worker(file: RegistryFile, worker: WorkerData): MigrationsBranch {
    const id = `${file.path}|worker|${worker.workerId}`;
    const row = workerRow(id, worker, worker.host === this.#host, this.#say);
    return { kind: 'worker', file, worker, row };
  }

  async #plans(
    file: RegistryFile,
    id: string,
    status: MigrationStatus,
  ): Promise<readonly MigrationsBranch[]> {
    const limit = this.#shown.get(id) ?? PAGE;
    const [{ items, next }, { workers }] = await Promise.all([
      this.#reader.read(file.path, 'plans', { status, limit }),
      this.#reader.read(file.path, 'summary'),
    ]);
    for (const plan of items) this.#forgetPace(file, plan, workers.length);
    return [...items.map((plan) => this.#plan(file, plan)), ...this.#more(file, id, next)];
  }

  /** Until its progress is told, a plan is known to have a worker or not. */
  #forgetPace(file: RegistryFile, plan: PlanData, workers: number): void {
    const id = planId(file, plan);
    const known = this.#progress.get(id);
    if (known !== undefined && known.plan.status === plan.status && workers > 0) return;
    const pace = { plan, workers, nodesPerSecond: 0 };
    this.#progress.set(id, workers === 0 ? { ...pace, heldBackBy: 'noWorker' } : pace);
  }

  #plan(file: RegistryFile, plan: PlanData): MigrationsBranch {
    const id = planId(file, plan);
    return { kind: 'plan', file, plan, row: planRow(id, plan, this.#progress.get(id), this.#say) };
  }

  async #fresh({ file, plan }: Extract<MigrationsBranch, { kind: 'plan' }>): Promise<PlanData> {
    return this.#reader.read(file.path, 'plan', { planId: plan.planId });
  }

  #groups(file: RegistryFile, plan: PlanData): readonly MigrationsBranch[] {
    const settled = plan.completedNodes + plan.failedNodes + plan.skippedNodes + plan.rolledBackNodes;
    const isOver = plan.status === 'cancelled' || plan.status === 'rolled_back';
    const open = Math.max(0, plan.totalNodes - settled);
    const groups: readonly (readonly [TaskStatus, number | undefined])[] = [
      ['failed', plan.failedNodes],
      ...(plan.status === 'in_progress' ? ([['in_progress', undefined]] as const) : []),
      [isOver ? 'cancelled' : 'pending', open],
      ['completed', plan.completedNodes],
      ['skipped', plan.skippedNodes],
      ['rolled_back', plan.rolledBackNodes],
    ];
    const why = reasonOf(plan);
    const reason: readonly MigrationsBranch[] =
      why === undefined ? [] : [{ kind: 'note', file, row: noteRow(planId(file, plan), why.text, why.icon) }];
    const shown = groups.filter(([, size]) => size !== 0);
    return [...reason, ...shown.map(([status, size]) => this.#group(file, plan, status, size))];
  }

  #group(file: RegistryFile, plan: PlanData, status: TaskStatus, size: number | undefined): MigrationsBranch {
    const label = status === 'in_progress' ? this.#say('In Hand') : statusName(status, this.#say);
    const row: Row = {
      id: `${planId(file, plan)}|${status}`,
      label,
      ...(size !== undefined && { description: count(size) }),
      icon: statusIcon(status),
      spoken: size === undefined ? label : `${label}, ${nodesText(size, this.#say)}`,
      context: 'tasks',
      expansion: 'collapsed',
    };
    return { kind: 'tasks', file, plan, status, row };
  }

  async #failures(
    branch: Extract<MigrationsBranch, { kind: 'tasks' }>,
  ): Promise<readonly MigrationsBranch[]> {
    const { file, plan } = branch;
    const groups = await this.#reader.read(file.path, 'failures', { planId: plan.planId });
    return groups.map(({ code, count: size, message }) => {
      const row: Row = {
        id: `${branch.row.id}|${code}`,
        label: code,
        description: `${count(size)} · ${message}`,
        icon: { name: 'warning', color: 'testing.iconFailed' },
        spoken: `${code}, ${nodesText(size, this.#say)}, ${message}`,
        context: capabilities(plan).includes('retryable') ? 'failure retryable' : 'failure',
        expansion: 'collapsed',
        tooltip: { heading: code, lines: [[this.#say('One of them says'), message]] },
      };
      return { kind: 'failure', file, plan, code, row };
    });
  }

  async #tasks(
    { file, plan, row }: Extract<MigrationsBranch, { kind: 'tasks' | 'failure' }>,
    filter: { status: TaskStatus; errorCode?: RegistryErrorCode },
  ): Promise<readonly MigrationsBranch[]> {
    const limit = this.#shown.get(row.id) ?? PAGE;
    const { items, next } = await this.#reader.read(file.path, 'tasks', {
      planId: plan.planId,
      limit,
      ...filter,
    });
    const tasks = items.map((task): MigrationsBranch => {
      const id = `${planId(file, plan)}|task|${task.nodeId}`;
      return { kind: 'task', file, plan, task, row: taskRow(id, plan, task, this.#say) };
    });
    return [...tasks, ...this.#more(file, row.id, next)];
  }

  #more(file: RegistryFile, parentId: string, next: string | undefined): readonly MigrationsBranch[] {
    return next === undefined ? [] : [{ kind: 'more', file, parentId, row: moreRow(parentId, this.#say) }];
  }
}

/** The row of a plan for a command, which reads everything but the id of the plan anew. */
export function planBranch(file: RegistryFile, id: string): MigrationsBranch {
  return { kind: 'plan', file, plan: { planId: id } } as MigrationsBranch;
}

const planId = (file: RegistryFile, plan: PlanData) => `${file.path}|${plan.planId}`;
