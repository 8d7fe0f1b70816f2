import * as vscode from 'vscode';
import { commands, pages, rowCommands } from '../ids.ts';
import type { RegistryList } from '../registries/registry-list.ts';
import { say } from '../views/say.ts';
import { type Chosen, chooseNode, choosePlan, chooseRegistry } from './choose.ts';
import { type ActionContext, registerAction } from './context.ts';

/** What is done with a registry as a file, and with what the trees show as text. */
export function registerRegistryActions(context: ActionContext): readonly vscode.Disposable[] {
  const { list, views, log } = context;
  const copy = (text: string | undefined) => text !== undefined && vscode.env.clipboard.writeText(text);
  const actions: Readonly<Record<string, (chosen: Chosen) => unknown>> = {
    [commands.openRegistryFile]: () => openRegistryFile(list),
    [commands.closeRegistryFile]: (chosen) => closeRegistryFile(list, chosen),
    [commands.showOverview]: async (chosen) => {
      const file = await chooseRegistry(context, chosen);
      if (file !== undefined)
        await vscode.commands.executeCommand(
          'vscode.openWith',
          vscode.Uri.file(file.path),
          pages.anyDatabase,
        );
    },
    [commands.refresh]: () => views.refresh(),
    [commands.showLogs]: () => log.show(),
    [rowCommands.showMore]: (chosen) =>
      chosen?.branch.kind === 'more' && views.showMore(chosen.branch.parentId),
    [commands.copyPlanId]: async (chosen) => copy((await choosePlan(context, chosen))?.plan.planId),
    [commands.copyNodeId]: async (chosen) => copy(await chooseNode(context, chosen)),
  };
  return Object.entries(actions).map(([command, action]) => registerAction(context, command, action));
}

async function openRegistryFile(list: RegistryList): Promise<void> {
  const files = await vscode.window.showOpenDialog({
    title: say('Open Registry File'),
    openLabel: say('Open'),
    filters: {
      [say('SQLite databases')]: ['sqlite', 'sqlite3', 'db'],
      [say('All files')]: ['*'],
    },
  });
  const [file] = files ?? [];
  if (file !== undefined) await list.open(file.fsPath);
}

/** Only what was opened by hand is closed by hand. */
async function closeRegistryFile(list: RegistryList, chosen: Chosen): Promise<void> {
  if (chosen !== undefined) return list.close(chosen.branch.file.path);
  const opened = (await list.found()).filter((file) => file.isOpened);
  if (opened.length === 0) {
    void vscode.window.showInformationMessage(say('No registry file was opened by hand.'));
    return;
  }
  const items = opened.map((file) => ({ label: file.label, description: file.path, file }));
  const picked = await vscode.window.showQuickPick(items, { title: say('Close Registry File') });
  if (picked !== undefined) await list.close(picked.file.path);
}
