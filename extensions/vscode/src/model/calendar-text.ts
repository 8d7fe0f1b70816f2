import { type CalendarEntry, calendarOf } from '@registry/core';
import type { Say } from '../language.ts';
import type { ModelData } from '../registry-process/messages.ts';
import type { NodeCounts } from './node-counts.ts';
import { modelName } from './plan-text.ts';
import type { Row } from './row.ts';

/** Ends that are announced of models in use, by the name of the model. */
export type Ends = ReadonlyMap<string, CalendarEntry>;

/** `now`: milliseconds since the epoch; days are counted when they are shown, not when the registry was read. */
export function endsOf(models: readonly ModelData[], counts: NodeCounts | undefined, now: number): Ends {
  const entries = calendarOf(models, { now, ...(counts && { counts }) });
  return new Map(entries.map((entry) => [modelName(entry), entry]));
}

/** `shuts down in 12 days`. */
export function endText({ phase, daysLeft }: CalendarEntry, say: Say): string {
  if (phase === 'deprecated')
    return daysLeft > 0 ? say('deprecated {when}', { when: inDays(daysLeft, say) }) : say('deprecated');
  return phase === 'closing'
    ? say('shuts down {when}', { when: inDays(daysLeft, say) })
    : say('was shut down {when}', { when: inDays(daysLeft, say) });
}

function inDays(days: number, say: Say): string {
  if (days === 0) return say('today');
  if (days === 1) return say('tomorrow');
  if (days === -1) return say('yesterday');
  return days > 0 ? say('in {days} days', { days }) : say('{days} days ago', { days: -days });
}

/** What to do about it: the model that the provider names in its place. */
export function successorText({ successor, isSuccessorRegistered }: CalendarEntry, say: Say) {
  if (successor === undefined) return undefined;
  const model = modelName(successor);
  return isSuccessorRegistered ? model : say('{model}, not registered yet', { model });
}

/** Red where it is over or close, yellow before. */
export function endIcon({ phase, urgency }: CalendarEntry): Row['icon'] {
  const isLate = phase === 'shutDown' || urgency === 'urgent';
  return { name: isLate ? 'error' : 'warning', color: isLate ? 'testing.iconFailed' : 'charts.yellow' };
}
