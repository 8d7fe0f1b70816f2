import * as vscode from 'vscode';
import type { MigrationsBranch } from '../model/migrations-tree.ts';
import type { ModelsBranch } from '../model/models-tree.ts';
import { capabilities } from '../model/plan-capabilities.ts';
import { modelName, paceText, planName, statusName } from '../model/plan-text.ts';
import type { RegistryFile } from '../model/registry-file.ts';
import type { ModelData, PlanData } from '../registry-process/messages.ts';
import type { Place } from '../views/branch-tree.ts';
import { harmless, say } from '../views/say.ts';
import type { Project } from '../work/projects.ts';
import { type ActionContext, isAllowed, projectOf } from './context.ts';

const MOST_PLANS = 200;
const MOST_NODES = 200;

/** What a command of a tree row is given; from the palette, nothing. */
export type Chosen = Place<MigrationsBranch | ModelsBranch> | undefined;

export interface ChosenPlan {
  readonly file: RegistryFile;
  readonly plan: PlanData;
}

export interface ChosenModel {
  readonly file: RegistryFile;
  readonly model: ModelData;
}

/** The plan of the row, as it is now; else one of those that allow what is wanted. */
export async function choosePlan(
  context: ActionContext,
  chosen: Chosen,
  capability?: string,
): Promise<ChosenPlan | undefined> {
  const branch = chosen?.branch;
  if (branch !== undefined && 'plan' in branch) {
    const plan = await context.registries.read(branch.file.path, 'plan', { planId: branch.plan.planId });
    return { file: branch.file, plan };
  }
  const found: (vscode.QuickPickItem & ChosenPlan)[] = [];
  for (const file of await context.list.found()) {
    const { items } = await context.registries.read(file.path, 'plans', { limit: MOST_PLANS });
    for (const plan of items)
      if (capability === undefined || capabilities(plan).includes(capability))
        found.push({
          file,
          plan,
          label: harmless(planName(plan)),
          description: `${statusName(plan.status, say)} · ${paceText(plan, undefined, say)}`,
          detail: `${file.label} · ${plan.planId}`,
        });
  }
  if (found.length === 0) {
    void vscode.window.showInformationMessage(say('There is no plan for which this can be done.'));
    return undefined;
  }
  return vscode.window.showQuickPick(found, { title: say('Choose a plan'), matchOnDetail: true });
}

/** A plan, and the configuration of its registry. */
export interface ConfiguredPlan extends ChosenPlan {
  readonly project: Project;
}

/** The plan and its configuration, where something may be done about it. */
export async function chooseConfiguredPlan(
  context: ActionContext,
  chosen: Chosen,
  capability: string,
): Promise<ConfiguredPlan | undefined> {
  if (!(await isAllowed())) return undefined;
  const found = await choosePlan(context, chosen, capability);
  const project = found && (await projectOf(context, found.file.path));
  return found && project && { ...found, project };
}

/** The id of a node: that of the row, else of one of a plan, those that failed first. */
export async function chooseNode(context: ActionContext, chosen: Chosen): Promise<string | undefined> {
  if (chosen?.branch.kind === 'task') return chosen.branch.task.nodeId;
  const found = await choosePlan(context, chosen);
  if (found === undefined) return undefined;
  const { planId } = found.plan;
  const read = (status: 'failed' | 'completed') =>
    context.registries.read(found.file.path, 'tasks', { planId, status, limit: MOST_NODES });
  const tasks = [...(await read('failed')).items, ...(await read('completed')).items];
  const items = tasks.map(({ nodeId, status, errorCode }) => ({
    label: harmless(nodeId),
    description: [statusName(status, say), errorCode].filter((text) => text !== undefined).join(' · '),
    nodeId,
  }));
  return (await vscode.window.showQuickPick(items, { title: say('Choose a node') }))?.nodeId;
}

export async function chooseModel(context: ActionContext, chosen: Chosen): Promise<ChosenModel | undefined> {
  const branch = chosen?.branch;
  if (branch?.kind === 'model') return { file: branch.file, model: branch.model };
  const found: (vscode.QuickPickItem & ChosenModel)[] = [];
  for (const file of await context.list.found())
    for (const model of await context.registries.read(file.path, 'models'))
      found.push({
        file,
        model,
        label: harmless(modelName(model)),
        ...(model.isActive && { description: say('active') }),
        detail: file.label,
      });
  return vscode.window.showQuickPick(found, { title: say('Choose a model'), matchOnDetail: true });
}

export async function chooseRegistry(
  context: ActionContext,
  chosen: Chosen,
): Promise<RegistryFile | undefined> {
  if (chosen !== undefined) return chosen.branch.file;
  const files = await context.list.found();
  if (files.length === 1) return files[0];
  if (files.length === 0) {
    void vscode.window.showInformationMessage(say('No registry was found; open a registry file first.'));
    return undefined;
  }
  const items = files.map((file) => ({ label: file.label, file }));
  const picked = await vscode.window.showQuickPick(items, { title: say('Choose a registry') });
  return picked?.file;
}
