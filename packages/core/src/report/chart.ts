/** The course of a plan in one figure: its statuses as a band, and under it the tasks that ended, by time. */
import { MigrationStatus, type TaskStatus } from '../model/status.ts';
import type { JournalEntry } from '../ports/registry-store.ts';
import type { Pace } from './gather.ts';
import { type Markup, markup } from './markup.ts';
import { count, duration, figure, moment, words } from './phrases.ts';

const WIDTH = 976;
const LEFT = 56;
const RIGHT = 968;
const BAND = { top: 4, height: 18 };
const PLOT = { top: 44, bottom: 204 };
const AXIS_LABEL = 222;
const MIDDLE_LABELS_FROM_PX = 90;

/** A stretch of time in one status. */
export interface Phase {
  readonly status: MigrationStatus;
  readonly fromMs: number;
  readonly toMs: number;
}

const statuses: readonly string[] = Object.values(MigrationStatus);

/** The statuses of a plan one after the other, as its journal tells them. */
export function phasesOf(journal: readonly JournalEntry[], planId: string, endMs: number): Phase[] {
  const turns = journal
    .filter((entry) => entry.planId === planId)
    .map(({ at, action }) => ({ at: Date.parse(at), status: action.replace(/^plan:/, '') }))
    .map(({ at, status }) => ({ at, status: status === 'created' ? 'pending' : status }))
    .filter(({ status }) => status === 'pending' || statuses.includes(status));
  return turns.map(({ at, status }, index) => ({
    status: status as MigrationStatus,
    fromMs: at,
    toMs: turns[index + 1]?.at ?? Math.max(at, endMs),
  }));
}

const stacked: readonly TaskStatus[] = ['completed', 'skipped', 'failed', 'rolled_back'];

/** Band, bars and axes, with a key of the colours that occur. */
export function courseOf(pace: Pace, phases: readonly Phase[], journal: readonly JournalEntry[]): Markup {
  const { fromMs, toMs, bucketMs } = pace;
  const x = (ms: number) => round(LEFT + ((ms - fromMs) / (toMs - fromMs)) * (RIGHT - LEFT));
  const shown = pace.ended.filter(({ at }) => at >= fromMs && at < toMs);
  const perSecond = (nodes: number) => nodes / (bucketMs / 1_000);
  const sums = new Map<number, number>();
  for (const ended of shown) sums.set(ended.at, (sums.get(ended.at) ?? 0) + ended.count);
  const top = niceTop(perSecond(Math.max(1, ...sums.values())));
  const y = (rate: number) => round(PLOT.bottom - (rate / top) * (PLOT.bottom - PLOT.top));
  const found = stacked.filter((status) => shown.some((ended) => ended.status === status));
  const later = pace.ended.filter(({ at }) => at >= toMs).reduce((sum, ended) => sum + ended.count, 0);
  const summary = `Nodes per second from ${moment(iso(fromMs))} to ${moment(iso(toMs))} UTC, at most ${figure(perSecond(Math.max(0, ...sums.values())))}.`;
  return markup`<figure>
<svg viewBox="0 0 ${WIDTH} 230" role="img" aria-label="${summary}">
${phases.map((phase) => bandOf(phase, x, pace))}
${gridOf(top, y)}
${barsOf(shown, { x, y, perSecond, bucketMs })}
${marksOf(journal, x, pace)}
<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${PLOT.bottom}" y2="${PLOT.bottom}"/>
${timesOf(pace, x)}
</svg>
<ul class="key">${found.map((status) => markup`<li class="${status}"><span>${words(status)}</span></li>`)}
${phases.length > 0 && markup`<li class="pending"><span>band: status of the plan · dashes: held, tuned, cut over</span></li>`}</ul>
<figcaption>Nodes per second, over stretches of ${duration(bucketMs)}. Times are UTC.${later > 0 && ` ${count(later)} tasks changed later.`}</figcaption>
</figure>`;
}

