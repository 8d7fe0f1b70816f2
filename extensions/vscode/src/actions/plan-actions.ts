import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { modelName, nodesText, planName } from '../model/plan-text.ts';
import { say } from '../views/say.ts';
import { type Chosen, choosePlan } from './choose.ts';
import { type ActionContext, isAllowed, isConfirmed, registerAction, write } from './context.ts';

/** Steers plans through the registry: whoever works on them obeys at the next batch. */
export function registerPlanActions(context: ActionContext): readonly vscode.Disposable[] {
  const simple = (command: string, capability: string, name: 'pause' | 'resume') =>
    registerAction(context, command, async (chosen: Chosen) => {
      if (!(await isAllowed())) return;
      const found = await choosePlan(context, chosen, capability);
      if (found) await write(context, found.file.path, name, { planId: found.plan.planId });
    });
  return [
    simple(commands.pause, 'pausable', 'pause'),
    simple(commands.resume, 'resumable', 'resume'),
    registerAction(context, commands.watch, async (chosen: Chosen) => {
      const found = await choosePlan(context, chosen);
      if (found) context.panels.watch(found.file, found.plan.planId);
    }),
    registerAction(context, commands.cancel, (chosen: Chosen) => cancel(context, chosen)),
    registerAction(context, commands.retryFailed, (chosen: Chosen) => retryFailed(context, chosen)),
  ];
}

async function cancel(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await choosePlan(context, chosen, 'cancellable');
  if (found === undefined) return;
  const { file, plan } = found;
  const yes = await isConfirmed(
    say('Cancel {plan}?', { plan: planName(plan) }),
    say(
      '{done} of {total} nodes are at {model} and stay there; a rollback puts them back. A cancelled plan cannot go on.',
      { done: count(plan.completedNodes), total: count(plan.totalNodes), model: modelName(plan.targetSpec) },
    ),
    say('Cancel Plan'),
  );
  if (yes) await write(context, file.path, 'cancel', { planId: plan.planId });
}

async function retryFailed(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const branch = chosen?.branch;
  const found = await choosePlan(context, chosen, 'retryable');
  if (found === undefined) return;
  const { file, plan } = found;
  const retried = await write(context, file.path, 'retryFailed', {
    planId: plan.planId,
    ...(branch?.kind === 'task' && { nodeIds: [branch.task.nodeId] }),
    ...(branch?.kind === 'failure' && { errorCode: branch.code }),
  });
  if (retried !== undefined)
    vscode.window.setStatusBarMessage(say('Tried again: {nodes}', { nodes: nodesText(retried, say) }), 5000);
}
