import type { PlanTuning } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { capText, parseTuning, type Tunable, tuningPrompt, tuningValue } from '../model/pace-input.ts';
import { nodesText, planName } from '../model/plan-text.ts';
import type { PlanData } from '../registry-process/messages.ts';
import { say } from '../views/say.ts';
import { type Chosen, choosePlan } from './choose.ts';
import { type ActionContext, isAllowed, registerAction, write } from './context.ts';

/** Changes the pace of a plan, and what it may spend: whoever works on it obeys at the next batch. */
export function registerTuning(context: ActionContext): vscode.Disposable {
  return registerAction(context, commands.tune, (chosen: Chosen, given?: PlanTuning) =>
    tune(context, chosen, given),
  );
}

/** `given`: what the panel says already. */
async function tune(context: ActionContext, chosen: Chosen, given?: PlanTuning): Promise<void> {
  if (!(await isAllowed())) return;
  const found = await choosePlan(context, chosen, 'tunable');
  if (found === undefined) return;
  const { file, plan } = found;
  const tuning = given ?? (await chooseTuning(plan));
  if (tuning !== undefined) await write(context, file.path, 'tune', { planId: plan.planId, ...tuning });
}

async function chooseTuning(plan: PlanData): Promise<PlanTuning | undefined> {
  const setting = await vscode.window.showQuickPick(settingsOf(plan), {
    title: say('Tune {plan}', { plan: planName(plan) }),
  });
  return setting && askTuning(setting.name, setting.label, plan);
}

/** Asks for one setting; undefined where the input was closed. */
export async function askTuning(
  name: Tunable,
  title: string,
  now: PlanTuning,
): Promise<PlanTuning | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt: tuningPrompt(name, say),
    value: tuningValue(name, now),
    ignoreFocusOut: true,
    validateInput: (typed) => {
      const parsed = parseTuning(name, typed, say);
      return 'complaint' in parsed ? parsed.complaint : undefined;
    },
  });
  if (text === undefined) return undefined;
  const parsed = parseTuning(name, text, say);
  return 'tuning' in parsed ? parsed.tuning : undefined;
}

function settingsOf(plan: PlanData): readonly (vscode.QuickPickItem & { readonly name: Tunable })[] {
  return [
    {
      name: 'throttleMs',
      label: say('Throttle'),
      description: say('{count} ms rest after each batch', { count: plan.throttleMs }),
    },
    { name: 'batchSize', label: say('Batch size'), description: nodesText(plan.batchSize, say) },
    {
      name: 'maxParallelWorkers',
      label: say('Lanes'),
      description:
        plan.maxParallelWorkers === 1
          ? say('1 batch at a time')
          : say('{count} batches at a time', { count: plan.maxParallelWorkers }),
    },
    {
      name: 'dutyCycle',
      label: say('Duty cycle (%)'),
      description: say('lanes work {percent} % of their time', { percent: Math.round(plan.dutyCycle * 100) }),
    },
    { name: 'spendCap', label: say('Spend cap'), description: capText(plan.spendCap, say) },
  ];
}
