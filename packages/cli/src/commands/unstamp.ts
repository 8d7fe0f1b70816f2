import * as z from 'zod';
import { opened } from '../call.ts';
import { nodeIdsOf } from '../node-ids.ts';
import { counted } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';

export const unstamp = opened('nodes', z.object({ nodes: z.string() }), async (call, o, { manager }) => {
  call.output.note(
    'Takes the stamps off these nodes: no search finds them until a plan has embedded them again. Their vectors stay.',
  );
  await call.confirm('Take them off?', 'taking stamps off');
  call.hasBegun = true;
  const done = await manager.unstampNodes({ nodeIds: nodeIdsOf(o.nodes), signal: terminal.stopSignal() });
  call.output.say(
    `Unstamped: ${counted(done.unstamped, 'node')}, ${counted(done.skipped, 'other')} left alone`,
  );
  if (done.unstamped > 0) call.output.note('Next: evr plan --to <model>');
  return { data: done };
});
