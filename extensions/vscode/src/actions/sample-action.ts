import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { childEnvironment, runtimePath } from '../host-process.ts';
import { commands, views } from '../ids.ts';
import { sampleConfig } from '../sample/sample-config.ts';
import { say } from '../views/say.ts';
import { shippedPackages } from '../work/shipped.ts';
import { type ActionContext, completeStep, isAllowed, registerAction } from './context.ts';

const NAME = 'embedding-registry-sample';

/** A registry with real nodes, to try everything on. */
export function registerSample(context: ActionContext, dist: string): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.createSample, () => createSample(context, dist)),
    registerAction(context, commands.openWalkthrough, () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        'embedding-version-registry.embedding-registry#firstMigration',
        false,
      ),
    ),
  ];
}

async function createSample(context: ActionContext, dist: string): Promise<void> {
  if (!(await isAllowed())) return;
  const [open] = vscode.workspace.workspaceFolders ?? [];
  const home = open?.uri.fsPath ?? (await chooseFolder());
  if (home === undefined) return;
  const folder = freeFolder(home);
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: say('Making a sample of 480 nodes') },
    () => fill(folder, dist, (line) => context.log.warn(`[sample] ${line}`)),
  );
  completeStep('sample');
  if (open === undefined) {
    await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(folder));
    return;
  }
  await context.list.search();
  context.views.refresh();
  await vscode.commands.executeCommand(`${views.models}.focus`);
  void vscode.window.showInformationMessage(
    say('The sample is in {folder}: 480 nodes at one model, and another one to migrate them to.', {
      folder: vscode.workspace.asRelativePath(folder),
    }),
  );
}

async function chooseFolder(): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: say('Choose a folder for the sample'),
    canSelectFolders: true,
    canSelectFiles: false,
    openLabel: say('Create Sample Here'),
  });
  return chosen?.[0]?.fsPath;
}

/** Nothing that is there is written over. */
function freeFolder(home: string): string {
  for (let number = 1; ; number++) {
    const folder = join(home, number === 1 ? NAME : `${NAME}-${number}`);
    if (!existsSync(folder)) return folder;
  }
}

async function fill(folder: string, dist: string, onOutput: (line: string) => void): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const configFile = join(folder, 'embedding-registry.config.mjs');
  writeFileSync(configFile, sampleConfig);
  const child = fork(join(dist, 'sample.mjs'), [configFile, join(folder, 'embedding_registry.sqlite')], {
    cwd: folder,
    execPath: runtimePath,
    execArgv: [...shippedPackages(dist)],
    env: childEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (text: Buffer) => {
    complaint += text.toString();
    onOutput(text.toString().trim());
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0)
    throw new Error(
      say('The sample could not be made: {why}', { why: complaint.slice(-300) || String(code) }),
    );
}
