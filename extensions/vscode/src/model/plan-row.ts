import type { MigrationStatus, TaskStatus } from '@registry/core';
import type { Say } from '../language.ts';
import type { PlanData, ProgressData, TaskData, WorkerData } from '../registry-process/messages.ts';
import { count, moment, percent } from './figures.ts';
import { reasonText } from './in-editor-words.ts';
import { spendingText } from './pace-input.ts';
import { capabilities } from './plan-capabilities.ts';
import {
  heldBackOf,
  isMoving,
  modelName,
  paceText,
  planName,
  priorityName,
  statusName,
} from './plan-text.ts';
import { type Row, tooltip } from './row.ts';

const icons: Readonly<Record<MigrationStatus | TaskStatus, Row['icon']>> = {
  pending: { name: 'clock' },
  in_progress: { name: 'sync~spin', color: 'charts.blue' },
  paused: { name: 'debug-pause', color: 'charts.yellow' },
  completed: { name: 'pass', color: 'testing.iconPassed' },
  failed: { name: 'error', color: 'testing.iconFailed' },
  cancelled: { name: 'circle-slash', color: 'disabledForeground' },
  rolling_back: { name: 'sync~spin', color: 'charts.orange' },
  rolled_back: { name: 'discard', color: 'charts.orange' },
  skipped: { name: 'debug-step-over', color: 'disabledForeground' },
};

export const statusIcon = (status: MigrationStatus | TaskStatus) => icons[status];

/** A plan that nobody works on stands still, whatever its status says. */
function planIcon(plan: PlanData, progress: Partial<ProgressData> | undefined): Row['icon'] {
  if (!isMoving(plan) || progress?.heldBackBy !== 'noWorker') return icons[plan.status];
  return { name: 'debug-disconnect', color: 'charts.yellow' };
}

/** A narrow side bar shows the beginning: how far a plan is, or where one that has ended went. */
function labelsOf(plan: PlanData, pace: string): Pick<Row, 'label' | 'description'> {
  const target = `→ ${modelName(plan.targetSpec)}`;
  const isUnderWay = isMoving(plan) || plan.status === 'paused';
  return isUnderWay ? { label: pace, description: target } : { label: target, description: pace };
}

export function planRow(
  id: string,
  plan: PlanData,
  progress: Partial<ProgressData> | undefined,
  say: Say,
): Row {
  const pace = paceText(plan, progress, say);
  const name = planName(plan);
  const isIdle = isMoving(plan) && progress?.heldBackBy === 'noWorker';
  return {
    id,
    ...labelsOf(plan, pace),
    icon: planIcon(plan, progress),
    spoken: `${name}, ${statusName(plan.status, say)}, ${pace.replaceAll(' · ', ', ')}`,
    context: ['plan', ...capabilities(plan), ...(isIdle ? ['idle'] : [])].join(' '),
    expansion: 'collapsed',
    tooltip: tooltip(name, {
      [say('Plan')]: plan.planId,
      [say('Status')]: statusName(plan.status, say),
      [say('Progress')]: pace,
      [say('Reason')]: plan.reason && reasonText(plan.reason),
      [say('Held back')]: heldBackOf(plan, progress, say),
      [say('Hold')]: plan.hold && reasonText(plan.hold),
      [say('Nodes')]: count(plan.totalNodes),
      [say('Priority')]: priorityName(plan.priority, say),
      [say('Duty cycle')]: plan.dutyCycle < 1 ? percent(Math.round(plan.dutyCycle * 100)) : undefined,
      [say('Spent')]: plan.spendCap && spendingText(plan, say),
      [say('Pace')]: say('batches of {size}, {lanes} at a time, {milliseconds} ms apart', {
        size: plan.batchSize,
        lanes: plan.maxParallelWorkers,
        milliseconds: plan.throttleMs,
      }),
      [say('Created')]: moment(plan.createdAt),
      [say('Started')]: moment(plan.startedAt),
      [say('Ended')]: moment(plan.completedAt),
      [say('Cut over')]: moment(plan.cutOverAt),
      [say('Backups given up')]: moment(plan.finalizedAt),
    }),
  };
}

/** Why a plan stands still or failed: the whole sentence, for a row below it. */
export function reasonOf(plan: PlanData): { readonly text: string; readonly icon: Row['icon'] } | undefined {
  const why = plan.hold ?? plan.reason;
  if (why === undefined) return undefined;
  const isFault = plan.hold === undefined;
  const icon = isFault
    ? { name: 'warning', color: 'testing.iconFailed' }
    : { name: 'watch', color: 'charts.yellow' };
  return { text: reasonText(why), icon };
}

export function workerRow(id: string, worker: WorkerData, isOfThisMachine: boolean, say: Say): Row {
  const label = say('Process {pid}', { pid: worker.pid });
  const plans = worker.planIds.map((planId) => planId.slice(0, 8)).join(', ');
  const [waits] = worker.waiting;
  const state =
    waits !== undefined
      ? say('waits: {reason}', { reason: reasonText(waits) })
      : plans === ''
        ? say('at rest')
        : say('works on {plans}', { plans });
  const description = `${isOfThisMachine ? say('this machine') : worker.host} · ${state}`;
  return {
    id,
    label,
    description,
    icon: { name: 'server-process', color: 'charts.blue' },
    spoken: `${label}, ${description.replaceAll(' · ', ', ')}`,
    context: isOfThisMachine ? 'worker stoppable' : 'worker',
    expansion: 'none',
    tooltip: tooltip(label, {
      [say('Machine')]: worker.host,
      [say('Heard of')]: moment(worker.heartbeatAt),
      [say('Plans')]: worker.planIds.join(', '),
      [say('Waits')]: worker.waiting.map((why) => reasonText(why)).join('\n'),
    }),
  };
}

export function taskRow(id: string, plan: PlanData, task: TaskData, say: Say): Row {
  const status = statusName(task.status, say);
  const attempts =
    task.retryCount > 0
      ? say('attempt {number} of {most}', { number: task.retryCount + 1, most: task.maxRetries + 1 })
      : '';
  const description = [task.errorMessage ?? '', attempts].filter((part) => part !== '').join(' · ');
  const words = [
    'task',
    // Of a plan whose backups are given up nothing is tried again.
    task.status === 'failed' && capabilities(plan).includes('retryable') ? 'retryable' : '',
    task.canRollback && task.status !== 'rolled_back' ? 'reversible' : '',
  ];
  return {
    id,
    label: task.nodeId,
    ...(description !== '' && { description }),
    icon: icons[task.status],
    spoken: [task.nodeId, status, description].filter((part) => part !== '').join(', '),
    context: words.filter((word) => word !== '').join(' '),
    expansion: 'none',
    tooltip: tooltip(task.nodeId, {
      [say('Status')]: status,
      [say('Was at')]:
        task.source &&
        modelName({ modelId: task.source.embeddingModelId, version: task.source.embeddingVersion }),
      [say('Goes to')]: modelName({
        modelId: task.target.embeddingModelId,
        version: task.target.embeddingVersion,
      }),
      [say('Error')]: task.errorCode && `${task.errorCode}: ${task.errorMessage ?? ''}`,
      [say('Retries')]: String(task.retryCount),
      [say('Next attempt')]: moment(task.nextAttemptAt),
      [say('Ended')]: moment(task.completedAt),
    }),
  };
}
