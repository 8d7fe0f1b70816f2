import type { RollbackReport } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { modelName, planName } from '../model/plan-text.ts';
import type { PlanData } from '../registry-process/messages.ts';
import { harmless, say } from '../views/say.ts';
import { CommandFault } from '../work/command-line.ts';
import type { Project } from '../work/projects.ts';
import { type Chosen, type ChosenPlan, choosePlan } from './choose.ts';
import {
  type ActionContext,
  carryOut,
  completeStep,
  isAllowed,
  isConfirmed,
  projectOf,
  registerAction,
} from './context.ts';

/**
 * Moves readers, puts nodes back, or gives the way back up. All of it is told to the node store too, so all of it
 * runs in a process of the command line, which opens that store.
 */
export function registerUndoActions(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.cutOver, (chosen: Chosen) => cutOver(context, chosen)),
    registerAction(context, commands.rollBack, (chosen: Chosen) => rollBack(context, chosen)),
    registerAction(context, commands.finalize, (chosen: Chosen) => finalize(context, chosen)),
  ];
}

interface Chance extends ChosenPlan {
  readonly project: Project;
}

/** The plan and its configuration, where something may be done about it. */
async function chanceOf(
  context: ActionContext,
  chosen: Chosen,
  capability: string,
): Promise<Chance | undefined> {
  if (!(await isAllowed())) return undefined;
  const found = await choosePlan(context, chosen, capability);
  if (found === undefined) return undefined;
  const project = await projectOf(context, found.file.path);
  return project && { ...found, project };
}

async function cutOver(context: ActionContext, chosen: Chosen): Promise<void> {
  const found = await chanceOf(context, chosen, 'cuttable');
  if (found === undefined) return;
  const { plan, project } = found;
  if (!(await agreesToCutOver(plan))) return;
  const failed = plan.failedNodes > 0 ? ['--accept-failed'] : [];
  const what = ['cutover', plan.planId, '--yes', ...failed];
  const title = say('Cutting over to {model}', { model: modelName(plan.targetSpec) });
  for (;;)
    try {
      await carryOut(context, project, title, what);
      break;
    } catch (error) {
      if (!(error instanceof CommandFault)) throw error;
      const accepted = await acceptedOf(error);
      if (accepted === undefined) return;
      what.push(...accepted);
    }
  const text = say('{model} is the active model.', { model: modelName(plan.targetSpec) });
  void vscode.window.showInformationMessage(text);
}

/** What somebody accepts who was told why readers were not moved; undefined: nothing. */
async function acceptedOf(fault: CommandFault): Promise<readonly string[] | undefined> {
  const yes = say('Cut Over All the Same');
  const why = harmless(inEditorWords(fault.message));
  if (fault.code === 'GATE_NO_GO') {
    if (!(await isConfirmed(say('The gate says no-go.'), why, yes))) return undefined;
    const reason = await vscode.window.showInputBox({
      title: say('Why is it cut over all the same?'),
      prompt: say('The journal keeps it.'),
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === '' ? say('Say why.') : undefined),
    });
    return reason === undefined ? undefined : ['--override-gate', reason];
  }
  const { behind = 0, extra = 0, findings = [] } = fault.details as Behind;
  // What a finding tells cannot be accepted.
  if (fault.code !== 'NODES_BEHIND' || findings.length > 0) throw fault;
  if (!(await isConfirmed(say('Readers were not moved.'), why, yes))) return undefined;
  return ['--accept-behind', String(behind + extra)];
}

interface Behind {
  readonly behind?: number;
  readonly extra?: number;
  readonly findings?: readonly string[];
}

function agreesToCutOver(plan: PlanData): Promise<boolean> {
  const settled = plan.completedNodes + plan.failedNodes + plan.skippedNodes + plan.rolledBackNodes;
  return isConfirmed(
    say('Make {model} the active model?', { model: modelName(plan.targetSpec) }),
    say(
      '{done} of {total} nodes are done, {open} open, {failed} failed. New content is embedded with it from then on.',
      {
        done: count(plan.completedNodes),
        total: count(plan.totalNodes),
        open: count(plan.totalNodes - settled),
        failed: count(plan.failedNodes),
      },
    ),
    plan.failedNodes > 0 ? say('Cut Over, Leave Failed Nodes Behind') : say('Cut Over'),
  );
}

async function finalize(context: ActionContext, chosen: Chosen): Promise<void> {
  const found = await chanceOf(context, chosen, 'finalizable');
  if (found === undefined) return;
  const { plan, project } = found;
  const yes = await isConfirmed(
    say('Give the backups of {plan} up?', { plan: planName(plan) }),
    plan.strategy === 'inPlace'
      ? say('The old vectors of {count} nodes are deleted, and the plan can never be rolled back.', {
          count: count(plan.completedNodes - plan.adoptedNodes),
        })
      : say('The side that readers do not use is dropped, and the plan can never be rolled back.'),
    say('Give Backups Up'),
  );
  if (!yes) return;
  const what = ['finalize', plan.planId, '--yes'];
  const title = say('Giving backups up');
  try {
    await carryOut(context, project, title, what);
  } catch (error) {
    if (!(error instanceof CommandFault) || error.code !== 'CONFIRMATION_MISSING') throw error;
    const name = await typedName(String(error.details.name));
    if (name !== undefined) await carryOut(context, project, title, [...what, '--drop', name]);
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
  const found = await chanceOf(context, chosen, 'reversible');
  if (found === undefined) return;
  const { plan, project } = found;
  const nodeId = chosen?.branch.kind === 'task' ? chosen.branch.task.nodeId : undefined;
  const what = ['rollback', plan.planId, ...(nodeId === undefined ? [] : ['--node', nodeId])];
  const preview = await previewOf(context, project, what);
  if (!(await agreesToRollBack(found, nodeId, preview))) return;
  const title =
    nodeId === undefined
      ? say('Rolling back {plan}', { plan: planName(plan) })
      : say('Rolling back node {node}', { node: nodeId });
  const roll = (...flags: string[]) =>
    carryOut<{ report: RollbackReport }>(context, project, title, [...what, '--yes', ...flags]);
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
  what: readonly string[],
): Promise<RollbackReport> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: say('Counting what a rollback would do') },
    async () => {
      const { result } = await context.projects.run(project, [...what, '--dry-run']);
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
