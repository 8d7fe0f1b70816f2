import { hostname } from 'node:os';
import { type Clock, systemClock } from '@registry/core';
import * as vscode from 'vscode';
import { contexts, rowCommands, settings, views } from '../ids.ts';
import type { Say } from '../language.ts';
import { count } from '../model/figures.ts';
import { type MigrationsBranch, MigrationsTree } from '../model/migrations-tree.ts';
import { type KnownOfNodes, type ModelsBranch, ModelsTree } from '../model/models-tree.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import type { Diagnoses } from '../registries/diagnoses.ts';
import { LiveRegistry } from '../registries/live-registry.ts';
import type { NodeCountsOf } from '../registries/node-counts-of.ts';
import type { RegistryList } from '../registries/registry-list.ts';
import type { RegistryProcess } from '../registries/registry-process.ts';
import { RestingReader } from '../registries/resting-reader.ts';
import type { ProgressData, Summary } from '../registry-process/messages.ts';
import { parseSettings } from '../settings-schema.ts';
import { BranchTree } from './branch-tree.ts';
import { followFile } from './follow-file.ts';
import { StatusItem } from './status-item.ts';

/** Long enough for a first paint, too short for a hand to reach a row. */
const WAKE_AFTER_MS = 300;

interface Followed {
  readonly file: RegistryFile;
  readonly live: LiveRegistry;
  readonly following: vscode.Disposable;
  failing?: Summary['failing'];
}

/** What the views are made of. */
export interface ViewParts {
  readonly registries: RegistryProcess;
  readonly list: RegistryList;
  readonly counts: NodeCountsOf;
  readonly diagnoses: Diagnoses;
  readonly say: Say;
  /** The workers of a registry may be others than before. */
  readonly onWorkers: (path: string) => void;
}

/** The two views and the status bar item, kept up to date while somebody sees them. */
export class RegistryViews implements vscode.Disposable {
  readonly #process: RegistryProcess;
  readonly #list: RegistryList;
  readonly #counts: NodeCountsOf;
  readonly #say: Say;
  readonly #onWorkers: (path: string) => void;
  readonly #clock: Clock = systemClock;
  readonly #reader: RestingReader;
  readonly #migrations: MigrationsTree;
  readonly #models: ModelsTree;
  readonly #migrationsTree: BranchTree<MigrationsBranch>;
  readonly #modelsTree: BranchTree<ModelsBranch>;
  readonly #views: readonly [vscode.TreeView<unknown>, vscode.TreeView<unknown>];
  readonly #status: StatusItem;
  readonly #followed = new Map<string, Followed>();
  readonly #disposables: vscode.Disposable[];
  #release: (() => void) | undefined;
  #hiding: AbortController | undefined;
  #isPainted = false;

