import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { unstampedNodes } from '../model/node-counts.ts';
import { modelName, nodesText } from '../model/plan-text.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import type { ModelData } from '../registry-process/messages.ts';
import { harmless, say } from '../views/say.ts';
import { type Chosen, chooseRegistry } from './choose.ts';
import {
  type ActionContext,
  carryOut,
  isAllowed,
  isConfirmed,
  projectOf,
  registerAction,
} from './context.ts';

/** Says which model made vectors that carry no stamp; a sample of them is checked first. */
export function registerStamping(context: ActionContext): vscode.Disposable {
  return registerAction(context, commands.stampAs, async (chosen: Chosen) => {
    if (!(await isAllowed())) return;
    const file = await chooseRegistry(context, chosen);
    const project = file && (await projectOf(context, file.path));
    if (file === undefined || project === undefined) return;
    await context.counts.count(file.path);
    const size = unstampedNodes(context.counts.of(file.path) ?? []);
    if (size === 0) {
      void vscode.window.showInformationMessage(say('Every node carries a stamp.'));
      return;
    }
    const model = await chooseMaker(context, file);
    if (model === undefined) return;
    const name = modelName(model);
    const yes = await isConfirmed(
      say('Stamp {nodes} as {model}?', { nodes: nodesText(size, say), model: name }),
      say(
        'It says that {model} made their vectors. Some of their contents are embedded with it and compared first; where they disagree nothing is stamped. Vectors stay as they are.',
        { model: name },
      ),
      say('Stamp'),
    );
    if (!yes) return;
    const what = { words: 'stamp', flags: ['--as', name, '--yes'] };
    const done = await carryOut<{ stamped: number; skipped: number }>(
      context,
      project,
      say('Stamping nodes'),
      what,
    );
    void context.counts.count(file.path);
    const text =
      done.skipped === 0
        ? say('Stamped {nodes} as {model}.', { nodes: nodesText(done.stamped, say), model: name })
        : say('Stamped {nodes} as {model}; left alone: {others}.', {
            nodes: nodesText(done.stamped, say),
            model: name,
            others: count(done.skipped),
          });
    void vscode.window.showInformationMessage(text);
  });
}

async function chooseMaker(context: ActionContext, file: RegistryFile): Promise<ModelData | undefined> {
  const models = await context.registries.read(file.path, 'models');
  const items = models.map((model) => ({
    model,
    label: harmless(modelName(model)),
    description: `${model.dimension} × ${model.datatype}`,
  }));
  const title = say('Which model made these vectors?');
  // It comes after the count, which takes a while: whatever the user does meanwhile.
  return (await vscode.window.showQuickPick(items, { title, ignoreFocusOut: true }))?.model;
}
