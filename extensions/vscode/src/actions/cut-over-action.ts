import type { GateReport } from '@registry/core';
import * as vscode from 'vscode';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { gateLines, verdictName } from '../model/gate-text.ts';
import { inEditorWords } from '../model/in-editor-words.ts';
import { modelName } from '../model/plan-text.ts';
import type { PlanData } from '../registry-process/messages.ts';
import type { VerdictData } from '../registry-process/verdict.ts';
import { harmless, say } from '../views/say.ts';
import { CommandFault } from '../work/command-line.ts';
import { type EvrCommand, withFlags } from '../work/evr-command.ts';
import { type Chosen, type ConfiguredPlan, chooseConfiguredPlan } from './choose.ts';
import { type ActionContext, carryOut, isConfirmed, lookUp, registerAction } from './context.ts';

/** Asks the gate, and moves readers: the node store is asked and told, so the command line does both. */
export function registerCutOver(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.cutOver, (chosen: Chosen) => cutOver(context, chosen)),
    registerAction(context, commands.askGate, (chosen: Chosen) => askGate(context, chosen)),
  ];
}

async function askGate(context: ActionContext, chosen: Chosen): Promise<void> {
  const found = await chooseConfiguredPlan(context, chosen, 'cuttable');
  if (found === undefined) return;
  const report = await gate(context, found);
  const watch = say('Show Why');
  const model = modelName(found.plan.targetSpec);
  const answer = await vscode.window.showInformationMessage(
    say('The gate says {verdict} to {model}.', { verdict: verdictName(report.verdict, say), model }),
    watch,
  );
  if (answer === watch) context.panels.watch(found.file, found.plan.planId);
}

/** Searches a sample in both spaces; it ends with a verdict, whichever. @throws CommandFault where it cannot */
function gate(context: ActionContext, { project, plan }: ConfiguredPlan): Promise<GateReport> {
  const title = say('Asking the gate: a sample is searched in both spaces');
  return lookUp<GateReport>(context, project, title, { words: 'gate', operand: plan.planId });
}

async function cutOver(context: ActionContext, chosen: Chosen): Promise<void> {
  const found = await chooseConfiguredPlan(context, chosen, 'cuttable');
  if (found === undefined) return;
  const { plan, project } = found;
  const agreed = await agreedFlags(context, found);
  if (agreed === undefined) return;
  const failed = plan.failedNodes > 0 ? ['--accept-failed'] : [];
  let what: EvrCommand = {
    words: 'cutover',
    flags: ['--yes', ...failed, ...agreed],
    operand: plan.planId,
  };
  const title = say('Cutting over to {model}', { model: modelName(plan.targetSpec) });
  for (;;)
    try {
      await carryOut(context, project, title, what);
      break;
    } catch (error) {
      if (!(error instanceof CommandFault)) throw error;
      const accepted = await acceptedOf(error);
      if (accepted === undefined) return;
      what = withFlags(what, ...accepted);
    }
  const text = say('{model} is the active model.', { model: modelName(plan.targetSpec) });
  void vscode.window.showInformationMessage(text);
}

/** The verdict, or why there is none; one that was given before is that of the journal. */
interface Judged {
  readonly report?: VerdictData;
  readonly fault?: string;
}

async function judgedNow(context: ActionContext, found: ConfiguredPlan): Promise<Judged> {
  try {
    return { report: await gate(context, found) };
  } catch (error) {
    // A cutover may be the way out of an outage, in which nothing can be embedded.
    if (!(error instanceof CommandFault) || error.code === 'STOPPED') throw error;
    return { fault: error.message };
  }
}

/** What the user agreed to after reading the verdict; undefined: to nothing. */
async function agreedFlags(
  context: ActionContext,
  found: ConfiguredPlan,
): Promise<readonly string[] | undefined> {
  const { file, plan } = found;
  const last = await context.registries.read(file.path, 'verdict', { planId: plan.planId });
  let judged: Judged = last === undefined ? await judgedNow(context, found) : { report: last };
  for (;;) {
    const isNoGo = judged.report?.verdict === 'no-go';
    const yes = isNoGo
      ? say('Cut Over All the Same…')
      : plan.failedNodes > 0
        ? say('Cut Over, Leave Failed Nodes Behind')
        : say('Cut Over');
    const again = say('Ask the Gate Again');
    const answer = await vscode.window.showWarningMessage(
      say('Make {model} the active model?', { model: modelName(plan.targetSpec) }),
      { modal: true, detail: [countsText(plan), '', ...judgedLines(judged)].join('\n') },
      yes,
      again,
    );
    if (answer === again) judged = await judgedNow(context, found);
    else if (answer !== yes) return undefined;
    else return isNoGo ? overrideFlags() : [];
  }
}

function judgedLines({ report, fault }: Judged): readonly string[] {
  if (report !== undefined) return gateLines(report, say).map(harmless);
  return [say('The gate could not be asked: {why}', { why: inEditorWords(fault ?? '') })];
}

function countsText(plan: PlanData): string {
  const settled = plan.completedNodes + plan.failedNodes + plan.skippedNodes + plan.rolledBackNodes;
  return say(
    '{done} of {total} nodes are done, {open} open, {failed} failed. New content is embedded with it from then on.',
    {
      done: count(plan.completedNodes),
      total: count(plan.totalNodes),
      open: count(plan.totalNodes - settled),
      failed: count(plan.failedNodes),
    },
  );
}

async function overrideFlags(): Promise<readonly string[] | undefined> {
  const reason = await vscode.window.showInputBox({
    title: say('Why is it cut over all the same?'),
    prompt: say('The journal keeps it.'),
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? say('Say why.') : undefined),
  });
  return reason === undefined ? undefined : ['--override-gate', reason];
}

/** What somebody accepts who was told why readers were not moved; undefined: nothing. */
async function acceptedOf(fault: CommandFault): Promise<readonly string[] | undefined> {
  const yes = say('Cut Over All the Same');
  const why = harmless(inEditorWords(fault.message));
  // It was asked again meanwhile, by somebody else.
  if (fault.code === 'GATE_NO_GO')
    return (await isConfirmed(say('The gate says no-go.'), why, yes)) ? overrideFlags() : undefined;
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