  constructor({ registries, list, counts, diagnoses, say, onWorkers }: ViewParts) {
    this.#process = registries;
    this.#list = list;
    this.#counts = counts;
    this.#say = say;
    this.#onWorkers = onWorkers;
    this.#reader = new RestingReader(registries);
    const migrations = new MigrationsTree(this.#reader, say, hostname());
    const models = new ModelsTree({
      reader: this.#reader,
      say,
      now: () => this.#clock.now(),
      known: (path) => knownOf(path, counts, diagnoses),
    });
    this.#migrations = migrations;
    this.#models = models;
    this.#migrationsTree = new BranchTree(
      {
        roots: () => this.#roots(),
        children: (branch) => migrations.children(branch),
      },
      rowCommands.showMore,
    );
    this.#modelsTree = new BranchTree(
      { roots: async () => models.roots(await list.found()), children: (branch) => models.children(branch) },
      rowCommands.showMore,
    );
    this.#views = [viewOf(views.models, this.#modelsTree), viewOf(views.migrations, this.#migrationsTree)];
    this.#status = new StatusItem(say);
    this.#disposables = [
      ...this.#views,
      ...this.#views.map((view) => view.onDidChangeVisibility(() => this.#see())),
      this.#modelsTree,
      this.#migrationsTree,
      this.#status,
      list.onDidChange(() => this.#follow()),
      counts.onDidChange(() => this.#modelsTree.refresh()),
      diagnoses.onDidChange(() => this.#modelsTree.refresh()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${settings.section}.${settings.statusBar}`)) this.#see();
      }),
    ];
    this.#see();
    void list.search();
  }

  /** How many plans are being watched now. */
  get watched(): number {
    return [...this.#followed.values()].reduce((sum, { live }) => sum + live.watched, 0);
  }

  refresh(): void {
    void this.#list.search();
    this.#refreshTrees();
    for (const { live } of this.#followed.values()) live.hint();
    this.#countNodes();
  }

  showMore(parentId: string): void {
    this.#migrations.showMore(parentId);
    this.#migrationsTree.refreshBelow(parentId);
  }

  dispose(): void {
    for (const { live, following } of this.#followed.values()) {
      live.hide();
      following.dispose();
    }
    this.#rest();
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /** An empty tree shows a welcome; which one, the state tells. */
  async #described(
    files: readonly RegistryFile[],
    branches: readonly MigrationsBranch[],
  ): Promise<readonly MigrationsBranch[]> {
    const [only] = files;
    for (const view of this.#views) view.description = files.length === 1 ? (only?.label ?? '') : '';
    const state = branches.length > 0 ? 'plans' : await this.#emptyState(only);
    // Not awaited: rows do not wait for what a welcome in their place depends on.
    void vscode.commands.executeCommand('setContext', contexts.state, state);
    return branches;
  }

  async #emptyState(only: RegistryFile | undefined): Promise<string | undefined> {
    if (only === undefined) {
      if (this.#list.isSearching) return undefined;
      return (await this.#list.isConfigured()) ? 'configured' : 'none';
    }
    const summary = await this.#reader.read(only.path, 'summary').catch(() => undefined);
    return summary?.modelCount === 0 ? 'noModel' : 'empty';
  }

  #refreshTrees(): void {
    this.#modelsTree.refresh();
    this.#migrationsTree.refresh();
  }

  /** Which registries there are has changed. */
  #follow(): void {
    const files = this.#list.files ?? [];
    for (const [path, { live, following }] of this.#followed) {
      if (files.some((file) => file.path === path)) continue;
      live.hide();
      following.dispose();
      this.#followed.delete(path);
      this.#status.forget(path);
    }
    this.#drawBadge();
    for (const file of files)
      if (!this.#followed.has(file.path)) this.#followed.set(file.path, this.#start(file));
    this.#see();
    this.#refreshTrees();
  }

  #start(file: RegistryFile): Followed {
    const { path } = file;
    const events = {
      onChange: () => {
        this.#refreshTrees();
        void this.#readAhead(file);
        this.#countNodes(path);
        this.#onWorkers(path);
      },
      onSummary: (summary: Summary) => this.#summarized(path, summary),
      onProgress: (progress: ProgressData) => this.#progressed(file, progress),
      onRest: (planId: string) => {
        this.#status.rest(path, planId);
        this.#refreshTrees();
        void this.#readAhead(file);
      },
    };
    const live = new LiveRegistry({
      process: this.#process,
      reader: this.#reader,
      path,
      clock: this.#clock,
      events,
    });
    return { file, live, following: followFile(path, () => live.hint()) };
  }

  /**
   * What the trees show first is read while the process is awake anyway; a registry at rest is then shown at once
   * when somebody opens the view.
   */
  async #readAhead(file: RegistryFile): Promise<void> {
    if (this.#isViewed) return;
    const release = this.#process.hold();
    try {
      const [roots] = await Promise.all([this.#migrations.roots([file]), this.#models.roots([file])]);
      const open = roots.filter(({ row }) => row.expansion === 'expanded');
      await Promise.all(open.map((branch) => this.#migrations.children(branch)));
    } finally {
      release();
    }
  }

  #progressed(file: RegistryFile, progress: ProgressData): void {
    this.#migrationsTree.update(this.#migrations.withProgress(file, progress));
    this.#status.progress(file.path, progress);
  }

  async #roots(): Promise<readonly MigrationsBranch[]> {
    const files = await this.#list.found();
    return this.#described(files, await this.#migrations.roots(files));
  }

  get #isViewed(): boolean {
    return this.#views.some((view) => view.visible);
  }

  #summarized(path: string, { failing }: Summary): void {
    const followed = this.#followed.get(path);
    if (followed === undefined) return;
    followed.failing = failing;
    this.#drawBadge();
  }

  /** Plans with failed nodes, over all registries. */
  #drawBadge(): void {
    const all = [...this.#followed.values()].flatMap(({ failing }) => failing ?? []);
    const plans = all.reduce((sum, each) => sum + each.plans, 0);
    const nodes = all.reduce((sum, each) => sum + each.nodes, 0);
    const [, view] = this.#views;
    const figures = { nodes: count(nodes), plans: count(plans) };
    const tooltip =
      plans === 1
        ? this.#say('1 plan with failed nodes: {nodes}', figures)
        : this.#say('{plans} plans with failed nodes: {nodes}', figures);
    if (view.badge?.tooltip !== tooltip) view.badge = plans === 0 ? undefined : { value: plans, tooltip };
  }

  /** Counting takes a process, so only what somebody looks at is counted, and not before it is painted. */
  #countNodes(path?: string): void {
    const [models] = this.#views;
    if (!models.visible || !this.#isPainted) return;
    for (const each of this.#followed.keys())
      if (path === undefined || each === path) void this.#counts.count(each);
  }

  /**
   * What takes a process: counting, and reading ahead of the first question about what is not kept. What is kept of
   * a registry at rest is drawn before, since starting one would take from the time of that.
   */
  async #wakeSoon(hiding: AbortSignal): Promise<void> {
    await this.#clock.sleep(WAKE_AFTER_MS, hiding);
    if (hiding.aborted) return;
    this.#isPainted = true;
    this.#process.wake();
    this.#countNodes();
  }

  /** Nobody looks. */
  #rest(): void {
    this.#hiding?.abort();
    this.#hiding = undefined;
    this.#isPainted = false;
    this.#release?.();
    this.#release = undefined;
  }

  /** Something came into view or left it. */
  #see(): void {
    const isViewed = this.#isViewed;
    const configuration = vscode.workspace.getConfiguration(settings.section);
    const { statusBar } = parseSettings((name) => configuration.get(name));
    if (!statusBar) this.#status.hide();
    this.#countNodes();
    if (isViewed) {
      this.#release ??= this.#process.hold();
      if (this.#hiding === undefined) {
        this.#hiding = new AbortController();
        void this.#wakeSoon(this.#hiding.signal);
      }
    } else this.#rest();
    for (const { file, live } of this.#followed.values()) {
      if (isViewed || statusBar) live.show();
      else live.hide();
      if (statusBar) void this.#readAhead(file);
    }
  }
}

function knownOf(path: string, counts: NodeCountsOf, diagnoses: Diagnoses): KnownOfNodes {
  const [found, drifted] = [counts.of(path), diagnoses.drifted(path)];
  return { ...(found && { counts: found }), ...(drifted && { drifted }) };
}

const viewOf = (id: string, treeDataProvider: vscode.TreeDataProvider<unknown>) =>
  vscode.window.createTreeView(id, { treeDataProvider, showCollapseAll: true });
