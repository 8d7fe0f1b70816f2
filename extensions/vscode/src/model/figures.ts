import type { Say } from '../language.ts';

/** `1,240`: digits in groups of three. */
export const count = (value: number) => Math.round(value).toLocaleString('en-US');

/** Never rounded up to 100: that is said of a plan that is done. */
export const percent = (value: number) => `${Math.floor(value)} %`;

/** `1,240/s`, `0.4/s`. */
export function rate(perSecond: number): string {
  return `${perSecond >= 10 ? count(perSecond) : perSecond.toFixed(1)}/s`;
}

/** How long something still takes, in the largest fitting unit. */
export function timeLeft(seconds: number, say: Say): string {
  if (seconds < 60) return say('{seconds} s left', { seconds: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return say('{minutes} min left', { minutes });
  const hours = Math.round(seconds / 3600);
  return hours < 72
    ? say('{hours} h left', { hours })
    : say('{days} d left', { days: Math.round(hours / 24) });
}

/** `2026-03-01 14:05`, in universal time: what the registry holds, without the zone of this machine. */
export function moment(iso: string | undefined): string {
  return iso === undefined ? '' : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
