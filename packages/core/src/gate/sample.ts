/** The sample of the gate: nodes with vectors of both models, and queries as each model embeds them. */

import { type Chance, drawIndex } from '../chance.ts';
import type { ManagerContext } from '../context.ts';
import { isCompatible } from '../model/compatibility.ts';
import type { EmbeddingModelSpec } from '../model/model-spec.ts';
import type { MigrationPlan } from '../model/plan.ts';
import type { Vector } from '../model/vector.ts';
import { type DrawnNode, drawNodes } from './draw-nodes.ts';
import { embedSample } from './embed-sample.ts';
import { queriesOf } from './queries.ts';
import type { GateSample, QueryKind } from './report.ts';

/** A query of the caller; `nodeId` names the node that answers it, where that is known. */
export interface GateQuery {
  readonly text: string;
  readonly nodeId?: string;
}

export interface SampleOptions {
  readonly size: number;
  readonly queries: readonly GateQuery[];
  /** Nodes that queries are made of. */
  readonly generated: number;
  readonly seed: number;
  readonly chance: Chance;
  readonly signal: AbortSignal | undefined;
}

export interface SampledNode {
  readonly id: string;
  readonly content: string;
  readonly old: Vector | undefined;
  readonly new: Vector;
}

export interface SampledQuery {
  readonly kind: QueryKind;
  /** Place of its node in the sample. */
  readonly node: number | undefined;
  readonly old: Vector | undefined;
  readonly new: Vector;
}

export interface Sample {
  /** Absent where there is no old space to compare with. */
  readonly oldSpec: EmbeddingModelSpec | undefined;
  readonly hasOldEmbedder: boolean;
  readonly nodes: readonly SampledNode[];
  readonly queries: readonly SampledQuery[];
  /** Nodes that the target's embedder refused. */
  readonly refused: number;
  readonly facts: GateSample;
}

export async function takeSample(
  context: ManagerContext,
  plan: MigrationPlan,
  o: SampleOptions,
): Promise<Sample> {
  const { chance, signal } = o;
  const wanted = o.queries.flatMap(({ nodeId }) => nodeId ?? []);
  const drawn = await drawNodes(context, plan, { size: o.size, chance, wanted, signal });
  const oldSpec = await oldSpecOf(context, plan, drawn.nodes);
  const hasOldEmbedder = oldSpec !== undefined && context.embedders.lacks(oldSpec) === undefined;
  const contents = drawn.nodes.map(({ content }) => content);
  const stored = drawn.nodes.map((node) => storedOld(node, oldSpec));
  const document = (spec: EmbeddingModelSpec) => ({ spec, purpose: 'document', signal }) as const;
  const olds = hasOldEmbedder ? await filled(context, contents, stored, document(oldSpec)) : stored;
  const inStore = drawn.nodes.map((node) => node.new);
  const hasOldVectors = olds.some((vector) => vector !== undefined);
  // Both spaces hold the same nodes, or a comparison says nothing.
  const isKept = (index: number) => !hasOldVectors || olds[index] !== undefined;
  const kept = [...contents.keys()].filter(isKept);
  const pick = <T>(list: readonly T[]) => kept.map((index) => list[index]!);
  const news = await filled(context, pick(contents), pick(inStore), document(plan.targetSpec));
  const nodes = kept.flatMap((index, place): SampledNode[] => {
    const vector = news[place];
    const { id, content } = drawn.nodes[index]!;
    return vector === undefined ? [] : [{ id, content, old: olds[index], new: vector }];
  });
  const old = hasOldVectors ? oldSpec : undefined;
  const queries = await embedQueries(context, plan.targetSpec, hasOldEmbedder ? old : undefined, nodes, o);
  const kinds = { beginning: 0, passage: 0, known: 0, open: 0 };
  for (const { kind } of queries) kinds[kind] += 1;
  return {
    oldSpec: old,
    hasOldEmbedder: hasOldEmbedder && old !== undefined,
    nodes,
    queries,
    refused: kept.length - nodes.length,
    facts: {
      seed: o.seed,
      nodes: nodes.length,
      of: drawn.of,
      queries: kinds,
      leftOut: { contents: drawn.withoutContent, oldVectors: contents.length - kept.length },
      stored: pick(inStore).filter((vector) => vector !== undefined).length,
    },
  };
}

