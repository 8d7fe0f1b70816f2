import { Priority, type RegisteredModel } from '@registry/core';
import { z } from 'zod';
import { type Call, filterOption, type Handler, tuningOf, tuningShape } from '../call.ts';
import { allPlans, isUnfinished, registeredModel } from '../names.ts';
import { nodeIdsOf } from '../node-ids.ts';
import { counted, modelName, shortId } from '../screen/phrases.ts';
import type { Session } from '../session.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { showEstimate } from './estimate.ts';

const schema = z.object({
  to: z.string(),
  nodes: z.string().optional(),
  where: filterOption.optional(),
  strategy: z.enum(['inPlace', 'namedVector', 'shadow']).optional(),
  priority: z.enum(['critical', 'high', 'normal', 'low']).optional(),
  dryRun: z.boolean().optional(),
  ...tuningShape,
});

export const plan: Handler = async (call) => {
  const o = call.read(schema);
  if (o.nodes !== undefined && o.where !== undefined)
    throw new UsageError('Pass --nodes or --where, not both.');
  if (o.dryRun) return call.with('examine', (session) => preview(call, session, o));
  return call.with('nodes', async ({ manager, resolved }) => {
    const target = await registeredModel(manager, o.to);
    const made = await manager.createMigration({
      ...wishOf(o, target),
      ...(o.priority && { priority: Priority[o.priority.toUpperCase() as keyof typeof Priority] }),
    });
    call.output.say(`Planned: ${counted(made.totalNodes, 'node')} to ${modelName(target)}`);
    call.output.say(`Plan:    ${made.planId}`);
    if (made.strategyReason !== undefined)
      call.output.say(`How:     ${made.strategy}: ${made.strategyReason}`);
    const short = shortId(made);
    call.output.note(
      resolved.definition.nodeStore === undefined
        ? 'To run it, add nodeStore to embedding-registry.config.ts.'
        : `Next: evr run ${short}, and evr cutover ${short} to make its target the active model.`,
    );
    return { data: made };
  });
};

/** What `createMigration` and `estimateMigration` are asked alike. */
function wishOf(o: z.output<typeof schema>, target: RegisteredModel) {
  return {
    targetModelId: target.modelId,
    targetVersion: target.version,
    ...tuningOf(o, target),
    ...(o.nodes !== undefined && { nodeIds: nodeIdsOf(o.nodes) }),
    ...(o.where && { where: o.where }),
    ...(o.strategy && { strategy: o.strategy }),
    signal: terminal.stopSignal(),
  };
}

async function preview(
  call: Call,
  { manager, nodeStore }: Session,
  o: z.output<typeof schema>,
): Promise<{ data: unknown }> {
  const target = await registeredModel(manager, o.to);
  if (nodeStore === undefined)
    throw new UsageError('Counting nodes needs the node store.', {
      advice: 'Add `nodeStore: () => …` to embedding-registry.config.ts.',
    });
  const estimate = await manager.estimateMigration(wishOf(o, target));
  const unfinished = (await allPlans(manager)).filter(isUnfinished);
  showEstimate(call.output, estimate);
  if (unfinished.length > 0)
    call.output.note(
      `${counted(unfinished.length, 'plan')} unfinished: nodes they hold are refused to another plan. See evr list.`,
    );
  const { nodes: total, strategyReason: why, ...rest } = estimate;
  const sources = estimate.sources.map(({ source, nodes: count }) => ({ source, count }));
  const unfinishedPlans = unfinished.map(({ planId }) => planId);
  return { data: { total, ...(why !== undefined && { why }), ...rest, sources, unfinishedPlans } };
}
