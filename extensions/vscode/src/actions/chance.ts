import type { Project } from '../work/projects.ts';
import { type Chosen, type ChosenPlan, choosePlan } from './choose.ts';
import { type ActionContext, isAllowed, projectOf } from './context.ts';

/** A plan, and the configuration of its registry. */
export interface Chance extends ChosenPlan {
  readonly project: Project;
}

/** The plan and its configuration, where something may be done about it. */
export async function chanceOf(
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
