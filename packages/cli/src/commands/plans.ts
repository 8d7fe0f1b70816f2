import type {
  EmbeddingVersionManager,
  FailureGroup,
  HeldBackBy,
  MigrationPlan,
  MigrationTask,
} from '@registry/core';
import { MigrationStatus, systemClock, TaskStatus } from '@registry/core';
import { z } from 'zod';
import { errorCodeOption, opened, pageOptions, pageShape } from '../call.ts';
import { planOf, shortIds } from '../names.ts';
import type { Output } from '../output.ts';
import {
  ago,
  dateTime,
  grouped,
  heldBack,
  modelName,
  paceText,
  percent,
  reasonText,
  spendText,
  statusWord,
} from '../screen/phrases.ts';

const listSchema = z.object({ status: z.enum(Object.values(MigrationStatus)).optional(), ...pageShape });

export const list = opened('read', listSchema, async (call, o, { manager }) => {
  const page = await manager.listMigrations({ ...pageOptions(o), ...(o.status && { status: o.status }) });
  showPlans(call.output, page.items);
  if (page.next !== undefined) call.output.note(`More: --after ${page.next}`);
  return { data: page };
});

/** A table of plans, as they are given. */
export function showPlans(output: Output, plans: readonly MigrationPlan[]): void {
  if (plans.length === 0) {
    output.say('No plans.');
    return;
  }
  const short = shortIds(plans);
  const now = systemClock.now();
  output.table<MigrationPlan>(
    [
      { title: 'PLAN', cell: ({ planId }) => short(planId) },
      { title: 'STATUS', cell: planState, least: 12 },
      { title: 'TO', cell: ({ targetSpec }) => modelName(targetSpec), least: 20 },
      { title: 'NODES', cell: ({ totalNodes }) => grouped(totalNodes), align: 'right', spare: 1 },
      { title: 'DONE', cell: percent, align: 'right' },
      { title: 'FAILED', cell: ({ failedNodes }) => grouped(failedNodes), align: 'right', spare: 2 },
      { title: 'MADE', cell: ({ createdAt }) => ago(createdAt, now), spare: 3 },
      { title: 'FROM', cell: ({ sourceSpec }) => modelName(sourceSpec), least: 14, spare: 4 },
    ],
    plans,
  );
}

/** `paused EMBEDDER_FAILED`. */
function planState(plan: MigrationPlan): string {
  // Why its tasks failed is told with counts, where there is room for it.
  const why = plan.hold?.code ?? (plan.status === 'failed' ? undefined : plan.reason?.code);
  const word = statusWord(plan.status);
  return why === undefined ? word : `${word} ${why}`;
}

const showSchema = z.object({ plan: z.string() });

export const show = opened('read', showSchema, async (call, o, { manager }) => {
  const plan = await planOf(manager, o.plan);
  const price = (await manager.getModel(plan.targetSpec))?.pricePerMillionTokens;
  const { heldBackBy, said } = await heldBackNow(manager, plan);
  showPlan(call.output, plan, { price, heldBack: said });
  const reasons = plan.failedNodes > 0 ? await manager.listFailures(plan.planId) : [];
  showReasons(call.output, reasons);
  return { data: { plan, failures: reasons, heldBackBy } };
});

/** What keeps a plan that is not at rest from being faster, apart from what the plan says itself. */
export async function heldBackNow(
  manager: EmbeddingVersionManager,
  plan: MigrationPlan,
): Promise<{ readonly heldBackBy?: HeldBackBy; readonly said?: string }> {
  for await (const progress of manager.watchMigration(plan.planId)) {
    const { heldBackBy } = progress;
    if (heldBackBy === undefined) return {};
    const said = plan.hold === undefined && plan.status !== 'paused' ? heldBack(progress) : undefined;
    return { heldBackBy, ...(said !== undefined && { said }) };
  }
  return {};
}

