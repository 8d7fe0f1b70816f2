import { z } from 'zod';
import { opened } from '../call.ts';
import { planOf } from '../names.ts';
import { endingOf, ProgressReport } from '../progress.ts';
import { modelName, shortId } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';

const schema = z.object({ plan: z.string() });

export const watch = opened('read', schema, async (call, o, { manager }) => {
  const plan = await planOf(manager, o.plan);
  const signal = terminal.leaveSignal();
  call.output.note(`Plan ${shortId(plan)}: ${modelName(plan.sourceSpec)} to ${modelName(plan.targetSpec)}`);
  await new ProgressReport(call.output).follow(manager.watchMigration(plan.planId, { signal }));
  const now = await manager.getMigration(plan.planId);
  if (!signal.aborted) return endingOf(call.output, now);
  call.output.progress('');
  call.output.note('No longer watched; the plan goes on.');
  return { exitCode: 3, data: { plan: now } };
});
