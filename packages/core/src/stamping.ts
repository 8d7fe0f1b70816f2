import { z } from 'zod';
import { type ManagerContext, nodeStoreOf } from './context.ts';
import { RegistryError } from './errors.ts';
import { type ModelRef, modelIdSchema, type RegisteredModel, versionSchema } from './model/model-spec.ts';
import { parseNodeId } from './model/node-id.ts';
import { type Vector, vectorFits } from './model/vector.ts';
import { parseOptions } from './options.ts';
import type { Selection } from './planner/migration-planner.ts';
import type { NodeStore, StoredNode } from './ports/node-store.ts';
import type { EmbeddingRegistry } from './registry.ts';
import { embedOrThrow } from './worker/embed-call.ts';

export interface StampNodesOptions extends ModelRef, Selection {
  /** Stored contents to embed and compare first; 16 unless told, 0 for no check. */
  sampleSize?: number;
  signal?: AbortSignal;
}

const schema = z.strictObject({
  modelId: modelIdSchema,
  version: versionSchema,
  nodeIds: z.custom<NonNullable<Selection['nodeIds']>>((value) => typeof value === 'object').optional(),
  where: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  sampleSize: z.int().min(0).max(10_000).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

const SAMPLE = 16;
const PAGE = 500;
/** Cosine similarity, or share of equal bits, from which two vectors count as the same. */
const SAME = 0.99;
/** Texts edited since they were embedded disagree rightly; more than this share of them does not. */
const DISAGREEING_AT_MOST = 0.25;

/**
 * Declares which model made vectors that carry no stamp. Writes stamps and hashes, and the vectors it read as
 * they were; nodes with a stamp or without a vector are skipped. May be called again after an interruption.
 */
export async function stampNodes(
  context: ManagerContext,
  registry: EmbeddingRegistry,
  options: StampNodesOptions,
): Promise<{ stamped: number; skipped: number }> {
  const o = parseOptions(schema, options, 'stamping');
  const store = nodeStoreOf(context, 'Stamping');
  const model = await registry.knownModel(o);
  const sampleSize = o.sampleSize ?? SAMPLE;
  const selection = () => pagesOf(store, model, o);
  if (sampleSize > 0) await checkSample(context, model, await sampleOf(store, selection(), sampleSize));
  let stamped = 0;
  let skipped = 0;
  for await (const ids of selection()) {
    o.signal?.throwIfAborted();
    const count = await stampPage(store, model, ids);
    stamped += count;
    skipped += ids.length - count;
  }
  return { stamped, skipped };
}

async function* pagesOf(
  store: NodeStore,
  model: RegisteredModel,
  { nodeIds, where }: { nodeIds?: Selection['nodeIds'] | undefined; where?: Selection['where'] | undefined },
): AsyncGenerator<string[]> {
  if (nodeIds !== undefined) {
    let page: string[] = [];
    for await (const id of nodeIds) {
      page.push(parseNodeId(id));
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
    return;
  }
  let after: string | undefined;
  do {
    const page = await store.scan({
      notAt: model.info,
      limit: PAGE,
      ...(where && { where }),
      ...(after !== undefined && { after }),
    });
    yield page.items.map((head) => head.id);
    after = page.next;
  } while (after !== undefined);
}

const isStampable = (node: StoredNode) => node.embeddingModelId === undefined && node.vector !== undefined;

/** Spread over the first pages, so that neighbours do not stand for all. */
async function sampleOf(
  store: NodeStore,
  pages: AsyncGenerator<string[]>,
  size: number,
): Promise<StoredNode[]> {
  const found: StoredNode[] = [];
  for await (const ids of pages) {
    found.push(...(await store.read(ids)).filter((node) => isStampable(node) && node.content));
    if (found.length >= size * 4) break;
  }
  const step = Math.max(1, found.length / size);
  return Array.from({ length: Math.min(size, found.length) }, (_, index) => found[Math.floor(index * step)]!);
}

async function checkSample(
  context: ManagerContext,
  model: RegisteredModel,
  sample: readonly StoredNode[],
): Promise<void> {
  if (sample.length === 0) return;
  const { embedders, clock } = context;
  const texts = sample.map((node) => node.content ?? '');
  const vectors = await embedOrThrow(texts, { embedders, clock, spec: model, purpose: 'document' });
  const differing = sample.filter((node, index) => !areSame(node.vector, vectors[index], model));
  if (differing.length <= sample.length * DISAGREEING_AT_MOST) return;
  throw new RegistryError(
    'STAMP_MISMATCH',
    `${differing.length} of ${sample.length} stored vectors are not what ${model.qualifiedId} makes of their contents; find the model that made them, or migrate the nodes.`,
    { details: { sample: sample.length, differing: differing.map((node) => node.id).slice(0, 10) } },
  );
}

function areSame(stored: Vector | undefined, made: Vector | undefined, model: RegisteredModel): boolean {
  if (stored === undefined || made === undefined || !vectorFits(stored, model)) return false;
  return (stored instanceof Uint8Array ? equalBits(stored, made) : cosine(stored, made)) >= SAME;
}

function cosine(a: Vector, b: Vector): number {
  let dot = 0;
  let lengths = [0, 0];
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? 0;
    dot += left * right;
    lengths = [lengths[0]! + left * left, lengths[1]! + right * right];
  }
  return dot / Math.sqrt(lengths[0]! * lengths[1]!);
}

function equalBits(a: Uint8Array, b: Vector): number {
  let different = 0;
  for (const [index, byte] of a.entries())
    for (let rest = byte ^ (b[index] ?? 0); rest !== 0; rest &= rest - 1) different += 1;
  return 1 - different / (a.length * 8);
}

async function stampPage(store: NodeStore, model: RegisteredModel, ids: readonly string[]): Promise<number> {
  const nodes = (await store.read(ids)).filter(
    (node) => isStampable(node) && vectorFits(node.vector!, model),
  );
  const outcomes = await store.write(
    nodes.map((node) => ({
      nodeId: node.id,
      fence: node.fence,
      set: { ...model.info, vector: node.vector!, embeddedHash: node.contentHash },
    })),
  );
  return outcomes.filter((outcome) => outcome === 'written').length;
}
