import type { EmbeddingInfo, SpecFields } from '../model/model-spec.ts';
import type { NodeFilter } from '../model/plan.ts';
import type { Strategy } from '../model/status.ts';
import type { Vector } from '../model/vector.ts';

/** Which page of a list. */
export interface PageOptions {
  /** Rows at most; 100 unless told. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
  signal?: AbortSignal;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Pass it as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * A node as the store holds it. Without a vector it carries no stamp; the three stamp fields come together
 * or not at all. `contentHash` is of the content as stored now, `embeddedHash` of the text the vector was
 * made from (absent where not known); any function of the content will do, by which equal texts are equal.
 */
export interface StoredNode extends Partial<EmbeddingInfo> {
  readonly id: string;
  readonly content?: string;
  readonly contentHash: string;
  readonly embeddedHash?: string;
  readonly vector?: Vector;
  /**
   * Opaque. Every change of content, vector or stamp makes a new one, even to equal bytes, whoever makes it;
   * none is used twice for an id, re-creation included.
   */
  readonly fence: string;
}

/** A node without its bulk, as `scan` lists it. */
export type NodeHead = Omit<StoredNode, 'content' | 'vector' | 'fence'>;

/** One change of a node, through its fence. */
export interface NodeWrite {
  readonly nodeId: string;
  /** The write happens only while this is still the node's fence. */
  readonly fence: string;
  /**
   * Replaces vector, stamp and embedded hash together: what is absent is removed. Without `set` the write
   * only renews the fence.
   */
  readonly set?: Partial<EmbeddingInfo> & { readonly vector?: Vector; readonly embeddedHash?: string };
  /** A backup put back verbatim: the store checks nothing about vector and stamp. */
  readonly restore?: boolean;
}

/** `conflict`: the fence no longer holds, nothing was written. `missing`: there is no such node. */
export type WriteOutcome = 'written' | 'conflict' | 'missing';

/**
 * Where nodes live. Contents belong to the application; a store never changes them.
 * Errors: each method throws a RegistryError (`DATABASE_*`, `DISK_FULL`, `VECTOR_INVALID` …); a node is
 * missing only where the store positively knows so. A method that threw may be called again.
 */
export interface NodeStore {
  /** Random id kept inside the store: never a path or URL, the same in every process. */
  readonly storeId: string;
  readonly capabilities: {
    /** `exact`: compared inside the write. `checked`: read, then written: narrows the window only. */
    readonly fence: 'exact' | 'checked' | 'none';
    /** `scan`, `countByModel` and `search` take `where`. */
    readonly where: boolean;
    readonly strategies: readonly Strategy[];
  };
  /** Nodes by stamp; the entry without `info` counts nodes without a stamp. */
  countByModel(options?: {
    where?: NodeFilter;
    signal?: AbortSignal;
  }): Promise<readonly { readonly info?: EmbeddingInfo; readonly count: number }[]>;
  /**
   * Heads of nodes, in an order of the store's own in which each node appears once; each call sees nodes
   * written meanwhile. With `notAt` only nodes that `isAtTarget` denies: never one that is at the target.
   */
  scan(options: {
    notAt?: EmbeddingInfo;
    where?: NodeFilter;
    after?: string;
    limit: number;
    signal?: AbortSignal;
  }): Promise<Page<NodeHead>>;
  /** Nodes by id, in any order; absent ids are left out. */
  read(ids: readonly string[], options?: { signal?: AbortSignal }): Promise<readonly StoredNode[]>;
  /** Each node atomic, durable when it returns; outcomes in the same order. */
  write(writes: readonly NodeWrite[], options?: { signal?: AbortSignal }): Promise<readonly WriteOutcome[]>;
  /** Nearest nodes among those stamped `at`, nearest first; a higher score is nearer. */
  search?(
    vector: Vector,
    options: { at: EmbeddingInfo; k: number; where?: NodeFilter; signal?: AbortSignal },
  ): Promise<readonly { readonly id: string; readonly score: number }[]>;
  /**
   * Tells what the vectors of registered models look like, so that contradicting ones are refused and searches
   * use the right distance. `MODEL_CONFLICT` where the store was told otherwise.
   */
  declareModels?(models: readonly SpecFields[]): Promise<void>;
  /** The number kept beside the nodes that seals, rollbacks and finalizes raise; 0 where none was written. */
  mark?: { read(): Promise<number>; write(value: number): Promise<void> };
}
