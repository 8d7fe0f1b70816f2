import { join } from 'node:path';
import * as vscode from 'vscode';
import { registerModelActions } from './actions/model-actions.ts';
import { registerPlanActions } from './actions/plan-actions.ts';
import { registerRegistryActions } from './actions/registry-actions.ts';
import { registerWorkActions } from './actions/work-actions.ts';
import { Panels } from './panels/panels.ts';
import { RegistryList } from './registries/registry-list.ts';
import { RegistryProcess } from './registries/registry-process.ts';
import { RegistryViews } from './views/registry-views.ts';
import { say } from './views/say.ts';
import { Projects } from './work/projects.ts';
import { Secrets } from './work/secrets.ts';

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
  const views = new RegistryViews(registries, list, say);
  const panels = new Panels({ registries, extensionUri: context.extensionUri, log });
  const actions = { registries, list, views, projects, secrets, log, panels };
  context.subscriptions.push(log, list, views, panels, { dispose: () => registries.dispose() });
  context.subscriptions.push(
    ...registerRegistryActions(actions),
    ...registerModelActions(actions),
    ...registerPlanActions(actions),
    ...registerWorkActions(actions),
  );
  return { state: () => ({ isReading: registries.isAwake, watched: views.watched + panels.watched }) };
}
