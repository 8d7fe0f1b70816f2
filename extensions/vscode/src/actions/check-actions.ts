import { systemClock, type WitnessReport } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import type { DiagnosisData } from '../model/mending.ts';
import { modelName } from '../model/plan-text.ts';
import { harmless, say } from '../views/say.ts';
import { type Chosen, chooseModel, chooseRegistry } from './choose.ts';
import { type ActionContext, isAllowed, lookUp, projectOf, registerAction } from './context.ts';

/** What says whether a switch is safe. Nodes and embedders are asked, so a process of the command line does it. */
export function registerCheckActions(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.diagnose, (chosen: Chosen) => diagnose(context, chosen)),
    registerAction(context, commands.checkWitness, (chosen: Chosen) => checkWitness(context, chosen)),
  ];
}

async function diagnose(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const file = await chooseRegistry(context, chosen);
  const project = file && (await projectOf(context, file.path));
  if (file === undefined || project === undefined) return;
  const title = say('Looking through {registry}', { registry: file.label });
  const found = await lookUp<DiagnosisData>(context, project, title, { words: 'doctor' });
  context.diagnoses.keep(file.path, { ...found, at: new Date(systemClock.now()).toISOString() });
  await context.panels.showDiagnosis(file);
}

type WitnessLine = Omit<WitnessReport, 'model'> & { readonly error?: { readonly message: string } };

async function checkWitness(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await chooseModel(context, chosen);
  const project = found && (await projectOf(context, found.file.path));
  if (found === undefined || project === undefined) return;
  const model = modelName(found.model);
  const { items } = await lookUp<{ items: readonly WitnessLine[] }>(
    context,
    project,
    say('Embedding the witness of {model} again', { model }),
    { words: 'witness', operand: model },
  );
  const [line] = items;
  if (line?.error !== undefined) {
    const look = say('Diagnose');
    const answer = await vscode.window.showErrorMessage(harmless(inEditorWords(line.error.message)), look);
    if (answer === look)
      await vscode.commands.executeCommand(commands.diagnose, {
        branch: { kind: 'registry', file: found.file },
      });
    return;
  }
  void vscode.window.showInformationMessage(witnessText(line, model));
}

function witnessText(line: WitnessLine | undefined, model: string): string {
  if (line?.state === 'made') return say('{model} has a witness now.', { model });
  if (line?.state !== 'agrees') return say('{model} has no witness, and none could be made.', { model });
  return say('{model} makes the vectors it made before (similarity {similarity}).', {
    model,
    similarity: (line.similarity ?? 1).toFixed(4),
  });
}
