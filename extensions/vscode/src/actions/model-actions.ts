import type { PlanTuning } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { type PlanPreview, previewLines } from '../model/estimate-text.ts';
import { capText, tuningFlags } from '../model/pace-input.ts';
import { modelName, nodesText, qualifiedId } from '../model/plan-text.ts';
import type { PlanData } from '../registry-process/messages.ts';
import { harmless, say } from '../views/say.ts';
import { CommandFault } from '../work/command-line.ts';
import { type EvrCommand, withFlags } from '../work/evr-command.ts';
import type { Project } from '../work/projects.ts';
import { type Chosen, type ChosenModel, chooseModel } from './choose.ts';
import {
  type ActionContext,
  carryOut,
  completeStep,
  isAllowed,
  lookUp,
  projectOf,
  registerAction,
} from './context.ts';
import { askTuning } from './tune-action.ts';
import { startPlan } from './work-actions.ts';

export function registerModelActions(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.setActiveModel, (chosen: Chosen) => setActiveModel(context, chosen)),
    registerAction(context, commands.migrateToModel, (chosen: Chosen) => migrateToModel(context, chosen)),
    registerAction(context, commands.showModelDetails, async (chosen: Chosen) => {
      const found = await chooseModel(context, chosen);
      if (found) await context.panels.showModel(found.file, found.model);
    }),
    registerAction(context, commands.copyQualifiedId, async (chosen: Chosen) => {
      const found = await chooseModel(context, chosen);
      if (found) await vscode.env.clipboard.writeText(qualifiedId(found.model));
    }),
  ];
}

async function setActiveModel(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await chooseModel(context, chosen);
  if (found === undefined) return;
  const project = await projectOf(context, found.file.path);
  if (project === undefined) return;
  try {
    await activate(context, project, found, []);
  } catch (error) {
    if (!(error instanceof CommandFault) || error.code !== 'MIGRATION_REQUIRED') throw error;
    await activateOverNodes(context, project, found, error);
  }
}

async function activateOverNodes(
  context: ActionContext,
  project: Project,
  found: ChosenModel,
  fault: CommandFault,
): Promise<void> {
  const [migrate, leave] = [say('Activate and Migrate'), say('Activate, Leave Nodes')];
  const answer = await vscode.window.showWarningMessage(
    say('Make {model} the active model?', { model: modelName(found.model) }),
    {
      modal: true,
      detail: say(
        'At other models: {nodes}. Migrated, they are searched in both models meanwhile; left, searches with the new model do not find them.',
        { nodes: nodesText(Number(fault.details.behind ?? 0), say) },
      ),
    },
    migrate,
    leave,
  );
  if (answer === undefined) return;
  const plan = await activate(
    context,
    project,
    found,
    answer === migrate ? ['--migrate'] : ['--no-migrate', '--yes'],
  );
  if (plan !== undefined) await offerStart(context, found, plan);
}

async function activate(
  context: ActionContext,
  project: Project,
  { model }: ChosenModel,
  flags: readonly string[],
): Promise<PlanData | undefined> {
  const { result } = await context.projects.run(project, {
    words: 'models activate',
    flags,
    operand: modelName(model),
  });
  const { plan } = (await result) as { plan?: PlanData };
  context.views.refresh();
  return plan;
}

/** Counts and measures, asks, and plans; limits that are set are measured with before it is asked again. */
async function migrateToModel(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await chooseModel(context, chosen);
  if (found === undefined) return;
  const project = await projectOf(context, found.file.path);
  if (project === undefined) return;
  const limits: PlanTuning = {};
  for (;;) {
    const what: EvrCommand = {
      words: 'plan',
      flags: ['--to', modelName(found.model), ...tuningFlags(limits)],
    };
    const title = say('Counting nodes, and embedding a few to see how long it takes');
    const preview = await lookUp<PlanPreview>(context, project, title, withFlags(what, '--dry-run'));
    const answer = await agreesToPlan(found, preview, limits);
    if (answer === 'limits') Object.assign(limits, await askLimits(limits));
    else if (answer === undefined) return;
    else {
      const plan = await carryOut<PlanData>(context, project, say('Planning'), what);
      await offerStart(context, found, plan);
      return;
    }
  }
}

async function agreesToPlan(
  { model }: ChosenModel,
  preview: PlanPreview,
  limits: PlanTuning,
): Promise<'plan' | 'limits' | undefined> {
  const yes = say('Create Plan');
  const set = say('Set Limits…');
  const question = say('Plan a migration of {nodes} to {model}?', {
    nodes: nodesText(preview.total, say),
    model: modelName(model),
  });
  const { dutyCycle = 1, spendCap } = limits;
  const chosen = [
    ...(dutyCycle < 1 ? [say('Duty cycle: {percent} %', { percent: Math.round(dutyCycle * 100) })] : []),
    ...(spendCap ? [say('Spend cap: {cap}', { cap: capText(spendCap, say) })] : []),
  ];
  const lines = [...previewLines(preview, say), ...chosen].map(harmless);
  const detail = [...lines, '', say('No vector is changed before the plan is started.')].join('\n');
  const answer = await vscode.window.showInformationMessage(question, { modal: true, detail }, yes, set);
  if (answer === yes) return 'plan';
  return answer === set ? 'limits' : undefined;
}

/** Those that an input was not closed over. */
async function askLimits(now: PlanTuning): Promise<PlanTuning> {
  const spendCap = await askTuning('spendCap', say('Spend cap'), now);
  const dutyCycle = spendCap && (await askTuning('dutyCycle', say('Duty cycle (%)'), now));
  return { ...spendCap, ...dutyCycle };
}

async function offerStart(context: ActionContext, { file }: ChosenModel, plan: PlanData): Promise<void> {
  completeStep('plan');
  const start = say('Start');
  const text = say('Planned: {nodes} to {model}.', {
    nodes: nodesText(plan.totalNodes, say),
    model: modelName(plan.targetSpec),
  });
  if ((await vscode.window.showInformationMessage(text, start)) === start)
    await startPlan(context, { file, plan });
}