export function showPlan(
  output: Output,
  plan: MigrationPlan,
  { price, heldBack: held }: { price?: number | undefined; heldBack?: string | undefined } = {},
): void {
  const time = (at: string | undefined) => (at === undefined ? undefined : `${dateTime(at)} UTC`);
  // Of failed tasks the table below says more.
  const why = plan.status === 'failed' && plan.failedNodes > 0 ? undefined : plan.reason;
  const where = plan.where && Object.entries(plan.where).map(([key, value]) => `${key}=${value}`);
  output.fields([
    ['plan', plan.planId],
    ['status', statusWord(plan.status)],
    ['why', why && reasonText(why, plan.planId)],
    ['waits', plan.hold && `until ${time(plan.hold.until)}: ${reasonText(plan.hold, plan.planId)}`],
    ['held back', held],
    ['from', modelName(plan.sourceSpec)],
    ['to', modelName(plan.targetSpec)],
    [
      'nodes',
      `${grouped(plan.totalNodes)} ${plan.wholeStore ? (where ? 'of a filter' : 'of the whole store') : 'of a list'}`,
    ],
    ['filter', where?.join(' ')],
    ['done', `${grouped(plan.completedNodes)} (${percent(plan)})`],
    ['at target before', plan.adoptedNodes > 0 ? grouped(plan.adoptedNodes) : undefined],
    ['failed', grouped(plan.failedNodes)],
    ['gone', plan.skippedNodes > 0 ? grouped(plan.skippedNodes) : undefined],
    ['rolled back', plan.rolledBackNodes > 0 ? grouped(plan.rolledBackNodes) : undefined],
    ['pace', paceText(plan)],
    ['spent', spendText(plan, price)],
    ['strategy', `${plan.strategy}${plan.strategyReason === undefined ? '' : `: ${plan.strategyReason}`}`],
    ['backups', plan.finalizedAt ? 'given up' : plan.backupOldVectors ? 'kept' : 'none are kept'],
    ['made', time(plan.createdAt)],
    ['started', time(plan.startedAt)],
    ['ended', time(plan.completedAt)],
    ['cut over', time(plan.cutOverAt)],
    ['final since', time(plan.finalizedAt)],
  ]);
}

const tasksSchema = z.object({
  plan: z.string(),
  status: z.enum(Object.values(TaskStatus)).optional(),
  node: z.string().optional(),
  error: errorCodeOption.optional(),
  ...pageShape,
});

export const tasks = opened('read', tasksSchema, (call, o, { manager }) =>
  showTasks(call.output, manager, o),
);

/** Reasons with their counts, then a page of tasks. */
export async function showTasks(
  output: Output,
  manager: EmbeddingVersionManager,
  o: z.output<typeof tasksSchema>,
): Promise<{ data: unknown }> {
  const plan = await planOf(manager, o.plan);
  const isFirst = o.after === undefined && o.node === undefined;
  const reasons = isFirst && plan.failedNodes > 0 ? await manager.listFailures(plan.planId) : [];
  showReasons(output, reasons);
  if (reasons.length > 0) output.say();
  const page = await manager.listTasks({
    planId: plan.planId,
    ...pageOptions(o),
    ...(o.status && { status: o.status }),
    ...(o.node !== undefined && { nodeId: o.node }),
    ...(o.error && { errorCode: o.error }),
  });
  showTaskTable(output, page.items);
  if (page.next !== undefined) output.note(`More: --after ${JSON.stringify(page.next)}`);
  return { data: { planId: plan.planId, failures: reasons, ...page } };
}

function showTaskTable(output: Output, items: readonly MigrationTask[]): void {
  if (items.length === 0) {
    output.say('No tasks.');
    return;
  }
  output.table<MigrationTask>(
    [
      { title: 'NODE', cell: ({ nodeId }) => nodeId, least: 12 },
      { title: 'STATUS', cell: ({ status }) => statusWord(status) },
      {
        title: 'TRIES',
        cell: ({ retryCount }) => (retryCount > 0 ? String(retryCount) : ''),
        align: 'right',
        spare: 2,
      },
      { title: 'ERROR', cell: ({ errorCode }) => errorCode ?? '' },
      { title: 'MESSAGE', cell: ({ errorMessage }) => errorMessage ?? '', least: 10, spare: 1 },
    ],
    items,
  );
  // One node was asked for: its message is worth more than a cell.
  const only = items.length === 1 ? items[0] : undefined;
  if (only?.errorMessage !== undefined) output.say(only.errorMessage);
}

function showReasons(output: Output, reasons: readonly FailureGroup[]): void {
  if (reasons.length === 0) return;
  output.say();
  output.table<FailureGroup>(
    [
      { title: 'FAILED', cell: ({ count }) => grouped(count), align: 'right' },
      { title: 'BECAUSE', cell: ({ code }) => code },
      { title: 'FOR EXAMPLE', cell: ({ message }) => message, least: 10, spare: 1 },
    ],
    reasons,
  );
}
