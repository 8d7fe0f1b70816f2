import { hostname } from 'node:os';
import * as vscode from 'vscode';
import { endProcess, isProcessGone } from '../host-process.ts';
import { commands } from '../ids.ts';
import { planBranch } from '../model/migrations-tree.ts';
import { planName } from '../model/plan-text.ts';
import { fileAt } from '../model/registry-file.ts';
import type { Summary } from '../registry-process/messages.ts';
import { say } from '../views/say.ts';
import type { StartedWorker } from '../work/workers.ts';
import { type Chosen, type ChosenPlan, choosePlan, chooseRegistry } from './choose.ts';
import {
  type ActionContext,
  completeStep,
  createConfiguration,
  isAllowed,
  projectOf,
  registerAction,
} from './context.ts';

/** What needs the nodes, and so runs in a process of the command line. */
export function registerWorkActions(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.start, async (chosen: Chosen) => {
      if (!(await isAllowed())) return;
      const found = await choosePlan(context, chosen, 'startable');
      if (found !== undefined) await startPlan(context, found);
    }),
    registerAction(context, commands.stopWorker, (chosen: Chosen) => stopWorker(context, chosen)),
    registerAction(context, commands.setApiKey, () => context.secrets.ask()),
    registerAction(context, commands.createConfiguration, async () => {
      if (!(await isAllowed())) return;
      const [file] = await context.list.found();
      await createConfiguration(context, file?.path ?? 'data/embedding_registry.sqlite');
    }),
  ];
}

/** Works on a plan in a process of its own, which goes on when the window is reloaded or closed. */
export async function startPlan(context: ActionContext, { file, plan }: ChosenPlan): Promise<void> {
  const workers = await workersAlive(context, file.path);
  if (workers.length > 0 && !(await wantsAnother(workers.map(({ pid }) => pid)))) return;
  const project = await projectOf(context, file.path);
  if (project === undefined) return;
  const invocation = await context.projects.invocation(project, {
    words: 'run',
    flags: ['--no-progress'],
    operand: plan.planId,
  });
  // Not awaited: it may take days. A plan that rests is told by the tree, a crash by a message.
  completeStep('run');
  context.workers.start({ path: file.path, planId: plan.planId, name: planName(plan) }, invocation);
}

/** The registry knows a worker that crashed for a while longer; of those of this machine more is known. */
async function workersAlive({ registries }: ActionContext, path: string): Promise<Summary['workers']> {
  const { workers } = await registries.read(path, 'summary');
  return workers.filter(({ host, pid }) => host !== hostname() || !isProcessGone(pid));
}

async function wantsAnother(pids: readonly number[]): Promise<boolean> {
  const start = say('Start Another');
  const answer = await vscode.window.showInformationMessage(
    say('A worker is at this registry already (process {pids}), and may take the plan up.', {
      pids: pids.join(', '),
    }),
    start,
  );
  return answer === start;
}

/** Told of workers of earlier windows too. */
export async function tellCrash(
  context: ActionContext,
  { path, planId, name }: StartedWorker,
  message: string,
): Promise<void> {
  context.log.error(`[worker] ${planId}: ${message}`);
  context.views.refresh();
  const [again, showLogs] = [say('Start Again'), say('Show Logs')];
  const answer = await vscode.window.showErrorMessage(
    say('The worker on {plan} ended: {message} Nothing is lost; it goes on where it was.', {
      plan: name,
      message,
    }),
    again,
    showLogs,
  );
  if (answer === again)
    await vscode.commands.executeCommand(commands.start, { branch: planBranch(fileAt(path), planId) });
  if (answer === showLogs) context.log.show();
}

/** Found by what the registry says of it, so also after a reload. */
async function stopWorker(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  if (chosen?.branch.kind === 'worker') {
    endProcess(chosen.branch.worker.pid);
    return;
  }
  const file = await chooseRegistry(context, chosen);
  if (file === undefined) return;
  const workers = await workersAlive(context, file.path);
  const ours = workers.filter(({ host }) => host === hostname());
  if (ours.length === 0) {
    void vscode.window.showInformationMessage(say('No worker of this machine is at this registry.'));
    return;
  }
  for (const { pid } of ours) endProcess(pid);
}
