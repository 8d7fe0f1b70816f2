import * as vscode from 'vscode';
import { commands, pages } from '../ids.ts';
import type { RegistryList } from '../registries/registry-list.ts';
import { say } from '../views/say.ts';
import { type Chosen, chooseRegistry } from './choose.ts';
import { type ActionContext, registerAction } from './context.ts';

/** What is done with a registry as a file, and with what the trees show as text. */
export function registerRegistryActions(context: ActionContext): readonly vscode.Disposable[] {
  const { list, views, log } = context;
  const copy = (text: string | undefined) => text !== undefined && vscode.env.clipboard.writeText(text);
  const actions: Readonly<Record<string, (chosen: Chosen) => unknown>> = {
    [commands.openRegistryFile]: () => openRegistryFile(list),
    [commands.closeRegistryFile]: (chosen) => chosen && list.close(chosen.branch.file.path),
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
    [commands.showMore]: (chosen) => chosen?.branch.kind === 'more' && views.showMore(chosen.branch.parentId),
    [commands.copyQualifiedId]: (chosen) => copy(qualifiedIdOf(chosen)),
    [commands.copyPlanId]: (chosen) =>
      copy(chosen?.branch.kind === 'plan' ? chosen.branch.plan.planId : undefined),
    [commands.copyNodeId]: (chosen) =>
      copy(chosen?.branch.kind === 'task' ? chosen.branch.task.nodeId : undefined),
  };
  return Object.entries(actions).map(([command, action]) => registerAction(context, command, action));
}

function qualifiedIdOf(chosen: Chosen): string | undefined {
  if (chosen?.branch.kind !== 'model') return undefined;
  const { modelId, version, checksum } = chosen.branch.model;
  return `${modelId}:v${version}:${checksum.slice(0, 8)}`;
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
