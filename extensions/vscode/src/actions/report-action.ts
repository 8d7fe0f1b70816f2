import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { commands, pages } from '../ids.ts';
import { modelName } from '../model/plan-text.ts';
import { say } from '../views/say.ts';
import { type Chosen, choosePlan } from './choose.ts';
import { type ActionContext, registerAction } from './context.ts';

/** What happened to a plan as one page: a file that stays, shown at once. */
export function registerReport(context: ActionContext): vscode.Disposable {
  return registerAction(context, commands.writeReport, async (chosen: Chosen) => {
    const found = await choosePlan(context, chosen);
    if (found === undefined) return;
    const { file, plan } = found;
    const name = `migration-${plan.planId.slice(0, 8)}.html`;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? dirname(file.path);
    const wanted = await vscode.window.showSaveDialog({
      title: say('Write Report'),
      defaultUri: vscode.Uri.file(join(folder, name)),
      filters: { HTML: ['html'] },
    });
    if (wanted === undefined) return;
    const { path } = await context.registries.read(file.path, 'report', {
      planId: plan.planId,
      path: wanted.fsPath,
    });
    await show(path, say('Report: {model}', { model: modelName(plan.targetSpec) }));
    await offerBrowser(path);
  });
}

/** The page has no script, and a policy of its own that lets nothing in. */
async function show(path: string, title: string): Promise<void> {
  const panel = vscode.window.createWebviewPanel(pages.report, title, vscode.ViewColumn.Active, {
    enableScripts: false,
    enableCommandUris: false,
    localResourceRoots: [],
  });
  panel.webview.html = await readFile(path, 'utf8');
}

/** A browser of this machine reads files of this machine alone. */
async function offerBrowser(path: string): Promise<void> {
  const text = say('The report was written to {path}.', { path });
  if (vscode.env.remoteName !== undefined) {
    void vscode.window.showInformationMessage(text);
    return;
  }
  const browser = say('Open in Browser');
  if ((await vscode.window.showInformationMessage(text, browser)) === browser)
    await vscode.env.openExternal(vscode.Uri.file(path));
}
