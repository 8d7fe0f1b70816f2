/** How much of the nearest nodes the store's own search misses, beside an exact search of a sample. Writes nothing. */

import { type Chance, drawIndex, Reservoir } from '../chance.ts';
import { nextTurn, stopwatch } from '../clock.ts';
import { type ManagerContext, nodeStoreOf } from '../context.ts';
import { isRegistryError } from '../errors.ts';
import { sameStamp } from '../model/compatibility.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import { scorer } from '../model/score.ts';
import { type Vector, vectorFits } from '../model/vector.ts';
import type { NodeStore } from '../ports/node-store.ts';
import { inPieces } from '../read-batch.ts';
import { scanPages } from '../scan-pages.ts';
import { type Figure, wilson } from './intervals.ts';
import { gateLimits } from './limits.ts';
import type { GateCheck } from './report.ts';
import type { Sample } from './sample.ts';
import { unit } from './space.ts';
import { countCheck, type Judging, percent } from './verdict.ts';

/** Nodes that are scored; a model with no more of them is searched exactly. */
const NODES_AT_MOST = 10_000;
const QUERIES_AT_MOST = 200;
/** An exact store reads all its vectors for each query: a large one is asked fewer of them. */
const ASKING_SECONDS = 10;
const PAGE = 10_000;
const NODES_PER_TURN = 32;
/** Stores compute scores in other orders of addition: what is so near to the last hit may stand on either side. */
const TIE = 1e-5;

/** A check where vectors of the target lie where the store looks; and what is to be said beside it. */
export interface StoreSearch {
  readonly check?: GateCheck;
  readonly notes: readonly string[];
}

interface Looking {
  readonly context: ManagerContext;
  readonly store: NodeStore;
  readonly search: NonNullable<NodeStore['search']>;
  readonly judging: Judging;
  readonly chance: Chance;
  readonly signal: AbortSignal | undefined;
}

/**
 * The new space is judged; what the store misses of the old one is told beside it, since that is no fault of the
 * new model.
 */
export async function storeSearchOf(
  context: ManagerContext,
  { queries, oldSpec, hasOldEmbedder }: Sample,
  target: EmbeddingModelSpec,
  judging: Judging,
  o: { readonly chance: Chance; readonly signal: AbortSignal | undefined },
): Promise<StoreSearch> {
  const store = nodeStoreOf(context, 'The gate');
  const search = store.search?.bind(store);
  if (search === undefined) return { notes: [] };
  const looking = { context, store, search, judging, ...o };
  // Two queries of one node would be found or missed together.
  const nodes = new Set<number>();
  const apart = queries.filter(({ node }) => node === undefined || (!nodes.has(node) && nodes.add(node)));
  const asked = apart.slice(0, QUERIES_AT_MOST);
  const missed = (side: 'old' | 'new', spec: EmbeddingModelSpec) =>
    missesOf(
      looking,
      spec,
      asked.map((query) => query[side]!),
    );
  const fresh = await missed('new', target);
  const old = oldSpec && hasOldEmbedder ? await missed('old', oldSpec) : undefined;
  if (typeof fresh !== 'string') return { check: checkOf(fresh, old, judging), notes: [] };
  const oldWords =
    old === undefined || typeof old === 'string'
      ? ''
      : ` In the old space it misses ${percent(old.value)} of the nearest nodes (${percent(old.low)} to ${percent(old.high)}).`;
  return { notes: [`The store's own search was not compared in the new space: ${fresh}${oldWords}`] };
}

function checkOf(fresh: Figure, old: Figure | string | undefined, { confidence }: Judging): GateCheck {
  const before = typeof old === 'object' ? old.value : undefined;
  const said = before === undefined ? '' : `${percent(before)} in the old space, `;
  return countCheck(
    'storeMisses',
    Math.round(fresh.value * fresh.count),
    fresh.count,
    {
      ...(before !== undefined && { old: before }),
      new: fresh.value,
      message: `Nearest nodes that the store's own search misses: ${said}${percent(fresh.value)} in the new one`,
    },
    confidence,
  );
}

interface Near {
  readonly id: string;
  readonly fence: string;
  readonly score: number;
}

/**
 * The share of the k nearest nodes of a model that the store's search misses (1 - recall at k; Aumüller,
 * Bernhardsson and Faithfull, "ANN-Benchmarks", Information Systems 87, 2020, whose recall counts whatever is as
 * near as the k-th), or a sentence that says why it cannot be told.
 *
 * Nodes are drawn uniformly and scored exactly; those among the k nearest of them that lie nearer than the last hit
 * should be hits. Where all nodes are drawn that is recall at k itself. Of each query one of those nodes is drawn, so
 * that outcomes are independent, and Wilson's interval holds: those of one query hang together (cluster sampling;
 * Cochran, "Sampling Techniques", 1977, chapter 9).
 */
