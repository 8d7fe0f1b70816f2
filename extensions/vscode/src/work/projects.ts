import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { CommandFault, type Invocation, type RunningCommand, runCommand } from './command-line.ts';
import { type EvrCommand, parametersOf } from './evr-command.ts';
import { shippedPackages, shippedVariables } from './shipped.ts';

const CONFIG_FILES = '**/embedding-registry.config.{ts,mts,js,mjs}';
const EXCLUDED = '**/{node_modules,.git}/**';
const MOST_FILES = 50;
const KNOWN = 'registriesOfConfigFiles';

/** A registry, and the configuration file that says how its nodes are embedded. */
export interface Project {
  readonly configFile: string;
  /** Of several registries in one file. */
  readonly name?: string;
  readonly registryPath: string;
}

interface Known {
  /** Of the file, when it was asked: milliseconds since the epoch. */
  readonly changedAt: number;
  readonly projects: readonly Project[];
}

/**
 * The configuration files of the workspace. They are code, so they are run only where the workspace is
 * trusted, by the command line, and only once for each state of a file.
 */
export class Projects {
  readonly #bundled: string;
  readonly #memory: vscode.Memento;
  readonly #secrets: () => Promise<Readonly<Record<string, string>>>;
  readonly #log: vscode.LogOutputChannel;

  constructor(o: {
    bundled: string;
    memory: vscode.Memento;
    secrets: () => Promise<Readonly<Record<string, string>>>;
    log: vscode.LogOutputChannel;
  }) {
    this.#bundled = o.bundled;
    this.#memory = o.memory;
    this.#secrets = o.secrets;
    this.#log = o.log;
  }

  /** The registries that configuration files name. */
  async list(): Promise<readonly Project[]> {
    if (!vscode.workspace.isTrusted) return [];
    const files = await this.files();
    return (await Promise.all(files.map((file) => this.#projectsOf(file)))).flat();
  }

  /** How the nodes of a registry are embedded; undefined where no configuration file says so. */
  async of(registryPath: string): Promise<Project | undefined> {
    return (await this.list()).find((project) => project.registryPath === registryPath);
  }

  /** The configuration files of the workspace, read or not. */
  async files(): Promise<readonly string[]> {
    const files = await vscode.workspace.findFiles(CONFIG_FILES, EXCLUDED, MOST_FILES);
    return files.map((file) => file.fsPath).sort();
  }

  /** Runs `evr` for a project. @throws CommandFault */
  async run(
    project: Pick<Project, 'configFile' | 'name'>,
    command: EvrCommand,
    o: { signal?: AbortSignal } = {},
  ): Promise<RunningCommand> {
    return this.#start(await this.invocation(project, command), o);
  }

  /** `evr` as it is to be run for a project. */
  async invocation(
    { configFile, name }: Pick<Project, 'configFile' | 'name'>,
    command: EvrCommand,
  ): Promise<Invocation> {
    const which = ['--config', configFile, ...(name === undefined ? [] : ['--registry', name])];
    return this.#invocation(dirname(configFile), parametersOf(command, which));
  }

  /** Writes a configuration file for a registry into a folder; answers its path. @throws CommandFault */
  async create(folder: string, registryPath: string): Promise<string> {
    const { result } = this.#start(
      await this.#invocation(folder, parametersOf({ words: 'init', flags: ['--db', registryPath, '--yes'] })),
      {},
    );
    return ((await result) as { path: string }).path;
  }

  async #invocation(folder: string, parameters: readonly string[]): Promise<Invocation> {
    const own = ownProgram(folder);
    const secrets = await this.#secrets();
    if (own !== undefined)
      return { program: own, runtimeParameters: [], parameters, folder, variables: secrets };
    const dist = dirname(this.#bundled);
    return {
      program: this.#bundled,
      runtimeParameters: shippedPackages(dist),
      parameters,
      folder,
      variables: { ...secrets, ...shippedVariables(folder, dist) },
    };
  }

  #start(invocation: Invocation, o: { signal?: AbortSignal }): RunningCommand {
    this.#log.debug(`[evr] ${invocation.parameters.join(' ')}`);
    const onOutput = (line: string) => this.#log.warn(`[evr] ${line}`);
    return runCommand({ ...invocation, onOutput, ...o });
  }

  async #projectsOf(configFile: string): Promise<readonly Project[]> {
    const changedAt = statSync(configFile, { throwIfNoEntry: false })?.mtimeMs;
    if (changedAt === undefined) return [];
    const all = this.#memory.get<Readonly<Record<string, Known>>>(KNOWN, {});
    if (all[configFile]?.changedAt === changedAt) return all[configFile].projects;
    const projects = await this.#ask(configFile);
    const latest = this.#memory.get<Readonly<Record<string, Known>>>(KNOWN, {});
    // A file whose registry is still to be made is asked again.
    if (projects.length > 0)
      await this.#memory.update(KNOWN, { ...latest, [configFile]: { changedAt, projects } });
    return projects;
  }

  async #ask(configFile: string): Promise<readonly Project[]> {
    const one = async (name?: string): Promise<Project> => {
      const project = { configFile, ...(name !== undefined && { name }) };
      const { result } = await this.run(project, { words: 'status' });
      const { registry } = (await result) as { registry: string };
      return { ...project, registryPath: editorPath(registry) };
    };
    try {
      return [await one()];
    } catch (error) {
      const names =
        error instanceof CommandFault && error.code === 'AMBIGUOUS' ? error.details.registries : [];
      if (!Array.isArray(names) || names.length === 0)
        this.#log.warn(`[evr] ${configFile}: ${String(error)}`);
      const asked = await Promise.allSettled(
        (Array.isArray(names) ? names : []).map((name) => one(String(name))),
      );
      return asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    }
  }
}

/** A path as the editor writes it, by which it is told whether two are one: drives of Windows have a small letter. */
export const editorPath = (path: string): string => vscode.Uri.file(path).fsPath;

/** The command line that the workspace has installed itself: it fits the packages of its configuration file. */
function ownProgram(folder: string): string | undefined {
  const home = join(folder, 'node_modules', '@registry', 'cli');
  const manifest = join(home, 'package.json');
  if (existsSync(manifest)) {
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: { evr?: string } };
    const program = bin?.evr === undefined ? undefined : join(home, bin.evr);
    if (program !== undefined && existsSync(program)) return program;
  }
  return folder === dirname(folder) ? undefined : ownProgram(dirname(folder));
}
