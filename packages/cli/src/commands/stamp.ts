import { z } from 'zod';
import { filterOption, opened, wholeNumber } from '../call.ts';
import { registeredModel } from '../names.ts';
import { nodeIdsOf } from '../node-ids.ts';
import { counted, modelName } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const schema = z.object({
  as: z.string(),
  nodes: z.string().optional(),
  where: filterOption.optional(),
  sample: wholeNumber.optional(),
});

export const stamp = opened('work', schema, async (call, o, { manager, nodeStore }) => {
  if (o.nodes !== undefined && o.where !== undefined)
    throw new UsageError('Pass --nodes or --where, not both.');
  const model = await registeredModel(manager, o.as);
  const counts = await nodeStore?.countByModel({ ...(o.where && { where: o.where }) });
  const unstamped = counts?.find(({ info }) => info === undefined)?.count ?? 0;
  const scope = o.nodes === undefined ? '' : ', as far as the list names them';
  call.output.note(
    `Declares ${modelName(model)} as the model of vectors without a stamp: ${counted(unstamped, 'node')}${scope} (those without a vector stay as they are). ${o.sample === 0 ? 'Nothing is checked first.' : 'A sample is embedded and compared first.'}`,
  );
  if (unstamped > 0) await call.confirm('Stamp them?', 'stamping', { unstamped });
  call.hasBegun = true;
  const done = await manager.stampNodes({
    modelId: model.modelId,
    version: model.version,
    ...(o.where && { where: o.where }),
    ...(o.nodes !== undefined && { nodeIds: nodeIdsOf(o.nodes) }),
    ...(o.sample !== undefined && { sampleSize: o.sample }),
    signal: terminal.stopSignal(),
  });
  call.output.say(`Stamped: ${counted(done.stamped, 'node')}, ${counted(done.skipped, 'other')} left alone`);
  return { data: done };
});
