/** What the gate found, with the intervals of its checks and the scores in both spaces drawn. */
import type { Figure } from '../gate/intervals.ts';
import type { GateCheck, GateReport, GateSpace } from '../gate/report.ts';
import { type Markup, markup } from './markup.ts';
import { count, figure, moment } from './phrases.ts';
import { tableOf } from './table.ts';

const PLOT = { width: 180, height: 20, middle: 10, inset: 6 };

/** The page reads what earlier versions journalled: what it does not know is left out, not drawn wrong. */
export function gateReportOf(details: Readonly<Record<string, unknown>> | undefined): GateReport | undefined {
  if (typeof details?.verdict !== 'string') return undefined;
  const lists = [details.reasons, details.checks, details.slices];
  return lists.every(Array.isArray) && details.sample && details.spaces
    ? (details as unknown as GateReport)
    : undefined;
}

export function gateSection(report: GateReport): Markup {
  const { verdict, reasons, sample, checks, overlap, slices, notes = [] } = report;
  const queries = sample.queries.beginning + sample.queries.passage + sample.queries.known;
  const shared =
    overlap &&
    markup`<p>${percent(overlap.share.value)} of the ${report.k} nearest nodes are the same in both spaces (${interval(overlap.share)}; by chance ${percent(overlap.chance)}).</p>`;
  const odd = slices.flatMap((slice) =>
    slice.checks.filter(({ outcome }) => outcome !== 'passed').map((check) => ({ slice, check })),
  );
  return markup`<p><span class="pill ${verdict}">${verdict}</span>
<span class="quiet">of ${moment(report.at)} UTC, on ${count(sample.nodes)} of ${count(sample.of)} nodes and ${count(queries)} queries, seed ${String(sample.seed)}; intervals of ${percent(report.confidence)}.</span></p>
<ul>${reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>
${checks.length > 0 && checksOf(checks)}
${notes.map((note) => markup`<p class="quiet">${note}</p>`)}
${shared}
${scoresOf(report.spaces)}
${slices.length > 0 && slicesOf(slices.length, odd)}`;
}

function checksOf(checks: readonly GateCheck[]): Markup {
  const ends = checks.flatMap(({ loss, limit }) => [loss.low, loss.high, limit, 0]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const x = scaleOf(low, high);
  const rows = checks.map(
    (check) => markup`<tr><td>${check.message}</td>
<td class="number">${check.old !== undefined && figure3(check.old)}</td><td class="number">${figure3(check.new)}</td>
<td class="number">${interval(check.loss)}</td><td class="${outcomeClass[check.outcome]}">${lossPlot(check, x)}</td>
<td class="short ${outcomeClass[check.outcome]}">${check.outcome}</td></tr>`,
  );
  return markup`${tableOf(['Check', '#Old', '#New', '#Loss', 'Loss and its limit', ''], rows)}
<p class="quiet">A dot is the loss measured, the bar its interval, the dashes its limit, the thin line no loss at all.</p>`;
}

const outcomeClass = { passed: 'completed', failed: 'failed', open: 'paused' } as const;

function lossPlot({ loss, limit }: GateCheck, x: (value: number) => number): Markup {
  const { width, height, middle } = PLOT;
  return markup`<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="loss ${interval(loss)}, limit ${figure3(limit)}">
<line class="axis" x1="${x(0)}" x2="${x(0)}" y1="0" y2="${height}"/><line class="mark" x1="${x(limit)}" x2="${x(limit)}" y1="0" y2="${height}"/>
<rect class="fill" opacity="0.35" x="${x(loss.low)}" y="${middle - 4}" width="${Math.max(1, x(loss.high) - x(loss.low))}" height="8" rx="4"/>
<circle class="fill" cx="${x(loss.value)}" cy="${middle}" r="4"/></svg>`;
}

function scoresOf({ old, new: fresh }: GateReport['spaces']): Markup {
  const rows = [...(old ? spaceRows('Old space', old) : []), ...spaceRows('New space', fresh)];
  return markup`<h3>Scores of a query</h3>
${tableOf(['Space', 'Against', '#5 %', '#Median', '#95 %', 'From 5 to 95 %, the middle half thick'], rows)}`;
}

function spaceRows(name: string, space: GateSpace): Markup[] {
  const { own, others } = space.scores;
  const all = [...own, ...others].filter(Number.isFinite);
  if (all.length === 0) return [];
  const x = scaleOf(Math.min(...all), Math.max(...all));
  return (
    [
      ['its own node', own, 'completed'],
      ['other nodes', others, 'pending'],
    ] as const
  )
    .filter(([, quantiles]) => quantiles.length === 21)
    .map(
      (
        [against, quantiles, colour],
        index,
      ) => markup`<tr><td>${index === 0 && `${name}, ${space.model}`}</td><td>${against}</td>
${[1, 10, 19].map((step) => markup`<td class="number">${figure3(quantiles[step]!)}</td>`)}<td class="${colour}">${quantilePlot(quantiles, x)}</td></tr>`,
    );
}

function quantilePlot(quantiles: readonly number[], x: (value: number) => number): Markup {
  const { width, height, middle } = PLOT;
  const [low, first, median, third, high] = [1, 5, 10, 15, 19].map((step) => x(quantiles[step]!)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return markup`<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-hidden="true">
<rect class="fill" x="${low}" y="${middle - 1}" width="${Math.max(1, high - low)}" height="2"/>
<rect class="fill" opacity="0.5" x="${first}" y="${middle - 5}" width="${Math.max(1, third - first)}" height="10" rx="2"/>
<rect class="fill" x="${median - 1.5}" y="${middle - 7}" width="3" height="14"/></svg>`;
}

function slicesOf(
  number: number,
  odd: readonly { readonly slice: GateReport['slices'][number]; readonly check: GateCheck }[],
): Markup {
  if (odd.length === 0) return markup`<p>${count(number)} slices of metadata pass every check.</p>`;
  const rows = odd.map(
    ({
      slice,
      check,
    }) => markup`<tr><td>${slice.field} = ${slice.value}</td><td class="number">${count(slice.nodes)}</td>
<td>${check.message}</td><td class="number">${interval(check.loss)}</td><td class="short ${outcomeClass[check.outcome]}">${check.outcome}</td></tr>`,
  );
  return markup`<h3>Slices that do not pass</h3>${tableOf(['Slice', '#Nodes', 'Check', '#Loss', ''], rows)}`;
}

function scaleOf(low: number, high: number): (value: number) => number {
  const { width, inset } = PLOT;
  const span = high - low || 1;
  return (value) => Math.round((inset + ((value - low) / span) * (width - 2 * inset)) * 10) / 10;
}

const figure3 = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : 'none');
const percent = (share: number) => `${figure(Math.round(share * 1_000) / 10)} %`;
const interval = ({ value, low, high }: Figure) => `${figure3(value)} (${figure3(low)} to ${figure3(high)})`;
