/** The candidate most likely meant by `word`; `undefined` where none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const written = plain(word);
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: editsToward(written, plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= plain(best.candidate).length / 3 ? best.candidate : undefined;
}

const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

const SHORTEST_ENDING = 4;

/** Someone who writes `batchSize` for `migrationBatchSize` left out the beginning: no typing mistake. */
function editsToward(written: string, candidate: string): number {
  const ending = written.length >= SHORTEST_ENDING && candidate.endsWith(written);
  return ending ? 0 : editDistance(written, candidate);
}

/** Levenshtein distance (Wagner and Fischer 1974), one row of the table at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const replaced = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
