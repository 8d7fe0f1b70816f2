/**
 * What a few calls say of an embedder. A call takes so long, and each of its texts: two calls of different sizes
 * would tell both, but any of them may have met a busy moment, so each bound leaves out what may have been one.
 */

/** A figure with the range that the calls leave open. */
export interface Range {
  readonly low: number;
  readonly value: number;
  readonly high: number;
}

export interface Speed {
  /** Of a call, whatever it holds. */
  readonly secondsPerCall: Range;
  readonly secondsPerText: Range;
  /** How much faster two calls at once are than one after the other: 1 to 2. */
  readonly gainOfTwo: Range;
}

/** A call that was answered: how many texts it had, and how long it took. */
export interface TimedCall {
  readonly texts: number;
  readonly seconds: number;
}

/** Seconds of calls of one text, of larger ones, and of two equal ones at once, as far as they were made. */
export interface TimedCalls {
  /** The first one, which also warms up. */
  readonly warm: TimedCall;
  readonly alone?: TimedCall | undefined;
  readonly many?: TimedCall | undefined;
  readonly pair?: { readonly each: readonly [TimedCall, TimedCall]; readonly seconds: number } | undefined;
}

/** Two busy moments may make two calls at once look like one after the other, or the other way round. */
const GAIN_LEEWAY = 0.5;

export function speedOf({ warm, alone = warm, many, pair }: TimedCalls): Speed {
  // Of two at once, the slower one may have waited for the other.
  const quicker = pair && [...pair.each].sort((a, b) => a.seconds - b.seconds)[0]!;
  const larger = [many, quicker].filter((call) => call !== undefined).filter(({ texts }) => texts > 1);
  const most = Math.max(0, ...larger.map(({ texts, seconds }) => seconds / texts));
  const slopes = (single: number) =>
    larger.map(({ texts, seconds }) => Math.min(most, Math.max(0, (seconds - single) / (texts - 1))));
  const found = slopes(alone.seconds);
  const perText = {
    low: found.length === 0 ? 0 : Math.min(...found),
    value: found.length === 0 ? 0 : found.reduce((sum, slope) => sum + slope) / found.length,
    high: Math.max(0, ...slopes(Math.min(warm.seconds, alone.seconds))),
  };
  const perCall = (slope: number) =>
    [alone, ...larger]
      .map(({ texts, seconds }) => Math.max(0, seconds - slope * texts))
      .sort((a, b) => a - b);
  const middle = perCall(perText.value);
  const secondsPerCall = {
    low: perCall(perText.low)[0]!,
    value: middle[Math.floor((middle.length - 1) / 2)]!,
    high: perCall(perText.high).at(-1)!,
  };
  const gain = gainOf(pair, secondsPerCall.value, perText.value);
  const gainOfTwo = {
    low: Math.max(1, gain - GAIN_LEEWAY),
    value: gain,
    high: pair === undefined ? gain : Math.min(2, gain + GAIN_LEEWAY),
  };
  return { secondsPerCall, secondsPerText: perText, gainOfTwo };
}

function gainOf(pair: TimedCalls['pair'], secondsPerCall: number, secondsPerText: number): number {
  if (pair === undefined || pair.seconds === 0) return 1;
  const apart = 2 * (secondsPerCall + secondsPerText * pair.each[0].texts);
  return Math.min(2, Math.max(1, apart / pair.seconds));
}
