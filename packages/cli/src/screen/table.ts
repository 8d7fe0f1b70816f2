import { clip, fit, harmless, widthOf } from './text.ts';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** May be cut off down to this many columns where the screen is narrow. */
  readonly least?: number;
  /** Left out where the screen is narrow; the highest number first. */
  readonly spare?: number;
}

const GAP = 2;
/** Columns of a cell that tell something still. */
const SHORTEST = 6;

/** The lines of a table, title first, without columns that say nothing. On a screen they fit it; in a file or pipe nothing is cut off. */
export function tableLines<Row>(
  all: readonly Column<Row>[],
  rows: readonly Row[],
  screen: number | undefined,
): readonly string[] {
  const cells = rows.map((row) => new Map(all.map((column) => [column, harmless(column.cell(row))])));
  const columns = all.filter((column) => cells.some((line) => line.get(column) !== ''));
  const natural = new Map(
    columns.map((column) => [
      column,
      Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line.get(column) ?? ''))),
    ]),
  );
  const { kept, widths } = fitted(columns, natural, screen ?? Number.POSITIVE_INFINITY);
  const line = (text: (column: Column<Row>) => string) => {
    const joined = kept
      .map((column) => fit(text(column), widths.get(column) ?? 0, column.align))
      .join(' '.repeat(GAP))
      .trimEnd();
    return screen === undefined ? joined : clip(joined, screen);
  };
  return [line(({ title }) => title), ...cells.map((row) => line((column) => row.get(column) ?? ''))];
}

/** Leaves columns out while even their least widths do not fit, then cuts the widest ones down. */
function fitted<Row>(
  columns: readonly Column<Row>[],
  natural: ReadonlyMap<Column<Row>, number>,
  screen: number,
): { kept: readonly Column<Row>[]; widths: ReadonlyMap<Column<Row>, number> } {
  const least = (column: Column<Row>) =>
    Math.min(natural.get(column) ?? 0, column.least ?? Number.POSITIVE_INFINITY);
  const total = (list: readonly Column<Row>[], width: (column: Column<Row>) => number) =>
    list.reduce((sum, column) => sum + width(column), GAP * (list.length - 1));
  let kept = columns;
  while (total(kept, least) > screen) {
    const spare = kept
      .filter((column) => column.spare !== undefined)
      .sort((a, b) => (b.spare ?? 0) - (a.spare ?? 0))[0];
    if (spare === undefined) break;
    kept = kept.filter((column) => column !== spare);
  }
  const widths = new Map(kept.map((column) => [column, natural.get(column) ?? 0]));
  const isNarrow = total(kept, least) > screen;
  // Where not even those fit, what may be cut off is cut for the sake of the columns behind it.
  const shortest = (column: Column<Row>) =>
    isNarrow && column.least !== undefined ? Math.min(least(column), SHORTEST) : least(column);
  for (;;) {
    const excess = total(kept, (column) => widths.get(column) ?? 0) - screen;
    const wide = kept
      .filter((column) => (widths.get(column) ?? 0) > shortest(column))
      .sort((a, b) => (widths.get(b) ?? 0) - (widths.get(a) ?? 0));
    const widest = wide[0];
    if (excess <= 0 || widest === undefined) return { kept, widths };
    // Down to the next widest, so that two long columns share what there is.
    const width = widths.get(widest) ?? 0;
    const next = Math.max(shortest(widest), wide[1] === undefined ? 0 : (widths.get(wide[1]) ?? 0) - 1);
    widths.set(widest, Math.max(next, width - excess, shortest(widest)));
  }
}
