import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import type { Panels } from '../panels/panels.ts';
import type { RegistryList } from '../registries/registry-list.ts';
import type { RegistryProcess } from '../registries/registry-process.ts';
import type { InputOf, OutputOf, Writes } from '../registry-process/messages.ts';
import type { RegistryViews } from '../views/registry-views.ts';
import { harmless, say } from '../views/say.ts';
import type { Project, Projects } from '../work/projects.ts';
import type { Secrets } from '../work/secrets.ts';

/** What actions work with. */
export interface ActionContext {
  readonly registries: RegistryProcess;
  readonly list: RegistryList;
  readonly views: RegistryViews;
  readonly projects: Projects;
  readonly secrets: Secrets;
  readonly log: vscode.LogOutputChannel;
  readonly panels: Panels;
}

/** Writes to a registry; one of the origin is upgraded only where the user agrees. Undefined where not. */
export async function write<Name extends keyof Writes>(
  { registries, views }: ActionContext,
  path: string,
  name: Name,
  input: InputOf<Writes[Name]>,
): Promise<OutputOf<Writes[Name]> | undefined> {
  try {
    return await registries.write(path, name, input);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'UpgradeNeeded') throw error;
    if (!(await agreesToUpgrade(path))) return undefined;
    return await registries.write(path, name, input, true);
  } finally {
    views.refresh();
  }
}

async function agreesToUpgrade(path: string): Promise<boolean> {
  const upgrade = say('Upgrade');
  const answer = await vscode.window.showWarningMessage(
    say('This registry was written by MnemoCore and has to be upgraded first.'),
    {
      modal: true,
      detail: say('A copy stays beside it. MnemoCore cannot write the upgraded file any more.\n{path}', {
        path,
      }),
    },
    upgrade,
  );
  return answer === upgrade;
}

/** The configuration of a registry; without one, an offer to make it. */
export async function projectOf(
  { projects, list }: ActionContext,
  path: string,
): Promise<Project | undefined> {
  const project = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: say('Reading the configuration file') },
    () => projects.of(path),
  );
  if (project !== undefined) return project;
  const create = say('Create Configuration');
  const answer = await vscode.window.showWarningMessage(
    say('No embedding-registry.config file says how the nodes of this registry are embedded.'),
    create,
  );
  if (answer === create) await createConfiguration({ projects, list }, path);
  return undefined;
}

export async function createConfiguration(
  { projects }: Pick<ActionContext, 'projects' | 'list'>,
  path: string,
): Promise<void> {
  const folder =
    vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) ?? vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    void vscode.window.showWarningMessage(say('Open the folder of your application first.'));
    return;
  }
  const file = await projects.create(folder.uri.fsPath, path);
  await vscode.window.showTextDocument(vscode.Uri.file(file));
}

/** Makes a command of an action: what it cannot do is told once, with the way on. */
export function registerAction<Parameters extends unknown[]>(
  context: Pick<ActionContext, 'log'>,
  command: string,
  action: (...parameters: Parameters) => unknown,
): vscode.Disposable {
  return vscode.commands.registerCommand(command, async (...parameters: Parameters) => {
    try {
      await action(...parameters);
    } catch (error) {
      await tellFault(context.log, error);
    }
  });
}

async function tellFault(log: vscode.LogOutputChannel, error: unknown): Promise<void> {
  const { message, code } = error as { message?: string; code?: string };
  log.error(`${code ?? 'UNEXPECTED'}: ${error instanceof Error ? (error.stack ?? message) : String(error)}`);
  const showLogs = say('Show Logs');
  const answer = await vscode.window.showErrorMessage(harmless(message ?? String(error)), showLogs);
  if (answer === showLogs) await vscode.commands.executeCommand(commands.showLogs);
}

/** Actions change things; an untrusted workspace is looked at. */
export async function isAllowed(): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = say('Manage Workspace Trust');
  const answer = await vscode.window.showWarningMessage(
    say('Registries of an untrusted workspace are shown, not changed.'),
    manage,
  );
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  return false;
}
