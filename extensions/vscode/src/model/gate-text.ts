import type { GateReport } from '@registry/core';
import type { Say } from '../language.ts';
import { moment } from './figures.ts';
import { inEditorWords } from './in-editor-words.ts';

/** Reasons that a dialog has room for. */
const MOST_REASONS = 6;

export function verdictName(verdict: GateReport['verdict'], say: Say): string {
  return { go: say('go'), 'no-go': say('no-go'), inconclusive: say('inconclusive') }[verdict];
}

/** The verdict and why, for a dialog: a line each. */
export function gateLines(
  { verdict, reasons, at }: Pick<GateReport, 'verdict' | 'reasons' | 'at'>,
  say: Say,
): readonly string[] {
  const sentences = {
    go: say('The gate says go.'),
    'no-go': say('The gate says no-go.'),
    inconclusive: say('The gate is inconclusive, which lets pass: what was looked at is too little to tell.'),
  };
  const said = reasons.slice(0, MOST_REASONS).map((reason) => `• ${inEditorWords(reason)}`);
  const rest = reasons.length - said.length;
  const more = rest > 0 ? [say('and {count} more: “Watch Migration” shows them', { count: rest })] : [];
  return [`${sentences[verdict]} (${moment(at)})`, ...said, ...more];
}
