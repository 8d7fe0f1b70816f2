import type { RollbackReport } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { modelName, nodesText, planName } from '../model/plan-text.ts';
import { harmless, say } from '../views/say.ts';
import { CommandFault } from '../work/command-line.ts';
import { type EvrCommand, withFlags } from '../work/evr-command.ts';
import type { Project } from '../work/projects.ts';
import { type Chosen, type ChosenPlan, chooseConfiguredPlan } from './choose.ts';
import { type ActionContext, carryOut, completeStep, isConfirmed, registerAction } from './context.ts';

/**
 * Puts nodes back, or gives the way back up. All of it is told to the node store too, so all of it runs in a
 * process of the command line, which opens that store.
 */
export function registerUndoActions(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.rollBack, (chosen: Chosen) => rollBack(context, chosen)),
    registerAction(context, commands.finalize, (chosen: Chosen) => finalize(context, chosen)),
  ];
}

async function finalize(context: ActionContext, chosen: Chosen): Promise<void> {
  const found = await chooseConfiguredPlan(context, chosen, 'finalizable');
  if (found === undefined) return;
  const { plan, project } = found;
  const yes = await isConfirmed(
    say('Give the backups of {plan} up?', { plan: planName(plan) }),
    plan.strategy === 'inPlace'
      ? say('The old vectors of {nodes} are deleted, and the plan can never be rolled back.', {
          nodes: nodesText(plan.completedNodes - plan.adoptedNodes, say),
        })
      : say('The side that readers do not use is dropped, and the plan can never be rolled back.'),
    say('Give Backups Up'),
  );
  if (!yes) return;
  const what: EvrCommand = { words: 'finalize', flags: ['--yes'], operand: plan.planId };
  const title = say('Giving backups up');
  try {
    await carryOut(context, project, title, what);
  } catch (error) {
    if (!(error instanceof CommandFault) || error.code !== 'CONFIRMATION_MISSING') throw error;
    const name = await typedName(String(error.details.name));
    if (name !== undefined) await carryOut(context, project, title, withFlags(what, '--drop', name));
  }
}

/** What is dropped for good is dropped by its name. */
function typedName(name: string): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: say('Giving backups up'),
    prompt: say('Type {name} to drop it for good.', { name }),
    ignoreFocusOut: true,
    validateInput: (text) => (text === name ? undefined : say('Type {name} to drop it for good.', { name })),
  });
}

async function rollBack(context: ActionContext, chosen: Chosen): Promise<void> {
  const found = await chooseConfiguredPlan(context, chosen, 'reversible');
  if (found === undefined) return;
  const { plan, project } = found;
  const nodeId = chosen?.branch.kind === 'task' ? chosen.branch.task.nodeId : undefined;
  const what: EvrCommand = {
    words: 'rollback',
    flags: nodeId === undefined ? [] : ['--node', nodeId],
    operand: plan.planId,
  };
  const preview = await previewOf(context, project, what);
  if (!(await agreesToRollBack(found, nodeId, preview))) return;
  const title =
    nodeId === undefined
      ? say('Rolling back {plan}', { plan: planName(plan) })
      : say('Rolling back node {node}', { node: nodeId });
  const roll = (...flags: string[]) =>
    carryOut<{ report: RollbackReport }>(context, project, title, withFlags(what, '--yes', ...flags));
  try {
    tellReport((await roll()).report);
  } catch (error) {
    if (!(error instanceof CommandFault) || error.code !== 'LATER_WRITES') throw error;
    const yes = say('Roll Back, Lose Later Writes');
    if (await isConfirmed(say('Readers were not moved back.'), harmless(inEditorWords(error.message)), yes))
      tellReport((await roll('--later-writes', 'lose')).report);
  }
}

async function previewOf(
  context: ActionContext,
  project: Project,
  what: EvrCommand,
): Promise<RollbackReport> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: say('Counting what a rollback would do') },
    async () => {
      const { result } = await context.projects.run(project, withFlags(what, '--dry-run'));
      return ((await result) as { preview: RollbackReport }).preview;
    },
  );
}

async function agreesToRollBack(
  { plan }: ChosenPlan,
  nodeId: string | undefined,
  preview: RollbackReport,
): Promise<boolean> {
  const yes = say('Roll Back');
  const question =
    nodeId === undefined
      ? say('Roll back {plan}?', { plan: planName(plan) })
      : say('Roll back node {node}?', { node: nodeId });
  return (
    (await vscode.window.showWarningMessage(question, { modal: true, detail: countsOf(preview) }, yes)) ===
    yes
  );
}

function countsOf({ restored, conflicts, skipped, remaining }: RollbackReport): string {
  return [
    restored === 1
      ? say('1 node gets its old vector back, byte for byte.')
      : say('{count} nodes get their old vectors back, byte for byte.', { count: count(restored) }),
    conflicts > 0 ? say('{count} were changed since and are left alone.', { count: count(conflicts) }) : '',
    skipped > 0 ? say('{count} are gone.', { count: count(skipped) }) : '',
    remaining > 0 ? say('{count} stay at the new model.', { count: count(remaining) }) : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

function tellReport(report: RollbackReport): void {
  completeStep('back');
  const text = say(
    'Rolled back: {restored} restored, {conflicts} conflicts, {skipped} gone, {remaining} remaining.',
    {
      restored: count(report.restored),
      conflicts: count(report.conflicts),
      skipped: count(report.skipped),
      remaining: count(report.remaining),
    },
  );
  if (report.succeeded) {
    void vscode.window.showInformationMessage(text);
    return;
  }
  const { wayBack } = report;
  const way =
    wayBack === undefined
      ? ''
      : say('A migration to {model} brings the others back.', {
          model: modelName({ modelId: wayBack.targetModelId, version: wayBack.targetVersion }),
        });
  void vscode.window.showWarningMessage(`${text} ${way}`.trim());
}
