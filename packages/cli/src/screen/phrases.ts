/** Numbers, times and statuses as people read them. */
import { dollarsOf, type MigrationPlan, type MigrationProgress, type ModelRef } from '@registry/core';
import { inCommands } from './in-commands.ts';
import { harmless } from './text.ts';

/** 12,345. Written out, since the digits of `toLocaleString` depend on the machine. */
export function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 node`, `2 nodes`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 0:07, 12:03, 3:04:05. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const minutes = String(Math.floor(whole / 60) % 60);
  const hours = Math.floor(whole / 3600);
  const rest = String(whole % 60).padStart(2, '0');
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${minutes.padStart(2, '0')}:${rest}`;
}

/** `5 min ago`. */
export function ago(isoTime: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(isoTime)) / 1000);
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** `2026-11-23 07:18:28` of an ISO time, in UTC as it stands there. */
export function dateTime(isoTime: string | undefined): string {
  return isoTime === undefined ? '' : isoTime.slice(0, 19).replace('T', ' ');
}

export function modelName({ modelId, version }: ModelRef): string {
  return `${modelId}:v${version}`;
}

/** The beginning of a plan's id, which commands take for it. */
export function shortId({ planId }: Pick<MigrationPlan, 'planId'>): string {
  return planId.slice(0, 8);
}

export function percent(plan: MigrationPlan): string {
  return `${Math.floor(plan.progressPercent)} %`;
}

/** `in progress`. */
export function statusWord(status: string): string {
  return status.replaceAll('_', ' ');
}

export function rate(nodesPerSecond: number): string {
  return nodesPerSecond >= 10 ? `${grouped(nodesPerSecond)}/s` : `${nodesPerSecond.toFixed(1)}/s`;
}

/** Code and sentence of a reason, which names commands where the library names its methods. */
export function reasonText(
  { code, message }: { readonly code: string; readonly message: string },
  planId?: string,
): string {
  // In one line: a reason that somebody else wrote must not look like a line of ours.
  return harmless(`${code} ${inCommands(message, planId)}`);
}

/** Why a running plan is not faster; undefined where nothing holds it back. */
export function heldBack({ heldBackBy, plan }: MigrationProgress): string | undefined {
  if (plan.hold !== undefined)
    return `waits until ${plan.hold.until.slice(11, 19)} UTC: ${reasonText(plan.hold, plan.planId)}`;
  if (heldBackBy === 'noWorker') return 'no worker runs';
  if (heldBackBy === 'noEmbedder') return 'no worker has its embedder';
  if (heldBackBy === 'throttle') return `throttled ${plan.throttleMs} ms`;
  if (heldBackBy === 'dutyCycle') return `works ${percentOf(plan.dutyCycle)} of its time`;
  if (heldBackBy === 'spendCap') return 'spend cap reached';
  if (heldBackBy === 'trouble') return 'its workers are in trouble: evr status';
  return heldBackBy;
}

/** `$0.12`, and of less than a cent as many digits as tell it from nothing. */
export function dollars(value: number): string {
  if (value === 0 || value >= 0.01) return `$${value.toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',')}`;
  return `$${value.toFixed(Math.min(9, 1 - Math.floor(Math.log10(value))))}`;
}

/** `204 MB`, in powers of a thousand. */
export function volume(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : grouped(value)} ${units[power]}`;
}

/** `40 s`, `12 min`, `3.5 h`, `2.1 days`. */
export function span(seconds: number): string {
  if (seconds < 1) return seconds === 0 ? '0 s' : 'below 1 s';
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

const percentOf = (share: number) => `${Math.round(share * 100)} %`;

/** The pace of a plan in words. */
export function paceText(plan: MigrationPlan): string {
  const parts = [
    `batches of ${grouped(plan.batchSize)}`,
    `${grouped(plan.maxParallelWorkers)} at once`,
    `${grouped(plan.throttleMs)} ms rest`,
    ...(plan.dutyCycle < 1 ? [`at work ${percentOf(plan.dutyCycle)} of its time`] : []),
    counted(plan.maxRetries, 'further attempt'),
  ];
  return parts.join(', ');
}

/** What a plan with a spend cap has spent of it; undefined where there never was one. */
export function spendText(
  { spendCap, spentTokens }: MigrationPlan,
  price: number | undefined,
): string | undefined {
  if (spentTokens === undefined) return undefined;
  const money = price === undefined ? '' : `${dollars(dollarsOf(spentTokens, price))}, `;
  const cap =
    spendCap === undefined
      ? 'no cap'
      : 'dollars' in spendCap
        ? dollars(spendCap.dollars)
        : counted(spendCap.tokens, 'token');
  return `${money}${counted(spentTokens, 'token')}; cap: ${cap}`;
}

/** Nodes that the plan has dealt with, one way or another. */
export function settledNodes(plan: MigrationPlan): number {
  return plan.completedNodes + plan.failedNodes + plan.skippedNodes + plan.rolledBackNodes;
}
