import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { modelName, qualifiedId } from '../model/plan-text.ts';
import type { PlanData } from '../registry-process/messages.ts';
import { say } from '../views/say.ts';
import { CommandFault } from '../work/command-line.ts';
import type { Project } from '../work/projects.ts';
import { type Chosen, type ChosenModel, chooseModel } from './choose.ts';
import { type ActionContext, completeStep, isAllowed, projectOf, registerAction } from './context.ts';
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
        '{count} nodes are at other models. Migrated, they are searched in both models meanwhile; left, searches with the new model do not find them.',
        { count: count(Number(fault.details.behind ?? 0)) },
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
  const { result } = await context.projects.run(project, ['models', 'activate', modelName(model), ...flags]);
  const { plan } = (await result) as { plan?: PlanData };
  context.views.refresh();
  return plan;
}

async function migrateToModel(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await chooseModel(context, chosen);
  if (found === undefined) return;
  const project = await projectOf(context, found.file.path);
  if (project === undefined) return;
  const what = ['plan', '--to', modelName(found.model)];
  const preview = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: say('Counting nodes') },
    async () => (await context.projects.run(project, [...what, '--dry-run'])).result as Promise<PlanPreview>,
  );
  if (!(await agreesToPlan(found, preview))) return;
  const plan = (await (await context.projects.run(project, what)).result) as PlanData;
  context.views.refresh();
  await offerStart(context, found, plan);
}

interface PlanPreview {
  readonly total: number;
  readonly sources: readonly {
    readonly source?: { readonly embeddingModelId: string; readonly embeddingVersion: number };
    readonly count: number;
  }[];
}

async function agreesToPlan({ model }: ChosenModel, preview: PlanPreview): Promise<boolean> {
  const yes = say('Create Plan');
  const sources = preview.sources.map(({ source, count: size }) =>
    source === undefined
      ? say('{count} without a stamp', { count: count(size) })
      : say('{count} at {model}', {
          count: count(size),
          model: modelName({ modelId: source.embeddingModelId, version: source.embeddingVersion }),
        }),
  );
  const question = say('Plan a migration of {count} nodes to {model}?', {
    count: count(preview.total),
    model: modelName(model),
  });
  const detail = [...sources, say('Nothing is embedded before the plan is started.')].join('\n');
  return (await vscode.window.showInformationMessage(question, { modal: true, detail }, yes)) === yes;
}

async function offerStart(context: ActionContext, { file }: ChosenModel, plan: PlanData): Promise<void> {
  completeStep('plan');
  const start = say('Start');
  const text = say('Planned: {count} nodes to {model}.', {
    count: count(plan.totalNodes),
    model: modelName(plan.targetSpec),
  });
  if ((await vscode.window.showInformationMessage(text, start)) === start)
    await startPlan(context, { file, plan });
}