type Scale = (value: number) => number;

function bandOf({ status, fromMs, toMs }: Phase, x: Scale, pace: Pace): Markup | undefined {
  const from = Math.max(fromMs, pace.fromMs);
  const to = Math.min(toMs, pace.toMs);
  if (to < from) return undefined;
  const width = Math.max(1.5, round(x(to) - x(from) - 1));
  const label = words(status);
  const fits = width > label.length * 6.5 + 12;
  const name = fits && markup`<text class="strong" x="${x(from) + 6}" y="${BAND.top + 13}">${label}</text>`;
  return markup`<g class="${status}"><title>${label}, ${duration(toMs - fromMs)}</title>
<rect class="fill" opacity="0.3" x="${x(from)}" y="${BAND.top}" width="${width}" height="${BAND.height}" rx="2"/>${name}</g>`;
}

function gridOf(top: number, y: Scale): Markup[] {
  return [0.5, 1].map((share) => {
    const at = y(top * share);
    return markup`<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/>
<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${figure(top * share)}</text>`;
  });
}

function barsOf(
  ended: Pace['ended'],
  o: { x: Scale; y: Scale; perSecond: Scale; bucketMs: number },
): Markup[] {
  const heights = new Map<number, number>();
  return [...ended]
    .sort((a, b) => stacked.indexOf(a.status) - stacked.indexOf(b.status))
    .map(({ at, status, count: nodes }) => {
      const below = heights.get(at) ?? 0;
      heights.set(at, below + nodes);
      const top = o.y(o.perSecond(below + nodes));
      const width = Math.max(1, round(o.x(at + o.bucketMs) - o.x(at) - 1));
      const height = Math.max(0.5, round(o.y(o.perSecond(below)) - top));
      return markup`<g class="${status}"><title>${moment(iso(at))}: ${count(nodes)} ${words(status)}, ${figure(o.perSecond(nodes))} per second</title>
<rect class="fill" x="${o.x(at)}" y="${top}" width="${width}" height="${height}"/></g>`;
    });
}

const marked: Readonly<Record<string, string>> = {
  'plan:held': 'held',
  'plan:tuned': 'tuned',
  'plan:cutover': 'cut over',
};

function marksOf(journal: readonly JournalEntry[], x: Scale, pace: Pace): (Markup | undefined)[] {
  return journal.map(({ at, action }) => {
    const name = marked[action];
    const ms = Date.parse(at);
    if (name === undefined || ms < pace.fromMs || ms > pace.toMs) return undefined;
    return markup`<g><title>${name}, ${moment(at)}</title>
<line class="mark" x1="${x(ms)}" x2="${x(ms)}" y1="${BAND.top + BAND.height}" y2="${PLOT.bottom}"/></g>`;
  });
}

function timesOf({ fromMs, toMs }: Pace, x: Scale): Markup[] {
  const isOneDay = iso(fromMs).slice(0, 10) === iso(toMs).slice(0, 10);
  const ticks = Math.max(1, Math.floor((RIGHT - LEFT) / MIDDLE_LABELS_FROM_PX / 2));
  return Array.from({ length: ticks + 1 }, (_, index) => {
    const ms = fromMs + ((toMs - fromMs) * index) / ticks;
    const text = isOneDay ? iso(ms).slice(11, 19) : moment(iso(ms)).slice(5, 16);
    const anchor = index === 0 ? 'start' : index === ticks ? 'end' : 'middle';
    return markup`<text x="${x(ms)}" y="${AXIS_LABEL}" text-anchor="${anchor}">${text}</text>`;
  });
}

/** The next of 1, 2, 2.5, 5, 10, 20 … */
function niceTop(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value));
  return step * ([1, 2, 2.5, 5, 10].find((factor) => factor * step >= value) ?? 10);
}

const iso = (ms: number) => new Date(ms).toISOString();
const round = (value: number) => Math.round(value * 10) / 10;
