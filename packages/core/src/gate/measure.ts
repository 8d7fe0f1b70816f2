/** What a sample shows, check by check. Pure but for the calls that blind ends take. */
import type { ManagerContext } from '../context.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import { embedSample } from './embed-sample.ts';
import { bootstrapMean } from './intervals.ts';
import { withoutEnd } from './queries.ts';
import type { GateCheck, GateOverlap, GateSpace } from './report.ts';
import type { Sample } from './sample.ts';
import { areSame, quantiles, Space, twins } from './space.ts';
import { countCheck, type Judging, percent, type RankedQuery } from './verdict.ts';

/** Texts whose end is taken off, at most. */
const ENDS_AT_MOST = 100;

/** Both spaces of a sample, searched with its queries. */
export interface Searched {
  readonly new: Space;
  /** Absent where queries cannot be embedded in the old space. */
  readonly old: Space | undefined;
}

export function searched(
  { nodes, queries, oldSpec, hasOldEmbedder }: Sample,
  target: EmbeddingModelSpec,
): Searched {
  const side = (name: 'old' | 'new', spec: EmbeddingModelSpec) =>
    new Space(
      spec,
      nodes.map((node) => node[name]!),
      queries.map((query) => query[name]!),
    );
  return {
    new: side('new', target),
    old: oldSpec !== undefined && hasOldEmbedder ? side('old', oldSpec) : undefined,
  };
}

export function ranksOf({ queries }: Sample, spaces: Searched): RankedQuery[] {
  return queries.flatMap(({ kind, node }, index): RankedQuery[] => {
    if (kind === 'open' || node === undefined) return [];
    const old = spaces.old?.rankOf(index, node);
    return [{ kind, node, new: spaces.new.rankOf(index, node), ...(old !== undefined && { old }) }];
  });
}

/** Scores of queries with their own nodes and with all others. */
export function spaceFigures({ queries }: Sample, space: Space, spec: EmbeddingModelSpec): GateSpace {
  const own: number[] = [];
  const others = new Float64Array(space.queries * space.nodes);
  let count = 0;
  for (const [index, { node }] of queries.entries())
    for (let other = 0; other < space.nodes; other++)
      if (other === node) own.push(space.score(index, other));
      else others[count++] = space.score(index, other);
  return {
    model: spec.qualifiedId,
    scores: { own: quantiles(Float64Array.from(own)), others: quantiles(others.subarray(0, count)) },
  };
}

/** Both spaces over the same pairs: of queries where both models can embed them, else of the nodes themselves. */
export function pairedSpaces(
  sample: Sample,
  target: EmbeddingModelSpec,
  spaces: Searched = searched(sample, target),
): { readonly of: 'queries' | 'nodes'; readonly old: Space; readonly new: Space } | undefined {
  const { nodes, oldSpec } = sample;
  if (oldSpec === undefined || nodes.length < 2) return undefined;
  if (spaces.old !== undefined && spaces.old.queries > 0)
    return { of: 'queries', old: spaces.old, new: spaces.new };
  const vectors = (side: 'old' | 'new') => nodes.map((node) => node[side]!);
  return {
    of: 'nodes',
    old: new Space(oldSpec, vectors('old'), vectors('old')),
    new: new Space(target, vectors('new'), vectors('new')),
  };
}

export function overlapOf(
  sample: Sample,
  spaces: Searched,
  target: EmbeddingModelSpec,
  { k, confidence, chance }: Judging,
): GateOverlap | undefined {
  const paired = pairedSpaces(sample, target, spaces);
  if (paired === undefined) return undefined;
  const { of, old, new: fresh } = paired;
  const shares: number[] = [];
  for (let query = 0; query < old.queries; query++) {
    const except = of === 'queries' ? undefined : query;
    const before = old.nearest(query, k, except);
    const after = new Set(fresh.nearest(query, k, except));
    shares.push(before.filter((node) => after.has(node)).length / Math.max(1, before.length));
  }
  const candidates = of === 'queries' ? old.nodes : old.nodes - 1;
  return { of, share: bootstrapMean(shares, confidence, chance), chance: Math.min(1, k / candidates) };
}

const percentOf = (count: number, of: number) => percent(count / Math.max(1, of));

