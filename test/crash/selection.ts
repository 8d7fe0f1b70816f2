/**
 * Which points of a run are tried. All of them with CRASH_MATRIX=full; else those that differ: before a call
 * everything is as it was after the one before, and a call that changes nothing leaves nothing behind.
 */
export const isWhole = process.env.CRASH_MATRIX === 'full';

const looking =
  /\.(plan|plans|tasks|models|workers|runnable|mark|mark\.read|rollbackCursor|backups|backup|rollbackReport|countByModel) /;

/** Points that leave another state behind than the point before. */
export function changing(points: readonly string[]): readonly string[] {
  if (isWhole) return points;
  return points.filter((point) => !point.endsWith(' before') && !looking.test(point));
}

/** Every `step`th point, counted from `from`. */
export function every(step: number, points: readonly string[], from = 0): readonly string[] {
  return points.filter((_, index) => isWhole || index % step === from % step);
}

/** Every third of the changing points, for what another story tries at each of its own. */
export function some(points: readonly string[]): readonly string[] {
  return every(3, changing(points));
}

/** The changing points, dealt out: each kind of event has every other point, and each point every other kind. */
export function dealt(points: readonly string[], kind: number): readonly string[] {
  return every(2, changing(points), kind);
}

/**
 * Points at which a failure means something else: each call before it did anything, and after it did. Of calls that
 * are repeated the first two and the last.
 */
export function failing(points: readonly string[]): readonly string[] {
  if (isWhole) return points;
  const lasting = points.filter((point) => !looking.test(point) || point.includes('#0 before'));
  const kindOf = (point: string) => point.replace(/ #\d+/, '');
  return lasting.filter(
    (point, index) =>
      / #[01]\b/.test(point) || !lasting.slice(index + 1).some((later) => kindOf(later) === kindOf(point)),
  );
}
