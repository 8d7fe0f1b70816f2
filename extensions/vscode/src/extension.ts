import { join } from 'node:path';
import * as vscode from 'vscode';
import { registerCheckActions } from './actions/check-actions.ts';
import type { ActionContext } from './actions/context.ts';
import { registerCutOver } from './actions/cut-over-action.ts';
import { registerModelActions } from './actions/model-actions.ts';
import { registerPlanActions } from './actions/plan-actions.ts';
import { registerModelRegistration } from './actions/register-action.ts';
import { registerRegistryActions } from './actions/registry-actions.ts';
import { registerReport } from './actions/report-action.ts';
import { registerSample } from './actions/sample-action.ts';
import { registerStamping } from './actions/stamp-action.ts';
import { registerTuning } from './actions/tune-action.ts';
import { registerUndoActions } from './actions/undo-actions.ts';
import { registerWorkActions, tellCrash } from './actions/work-actions.ts';
import { Panels } from './panels/panels.ts';
import { Diagnoses } from './registries/diagnoses.ts';
import { NodeCountsOf } from './registries/node-counts-of.ts';
import { RegistryList } from './registries/registry-list.ts';
import { RegistryProcess } from './registries/registry-process.ts';
import { RegistryViews } from './views/registry-views.ts';
import { say } from './views/say.ts';
import { Projects } from './work/projects.ts';
import { Secrets } from './work/secrets.ts';
import { Workers } from './work/workers.ts';

/** What tests ask of the running extension. */
export interface ExtensionState {
  /** The process that reads registries runs. */
  readonly isReading: boolean;
  /** Plans that are being watched. */
  readonly watched: number;
}

/** Answers a function that tells what the extension keeps going. */
export function activate(context: vscode.ExtensionContext): { state(): ExtensionState } {
  const log = vscode.window.createOutputChannel('Embedding Registry', { log: true });
  const registries = new RegistryProcess({
    program: join(context.extensionPath, 'dist', 'registry-process.cjs'),
    nativeBinding: join(context.extensionPath, 'dist', 'native', 'better_sqlite3.node'),
    onOutput: (text) => log.warn(`[registry] ${text.trim()}`),
  });
  const secrets = new Secrets(context.secrets, context.globalState);
  const projects = new Projects({
    bundled: join(context.extensionPath, 'dist', 'evr.mjs'),
    memory: context.workspaceState,
    secrets: () => secrets.all(),
    log,
  });
  const list = new RegistryList(registries, projects, context.workspaceState);
  const counts = new NodeCountsOf(projects, log);
  const diagnoses = new Diagnoses(context.workspaceState);
  const workers = new Workers({
    folder: (context.storageUri ?? context.globalStorageUri).fsPath,
    memory: context.workspaceState,
    log,
  });
  const views = new RegistryViews({
    registries,
    list,
    counts,
    diagnoses,
    say,
    onWorkers: (path) => workers.check(path),
  });
  const panels = new Panels({ registries, extensionUri: context.extensionUri, counts, diagnoses, log });
  const actions = { registries, list, views, projects, secrets, workers, counts, diagnoses, log, panels };
  workers.onCrash = (worker, message) => void tellCrash(actions, worker, message);
  context.subscriptions.push(log, list, counts, diagnoses, views, panels, workers, {
    dispose: () => registries.dispose(),
  });
  context.subscriptions.push(...registerActions(actions, join(context.extensionPath, 'dist')));
  workers.findAgain();
  return { state: () => ({ isReading: registries.isAwake, watched: views.watched + panels.watched }) };
}

/** Every command of the manifest. */
function registerActions(actions: ActionContext, dist: string): readonly vscode.Disposable[] {
  return [
    ...registerRegistryActions(actions),
    ...registerModelActions(actions),
    registerModelRegistration(actions),
    registerStamping(actions),
    ...registerPlanActions(actions),
    registerTuning(actions),
    ...registerCheckActions(actions),
    registerReport(actions),
    ...registerWorkActions(actions),
    ...registerCutOver(actions),
    ...registerUndoActions(actions),
    ...registerSample(actions, dist),
  ];
}
