import { contentHash } from '../../model/checksum.ts';
import type { EmbeddingInfo } from '../../model/model-spec.ts';
import type { NodeFilter } from '../../model/plan.ts';
import type { Vector } from '../../model/vector.ts';
import type { NodeWrite, StoredNode, WriteOutcome } from '../../ports/node-store.ts';
import type { ContractNode } from '../node-store/fixture.ts';

/** A node as a side holds it; `base` is its data when it was brought over. */
export interface SideRecord extends Partial<EmbeddingInfo> {
  readonly id: string;
  readonly content: string;
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
  readonly vector?: Vector;
  readonly embeddedHash?: string;
  readonly fence: string;
  readonly base?: string;
}

/** Fences are never used twice, on whichever side. */
let fences = 0;

export function stampFields({
  embeddingModelId,
  embeddingVersion,
  embeddingChecksum,
}: Partial<EmbeddingInfo>): EmbeddingInfo | undefined {
  if (embeddingModelId === undefined || embeddingVersion === undefined) return undefined;
  return { embeddingModelId, embeddingVersion, embeddingChecksum: embeddingChecksum ?? '' };
}

/** What moves whole with a node. */
export function dataOf({ content, metadata }: Pick<SideRecord, 'content' | 'metadata'>): string {
  return JSON.stringify([content, Object.entries(metadata).sort()]);
}

/** One side: nodes by id. */
export class MemorySide {
  readonly nodes = new Map<string, SideRecord>();
  /** The side this one is filled from. */
  readonly comesFrom: string | undefined;
  wasServed = false;

  constructor(comesFrom?: string) {
    this.comesFrom = comesFrom;
  }

  set(record: Omit<SideRecord, 'fence'>): void {
    fences += 1;
    this.nodes.set(record.id, { ...record, fence: String(fences) });
  }

  put({ id, content, metadata = {}, vector, ...info }: ContractNode): void {
    const stamp = vector && stampFields(info);
    const embedded = vector && {
      vector: vector.slice(),
      ...(stamp && { ...stamp, embeddedHash: contentHash(content) }),
    };
    this.set({ id, content, metadata: { ...metadata }, ...embedded });
  }

  change(id: string, changes: Partial<SideRecord>): void {
    const record = this.nodes.get(id);
    if (record !== undefined) this.set({ ...record, ...changes });
  }

  get(id: string): StoredNode | undefined {
    const record = this.nodes.get(id);
    if (record === undefined) return undefined;
    const { metadata: _, base: __, vector, ...node } = record;
    return { ...node, contentHash: contentHash(record.content), ...(vector && { vector: vector.slice() }) };
  }

  list(where: NodeFilter = {}): StoredNode[] {
    const holds = ({ metadata }: SideRecord) =>
      Object.entries(where).every(([key, value]) => metadata[key] === value);
    const records = [...this.nodes.values()].filter(holds).sort((a, b) => (a.id < b.id ? -1 : 1));
    return records.map(({ id }) => this.get(id)!);
  }

  write({ nodeId, fence, set }: NodeWrite): WriteOutcome {
    const record = this.nodes.get(nodeId);
    if (record === undefined) return 'missing';
    if (record.fence !== fence) return 'conflict';
    const { id, content, metadata, base } = record;
    const kept = { id, content, metadata, ...(base !== undefined && { base }) };
    this.set(
      set === undefined ? record : { ...kept, ...set, ...(set.vector && { vector: set.vector.slice() }) },
    );
    return 'written';
  }
}
