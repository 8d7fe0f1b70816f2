import { join } from 'node:path';
import * as vscode from 'vscode';
import { registerRegistryActions } from './actions/registry-actions.ts';
import { RegistryList } from './registries/registry-list.ts';
import { RegistryProcess } from './registries/registry-process.ts';
import { RegistryViews } from './views/registry-views.ts';

/** What tests ask of the running extension. */
export interface ExtensionState {
  /** The process that reads registries runs. */
  readonly isReading: boolean;
  /** Plans that are being watched. */
  readonly watched: number;
}

/** Answers a function that tells what the extension keeps going. */
export function activate(context: vscode.ExtensionContext): { state(): ExtensionState } {
  const say = vscode.l10n.t.bind(vscode.l10n) as typeof vscode.l10n.t & ((sentence: string) => string);
  const log = vscode.window.createOutputChannel('Embedding Registry', { log: true });
  const registries = new RegistryProcess({
    program: join(context.extensionPath, 'dist', 'registry-process.cjs'),
    nativeBinding: join(context.extensionPath, 'dist', 'native', 'better_sqlite3.node'),
    onOutput: (text) => log.warn(`[registry] ${text.trim()}`),
  });
  const list = new RegistryList(registries, context.workspaceState);
  const views = new RegistryViews(registries, list, say);
  context.subscriptions.push(log, list, views, { dispose: () => registries.dispose() });
  context.subscriptions.push(...registerRegistryActions({ list, views, log }));
  return { state: () => ({ isReading: registries.isAwake, watched: views.watched }) };
}
