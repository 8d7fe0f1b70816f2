/** From what was measured to a verdict. Pure. */
import type { Chance } from '../chance.ts';
import { grouped } from '../model/grouped.ts';
import { bootstrapMean, type Figure, moreNeeded, pairedDifference, wilson } from './intervals.ts';
import { gateLimits, yardstickTimesChance } from './limits.ts';
import type { GateCheck, GateMeasure, GateRetrieval, GateSlice, GateVerdict, QueryKind } from './report.ts';

/** How one query found its node: ranks from 1, and the kind it is of. */
export interface RankedQuery {
  readonly kind: Exclude<QueryKind, 'open'>;
  /** Place of its node in the sample. */
  readonly node: number;
  readonly old?: number;
  readonly new: number;
}

/** How sure the checks are to be, and by which chance intervals are drawn. */
export interface Judging {
  readonly k: number;
  /** Nodes that were searched. */
  readonly nodes: number;
  readonly confidence: number;
  readonly chance: Chance;
}

/**
 * Beginnings and passages are judged together: a model that finds the ones a little worse and the others far
 * better is not worse.
 */
export type QueryGroup = NonNullable<GateCheck['queries']>;

const groupWords: Readonly<Record<QueryGroup, string>> = {
  known: 'your queries',
  generated: 'queries made of the texts',
};

export const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const points = (share: number) => (share * 100).toFixed(1);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const isPaired = (query: RankedQuery): query is Required<RankedQuery> => query.old !== undefined;

/** How each kind of query does, in the spaces that could be asked. */
export function retrievalOf(all: readonly RankedQuery[], k: number): GateRetrieval[] {
  const figures = (ranks: readonly number[]) => ({
    hitRate: mean(ranks.map((rank) => (rank <= k ? 1 : 0))),
    reciprocalRank: mean(ranks.map((rank) => 1 / rank)),
  });
  return (['known', 'beginning', 'passage'] as const).flatMap((kind) => {
    const queries = all.filter((query) => query.kind === kind);
    if (queries.length === 0) return [];
    const olds = queries.filter(isPaired).map((query) => query.old);
    return {
      kind,
      count: queries.length,
      ...(olds.length > 0 && { old: figures(olds) }),
      new: figures(queries.map((query) => query.new)),
    };
  });
}

/** Retrieval by one group of queries; nothing where the old space cannot answer them, and so is no yardstick. */
export function retrievalChecks(
  group: QueryGroup,
  all: readonly RankedQuery[],
  judging: Judging,
): GateCheck[] {
  const queries = all.filter(({ kind }) => (kind === 'known') === (group === 'known'));
  if (queries.length === 0) return [];
  const candidates = queries.filter(isPaired);
  if (candidates.length === 0) return retrievalAlone(group, queries, judging);
  const paired = (['known', 'beginning', 'passage'] as const).flatMap((kind) => {
    const some = candidates.filter((query) => query.kind === kind);
    return isAnswered(some, 'old', judging) || isAnswered(some, 'new', judging) ? some : [];
  });
  if (!isAnswered(paired, 'old', judging)) return [];
  const { k, confidence, chance } = judging;
  const count = (old: boolean, fresh: boolean) =>
    paired.filter((query) => query.old <= k === old && query.new <= k === fresh).length;
  const cells = {
    both: count(true, true),
    onlyFirst: count(true, false),
    onlySecond: count(false, true),
    neither: count(false, false),
  };
  const losses = paired.map((query) => 1 / query.old - 1 / query.new);
  const [hitsOld, hitsNew] = [cells.both + cells.onlyFirst, cells.both + cells.onlySecond].map(
    (hits) => hits / paired.length,
  ) as [number, number];
  const [ranksOld, ranksNew] = (['old', 'new'] as const).map((side) =>
    mean(paired.map((query) => 1 / query[side])),
  ) as [number, number];
  const by = `by ${groupWords[group]}`;
  return [
    checkOf('hitRate', pairedDifference(cells, confidence), {
      queries: group,
      old: hitsOld,
      new: hitsNew,
      message: `Found among the nearest ${k} ${by}: ${percent(hitsOld)} in the old space, ${percent(hitsNew)} in the new one`,
    }),
    checkOf('reciprocalRank', bootstrapMean(losses, confidence, chance), {
      queries: group,
      old: ranksOld,
      new: ranksNew,
      message: `Mean of 1 / rank ${by}: ${ranksOld.toFixed(3)} in the old space, ${ranksNew.toFixed(3)} in the new one`,
    }),
  ];
}

