import { hostname } from 'node:os';
import type { RollbackReport } from '@registry/core';
import * as vscode from 'vscode';
import { endProcess } from '../host-process.ts';
import { commands } from '../ids.ts';
import { count } from '../model/figures.ts';
import { modelName, planName } from '../model/plan-text.ts';
import { say } from '../views/say.ts';
import type { CommandEvent } from '../work/command-line.ts';
import type { Project } from '../work/projects.ts';
import { type Chosen, type ChosenPlan, choosePlan } from './choose.ts';
import { type ActionContext, createConfiguration, isAllowed, projectOf, registerAction } from './context.ts';

/** What needs the nodes, and so runs in a process of the command line. */
export function registerWorkActions(context: ActionContext): readonly vscode.Disposable[] {
  return [
    registerAction(context, commands.start, async (chosen: Chosen) => {
      if (!(await isAllowed())) return;
      const found = await choosePlan(context, chosen, 'startable');
      if (found !== undefined) await startPlan(context, found);
    }),
    registerAction(context, commands.stopWorker, (chosen: Chosen) => stopWorker(context, chosen)),
    registerAction(context, commands.rollBack, (chosen: Chosen) => rollBack(context, chosen)),
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
  const { workers } = await context.registries.read(file.path, 'summary');
  if (workers.length > 0 && !(await wantsAnother(workers.map(({ pid }) => pid)))) return;
  const project = await projectOf(context, file.path);
  if (project === undefined) return;
  const { log } = context;
  log.info(`[worker] starts on ${planName(plan)} (${plan.planId})`);
  const onEvent = (event: CommandEvent) => logEvent(log, event);
  const running = await context.projects.run(project, ['run', plan.planId], { onEvent, isWorker: true });
  // Not awaited: it may take days. A plan that rests is told by the tree, a crash here.
  void running.result.then(
    () => log.info(`[worker] ${plan.planId} rests`),
    (error: Error) => tellCrash(context, { file, plan }, error),
  );
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

function logEvent(log: vscode.LogOutputChannel, { event, data }: CommandEvent): void {
  if (event === 'progress') return;
  const { level, message } = data as { level?: string; message?: string };
  if (event !== 'log') log.info(`[worker] ${event} ${JSON.stringify(data)}`);
  else if (level === 'error') log.error(`[worker] ${message}`);
  else if (level === 'warning') log.warn(`[worker] ${message}`);
  else log.info(`[worker] ${message}`);
}

async function tellCrash(context: ActionContext, found: ChosenPlan, error: Error): Promise<void> {
  context.log.error(`[worker] ${error.message}`);
  const [again, showLogs] = [say('Start Again'), say('Show Logs')];
  const answer = await vscode.window.showErrorMessage(
    say('The worker on {plan} ended: {message} Nothing is lost; it goes on where it was.', {
      plan: planName(found.plan),
      message: error.message,
    }),
    again,
    showLogs,
  );
  if (answer === again) await startPlan(context, found);
  if (answer === showLogs) context.log.show();
}

/** Found by what the registry says of it, so also after a reload. */
async function stopWorker(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const file = chosen?.branch.file ?? (await context.list.found())[0];
  if (file === undefined) return;
  const { workers } = await context.registries.read(file.path, 'summary');
  const ours = workers.filter(({ host }) => host === hostname());
  if (ours.length === 0) {
    void vscode.window.showInformationMessage(say('No worker of this machine is at this registry.'));
    return;
  }
  for (const { pid } of ours) endProcess(pid);
}

async function rollBack(context: ActionContext, chosen: Chosen): Promise<void> {
  if (!(await isAllowed())) return;
  const branch = chosen?.branch;
  const found = await choosePlan(context, chosen, 'reversible');
  if (found === undefined) return;
  const project = await projectOf(context, found.file.path);
  if (project === undefined) return;
  const nodeId = branch?.kind === 'task' ? branch.task.nodeId : undefined;
  const what = ['rollback', found.plan.planId, ...(nodeId === undefined ? [] : ['--node', nodeId])];
  const preview = await previewOf(context, project, what);
  if (!(await agreesToRollBack(found, nodeId, preview))) return;
  const report = await withNotification(
    say('Rolling back {plan}', { plan: planName(found.plan) }),
    async (signal) => {
      const { result } = await context.projects.run(project, [...what, '--yes'], { signal });
      return ((await result) as { report: RollbackReport }).report;
    },
  );
  context.views.refresh();
  tellReport(report);
}

function withNotification<T>(title: string, work: (signal: AbortSignal) => Promise<T>): Thenable<T> {
  const where = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(where, async (_, token) => {
    const stopping = new AbortController();
    const listening = token.onCancellationRequested(() => stopping.abort());
    return work(stopping.signal).finally(() => listening.dispose());
  });
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
    say('{count} nodes get their old vectors back, byte for byte.', { count: count(restored) }),
    conflicts > 0 ? say('{count} were changed since and are left alone.', { count: count(conflicts) }) : '',
    skipped > 0 ? say('{count} are gone.', { count: count(skipped) }) : '',
    remaining > 0 ? say('{count} stay at the new model.', { count: count(remaining) }) : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

function tellReport(report: RollbackReport): void {
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
