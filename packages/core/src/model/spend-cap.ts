/** How much a plan may spend, and what is left of it. Tokens are what is counted; money is tokens at today's price. */
import type { Reason } from '../errors.ts';
import { counted } from './grouped.ts';

/** The most a plan may spend: money where its target has a price, or tokens. */
export type SpendCap = { readonly dollars: number } | { readonly tokens: number };

/** Where a plan with a cap stands. */
export interface Spending {
  readonly cap: SpendCap;
  /** Tokens that were counted against it: reserved before each call, put right after it. */
  readonly spentTokens: number;
  /** US dollars per million tokens, as the target's notes say now. */
  readonly price?: number;
}

/** Tokens at a price per million, in dollars. */
export function dollarsOf(tokens: number, price: number): number {
  return (tokens * price) / 1e6;
}

/** The whole tokens that a cap allows; undefined for money where there is no price. */
export function tokensOfCap({ cap, price }: Pick<Spending, 'cap' | 'price'>): number | undefined {
  if ('tokens' in cap) return Math.floor(cap.tokens);
  if (price === undefined) return undefined;
  // What multiplies and divides to a whole number may come out a hair below it.
  return price === 0 ? Number.POSITIVE_INFINITY : Math.floor((cap.dollars * 1e6) / price + 1e-6);
}

/** Why nothing more is sent: the text that is next would pass the cap. */
export function spendCapReason(spending: Spending, nextTokens: number): Reason {
  const { cap, spentTokens, price } = spending;
  const way = 'raise it with tuneMigration and spendCap, then resumeMigration';
  if (tokensOfCap(spending) === undefined)
    return {
      code: 'SPEND_CAP',
      message: `The spend cap is ${capText(cap)} and the target has no price any more; note one with updateModel, or ${way}.`,
    };
  const said = (tokens: number) =>
    'dollars' in cap && price !== undefined
      ? `$${money(dollarsOf(tokens, price))}`
      : counted(tokens, 'token');
  return {
    code: 'SPEND_CAP',
    message: `The next text would pass the spend cap of ${capText(cap)}: ${said(spentTokens)} spent, ${said(nextTokens)} needed; ${way}.`,
  };
}

/** `$5.00`, `90,000 tokens`. */
export function capText(cap: SpendCap): string {
  return 'dollars' in cap ? `$${money(cap.dollars)}` : counted(cap.tokens, 'token');
}

/** Cents, and of small amounts as many digits as tell them from nothing. */
function money(dollars: number): string {
  return dollars >= 1 || dollars === 0
    ? dollars.toFixed(2)
    : Number(dollars.toPrecision(2)).toFixed(decimals(dollars));
}

function decimals(dollars: number): number {
  return Math.min(10, Math.max(2, 1 - Math.floor(Math.log10(dollars))));
}
