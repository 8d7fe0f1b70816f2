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

/** How long something takes, in the largest fitting unit. */
export function span(seconds: number, say: Say): string {
  if (seconds < 1) return say('below 1 s');
  if (seconds < 120) return say('{seconds} s', { seconds: Math.round(seconds) });
  if (seconds < 7_200) return say('{minutes} min', { minutes: Math.round(seconds / 60) });
  if (seconds < 172_800) return say('{hours} h', { hours: (seconds / 3_600).toFixed(1) });
  return say('{days} d', { days: (seconds / 86_400).toFixed(1) });
}

/** `$0.12`, and of less than a cent as many digits as tell it from nothing. */
export function dollars(value: number): string {
  const digits = value === 0 || value >= 0.01 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(value)));
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `$${value.toLocaleString('en-US', options)}`;
}

/** `204 MB`, in powers of a thousand. */
export function volume(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : count(value)} ${units[power]}`;
}

/** `2026-03-01 14:05`, in universal time: what the registry holds, without the zone of this machine. */
export function moment(iso: string | undefined): string {
  return iso === undefined ? '' : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
