import type { HeldBackBy, MigrationStatus, Priority, TaskStatus } from '@registry/core';
import type { Say } from '../language.ts';
import type { PlanData, ProgressData } from '../registry-process/messages.ts';
import { count, percent, rate, timeLeft } from './figures.ts';

type Spec = Pick<PlanData['targetSpec'], 'modelId' | 'version'>;

export const modelName = ({ modelId, version }: Spec) => `${modelId}:v${version}`;
/** A label for people: with the beginning of the checksum. */
export const qualifiedId = ({ checksum, ...spec }: Spec & { readonly checksum: string }) =>
  `${modelName(spec)}:${checksum.slice(0, 8)}`;
export const planName = (plan: PlanData) => `${modelName(plan.sourceSpec)} → ${modelName(plan.targetSpec)}`;

/** `1 node`, `1,240 nodes`. */
export function nodesText(size: number, say: Say): string {
  return size === 1 ? say('1 node') : say('{count} nodes', { count: count(size) });
}

export function statusName(status: MigrationStatus | TaskStatus, say: Say): string {
  const names: Record<MigrationStatus | TaskStatus, string> = {
    pending: say('Waiting'),
    in_progress: say('Running'),
    paused: say('Paused'),
    completed: say('Completed'),
    failed: say('Failed'),
    cancelled: say('Cancelled'),
    rolling_back: say('Rolling Back'),
    rolled_back: say('Rolled Back'),
    skipped: say('Skipped'),
  };
  return names[status];
}

export function priorityName(priority: Priority, say: Say): string {
  return [say('critical'), say('high'), say('normal'), say('low')][priority] ?? String(priority);
}

/** Why a plan is not faster. */
function heldBackText(by: HeldBackBy, plan: PlanData, say: Say): string {
  const texts: Record<HeldBackBy, string> = {
    throttle: say('throttled by {milliseconds} ms', { milliseconds: count(plan.throttleMs) }),
    rateLimit: say('rate limit, next try {time} UTC', { time: timeOf(plan.hold?.until) }),
    backoff: say('held, next try {time} UTC', { time: timeOf(plan.hold?.until) }),
    noWorker: say('no worker'),
    noEmbedder: say('no worker has its embedder'),
    dutyCycle: say('lanes work {percent} % of their time', {
      percent: Math.round((plan.dutyCycle ?? 1) * 100),
    }),
    spendCap: say('spend cap reached'),
    trouble: say('its workers are in trouble'),
  };
  return texts[by];
}

const timeOf = (iso: string | undefined) => iso?.slice(11, 19) ?? '';

/** Of plans for which a worker has, or would have, something to do; the likeliest first. */
export const movingStatuses: readonly MigrationStatus[] = ['in_progress', 'rolling_back', 'pending'];

/** Whether a worker has, or would have, something to do for the plan. */
export const isMoving = (plan: PlanData) => movingStatuses.includes(plan.status);

/** What the plan itself says of it, where nobody has told more. */
function heldOf({ status, hold, reason }: PlanData): HeldBackBy | undefined {
  if (status === 'paused') return reason?.code === 'SPEND_CAP' ? 'spendCap' : undefined;
  if (hold === undefined || !movingStatuses.includes(status)) return undefined;
  return hold.code === 'RATE_LIMITED' ? 'rateLimit' : 'backoff';
}

/** Why a plan is not faster, or stands still; undefined where nothing holds it back. */
export function heldBackOf(
  plan: PlanData,
  progress: Partial<ProgressData> | undefined,
  say: Say,
): string | undefined {
  const by = (isMoving(plan) ? progress?.heldBackBy : undefined) ?? heldOf(plan);
  return by && heldBackText(by, plan, say);
}

/** How far a plan is, how fast, and what keeps it: `62 % · 1,240/s · 4 min left`. */
export function paceText(plan: PlanData, progress: Partial<ProgressData> | undefined, say: Say): string {
  const parts: string[] = [];
  const failed = plan.failedNodes > 0 ? [say('{count} failed', { count: count(plan.failedNodes) })] : [];
  if (isMoving(plan)) {
    parts.push(plan.status === 'rolling_back' ? rolledBackText(plan, say) : percent(plan.progressPercent));
    const { nodesPerSecond = 0, etaSeconds, heldBackBy } = progress ?? {};
    if (nodesPerSecond > 0 && heldBackBy !== 'noWorker') parts.push(rate(nodesPerSecond));
    if (etaSeconds !== undefined && heldBackBy !== 'noWorker') parts.push(timeLeft(etaSeconds, say));
    const held = heldBackBy ?? heldOf(plan);
    if (held !== undefined) parts.push(heldBackText(held, plan, say));
  } else if (plan.status === 'paused') {
    parts.push(percent(plan.progressPercent));
    const held = heldOf(plan);
    if (held !== undefined) parts.push(heldBackText(held, plan, say));
    else if (plan.reason !== undefined) parts.push(plan.reason.code);
  } else parts.push(endText(plan, say));
  if (plan.priority !== 2) parts.push(priorityName(plan.priority, say));
  return [...parts, ...failed].join(' · ');
}

function rolledBackText(plan: PlanData, say: Say): string {
  return say('{count} put back', { count: count(plan.rolledBackNodes) });
}

function endText(plan: PlanData, say: Say): string {
  if (plan.status === 'rolled_back') return rolledBackText(plan, say);
  if (plan.status === 'cancelled')
    return say('{done} of {nodes}', {
      done: count(plan.completedNodes),
      nodes: nodesText(plan.totalNodes, say),
    });
  return nodesText(plan.totalNodes, say);
}
