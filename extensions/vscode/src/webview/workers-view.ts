import type { Say } from '../language.ts';
import { moment } from '../model/figures.ts';
import { reasonText } from '../model/in-editor-words.ts';
import type { WorkerData } from '../registry-process/messages.ts';
import { element, table } from './dom.ts';

/** Who works at the registry, whichever program started it, and what each waits for. */
export function workersView(workers: readonly WorkerData[], planId: string, say: Say): readonly Node[] {
  if (workers.length === 0) return [];
  const rows = workers.map((worker) => [
    String(worker.pid),
    worker.host,
    stateOf(worker, planId, say),
    moment(worker.heartbeatAt),
  ]);
  const titles = [say('Process'), say('Machine'), say('State'), say('Heard of')];
  return [element('h2', {}, say('Workers')), table(say('Workers'), titles, rows)];
}

/** Seen from one plan. */
function stateOf({ planIds, waiting }: WorkerData, planId: string, say: Say): string {
  const why = waiting.find((each) => each.planId === planId);
  if (why !== undefined) return reasonText(why);
  if (planIds.includes(planId)) return say('at this plan');
  return planIds.length > 0 ? say('at other plans') : say('at rest');
}