/** Texts that differ and have one vector: a model that does not tell them apart, or a constant one. */
export function twinsCheck({ nodes, oldSpec }: Sample, { confidence }: Judging): GateCheck {
  const fresh = twins(nodes.map((node) => node.new));
  const old = oldSpec === undefined ? undefined : twins(nodes.map((node) => node.old!));
  const worse = fresh.filter((is, index) => is && !old?.[index]).length;
  const count = (list: readonly boolean[]) => list.filter(Boolean).length;
  const before = old && count(old) / Math.max(1, nodes.length);
  const said = old ? `${percentOf(count(old), nodes.length)} in the old space, ` : '';
  return countCheck(
    'twins',
    worse,
    nodes.length,
    {
      ...(before !== undefined && { old: before }),
      new: count(fresh) / Math.max(1, nodes.length),
      message: `Texts with the vector of another text: ${said}${percentOf(count(fresh), nodes.length)} in the new one`,
    },
    confidence,
  );
}

/** Never a no-go: nodes whose texts are refused fail in the plan, and a cutover asks whether that is accepted. */
export function refusedCheck({ nodes, refused }: Sample, { confidence }: Judging): GateCheck {
  const count = nodes.length + refused;
  return countCheck(
    'refused',
    refused,
    count,
    {
      new: refused / Math.max(1, count),
      message: `Texts that the new embedder refuses: ${percentOf(refused, count)}`,
      isUnsure: true,
    },
    confidence,
  );
}

/**
 * Texts whose last quarter is taken off: where the vector stays the same, the model never saw it. The old model is
 * asked about those alone, since what it does not see either is no loss.
 */
export async function blindEndsCheck(
  context: ManagerContext,
  sample: Sample,
  target: EmbeddingModelSpec,
  { confidence }: Judging,
  signal: AbortSignal | undefined,
): Promise<GateCheck | undefined> {
  const looked = sample.nodes
    .flatMap((node) => ({ node, text: withoutEnd(node.content) }))
    .filter((one): one is { node: typeof one.node; text: string } => one.text !== undefined)
    .slice(0, ENDS_AT_MOST);
  if (looked.length === 0) return undefined;
  const blindOf = async (spec: EmbeddingModelSpec, side: 'old' | 'new', some: typeof looked) => {
    const texts = some.map(({ text }) => text);
    const vectors = await embedSample(context, texts, { spec, purpose: 'document', signal });
    return some.filter(({ node }, index) => vectors[index] && areSame(node[side]!, vectors[index]));
  };
  const fresh = await blindOf(target, 'new', looked);
  const { oldSpec, hasOldEmbedder } = sample;
  const old = oldSpec && hasOldEmbedder ? await blindOf(oldSpec, 'old', fresh) : [];
  const count = looked.length;
  return countCheck(
    'blindEnds',
    fresh.length - old.length,
    count,
    {
      ...(hasOldEmbedder && { old: old.length / count }),
      new: fresh.length / count,
      message: `Texts whose last quarter leaves no trace in the vector: ${percentOf(fresh.length, count)}${
        hasOldEmbedder ? `, of which the old model sees ${fresh.length - old.length}` : ''
      }`,
      isUnsure: !hasOldEmbedder,
    },
    confidence,
  );
}

/** Texts that are embedded for both purposes, and how far apart their vectors may lie. */
const PURPOSES_OF = 16;
const PURPOSE_TOLERANCE = 0.02;

/**
 * Says whether a text as a document and the same text as a query are two vectors in the new space, and one in the
 * old: right where a model has a prefix for each purpose, and the trace of a wrong prefix where it has none.
 */
export async function hasNewAsymmetry(
  context: ManagerContext,
  { nodes, oldSpec, hasOldEmbedder }: Sample,
  target: EmbeddingModelSpec,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const looked = nodes.slice(0, PURPOSES_OF);
  const texts = looked.map(({ content }) => content);
  const differs = async (spec: EmbeddingModelSpec, side: 'old' | 'new') => {
    const vectors = await embedSample(context, texts, { spec, purpose: 'query', signal });
    return looked.some((node, index) => {
      const vector = vectors[index];
      return vector !== undefined && !areSame(node[side]!, vector, PURPOSE_TOLERANCE);
    });
  };
  if (!(await differs(target, 'new'))) return false;
  return oldSpec === undefined || !hasOldEmbedder || !(await differs(oldSpec, 'old'));
}
