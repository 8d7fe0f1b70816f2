import { type CalendarEntry, calendarOf, type RegisteredModel, systemClock } from '@registry/core';
import type { Output } from '../output.ts';
import { counted, modelName } from '../screen/phrases.ts';

type Counts = NonNullable<Parameters<typeof calendarOf>[1]['counts']>;

/** Warns of models whose end is announced, beside whatever a command shows; answers what it warned of. */
export function warnOfEnds(
  output: Output,
  models: readonly RegisteredModel[],
  counts?: Counts,
): readonly CalendarEntry[] {
  const entries = calendarOf(models, { now: systemClock.now(), ...(counts && { counts }) });
  if (entries.length > 0) output.note('');
  for (const entry of entries) output.note(endText(entry));
  return entries;
}

/** What is announced of a model, how many nodes that concerns, and what can be done. */
export function endText({ message, nodes, successor, isSuccessorRegistered }: CalendarEntry): string {
  const affected = nodes ? ` ${counted(nodes, 'node')} of it.` : '';
  if (successor === undefined) return `${message}${affected}`;
  const name = modelName(successor);
  const way = isSuccessorRegistered
    ? `evr plan --to ${name} --dry-run tells what the way to its successor takes.`
    : `Its successor is ${name}; register it first.`;
  return `${message}${affected} ${way}`;
}
