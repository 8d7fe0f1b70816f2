import { median, quantile, type Rounds } from './measure.ts';

/** A measured quantity: the median of its rounds, and between which values they lie. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** A figure beside its target. */
export interface Verdict extends Figure {
  readonly comparison: '≥' | '≤' | '<';
  readonly target: number;
  readonly isMet: boolean;
}

export interface Report {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly verdicts: readonly Verdict[];
  readonly remarks: readonly string[];
}

export function figure(what: string, unit: string, rounds: Rounds): Figure {
  return {
    what,
    unit,
    median: median(rounds),
    lowest: quantile(rounds, 0),
    highest: quantile(rounds, 1),
  };
}

/** Met is decided by the median. */
export function verdict(
  what: string,
  unit: string,
  rounds: Rounds,
  comparison: Verdict['comparison'],
  target: number,
): Verdict {
  const found = figure(what, unit, rounds);
  const isMet =
    comparison === '≥'
      ? found.median >= target
      : comparison === '≤'
        ? found.median <= target
        : found.median < target;
  return { ...found, comparison, target, isMet };
}

const WIDTH = 80;

/** Lines of at most 80 columns. */
export function render(report: Report): string {
  const lines = [report.title, '─'.repeat(WIDTH)];
  for (const { what, unit, ...values } of report.figures)
    lines.push(row(what, amount(values.median), unit, range(values)));
  if (report.figures.length > 0 && report.verdicts.length > 0) lines.push('');
  for (const { what, unit, comparison, target, isMet, ...values } of report.verdicts)
    lines.push(
      row(
        `${isMet ? '✓' : '✗'} ${what}`,
        amount(values.median),
        unit,
        `${comparison} ${amount(target)} ${isMet ? 'met' : 'MISSED'}  ${range(values)}`,
      ),
    );
  for (const remark of report.remarks) lines.push(...wrapped(remark));
  return lines.join('\n');
}

function row(what: string, value: string, unit: string, rest: string): string {
  return `${what.padEnd(37)} ${value.padStart(10)} ${unit.padEnd(9)} ${rest}`.trimEnd();
}

function range({ lowest, highest }: Pick<Figure, 'lowest' | 'highest'>): string {
  return lowest === highest ? '' : `${amount(lowest)}–${amount(highest)}`;
}

/** Three digits, and thousands apart. */
function amount(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  return value.toPrecision(3);
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH - 2) {
      lines.push(`  ${line}`);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, `  ${line}`];
}