/** The registered model that made most of the vectors which the plan replaces. */
async function oldSpecOf(
  { registry }: ManagerContext,
  { sourceSpec, targetSpec }: MigrationPlan,
  nodes: readonly DrawnNode[],
): Promise<EmbeddingModelSpec | undefined> {
  const models = (await registry.models()).filter((model) => !model.equals(targetSpec));
  const made = (model: EmbeddingModelSpec) =>
    nodes.filter(({ old }) => old && isCompatible({ stamp: old.info, vector: old.vector }, model)).length;
  const counts = models.map((model) => ({ model, count: made(model) }));
  const most = counts.reduce<(typeof counts)[number] | undefined>(
    (best, one) => (one.count > (best?.count ?? 0) ? one : best),
    undefined,
  );
  return most?.model ?? (sourceSpec.equals(targetSpec) ? undefined : sourceSpec);
}

function storedOld({ old }: DrawnNode, spec: EmbeddingModelSpec | undefined): Vector | undefined {
  if (old === undefined || spec === undefined) return undefined;
  return isCompatible({ stamp: old.info, vector: old.vector }, spec) ? old.vector : undefined;
}

/** The vectors that are there, and those that the embedder makes of the other texts. */
async function filled(
  context: ManagerContext,
  texts: readonly string[],
  vectors: readonly (Vector | undefined)[],
  call: Parameters<typeof embedSample>[2],
): Promise<(Vector | undefined)[]> {
  const missing = [...texts.keys()].filter((index) => vectors[index] === undefined);
  const made = await embedSample(
    context,
    missing.map((index) => texts[index]!),
    call,
  );
  const all = [...vectors];
  for (const [place, index] of missing.entries()) all[index] = made[place];
  return all;
}

interface Asked {
  readonly kind: QueryKind;
  readonly node: number | undefined;
  readonly text: string;
}

async function embedQueries(
  context: ManagerContext,
  target: EmbeddingModelSpec,
  old: EmbeddingModelSpec | undefined,
  nodes: readonly SampledNode[],
  o: SampleOptions,
): Promise<SampledQuery[]> {
  const asked = [...given(nodes, o.queries), ...generated(nodes, o.generated, o.chance)];
  const texts = asked.map(({ text }) => text);
  const query = (spec: EmbeddingModelSpec) => ({ spec, purpose: 'query', signal: o.signal }) as const;
  const news = await embedSample(context, texts, query(target));
  const olds = old === undefined ? [] : await embedSample(context, texts, query(old));
  return asked.flatMap(({ kind, node }, index): SampledQuery[] => {
    const [before, after] = [olds[index], news[index]];
    // What only one of the models takes compares nothing; contents that are refused are counted as such.
    if (after === undefined || (old !== undefined && before === undefined)) return [];
    return [{ kind, node, old: before, new: after }];
  });
}

function given(nodes: readonly SampledNode[], queries: readonly GateQuery[]): Asked[] {
  const places = new Map(nodes.map(({ id }, place) => [id, place]));
  return queries.flatMap(({ text, nodeId }): Asked[] => {
    if (nodeId === undefined) return [{ kind: 'open', node: undefined, text }];
    const node = places.get(nodeId);
    return node === undefined ? [] : [{ kind: 'known', node, text }];
  });
}

function generated(nodes: readonly SampledNode[], count: number, chance: Chance): Asked[] {
  const places = [...nodes.keys()];
  const asked: Asked[] = [];
  for (let left = Math.min(count, places.length); left > 0; left--) {
    const [node] = places.splice(drawIndex(chance, places.length), 1);
    const { beginning, passage } = queriesOf(nodes[node!]!.content, chance);
    if (beginning !== undefined) asked.push({ kind: 'beginning', node, text: beginning });
    if (passage !== undefined) asked.push({ kind: 'passage', node, text: passage });
  }
  return asked;
}
