import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as vscode from 'vscode';
import { settings as settingNames } from '../ids.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import { parseSettings } from '../settings-schema.ts';
import { editorPath, type Projects } from '../work/projects.ts';
import type { RegistryProcess } from './registry-process.ts';

const REGISTRY_FILES = '**/embedding_registry.sqlite';
const YAML_FILES = '{config.yaml,*/config.yaml}';
const CONFIG_FILES = '**/embedding-registry.config.{ts,mts,js,mjs}';
const EXCLUDED = '**/{node_modules,.git}/**';
const MOST_FILES = 100;
const OPENED = 'openedFiles';

/**
 * The registries of this workspace: named in the settings or in a `config.yaml`, found by their file name, or
 * opened by hand.
 */
export class RegistryList implements vscode.Disposable {
  readonly #process: RegistryProcess;
  readonly #projects: Projects;
  readonly #memory: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: vscode.Disposable[] = [this.#changed];
  readonly onDidChange = this.#changed.event;
  #files: readonly RegistryFile[] | undefined;
  readonly #firstFound = Promise.withResolvers<void>();
  #searching: Promise<void> | undefined;
  #isStale = false;
  /** Paths that configuration files name: asking them takes a process each, so nobody waits for it. */
  #configured: readonly string[] = [];

  constructor(registries: RegistryProcess, projects: Projects, memory: vscode.Memento) {
    this.#process = registries;
    this.#projects = projects;
    this.#memory = memory;
    for (const pattern of [REGISTRY_FILES, YAML_FILES, CONFIG_FILES]) {
      const watcher = vscode.workspace.createFileSystemWatcher(pattern, false, pattern === REGISTRY_FILES);
      const search = () => void this.search();
      this.#disposables.push(watcher, watcher.onDidCreate(search), watcher.onDidDelete(search));
      if (pattern !== REGISTRY_FILES) this.#disposables.push(watcher.onDidChange(search));
    }
    this.#disposables.push(
      vscode.workspace.onDidChangeWorkspaceFolders(() => void this.search()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.search()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${settingNames.section}.${settingNames.files}`)) void this.search();
      }),
    );
  }

  /** Undefined until the first search is over. */
  get files(): readonly RegistryFile[] | undefined {
    return this.#files;
  }

  /** Those that are known once the search that is under way is over. */
  async found(): Promise<readonly RegistryFile[]> {
    if (this.#files === undefined) await Promise.race([this.search(), this.#firstFound.promise]);
    return this.#files ?? [];
  }

  /** There is a configuration file, whether or not its registry is made yet. */
  async isConfigured(): Promise<boolean> {
    return (await this.#projects.files()).length > 0;
  }

  /** Configuration files are being asked. */
  get isSearching(): boolean {
    return this.#searching !== undefined;
  }

  /** Looks again; a call during a search makes another one follow it. */
  search(): Promise<void> {
    this.#isStale = true;
    this.#searching ??= this.#searchWhileStale();
    return this.#searching;
  }

  async open(path: string): Promise<void> {
    await this.#memory.update(OPENED, [...new Set([...this.#opened, path])]);
    await this.search();
  }

  async close(path: string): Promise<void> {
    await this.#memory.update(
      OPENED,
      this.#opened.filter((each) => each !== path),
    );
    await this.search();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  get #opened(): readonly string[] {
    return this.#memory.get<readonly string[]>(OPENED, []);
  }

  async #searchWhileStale(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const found = await this.#find();
        const isSame = JSON.stringify(found) === JSON.stringify(this.#files);
        this.#files = found;
        this.#firstFound.resolve();
        if (!isSame) this.#changed.fire();
        await this.#askProjects();
      }
    } finally {
      // Here, and not once the promise has settled: a call in between would find nobody who looks again.
      this.#searching = undefined;
    }
    // Only now it is certain that there is none.
    if (this.#files?.length === 0) this.#changed.fire();
  }

  async #askProjects(): Promise<void> {
    const projects = await this.#projects.list();
    const paths = projects.map(({ registryPath }) => registryPath);
    if (JSON.stringify(paths) === JSON.stringify(this.#configured)) return;
    this.#configured = paths;
    this.#isStale = true;
  }

  async #find(): Promise<readonly RegistryFile[]> {
    const [byName, byConfig] = await Promise.all([this.#findByName(), this.#findByConfig()]);
    const all = [...this.#named(), ...this.#configured, ...byConfig, ...byName, ...this.#opened];
    const paths = new Set(all.map(editorPath));
    return [...paths].map((path) => ({ path, label: labelOf(path), isOpened: this.#opened.includes(path) }));
  }

  /** Named by hand: shown even where there is no such file, to say so. */
  #named(): readonly string[] {
    return (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => {
      const configuration = vscode.workspace.getConfiguration(settingNames.section, folder);
      const { files } = parseSettings((name) => configuration.get(name));
      return files.map((file) => resolve(folder.uri.fsPath, file));
    });
  }

  async #findByName(): Promise<readonly string[]> {
    const uris = await vscode.workspace.findFiles(REGISTRY_FILES, EXCLUDED, MOST_FILES);
    return uris.map((uri) => uri.fsPath).sort();
  }

  async #findByConfig(): Promise<readonly string[]> {
    const uris = await vscode.workspace.findFiles(YAML_FILES, EXCLUDED, MOST_FILES);
    const paths = await Promise.all(uris.map((uri) => this.#pathOfConfig(uri.fsPath)));
    return paths.filter((path): path is string => path !== undefined && existsSync(path));
  }

  /** Most files of this name belong to something else. */
  async #pathOfConfig(config: string): Promise<string | undefined> {
    const path = await this.#process.configuredPath(config).catch(() => undefined);
    return typeof path !== 'string' ? undefined : resolve(dirname(config), path);
  }
}

function labelOf(path: string): string {
  const label = vscode.workspace.asRelativePath(path);
  return label === path ? join(basename(dirname(path)), basename(path)) : label;
}
