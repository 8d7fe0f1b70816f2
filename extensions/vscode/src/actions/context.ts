import * as vscode from 'vscode';
import { commands, steps } from '../ids.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import type { Panels } from '../panels/panels.ts';
import type { Diagnoses } from '../registries/diagnoses.ts';
import type { NodeCountsOf } from '../registries/node-counts-of.ts';
import type { RegistryList } from '../registries/registry-list.ts';
import type { RegistryProcess } from '../registries/registry-process.ts';
import type { InputOf, OutputOf, Writes } from '../registry-process/messages.ts';
import type { RegistryViews } from '../views/registry-views.ts';
import { harmless, say } from '../views/say.ts';
import type { EvrCommand } from '../work/evr-command.ts';
import type { Project, Projects } from '../work/projects.ts';
import type { Secrets } from '../work/secrets.ts';
import type { Workers } from '../work/workers.ts';

/** What actions work with. */
export interface ActionContext {
  readonly registries: RegistryProcess;
  readonly list: RegistryList;
  readonly views: RegistryViews;
  readonly projects: Projects;
  readonly secrets: Secrets;
  readonly workers: Workers;
  readonly counts: NodeCountsOf;
  readonly diagnoses: Diagnoses;
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

/** A registry of the origin becomes one of this program only where the user agrees; whether it is one now. */
async function isOurs({ registries, views }: ActionContext, path: string): Promise<boolean> {
  try {
    await registries.write(path, 'open', {});
    return true;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'UpgradeNeeded') throw error;
    if (!(await agreesToUpgrade(path))) return false;
    await registries.write(path, 'open', {}, true);
    views.refresh();
    return true;
  }
}

/**
 * The configuration of a registry, once it may be worked on. Without one there is an offer to make it, and one of
 * the origin is asked about.
 */
export async function projectOf(context: ActionContext, path: string): Promise<Project | undefined> {
  const project = await configurationOf(context, path);
  return project !== undefined && (await isOurs(context, path)) ? project : undefined;
}

async function configurationOf(
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
  // The user has stopped it.
  if (code === 'STOPPED') return;
  log.error(`${code ?? 'UNEXPECTED'}: ${error instanceof Error ? (error.stack ?? message) : String(error)}`);
  const showLogs = say('Show Logs');
  const answer = await vscode.window.showErrorMessage(
    harmless(inEditorWords(message ?? String(error))),
    showLogs,
  );
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

/** Runs a command that may take a while, and answers what it found; the notification can stop it. @throws CommandFault */
export async function lookUp<Found>(
  { projects }: ActionContext,
  project: Project,
  title: string,
  command: EvrCommand,
): Promise<Found> {
  const where = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(where, async (_, token) => {
    const stopping = new AbortController();
    const listening = token.onCancellationRequested(() => stopping.abort());
    try {
      const { result } = await projects.run(project, command, { signal: stopping.signal });
      return (await result) as Found;
    } finally {
      listening.dispose();
    }
  });
}

/** The same for a command that changes something, which the views show then. @throws CommandFault */
export async function carryOut<Found>(
  context: ActionContext,
  project: Project,
  title: string,
  command: EvrCommand,
): Promise<Found> {
  try {
    return await lookUp<Found>(context, project, title, command);
  } finally {
    context.views.refresh();
  }
}

/** A modal question that names what it is about, with figures. */
export async function isConfirmed(question: string, detail: string, yes: string): Promise<boolean> {
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes;
}

/** Ticks a step of the walkthrough off, however it was done. */
export function completeStep(step: keyof typeof steps): void {
  void vscode.commands.executeCommand('setContext', steps[step], true);
}
