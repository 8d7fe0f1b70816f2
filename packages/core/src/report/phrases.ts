import type { ModelRef } from '../model/model-spec.ts';
import { capText, type SpendCap } from '../model/spend-cap.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** At most three digits that say something. */
export function figure(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return count(Math.round(value));
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

/** `3 d 4 h`, `2 h 5 min`, `4 min 10 s`, `1.2 s`. */
export function duration(ms: number): string {
  if (ms < MINUTE_MS - SECOND_MS / 2) return `${figure(Math.round(ms / 100) / 10)} s`;
  if (ms < HOUR_MS - SECOND_MS / 2) return inTwoUnits(ms, [MINUTE_MS, 'min'], [SECOND_MS, 's']);
  if (ms < DAY_MS - MINUTE_MS / 2) return inTwoUnits(ms, [HOUR_MS, 'h'], [MINUTE_MS, 'min']);
  return inTwoUnits(ms, [DAY_MS, 'd'], [HOUR_MS, 'h']);
}

/** Rounded as a whole: 119.9 seconds are 2 minutes, not one of them and 60 seconds. */
function inTwoUnits(
  ms: number,
  [largeMs, large]: readonly [number, string],
  [smallMs, small]: readonly [number, string],
): string {
  const rounded = Math.round(ms / smallMs) * smallMs;
  const rest = (rounded % largeMs) / smallMs;
  return `${Math.floor(rounded / largeMs)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** `1.5 MB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${figure(bytes / 1_000 ** step)} ${units[step]}`;
}

/** `2026-01-02 03:04:05` of an ISO time, in UTC. */
export function moment(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** `model:v2`. */
export function modelName({ modelId, version }: ModelRef): string {
  return `${modelId}:v${version}`;
}

/** `in progress` of `in_progress`; `whole store` of `wholeStore`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Details of an entry of the journal in words: `batch size 20 → 50`. */
export function journalDetails(details: Readonly<Record<string, unknown>>): string {
  const said = Object.entries(details).filter(([, value]) => value !== null && value !== false);
  return said.map(([key, value]) => `${words(key)}${shownValue(key, value)}`).join(', ');
}

function shownValue(key: string, value: unknown): string {
  if (value === true) return '';
  if (isChange(value)) return `${changedValue(value.from)} →${changedValue(value.to)}`;
  if (key === 'until' && typeof value === 'number') return ` ${moment(new Date(value).toISOString())}`;
  if (typeof value === 'number') return ` ${count(value)}`;
  if (isCap(value)) return ` ${capText(value)}`;
  if (typeof value !== 'string') return ` ${JSON.stringify(value)}`;
  return ` ${key === 'from' ? words(value) : value}`;
}

function isChange(value: unknown): value is { readonly from: unknown; readonly to: unknown } {
  return typeof value === 'object' && value !== null && 'from' in value && 'to' in value;
}

function isCap(value: unknown): value is SpendCap {
  if (typeof value !== 'object' || value === null) return false;
  const [[unit, amount] = [], ...rest] = Object.entries(value);
  return rest.length === 0 && (unit === 'tokens' || unit === 'dollars') && typeof amount === 'number';
}

function changedValue(value: unknown): string {
  return value === null ? ' none' : shownValue('', value);
}
