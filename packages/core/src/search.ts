import * as z from 'zod';
import { type ManagerContext, nodeStoreOf } from './context.ts';
import { RegistryError } from './errors.ts';
import { isCompatible } from './model/compatibility.ts';
import type { EmbeddingInfo, RegisteredModel } from './model/model-spec.ts';
import type { NodeFilter } from './model/plan.ts';
import type { Vector } from './model/vector.ts';
import { parseOptions } from './options.ts';
import { assertFilter, filterSchema } from './planner/selection.ts';
import type { NodeStore } from './ports/node-store.ts';
import { embedOrThrow } from './worker/embed-call.ts';

/** How many hits at most (1 to 10,000), and among which nodes. */
export interface SearchOptions {
  k: number;
  where?: NodeFilter;
  signal?: AbortSignal;
}

/** `score` is the fused rank score, higher is nearer; `info` names the model in whose space the hit was found. */
export interface SearchHit {
  readonly nodeId: string;
  readonly score: number;
  readonly info: EmbeddingInfo;
}

const schema = z.strictObject({
  query: z.string().min(1, 'must not be empty'),
  k: z.int().min(1).max(10_000),
  where: filterSchema.optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Cormack, Clarke, Büttcher: Reciprocal Rank Fusion, SIGIR 2009; their k. */
const RANK_CONSTANT = 60;

/**
 * Asks each model that has nodes, over its own nodes only, and fuses the lists by rank: 1 / (60 + rank). Right
 * at every point of an in-place migration: a node that moves meanwhile is found once. Equal ranks put the active
 * model first.
 * @throws RegistryError `EMBEDDER_MISSING` where nodes could not be asked for want of an embedder,
 * `MODEL_UNKNOWN`, `NODE_STORE_MISSING`, `STRATEGY_UNSUITABLE` (a store without search or filter), `EMBEDDER_FAILED`
 */
export async function searchAcrossModels(
  context: ManagerContext,
  query: string,
  options: SearchOptions,
): Promise<readonly SearchHit[]> {
  const o = parseOptions(schema, { ...options, query }, 'search');
  const { k, where, signal } = o;
  const store = nodeStoreOf(context, 'Searching');
  assertFilter(where, store);
  const { search } = store;
  if (search === undefined)
    throw new RegistryError(
      'STRATEGY_UNSUITABLE',
      'The node store cannot search; embed the query and ask the search you have, one model at a time.',
    );
  const filter = { ...(where && { where }), ...(signal && { signal }) };
  const models = await context.registry.models();
  const { embedders, clock } = context;
  // Nodes with and without a checksum in their stamp may be of one model: one query, and one ranking.
  const stamps = new Map<RegisteredModel, EmbeddingInfo[]>();
  for (const { info, count } of await store.countByModel(filter)) {
    if (info === undefined || count === 0) continue;
    const model = modelOf(models, info, count);
    stamps.set(model, [...(stamps.get(model) ?? []), info]);
  }
  // Every call is behind us before the first search: what a migration moves meanwhile is little then.
  const questions: Question[] = [];
  for (const [spec, infos] of stamps) {
    const [vector] = await embedOrThrow([o.query], { embedders, clock, spec, purpose: 'query', signal });
    questions.push({ infos, vector: vector!, isActive: spec.isActive });
  }
  return fuse(questions, k, (vector, at) => search.call(store, vector, { at, k, ...filter }));
}

/** What one model is asked: its vector of the query, among the nodes under these stamps of it. */
interface Question {
  readonly infos: readonly EmbeddingInfo[];
  readonly vector: Vector;
  readonly isActive: boolean;
}

async function fuse(
  questions: readonly Question[],
  k: number,
  search: (vector: Vector, at: EmbeddingInfo) => ReturnType<NonNullable<NodeStore['search']>>,
): Promise<readonly SearchHit[]> {
  const hits = new Map<string, SearchHit & { readonly isActive: boolean }>();
  // Nodes move towards the active model, forward as well as back: asked last, it has those that just left another one.
  for (const { infos, vector, isActive } of questions.toSorted(
    (a, b) => Number(a.isActive) - Number(b.isActive),
  )) {
    const found: { id: string; score: number; info: EmbeddingInfo }[] = [];
    for (const info of infos) for (const hit of await search(vector, info)) found.push({ ...hit, info });
    // The sort is stable: equal scores keep the store's order.
    found.sort((a, b) => b.score - a.score);
    for (const [rank, { id, info }] of found.slice(0, k).entries())
      hits.set(id, { nodeId: id, score: 1 / (RANK_CONSTANT + rank + 1), info, isActive });
  }
  return [...hits.values()]
    .sort((a, b) => b.score - a.score || Number(b.isActive) - Number(a.isActive))
    .slice(0, k)
    .map(({ nodeId, score, info }) => ({ nodeId, score, info }));
}

function modelOf(models: readonly RegisteredModel[], info: EmbeddingInfo, count: number): RegisteredModel {
  const model = models.find((candidate) => isCompatible({ stamp: info }, candidate));
  if (model !== undefined) return model;
  throw new RegistryError(
    'MODEL_UNKNOWN',
    `${count} nodes are stamped ${info.embeddingModelId}:v${info.embeddingVersion} (${info.embeddingChecksum.slice(0, 8) || 'unknown'}), which is not registered; register that model or migrate them.`,
    { details: { ...info, count } },
  );
}