async function missesOf(
  looking: Looking,
  spec: EmbeddingModelSpec,
  queries: readonly Vector[],
): Promise<Figure | string> {
  const { judging, signal } = looking;
  const least = fewestObservations(judging.confidence);
  try {
    const total = await countAt(looking, spec);
    const size = Math.min(total, NODES_AT_MOST);
    if (total === 0) return 'it holds no vectors of that model where it looks now.';
    if (total <= judging.k)
      return `it holds ${total} vectors of that model, and each search answers them all.`;
    const expected = queries.length * (size === total ? 1 : 1 - Math.exp((-judging.k * size) / total));
    if (expected < least)
      return `${queries.length} queries and ${size} of its ${total} vectors make ${Math.floor(expected)} observations, and it takes ${least}.`;
    const nearest = await nearestOf(looking, spec, queries, size);
    const answers = await answersOf(looking, spec, queries);
    const outcomes = await outcomesOf(looking, spec, queries, answers, nearest, size / total);
    if (outcomes.length < least)
      return `it answered ${answers.length} queries in ${ASKING_SECONDS} seconds, and ${outcomes.length} of the ${least} observations came of them that it takes.`;
    return wilson(outcomes.filter((isMiss) => isMiss).length, outcomes.length, judging.confidence);
  } catch (error) {
    // What the models make of the texts is judged all the same.
    if (signal?.aborted || !isRegistryError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** With fewer observations a store that misses nothing would not pass either. */
function fewestObservations(confidence: number): number {
  const { limit } = gateLimits.storeMisses;
  let count = 1;
  while (wilson(0, count, confidence).high > limit) count += 1;
  return count;
}

async function countAt({ store, signal }: Looking, { info }: EmbeddingModelSpec): Promise<number> {
  const counts = await store.countByModel(signal && { signal });
  return counts.find((entry) => sameStamp(entry.info, info))?.count ?? 0;
}

/** What the store answers to queries, as many as it gets to in time. */
async function answersOf(
  { search, judging: { k }, signal }: Looking,
  { info }: EmbeddingModelSpec,
  queries: readonly Vector[],
): Promise<Hits[]> {
  const elapsed = stopwatch();
  const answers: Hits[] = [];
  for (const query of queries) {
    if (elapsed() > ASKING_SECONDS) break;
    answers.push(await search(query, { at: info, k, ...(signal && { signal }) }));
  }
  return answers;
}

/** Of each query the k nearest nodes of a uniform sample, nearest first. */
async function nearestOf(
  { store, judging: { k }, chance, signal }: Looking,
  spec: EmbeddingModelSpec,
  queries: readonly Vector[],
  size: number,
): Promise<Near[][]> {
  const reservoir = new Reservoir<string>(size, chance);
  for await (const heads of scanPages(store, { limit: PAGE, signal }))
    for (const head of heads) if (sameStamp(head, spec.info)) reservoir.offer(head.id);
  const scorers = queries.map((query) => scorerOf(spec, query));
  const nearest: Near[][] = queries.map(() => []);
  let seen = 0;
  for await (const { nodes } of inPieces(store, reservoir.items)) {
    for (const { id, fence, vector, ...stamp } of nodes.values()) {
      if (vector === undefined || !sameStamp(stamp, spec.info) || !vectorFits(vector, spec)) continue;
      const ready = readyFor(spec, vector);
      for (const [place, list] of nearest.entries())
        keep(list, { id, fence, score: scorers[place]!(ready) }, k);
      if (++seen % NODES_PER_TURN === 0) await nextTurn();
    }
    signal?.throwIfAborted();
  }
  return nearest;
}

/** Under cosine of length 1, so that scores are products. */
function readyFor({ distance }: EmbeddingModelSpec, vector: Vector): Vector {
  return distance === 'cosine' ? unit(vector) : vector;
}

/** Of vectors that {@link readyFor} answers. */
function scorerOf(spec: EmbeddingModelSpec, query: Vector): (vector: Vector) => number {
  const { distance, dimension } = spec;
  return scorer(readyFor(spec, query), distance === 'cosine' ? 'dot' : distance, dimension);
}

function keep(list: Near[], one: Near, k: number): void {
  if (!Number.isFinite(one.score) || (list.length === k && !(one.score > list[k - 1]!.score))) return;
  let place = list.length;
  while (place > 0 && one.score > list[place - 1]!.score) place -= 1;
  list.splice(place, 0, one);
  if (list.length > k) list.pop();
}

type Hits = readonly { readonly id: string }[];

/** For each query that says anything whether one node, drawn of those that should be hits, is none. */
async function outcomesOf(
  { store, judging: { k }, chance }: Looking,
  spec: EmbeddingModelSpec,
  queries: readonly Vector[],
  answers: readonly Hits[],
  nearest: readonly (readonly Near[])[],
  share: number,
): Promise<boolean[]> {
  const lasts = answers.flatMap((hits) => hits.at(-1)?.id ?? []);
  const reaches = new Map<number, number>();
  for await (const { nodes } of inPieces(store, [...new Set(lasts)]))
    for (const [place, hits] of answers.entries()) {
      const vector = nodes.get(hits.at(-1)?.id ?? '')?.vector;
      // Scores of the store may have another scale.
      if (vector !== undefined && vectorFits(vector, spec))
        reaches.set(place, scorerOf(spec, queries[place]!)(readyFor(spec, vector)));
    }
  const drawn = answers.flatMap((hits, place) => {
    const expected = nearest[place]!;
    const found = new Set(hits.map(({ id }) => id));
    const reach = reaches.get(place) ?? Number.POSITIVE_INFINITY;
    const beyond = reach + TIE * Math.max(1, Math.abs(reach));
    const due =
      hits.length < k
        ? expected.slice(0, Math.max(1, Math.round(k * share)))
        : expected.filter(({ id, score }) => found.has(id) || score > beyond);
    const one = due[drawIndex(chance, due.length)];
    return one === undefined ? [] : { ...one, isMiss: !found.has(one.id) };
  });
  // A node that was written meanwhile was perhaps not there when the store looked.
  const missed = drawn.filter(({ isMiss }) => isMiss).map(({ id }) => id);
  const fences = new Map<string, string>();
  for await (const { nodes } of inPieces(store, [...new Set(missed)]))
    for (const { id, fence } of nodes.values()) fences.set(id, fence);
  return drawn
    .filter(({ id, fence, isMiss }) => !isMiss || fences.get(id) === fence)
    .map(({ isMiss }) => isMiss);
}
