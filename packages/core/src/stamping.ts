import * as z from 'zod';
import { nextTurn } from './clock.ts';
import { type ManagerContext, nodeStoreOf } from './context.ts';
import { RegistryError } from './errors.ts';
import { journalled } from './journalled.ts';
import { knownModel } from './lookups.ts';
import { type ModelRef, modelIdSchema, type RegisteredModel, versionSchema } from './model/model-spec.ts';
import { parseNodeId } from './model/node-id.ts';
import { similarity } from './model/similarity.ts';
import { type Vector, vectorFits } from './model/vector.ts';
import { parseOptions } from './options.ts';
import { assertSelection, type Selection, selectionShape } from './planner/selection.ts';
import type { NodeStore, StoredNode } from './ports/node-store.ts';
import { inPieces } from './read-batch.ts';
import { scanPages } from './scan-pages.ts';
import { embedOrThrow } from './worker/embed-call.ts';

/** The model that made the vectors, and which nodes it made them of. */
export interface StampNodesOptions extends ModelRef, Selection {
  /** Stored contents to embed and compare first; 16 unless told, 0 for no check. */
  sampleSize?: number;
  signal?: AbortSignal;
}

const schema = z.strictObject({
  modelId: modelIdSchema,
  version: versionSchema,
  ...selectionShape,
  sampleSize: z.int().min(0).max(10_000).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

const SAMPLE = 16;
const PAGE = 500;
/** The sample is drawn from this many times as many nodes. */
const SPREAD = 4;
/** Similarity from which two vectors count as the same. */
const SAME = 0.99;
/** Texts edited since they were embedded disagree rightly; more than this share of them does not. */
const DISAGREEING_AT_MOST = 0.25;

/**
 * Declares which model made vectors that carry no stamp. Writes stamps and hashes, and the vectors it read as
 * they were; nodes with a stamp or without a vector are skipped. May be called again after an interruption.
 */
export async function stampNodes(
  context: ManagerContext,
  options: StampNodesOptions,
): Promise<{ stamped: number; skipped: number }> {
  const o = parseOptions(schema, options, 'stamping');
  const store = nodeStoreOf(context, 'Stamping');
  assertSelection(o, store);
  const model = await knownModel(context, o);
  const total = { stamped: 0, skipped: 0 };
  let differing: ReadonlySet<string> = new Set();
  const stamp = async (ids: readonly string[]) => {
    await nextTurn();
    o.signal?.throwIfAborted();
    // Vectors that were seen to be of another text wait for a plan, which embeds them anew.
    const agreeing = ids.filter((id) => !differing.has(id));
    const stamped = await stampPage(store, model, agreeing, o.signal);
    total.stamped += stamped;
    total.skipped += ids.length - stamped;
  };
  // One pass: ids may come from an iterator that gives them once.
  const pages = pagesOf(store, model, o);
  const ahead = await readAhead(store, pages, o.sampleSize ?? SAMPLE, o.signal);
  total.skipped += ahead.skipped;
  differing = await checkSample(context, model, ahead.sample, o.signal);
  await journalled(context, model, total, async () => {
    for (const ids of ahead.pages) await stamp(ids);
    for await (const ids of pages) await stamp(ids);
  });
  return total;
}

type ParsedSelection = Pick<z.output<typeof schema>, 'nodeIds' | 'where' | 'signal'>;

async function* pagesOf(
  store: NodeStore,
  model: RegisteredModel,
  { nodeIds, where, signal }: ParsedSelection,
): AsyncGenerator<readonly string[]> {
  if (nodeIds !== undefined) {
    let page = new Set<string>();
    for await (const id of nodeIds) {
      page.add(parseNodeId(id));
      if (page.size < PAGE) continue;
      yield [...page];
      page = new Set();
    }
    if (page.size > 0) yield [...page];
    return;
  }
  for await (const heads of scanPages(store, { notAt: model.info, where, limit: PAGE, signal }))
    yield heads.map(({ id }) => id);
}

/** Its content is what the vector was made of, as far as anybody knows. */
const isOfItsText = ({ content, contentHash, embeddedHash = contentHash }: StoredNode) =>
  content && embeddedHash === contentHash;

const isStampable = (node: StoredNode) => node.embeddingModelId === undefined && node.vector !== undefined;

interface Ahead {
  /** Ids of the nodes that were read for the sample and are still to be stamped. */
  readonly pages: readonly (readonly string[])[];
  readonly skipped: number;
  readonly sample: readonly StoredNode[];
}

/**
 * Reads pages until there is enough for a sample, spread over them so that neighbours do not stand for all.
 * @throws RegistryError `CONTENT_MISSING` where there are vectors and no content to check any of them against
 */
async function readAhead(
  store: NodeStore,
  pages: AsyncGenerator<readonly string[]>,
  size: number,
  signal: AbortSignal | undefined,
): Promise<Ahead> {
  const read: (readonly string[])[] = [];
  const found: StoredNode[] = [];
  let skipped = 0;
  while (found.length < size * SPREAD) {
    signal?.throwIfAborted();
    const page = await pages.next();
    if (page.done) break;
    const stampable = (await store.read(page.value)).filter(isStampable);
    found.push(...stampable.filter(isOfItsText));
    skipped += page.value.length - stampable.length;
    if (stampable.length > 0) read.push(stampable.map((node) => node.id));
  }
  if (size > 0 && found.length === 0 && read.length > 0) throw nothingToCheck();
  const step = Math.max(1, found.length / size);
  const sample = Array.from(
    { length: Math.min(size, found.length) },
    (_, index) => found[Math.floor(index * step)]!,
  );
  return { pages: read, skipped, sample };
}

function nothingToCheck(): RegistryError {
  return new RegistryError(
    'CONTENT_MISSING',
    'None of the nodes to stamp has the text that its vector was made of, so there is nothing to check the model against; pass sampleSize: 0 to stamp them unchecked.',
  );
}

/** Answers the nodes of the sample whose vectors are not what the model makes of their contents now. */
async function checkSample(
  context: ManagerContext,
  model: RegisteredModel,
  sample: readonly StoredNode[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  if (sample.length === 0) return new Set();
  const { embedders, clock } = context;
  const texts = sample.map((node) => node.content ?? '');
  const vectors = await embedOrThrow(texts, { embedders, clock, spec: model, purpose: 'document', signal });
  const differing = sample.filter((node, index) => !areSame(node.vector, vectors[index], model));
  if (differing.length <= sample.length * DISAGREEING_AT_MOST)
    return new Set(differing.map((node) => node.id));
  throw new RegistryError(
    'STAMP_MISMATCH',
    `${differing.length} of ${sample.length} stored vectors are not what ${model.qualifiedId} makes of their contents; find the model that made them, or migrate the nodes.`,
    { details: { sample: sample.length, differing: differing.map((node) => node.id).slice(0, 10) } },
  );
}

function areSame(stored: Vector | undefined, made: Vector | undefined, model: RegisteredModel): boolean {
  if (stored === undefined || made === undefined || !vectorFits(stored, model)) return false;
  return similarity(stored, made, model) >= SAME;
}

async function stampPage(
  store: NodeStore,
  model: RegisteredModel,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<number> {
  let stamped = 0;
  for await (const { nodes } of inPieces(store, ids)) {
    signal?.throwIfAborted();
    const fitting = [...nodes.values()].filter(
      (node) => isStampable(node) && vectorFits(node.vector!, model),
    );
    const outcomes = await store.write(
      fitting.map((node) => ({
        nodeId: node.id,
        fence: node.fence,
        // What is known to be of an older text stays so, and waits for a plan.
        set: { ...model.info, vector: node.vector!, embeddedHash: node.embeddedHash ?? node.contentHash },
      })),
    );
    stamped += outcomes.filter((outcome) => outcome === 'written').length;
  }
  return stamped;
}
