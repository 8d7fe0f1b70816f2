import { basename } from 'node:path';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { checkModelInput, type ModelInput } from '../model/model-input.ts';
import { modelName } from '../model/plan-text.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { say } from '../views/say.ts';
import { CommandFault } from '../work/command-line.ts';
import { type Chosen, chooseRegistry } from './choose.ts';
import { type ActionContext, isAllowed, registerAction, write } from './context.ts';

/** Models come from the embedders of a configuration file, or are described by hand. */
export function registerModelRegistration(context: ActionContext): vscode.Disposable {
  return registerAction(context, commands.registerModel, async (chosen: Chosen) => {
    if (!(await isAllowed())) return;
    const source = await chooseSource(context, chosen);
    if (source?.configFile !== undefined) await registerEmbedders(context, source.configFile);
    else if (source !== undefined) await describeModel(context, chosen);
  });
}

interface Source extends vscode.QuickPickItem {
  readonly configFile?: string;
}

/** A configuration file knows its models better than anybody who types; where there is none, nothing is asked. */
async function chooseSource(context: ActionContext, chosen: Chosen): Promise<Source | undefined> {
  const byHand: Source = {
    label: say('Describe a model by hand'),
    description: say('id, version, dimension, checksum'),
  };
  const files = await context.projects.files();
  const registries = chosen === undefined ? await context.list.found() : [chosen.branch.file];
  const sources: Source[] = files.map((configFile) => ({
    configFile,
    label: say('Models of the embedders in {file}', { file: basename(configFile) }),
    description: vscode.workspace.asRelativePath(configFile),
  }));
  const all = registries.length > 0 ? [...sources, byHand] : sources;
  if (all.length <= 1) return all[0] ?? byHand;
  return vscode.window.showQuickPick(all, { title: say('Register Model') });
}

/** Makes the registry too, where there is none yet. */
async function registerEmbedders(context: ActionContext, configFile: string, name?: string): Promise<void> {
  try {
    const running = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: say('Registering models') },
      async () => {
        const project = { configFile, ...(name !== undefined && { name }) };
        const { result } = await context.projects.run(project, { words: 'models register' });
        return (await result) as { items: readonly ModelData[] };
      },
    );
    context.views.refresh();
    const models = running.items.map(modelName).join(', ');
    void vscode.window.showInformationMessage(say('Registered: {models}', { models }));
  } catch (error) {
    if (!(error instanceof CommandFault) || error.code !== 'AMBIGUOUS') throw error;
    const names = (error.details.registries as readonly string[]).map(String);
    const picked = await vscode.window.showQuickPick(names, { title: say('Choose a registry') });
    if (picked !== undefined) await registerEmbedders(context, configFile, picked);
  }
}

async function describeModel(context: ActionContext, chosen: Chosen): Promise<void> {
  const file = await chooseRegistry(context, chosen);
  if (file === undefined) return;
  const known = await context.registries.read(file.path, 'models');
  const input = await askForModel(known);
  if (input === undefined) return;
  const model = await write(context, file.path, 'registerModel', input);
  if (model !== undefined)
    vscode.window.setStatusBarMessage(say('Registered {model}', { model: modelName(model) }), 5000);
}

/** Each answer is checked while it is typed, against what is registered too. */
async function askForModel(known: readonly ModelData[]): Promise<ModelInput | undefined> {
  const steps = 4;
  const ask = (step: number, prompt: string, value: string, check: (text: string) => string | undefined) =>
    vscode.window.showInputBox({
      title: say('Register Model ({step}/{steps})', { step, steps }),
      prompt,
      value,
      ignoreFocusOut: true,
      validateInput: check,
    });
  const check = checkModelInput(known, say);
  const modelId = await ask(1, say('Model id, such as text-embedding-3-small'), '', check.modelId);
  if (modelId === undefined) return undefined;
  const next = String(check.nextVersion(modelId));
  const version = await ask(2, say('Version'), next, (text) => check.version(modelId, text));
  if (version === undefined) return undefined;
  const dimension = await ask(3, say('Dimension of its vectors'), '', check.dimension);
  if (dimension === undefined) return undefined;
  const prompt = say('Checksum of its configuration; another one is another model');
  const checksum = await ask(4, prompt, '', check.checksum);
  if (checksum === undefined) return undefined;
  const kinds = [
    { label: 'float32', description: say('compared by cosine'), datatype: 'float32' as const },
    { label: 'bit', description: say('compared by hamming distance'), datatype: 'bit' as const },
  ];
  const kind = await vscode.window.showQuickPick(kinds, {
    title: say('What its vectors are made of'),
    ignoreFocusOut: true,
  });
  if (kind === undefined) return undefined;
  return {
    modelId,
    version: Number(version),
    dimension: Number(dimension),
    checksum,
    datatype: kind.datatype,
  };
}
