/** What is asked of the extension from inside the extension host, in code-server and in VS Code alike. */
import { deepEqual, equal } from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionState } from '../../../extensions/vscode/src/extension.ts';
import { held, watchTimers } from './held.ts';

export interface HostCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Figures that a run found, by name. */
export const figures: Record<string, number> = {};

const extension = () =>
  vscode.extensions.getExtension<{ state(): ExtensionState }>(
    'embedding-version-registry.embedding-registry',
  )!;
const registry = () =>
  vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, 'custom', 'vectors.sqlite');

/** Resolves once something holds; a test that waits in vain is ended by the runner. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await vscode.commands.executeCommand('setContext', 'embeddingRegistryTest.waits', true);
}

/** What is held once it is no more than that; what still is after a minute is told. */
async function heldAtLast(programs: readonly string[]): Promise<ReturnType<typeof held>> {
  const giveUp = AbortSignal.timeout(60_000);
  const now = () => held(dirname(registry().fsPath));
  const isAtRest = () => now().timers.length === 0 && now().programs.length === programs.length;
  await until(() => isAtRest() || giveUp.aborted);
  return now();
}

export const suite: readonly HostCase[] = [
  {
    name: 'activates when it is needed, and not before',
    async run() {
      equal(extension().isActive, false);
      watchTimers();
      const start = performance.now();
      await extension().activate();
      figures.activationMs = Math.round((performance.now() - start) * 10) / 10;
    },
  },
  {
    name: 'registers every command that its manifest declares',
    async run() {
      const declared = (extension().packageJSON.contributes.commands as { command: string }[]).map(
        ({ command }) => command,
      );
      const registered = await vscode.commands.getCommands(true);
      deepEqual(
        declared.filter((command) => !registered.includes(command)),
        [],
      );
    },
  },
  {
    name: 'keeps no process while nothing is on the screen, and one while a view is',
    async run() {
      await vscode.commands.executeCommand('workbench.view.explorer');
      await until(() => !extension().exports.state().isReading);
      await vscode.commands.executeCommand('embeddingRegistry.models.focus');
      await until(() => extension().exports.state().isReading);
      await vscode.commands.executeCommand('workbench.view.explorer');
      await until(() => !extension().exports.state().isReading);
      equal(extension().exports.state().watched, 0);
    },
  },
  {
    name: 'has no timer and no handle while nothing runs, on the screen or not',
    async run() {
      await vscode.commands.executeCommand('embeddingRegistry.models.focus');
      await until(() => extension().exports.state().isReading);
      const reading = process.platform === 'linux' ? ['registry-process.cjs'] : [];
      deepEqual(await heldAtLast(reading), { timers: [], programs: reading, files: [] });
      await vscode.commands.executeCommand('workbench.view.explorer');
      await until(() => !extension().exports.state().isReading);
      deepEqual(await heldAtLast([]), { timers: [], programs: [], files: [] });
    },
  },
  {
    name: 'opens a registry as a document, without a trace beside it',
    async run() {
      await vscode.commands.executeCommand('vscode.openWith', registry(), 'embeddingRegistry.databasePage');
      const input = () => vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      await until(() => input() instanceof vscode.TabInputCustom);
      equal((input() as vscode.TabInputCustom).viewType, 'embeddingRegistry.databasePage');
      await until(() => extension().exports.state().isReading);
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await until(() => !extension().exports.state().isReading);
      deepEqual(readdirSync(dirname(registry().fsPath)), ['vectors.sqlite']);
    },
  },
];