/**
 * Found for sure more often than by chance. A model that looks at the positions of words finds no passages: from
 * what neither space can answer only noise would be learned.
 */
function isAnswered(
  queries: readonly Required<RankedQuery>[],
  side: 'old' | 'new',
  { k, nodes, confidence }: Judging,
): boolean {
  const found = queries.filter((query) => query[side] <= k).length;
  const chance = Math.min(0.5, (yardstickTimesChance * k) / nodes);
  return queries.length > 0 && wilson(found, queries.length, confidence).low > chance;
}

/** Without the old model beginnings alone are judged: some models never find passages, and rightly so. */
function retrievalAlone(
  group: QueryGroup,
  all: readonly RankedQuery[],
  { k, confidence }: Judging,
): GateCheck[] {
  const queries = all.filter(({ kind }) => kind !== 'passage');
  if (queries.length === 0) return [];
  const missed = queries.filter((query) => query.new > k).length;
  const share = 1 - missed / queries.length;
  const by = group === 'known' ? groupWords.known : 'the beginnings of texts';
  return [
    checkOf('hitRateAlone', wilson(missed, queries.length, confidence), {
      queries: group,
      new: share,
      message: `Found among the nearest ${k} by ${by}: ${percent(share)} in the new space; the old embedder is not here to compare with`,
    }),
  ];
}

/** Nodes that are worse off than they were, of all that were looked at. */
export function countCheck(
  measure: GateMeasure,
  worse: number,
  count: number,
  said: {
    readonly old?: number;
    readonly new: number;
    readonly message: string;
    readonly isUnsure?: boolean;
  },
  confidence: number,
): GateCheck {
  const { isUnsure, ...rest } = said;
  const check = checkOf(measure, wilson(worse, count, confidence), rest);
  return isUnsure && check.outcome === 'failed' ? { ...check, outcome: 'open' } : check;
}

function checkOf(
  measure: GateMeasure,
  loss: Figure,
  said: Pick<GateCheck, 'new' | 'message'> & Partial<Pick<GateCheck, 'old' | 'queries'>>,
): GateCheck {
  const { limit, sureAbove } = gateLimits[measure];
  const isWorse = loss.value >= limit && loss.low > sureAbove;
  const outcome = isWorse ? 'failed' : loss.high <= limit ? 'passed' : 'open';
  const needed = outcome === 'open' ? moreNeeded(loss, limit) : undefined;
  const interval = `a loss of ${points(loss.value)} points, ${points(loss.low)} to ${points(loss.high)}; the limit is ${points(limit)}`;
  return {
    measure,
    ...said,
    outcome,
    loss,
    limit,
    ...(needed !== undefined && { needed }),
    message: `${said.message} (${interval}).`,
  };
}

/**
 * `no-go` where any check failed, of the whole or of a slice, or there is a fault that needs no statistics;
 * `inconclusive` where one of the whole is open, or `doubts` say what else keeps it from being `go`; else `go`. A slice
 * that is too small is said, and decides nothing.
 */
export function verdictOf(
  checks: readonly GateCheck[],
  slices: readonly GateSlice[],
  doubts: readonly string[],
  faults: readonly string[],
): { readonly verdict: GateVerdict; readonly reasons: readonly string[] } {
  const failed = [
    ...faults,
    ...checks.filter(({ outcome }) => outcome === 'failed').map(({ message }) => message),
  ];
  const inSlices = slices.flatMap(({ field, value, checks: own }) =>
    own
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ message }) => `Where ${field} is ${value}: ${message}`),
  );
  const open = checks.filter(({ outcome }) => outcome === 'open').map(openReason);
  if (failed.length + inSlices.length > 0)
    return { verdict: 'no-go', reasons: [...failed, ...inSlices, ...open, ...doubts] };
  if (open.length + doubts.length > 0) return { verdict: 'inconclusive', reasons: [...open, ...doubts] };
  return { verdict: 'go', reasons: ['Nothing that was looked at is worse than in the old space.'] };
}

function openReason({ message, needed, loss }: GateCheck): string {
  const way =
    needed === undefined
      ? 'no larger sample would settle it as it is'
      : `about ${grouped(Number(needed.toPrecision(2)))} more like these ${loss.count} would settle it`;
  return `${message} Not decided: ${way}.`;
}
