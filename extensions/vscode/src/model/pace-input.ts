import type { PlanTuning, SpendCap } from '@registry/core';
import type { Say } from '../language.ts';
import { count, dollars } from './figures.ts';

/** What may be changed about a plan while it runs. */
export const tunables = ['throttleMs', 'batchSize', 'maxParallelWorkers', 'dutyCycle', 'spendCap'] as const;
export type Tunable = (typeof tunables)[number];

/** Those of the library, of which no page can load the code; a test compares them. */
export const limitOf = {
  batchSize: { minimum: 1, maximum: 10_000 },
  throttleMs: { minimum: 0, maximum: 3_600_000 },
  maxParallelWorkers: { minimum: 1, maximum: 64 },
  dutyCycle: { minimum: 0.1, maximum: 1 },
} as const;

type Parsed = { readonly tuning: PlanTuning } | { readonly complaint: string };

/** What was typed, as a plan takes it; or what is wrong with it. */
export function parseTuning(name: Tunable, text: string, say: Say): Parsed {
  if (name === 'dutyCycle') return parseDutyCycle(text, say);
  if (name === 'spendCap') return parseSpendCap(text, say);
  const { minimum, maximum } = limitOf[name];
  const value = Number(text);
  return /^\d+$/.test(text.trim()) && value >= minimum && value <= maximum
    ? { tuning: { [name]: value } }
    : { complaint: say('A whole number from {minimum} to {maximum}.', rangeOf(minimum, maximum)) };
}

/** What an input asks for. */
export function tuningPrompt(name: Tunable, say: Say): string {
  if (name === 'dutyCycle')
    return say('10 to 100 % of its time a lane works, and rests the others; takes effect at the next batch.');
  if (name === 'spendCap')
    return say('The plan is paused before it spends more: 5 usd, 90000 tokens, or nothing for no cap.');
  const { minimum, maximum } = limitOf[name];
  return say('{minimum} to {maximum}; takes effect at the next batch.', rangeOf(minimum, maximum));
}

/** The value as it is typed. */
export function tuningValue(name: Tunable, plan: PlanTuning): string {
  if (name === 'dutyCycle') return String(Math.round((plan.dutyCycle ?? 1) * 100));
  if (name === 'spendCap') return plan.spendCap ? capInput(plan.spendCap) : '';
  return String(plan[name] ?? '');
}

/** `$5.00`, `90,000 tokens`. */
export function capText(cap: SpendCap | null | undefined, say: Say): string {
  if (!cap) return say('no cap');
  return 'dollars' in cap
    ? dollars(cap.dollars)
    : cap.tokens === 1
      ? say('1 token')
      : say('{count} tokens', { count: count(cap.tokens) });
}

/** What a plan with a cap has spent of it. */
export function spendingText(plan: PlanTuning & { readonly spentTokens?: number }, say: Say): string {
  const spent = capText({ tokens: plan.spentTokens ?? 0 }, say);
  return say('{spent} of {cap}', { cap: capText(plan.spendCap, say), spent });
}

/** Parameters of `evr plan`. */
export function tuningFlags({ dutyCycle, spendCap }: PlanTuning): readonly string[] {
  const cap = spendCap && capInput(spendCap).replace(' ', '');
  return [
    ...(dutyCycle === undefined ? [] : ['--duty-cycle', String(dutyCycle)]),
    ...(cap ? ['--spend-cap', cap] : []),
  ];
}

const rangeOf = (minimum: number, maximum: number) => ({ minimum: count(minimum), maximum: count(maximum) });
const capInput = (cap: SpendCap) => ('dollars' in cap ? `${cap.dollars} usd` : `${cap.tokens} tokens`);

function parseDutyCycle(text: string, say: Say): Parsed {
  const { minimum, maximum } = limitOf.dutyCycle;
  const share = Number(text.replace('%', '').trim()) / 100;
  return text.trim() !== '' && share >= minimum && share <= maximum
    ? { tuning: { dutyCycle: share } }
    : { complaint: say('A number from 10 to 100.') };
}

/** A bare number could be either. */
function parseSpendCap(text: string, say: Say): Parsed {
  const written = text.trim().toLowerCase();
  if (written === '' || written === 'none') return { tuning: { spendCap: null } };
  const [, amount = '', unit = ''] = /^([\d.,]+)\s*(usd|\$|tokens?)$/.exec(written) ?? [];
  const value = Number(amount.replaceAll(',', ''));
  const isMoney = unit === 'usd' || unit === '$';
  const isValid = value > 0 && value <= 1e9 * (isMoney ? 1 : 1e6) && (isMoney || Number.isInteger(value));
  if (!isValid) return { complaint: say('An amount such as 5 usd or 90000 tokens, or nothing for no cap.') };
  return { tuning: { spendCap: isMoney ? { dollars: value } : { tokens: value } } };
}
