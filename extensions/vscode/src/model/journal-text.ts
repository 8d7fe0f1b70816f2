import type { JournalData } from '../registry-process/messages.ts';
import { count } from './figures.ts';
import { modelName } from './plan-text.ts';

/** What an entry is about. */
export function subjectText({ planId, model }: JournalData): string {
  return planId?.slice(0, 8) ?? (model === undefined ? '' : modelName(model));
}

/** What an entry says besides, in words: `nodes 1,200, whole store`. */
export function detailsText(details: JournalData['details']): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== false && value !== undefined)
    .map(([key, value]) => `${wordsOf(key)}${valueText(value)}`)
    .join(', ');
}

/** `whole store` of `wholeStore`. */
const wordsOf = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function valueText(value: unknown): string {
  if (value === true) return '';
  if (typeof value === 'number') return ` ${count(value)}`;
  return ` ${typeof value === 'string' ? value.replaceAll('_', ' ') : JSON.stringify(value)}`;
}
