/** One walk over all nodes of a store, in pieces that are in memory alone. */
import { type Chance, Reservoir } from '../chance.ts';
import { type Clock, nextTurn } from '../clock.ts';
import { isCompatible, stampOf } from '../model/compatibility.ts';
import { type EmbeddingInfo, modelNamed, type RegisteredModel } from '../model/model-spec.ts';
import { qualifiedId } from '../model/qualified-id.ts';
import { type Vector, vectorFits } from '../model/vector.ts';
import type { NodeStore, StoredNode } from '../ports/node-store.ts';
import { inPieces } from '../read-batch.ts';
import { scanPages } from '../scan-pages.ts';
import type { TokenLimit } from '../worker/token-limit.ts';
import type { FindingCode, Tally } from './finding.ts';

const PAGE = 1_000;

export interface WalkOptions {
  readonly store: NodeStore;
  readonly models: readonly RegisteredModel[];
  readonly active: RegisteredModel | undefined;
  /** Of the active model. */
  readonly limit: TokenLimit | undefined;
  readonly tally: Tally;
  readonly samples: Samples;
  readonly signal: AbortSignal | undefined;
}

/** Answers how many nodes were seen. */
export async function walkNodes(o: WalkOptions): Promise<number> {
  let seen = 0;
  for await (const heads of scanPages(o.store, { limit: PAGE, signal: o.signal })) {
    const ids = heads.map(({ id }) => id);
    for await (const { nodes } of inPieces(o.store, ids)) {
      await nextTurn();
      o.signal?.throwIfAborted();
      await lookAtPiece([...nodes.values()], o);
      seen += nodes.size;
    }
  }
  return seen;
}

async function lookAtPiece(nodes: readonly StoredNode[], o: WalkOptions): Promise<void> {
  for (const node of nodes) lookAtNode(node, o);
  const withText = nodes.filter(({ content }) => content);
  const faults = (await o.limit?.check(withText.map(({ content = '' }) => content))) ?? [];
  for (const [index, { id }] of withText.entries())
    if (faults[index] !== undefined) o.tally.add('CONTENT_TOO_LONG', id);
}

function lookAtNode(node: StoredNode, { models, active, tally, samples }: WalkOptions): void {
  const { id, vector } = node;
  const hasText = (node.content?.trim() ?? '') !== '';
  if (!hasText) tally.add('EMPTY_CONTENT', id);
  if (node.inTransit) tally.add('IN_TRANSIT', id);
  const stamp = stampOf(node);
  if (vector === undefined) {
    if (hasText) tally.add('NOT_EMBEDDED', id);
    return;
  }
  const label = stamp === undefined ? '' : labelOf(stamp);
  const fault = numberFault(vector);
  if (fault !== undefined) tally.add(fault, id, label);
  if (stamp === undefined) {
    if (!node.inTransit) tally.add('UNSTAMPED', id);
    return;
  }
  const model = modelOf(models, stamp);
  const misfit = misfitOf(stamp, vector, model);
  if (misfit !== undefined) tally.add(misfit, id, label);
  if (stamp.embeddingChecksum === '') tally.add('CHECKSUM_EMPTY', id, label);
  if (misfit !== undefined || model === undefined) return;
  const isStale = node.embeddedHash !== undefined && node.embeddedHash !== node.contentHash;
  if (isStale) tally.add('STALE', id);
  if (active !== undefined && !isCompatible({ stamp }, active)) tally.add('BEHIND', id, label);
  if (hasText && !isStale && fault === undefined) samples.offer(model, id);
}

/** Why the vector cannot be one of the registered model. */
function misfitOf(
  { embeddingChecksum }: EmbeddingInfo,
  vector: Vector,
  model: RegisteredModel | undefined,
): FindingCode | undefined {
  if (model === undefined) return 'STAMP_UNKNOWN';
  if (embeddingChecksum !== '' && embeddingChecksum !== model.checksum) return 'CHECKSUM_DIFFERS';
  return vectorFits(vector, model) ? undefined : 'WRONG_LENGTH';
}

export const labelOf = (stamp: EmbeddingInfo) =>
  qualifiedId(stamp.embeddingModelId, stamp.embeddingVersion, stamp.embeddingChecksum);

/** The registered model of that id and version. */
export function modelOf(
  models: readonly RegisteredModel[],
  { embeddingModelId: modelId, embeddingVersion: version }: EmbeddingInfo,
): RegisteredModel | undefined {
  return modelNamed(models, { modelId, version });
}

/** What no text has a vector of, whatever model it was. */
function numberFault(vector: Vector): 'NOT_FINITE' | 'ZERO_VECTOR' | undefined {
  let sum = 0;
  for (let index = 0; index < vector.length; index++) sum += Math.abs(vector[index] ?? 0);
  if (!Number.isFinite(sum)) return 'NOT_FINITE';
  return sum === 0 ? 'ZERO_VECTOR' : undefined;
}

/** Ids of a few nodes of each model, drawn so that each node has the same chance. */
export class Samples {
  readonly #drawn = new Map<RegisteredModel, Reservoir<string>>();
  readonly #size: number;
  readonly #chance: Chance;

  constructor(size: number, clock: Pick<Clock, 'random'>) {
    this.#size = size;
    this.#chance = { next: () => clock.random() };
  }

  offer(model: RegisteredModel, id: string): void {
    const drawn = this.#drawn.get(model) ?? new Reservoir(this.#size, this.#chance);
    this.#drawn.set(model, drawn);
    drawn.offer(id);
  }

  of(model: RegisteredModel): readonly string[] {
    return this.#drawn.get(model)?.items ?? [];
  }
}
