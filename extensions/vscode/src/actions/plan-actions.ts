import { settingLimits } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { modelName, planName } from '../model/plan-text.ts';
import type { PlanData } from '../registry-process/messages.ts';
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
    registerAction(context, commands.tune, (chosen: Chosen, tuning?: Partial<Record<Tunable, number>>) =>
      tune(context, chosen, tuning),
    ),
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
  const nodeIds = branch?.kind === 'task' ? [branch.task.nodeId] : undefined;
  const input = { planId: plan.planId, ...(nodeIds && { nodeIds }) };
  const retried = await write(context, file.path, 'retryFailed', input);
  if (retried !== undefined)
    vscode.window.setStatusBarMessage(say('{count} nodes are tried again', { count: count(retried) }), 5000);
}

type Tunable = 'batchSize' | 'throttleMs' | 'maxParallelWorkers';
const limitOf = {
  batchSize: settingLimits.migrationBatchSize,
  throttleMs: settingLimits.migrationThrottleMs,
  maxParallelWorkers: settingLimits.maxParallelWorkers,
} as const;

/** `given`: what the panel says already. */
async function tune(
  context: ActionContext,
  chosen: Chosen,
  given?: Partial<Record<Tunable, number>>,
): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await choosePlan(context, chosen, 'tunable');
  if (found === undefined) return;
  const { file, plan } = found;
  if (given !== undefined) {
    await write(context, file.path, 'tune', { planId: plan.planId, ...given });
    return;
  }
  const setting = await chooseSetting(plan);
  if (setting === undefined) return;
  const { minimum, maximum } = limitOf[setting.name];
  const value = await vscode.window.showInputBox({
    title: setting.label,
    prompt: say('{minimum} to {maximum}; takes effect at the next batch.', {
      minimum: count(minimum),
      maximum: count(maximum),
    }),
    value: String(plan[setting.name]),
    validateInput: (text) =>
      /^\d+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum
        ? undefined
        : say('A whole number from {minimum} to {maximum}.', {
            minimum: count(minimum),
            maximum: count(maximum),
          }),
  });
  if (value !== undefined)
    await write(context, file.path, 'tune', { planId: plan.planId, [setting.name]: Number(value) });
}

function chooseSetting(plan: PlanData) {
  const items: readonly (vscode.QuickPickItem & { name: Tunable })[] = [
    {
      name: 'throttleMs',
      label: say('Throttle'),
      description: say('{count} ms rest after each batch', { count: plan.throttleMs }),
    },
    {
      name: 'batchSize',
      label: say('Batch size'),
      description: say('{count} nodes', { count: plan.batchSize }),
    },
    {
      name: 'maxParallelWorkers',
      label: say('Lanes'),
      description: say('{count} batches at a time', { count: plan.maxParallelWorkers }),
    },
  ];
  return vscode.window.showQuickPick(items, {
    title: say('Tune {plan}', { plan: planName(plan) }),
  });
}
