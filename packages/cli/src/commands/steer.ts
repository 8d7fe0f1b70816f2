import type { EmbeddingVersionManager, MigrationPlan } from '@registry/core';
import { z } from 'zod';
import { errorCodeOption, type Handler, opened, tuningOf, tuningShape } from '../call.ts';
import { planOf } from '../names.ts';
import type { Output } from '../output.ts';
import { counted, grouped, modelName, paceText, shortId, spendText } from '../screen/phrases.ts';
import { UsageError } from '../usage-error.ts';

const named = z.object({ plan: z.string() });

export const pause = opened('steer', named, async (call, o, { manager }) => {
  const { planId } = await planOf(manager, o.plan);
  const plan = await manager.pauseMigration(planId);
  call.output.say(`Paused: plan ${shortId(plan)}; batches in hand settle.`);
  call.output.note(`evr resume ${shortId(plan)} lets it go on.`);
  return { data: { plan } };
});

export const resume = opened('steer', named, async (call, o, { manager }) => {
  const { planId } = await planOf(manager, o.plan);
  const plan = await manager.resumeMigration(planId);
  call.output.say(`Resumed: plan ${shortId(plan)}`);
  await sayWithoutWorker(call.output, manager, plan);
  return { data: { plan } };
});

export const cancel = opened('steer', named, async (call, o, { manager }) => {
  const plan = await planOf(manager, o.plan);
  const open = plan.totalNodes - plan.completedNodes - plan.failedNodes - plan.skippedNodes;
  if (plan.status !== 'cancelled') {
    call.output.note(
      `Ends plan ${shortId(plan)} to ${modelName(plan.targetSpec)} for good: ${counted(open, 'node')} will not be re-embedded, ${grouped(plan.completedNodes)} done stay at the target.`,
    );
    await call.confirm('Cancel it?', 'a cancel', { open, done: plan.completedNodes });
  }
  const after = await manager.cancelMigration(plan.planId);
  call.output.say(
    `Cancelled: plan ${shortId(after)}; ${counted(after.completedNodes, 'node')} stay at the target.`,
  );
  if (after.completedNodes > 0) call.output.note(`evr rollback ${shortId(after)} puts them back.`);
  return { data: { plan: after } };
});

const retrySchema = named.extend({ node: z.array(z.string()).optional(), error: errorCodeOption.optional() });

export const retry: Handler = async (call) => {
  const o = call.read(retrySchema);
  if (o.node !== undefined && o.error !== undefined)
    throw new UsageError('Pass --node or --error, not both.');
  return call.with('steer', async ({ manager }) => {
    const { planId } = await planOf(manager, o.plan);
    const count = await manager.retryFailed({
      planId,
      ...(o.node && { nodeIds: o.node }),
      ...(o.error && { errorCode: o.error }),
    });
    const plan = await manager.getMigration(planId);
    call.output.say(`Put back to pending: ${counted(count, 'task')} of plan ${shortId(plan)}`);
    if (count > 0) await sayWithoutWorker(call.output, manager, plan);
    return { data: { count, plan } };
  });
};

export const tune = opened('steer', named.extend(tuningShape), async (call, o, { manager }) => {
  if (Object.keys(tuningOf(o, undefined)).length === 0)
    throw new UsageError('Nothing was named to be changed.', {
      advice: 'Name --batch-size, --throttle-ms, --duty-cycle, --parallel, --max-retries or --spend-cap.',
    });
  const { planId, targetSpec } = await planOf(manager, o.plan);
  const target = await manager.getModel(targetSpec);
  const plan = await manager.tuneMigration({ planId, ...tuningOf(o, target) });
  call.output.say(`Tuned: plan ${shortId(plan)}: ${paceText(plan)}`);
  const spent = spendText(plan, target?.pricePerMillionTokens);
  if (spent !== undefined) call.output.say(`Spent: ${spent}`);
  if (plan.reason?.code === 'SPEND_CAP') call.output.note(`evr resume ${shortId(plan)} lets it go on.`);
  return { data: { plan } };
});

async function sayWithoutWorker(
  output: Output,
  manager: EmbeddingVersionManager,
  plan: MigrationPlan,
): Promise<void> {
  if ((await manager.listWorkers()).length === 0)
    output.note(`No worker is running: evr run ${shortId(plan)} works on it.`);
}
