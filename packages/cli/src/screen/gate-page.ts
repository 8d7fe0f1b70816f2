/** What the gate found, as people read it. */
import type { GateCheck, GateReport, TranslatedThreshold } from '@registry/core';
import type { Output } from '../output.ts';
import { counted, grouped } from './phrases.ts';

const marks: Readonly<Record<GateCheck['outcome'], string>> = { passed: '✓', failed: '✗', open: '?' };

const names: Readonly<Record<GateCheck['measure'], string>> = {
  hitRate: 'found among nearest',
  reciprocalRank: 'mean of 1 / rank',
  hitRateAlone: 'found, no old model',
  twins: 'vector of other text',
  blindEnds: 'end leaves no trace',
  refused: 'refused by embedder',
  storeMisses: 'missed by the store',
};

const verdictWords: Readonly<Record<GateReport['verdict'], string>> = {
  go: 'GO',
  'no-go': 'NO-GO',
  inconclusive: 'INCONCLUSIVE',
};

/** The whole page. */
export function showGate(output: Output, name: string, report: GateReport): void {
  output.heading(`Gate of plan ${name}: ${verdictWords[report.verdict]}`);
  output.say();
  showSample(output, report);
  output.say();
  showChecks(output, report.checks, report.k);
  for (const slice of report.slices) {
    output.say(`\n${slice.field} ${slice.value} (${counted(slice.nodes, 'node')})`);
    showChecks(output, slice.checks, report.k);
  }
  output.say();
  showSpaces(output, report);
  for (const note of report.notes ?? []) output.note(note);
  if (report.verdict === 'go') return;
  output.say();
  for (const reason of report.reasons) output.say(`• ${reason}`);
}

function showSample(output: Output, { sample, spaces, planId: _, ...report }: GateReport): void {
  const { queries, leftOut } = sample;
  const generated = queries.beginning + queries.passage;
  const yours = queries.known + queries.open;
  const dropped = leftOut.contents + leftOut.oldVectors;
  output.fields([
    ['from', spaces.old?.model ?? 'no embedder of the old model is here'],
    ['to', spaces.new.model],
    [
      'sample',
      `${grouped(sample.nodes)} of ${counted(sample.of, 'node')}${dropped > 0 ? `, ${grouped(dropped)} more left out` : ''}; seed ${sample.seed}`,
    ],
    [
      'queries',
      [
        ...(generated > 0 ? [`${grouped(generated)} made of their texts`] : []),
        ...(yours > 0 ? [`${grouped(yours)} of yours`] : []),
      ].join(', '),
    ],
    ['intervals', `${Math.round(report.confidence * 100)} %; a loss is positive, in points of 100`],
  ]);
}

function showChecks(output: Output, checks: readonly GateCheck[], k: number): void {
  if (checks.length === 0) {
    output.say('No query of its nodes could be judged.');
    return;
  }
  output.table<GateCheck>(
    [
      { title: '', cell: ({ outcome }) => marks[outcome] },
      { title: 'CHECK', cell: (check) => checkName(check, k), least: 16 },
      { title: 'OLD', cell: ({ old, measure }) => figure(old, measure), align: 'right', spare: 1 },
      { title: 'NEW', cell: (check) => figure(check.new, check.measure), align: 'right' },
      { title: 'LOSS', cell: ({ loss }) => points(loss.value), align: 'right' },
      {
        title: 'INTERVAL',
        cell: ({ loss }) => `${points(loss.low)} to ${points(loss.high)}`,
        align: 'right',
      },
      { title: 'LIMIT', cell: ({ limit }) => points(limit), align: 'right' },
    ],
    checks,
  );
}

function checkName({ measure, queries }: GateCheck, k: number): string {
  const name = measure === 'hitRate' ? `${names[measure]} ${k}` : names[measure];
  return queries === 'known' ? `${name}, yours` : name;
}

const points = (share: number) => (Math.round(share * 1000) / 10 || 0).toFixed(1);

function figure(value: number | undefined, measure: GateCheck['measure']): string {
  if (value === undefined) return '';
  return measure === 'reciprocalRank' ? value.toFixed(3) : `${points(value)} %`;
}

/** What is told and not judged: what has changed is not bad in itself. */
function showSpaces(output: Output, { overlap, spaces, k }: GateReport): void {
  const scores = (quantiles: readonly number[]) =>
    [1, 10, 19].map((step) => quantiles[step]?.toFixed(2) ?? '–').join(' / ');
  output.fields([
    [
      'nearest',
      overlap &&
        `${(overlap.share.value * k).toFixed(1)} of ${k} are the same as before (${(overlap.chance * k).toFixed(1)} by chance)`,
    ],
    ['scores', 'of 5 / 50 / 95 in 100 pairs'],
    [
      '  old',
      spaces.old &&
        `${scores(spaces.old.scores.own)} with its own node, ${scores(spaces.old.scores.others)} with others`,
    ],
    [
      '  new',
      `${scores(spaces.new.scores.own)} with its own node, ${scores(spaces.new.scores.others)} with others`,
    ],
  ]);
}

/** A cut-off, and what it becomes. */
export function showThreshold(output: Output, found: TranslatedThreshold): void {
  const cutoff = ({ score, distance }: TranslatedThreshold['old']) =>
    `score ${score.toFixed(4)}${distance === undefined ? '' : ` (distance ${distance.toFixed(4)})`}`;
  const share = (value: number) => `${(value * 100).toFixed(1)} %`;
  output.heading(`Cut-off ${found.old.score.toFixed(4)} becomes ${found.new.score.toFixed(4)}`);
  output.fields([
    ['old', `${cutoff(found.old)} of ${found.old.model}`],
    ['new', `${cutoff(found.new)} of ${found.new.model}`],
    ['hits', `${grouped(found.hits)} of ${grouped(found.pairs)} pairs of ${found.of} and nodes`],
    ['kept', `${share(found.kept.value)} of them, ${share(found.kept.low)} to ${share(found.kept.high)}`],
    ['lost', `${share(found.lost)}; as many others come in their place (${share(found.gained)})`],
  ]);
  if (found.isRough) output.note('So few pairs pass it that the new cut-off is rough; take a larger sample.');
}
