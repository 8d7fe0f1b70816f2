/** Reads every node of a plan that is thought of, once and in pieces, and keeps sums. Writes nothing. */

import { Reservoir } from '../chance.ts';
import { type Clock, nextTurn } from '../clock.ts';
import { isAtTarget } from '../model/compatibility.ts';
import type { EmbeddingInfo, EmbeddingModelSpec } from '../model/model-spec.ts';
import { parseNodeId } from '../model/node-id.ts';
import type { NodeFilter } from '../model/plan.ts';
import type { NodeIds } from '../planner/create-plan.ts';
import type { Embedder } from '../ports/embedder.ts';
import type { NodeStore, StoredNode } from '../ports/node-store.ts';
import { inPieces } from '../read-batch.ts';
import { scanPages } from '../scan-pages.ts';
import { DistinctCounter } from './distinct-counter.ts';

const PAGE = 5_000;
/** Texts of which tokens are counted where counting all of them would take too long. */
const SAMPLE = 400;
/** Bytes of text whose tokens are counted one by one: a few seconds of a tokenizer. */
const COUNTED_BYTES = 8 * 1024 * 1024;

export interface SurveyOptions {
  readonly store: NodeStore;
  readonly clock: Clock;
  readonly target: EmbeddingModelSpec;
  readonly embedder: Embedder | undefined;
  /** Side by side every node moves, also one that is at the target. */
  readonly isInPlace: boolean;
  readonly batchSize: number;
  readonly nodeIds?: NodeIds | undefined;
  readonly where?: NodeFilter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Nodes that one model made, or that carry no stamp. */
export interface SourceCount {
  readonly source?: EmbeddingInfo;
  readonly nodes: number;
}

export class Survey {
  nodes = 0;
  atTarget = 0;
  missing = 0;
  withoutContent = 0;
  cachedTexts = 0;
  /** Texts that would be sent, as batches in this order would hold them, and their bytes. */
  sentTexts = 0;
  sentBytes = 0;
  /** Their tokens; undefined where they were not all counted. */
  tokens: number | undefined;
  oldVectorBytes = 0;
  idBytes = 0;
  readSeconds = 0;
  readonly distinct = new DistinctCounter();
  readonly sample: Reservoir<string>;
  readonly #sources = new Map<string, { source?: EmbeddingInfo; nodes: number }>();
  readonly #o: SurveyOptions;
  readonly #batch = new Set<string>();

  private constructor(o: SurveyOptions) {
    this.#o = o;
    this.sample = new Reservoir(SAMPLE, { next: () => o.clock.random() });
    this.tokens = o.embedder?.countTokens === undefined ? undefined : 0;
  }

  static async of(o: SurveyOptions): Promise<Survey> {
    const survey = new Survey(o);
    for await (const ids of o.nodeIds === undefined ? scanned(o) : listed(o.nodeIds)) {
      await nextTurn();
      o.signal?.throwIfAborted();
      await survey.#read(ids);
    }
    return survey;
  }

  /** The most frequent first. */
  get sources(): readonly SourceCount[] {
    return [...this.#sources.values()].sort((a, b) => b.nodes - a.nodes);
  }

  async #read(ids: readonly string[]): Promise<void> {
    const { clock, store } = this.#o;
    let from = clock.now();
    for await (const piece of inPieces(store, ids)) {
      this.readSeconds += Math.max(0, clock.now() - from) / 1000;
      this.missing += piece.ids.length - piece.nodes.size;
      await this.#add(piece.ids.flatMap((id) => piece.nodes.get(id) ?? []));
      from = clock.now();
    }
  }

  async #add(nodes: readonly StoredNode[]): Promise<void> {
    const sent: { id: string; text: string }[] = [];
    for (const node of nodes) {
      if (this.#o.isInPlace && isAtTarget(node, this.#o.target.info)) this.atTarget += 1;
      else if (this.#isSent(node)) sent.push({ id: node.id, text: node.content ?? '' });
    }
    const isCached = await this.#o.embedder?.cached?.(
      sent.map(({ text }) => text),
      { purpose: 'document' },
    );
    const paid = sent.filter((_, index) => !isCached?.[index]);
    this.cachedTexts += sent.length - paid.length;
    this.sentTexts += paid.length;
    for (const { id, text } of paid) {
      this.sentBytes += Buffer.byteLength(text);
      this.sample.offer(id);
    }
    await this.#count(paid.map(({ text }) => text));
  }

  /** Counts the node; says whether its text would be sent to the embedder, or looked up in its cache. */
  #isSent(node: StoredNode): boolean {
    this.nodes += 1;
    this.#countSource(node);
    this.oldVectorBytes += node.vector?.byteLength ?? 0;
    this.idBytes += Buffer.byteLength(node.id);
    if (!node.content) {
      this.withoutContent += 1;
      return false;
    }
    const isNew = this.distinct.add(node.contentHash);
    if ((this.nodes - 1) % this.#o.batchSize === 0) this.#batch.clear();
    const isNewInBatch = !this.#batch.has(node.contentHash);
    this.#batch.add(node.contentHash);
    // With a cache a text is paid once; without one, once in each batch that holds it.
    return this.#o.embedder?.cached === undefined ? isNewInBatch : (isNew ?? isNewInBatch);
  }

  #countSource({ embeddingModelId, embeddingVersion, embeddingChecksum = '' }: StoredNode): void {
    const key = JSON.stringify([embeddingModelId, embeddingVersion, embeddingChecksum]);
    const known = this.#sources.get(key);
    if (known !== undefined) known.nodes += 1;
    else if (embeddingModelId === undefined || embeddingVersion === undefined)
      this.#sources.set(key, { nodes: 1 });
    else
      this.#sources.set(key, { source: { embeddingModelId, embeddingVersion, embeddingChecksum }, nodes: 1 });
  }

  async #count(texts: readonly string[]): Promise<void> {
    if (this.tokens === undefined || texts.length === 0) return;
    const counted = this.sentBytes > COUNTED_BYTES ? undefined : await this.#o.embedder?.countTokens?.(texts);
    if (counted === undefined || !counted.exact) this.tokens = undefined;
    else this.tokens += counted.tokens.reduce((sum, count) => sum + count, 0);
  }
}

async function* scanned({
  store,
  target,
  isInPlace,
  where,
  signal,
}: SurveyOptions): AsyncGenerator<readonly string[]> {
  const notAt = isInPlace ? target.info : undefined;
  for await (const heads of scanPages(store, { notAt, where, limit: PAGE, signal }))
    yield heads.map(({ id }) => id);
}

async function* listed(nodeIds: NodeIds): AsyncGenerator<readonly string[]> {
  const seen = new Set<string>();
  let page: string[] = [];
  for await (const id of nodeIds) {
    const parsed = parseNodeId(id);
    if (seen.has(parsed)) continue;
    seen.add(parsed);
    page.push(parsed);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
