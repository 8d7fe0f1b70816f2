import type { EmbeddingInfo, SpecFields } from '../model/model-spec.ts';
import type { MigrationPlan, NodeFilter } from '../model/plan.ts';
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
  /**
   * A writer died between two steps of a write that the store cannot do in one: the node carries no stamp, and
   * its vector may be the old one or the new one. No search finds it, and no backup is taken of it.
   */
  readonly inTransit?: true;
  /** Of a {@link Crossing}: only the side it comes from has the node, while readers use the other one. */
  readonly isOnlyOld?: true;
}

/**
 * A node as `scan` lists it: its id and its stamp, which a store finds in an index. Hashes belong to `read`: an
 * index that held them would be four times as large, and rewritten with every vector.
 */
export type NodeHead = Pick<StoredNode, 'id'> & Partial<EmbeddingInfo>;

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
  /**
   * Asks the store, where that takes a request, for what it must know before all else; `storeId` holds from then on.
   * Opening a registry calls it. With `readOnly` nothing is made that is missing.
   */
  ready?(options: { readOnly?: boolean }): Promise<void>;
  /** Nodes by stamp; the entry without `info` counts nodes without a stamp. */
  countByModel(options?: {
    where?: NodeFilter;
    signal?: AbortSignal;
  }): Promise<readonly { readonly info?: EmbeddingInfo; readonly count: number }[]>;
  /**
   * Heads of nodes, in an order of the store's own in which each node appears once; each call sees nodes
   * written meanwhile. With `notAt` only nodes that `isAtTarget` denies, those among them whose text was changed
   * under the stamp; never one that is at the target.
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
  /**
   * What these nodes have in one metadata field, where that is a text, a number or a boolean; nodes without such a
   * value are left out. Absent where the store keeps no metadata.
   */
  readField?(
    ids: readonly string[],
    field: string,
    options?: { signal?: AbortSignal },
  ): Promise<ReadonlyMap<string, NodeFilter[string]>>;
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
  /**
   * How vectors of the target would be brought into this store, and why so; what was asked for is refused with
   * `STRATEGY_UNSUITABLE` where it is unsafe, never replaced. Absent: in place. Writes nothing.
   */
  chooseStrategy?(wish: StrategyWish): Promise<StrategyChoice>;
  /**
   * Both sides of a plan whose strategy is not `inPlace`. Writes nothing. `STRATEGY_UNSUITABLE`. Without `notes` a
   * store knows no more of the time before readers moved back than its nodes tell.
   */
  sideBySide?(plan: SidePlan, notes?: SideNotes): Promise<SideBySide>;
  /** The number kept beside the nodes that seals, rollbacks and finalizes raise; 0 where none was written. */
  mark?: { read(): Promise<number>; write(value: number): Promise<void> };
}

/** What a store must know to choose how it takes new vectors. */
export interface StrategyWish {
  /** The model that made most of the present vectors, where one is active. */
  readonly source?: SpecFields;
  readonly target: SpecFields;
  /** Asked for by the caller. */
  readonly wanted?: Strategy;
  /** The plan is over a list or a filter, not over the whole store. */
  readonly isPartial: boolean;
}

/** The strategy of a plan, with the sentence that says why. */
export interface StrategyChoice {
  readonly strategy: Strategy;
  readonly why: string;
}

/** What both sides of a plan are told apart by. */
export type SidePlan = Pick<MigrationPlan, 'planId' | 'strategy' | 'sourceSpec' | 'targetSpec'>;

/**
 * What a store keeps of nodes in the registry while their plan is rolled back, so that whoever goes on with it
 * knows how both sides were before readers moved. By node id; what a note says is the store's own.
 */
export interface SideNotes {
  /** In place of what was kept of these nodes. */
  keep(notes: ReadonlyMap<string, string>): Promise<void>;
  /** Nodes of which nothing was kept are left out. */
  recall(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** How far one side is behind the other. */
export interface Comparison {
  /** Nodes that the one side has and the other lacks, or has from another text, model or metadata. */
  readonly behind: number;
  /** Nodes that only the other side has, and should not. */
  readonly extra: number;
  /** Ids of nodes behind or extra, ten at most. */
  readonly sample: readonly string[];
  /** What else keeps readers from moving, one sentence each. */
  readonly findings: readonly string[];
}

/** A page of both sides at once; `items` are to be embedded (again); `isThere`: the side that is written has it. */
export interface ReconciledPage extends Page<NodeHead & { readonly isThere?: true }> {
  /** Ids that are to be taken off the side that is written, since they are gone from the other one. */
  readonly gone: readonly string[];
  /**
   * Nodes that only the old side has while readers use the new one: put there late by a writer that had not
   * noticed yet, or deleted on the new side since. Whoever knows whether they were brought over can tell.
   */
  readonly onlyOld: readonly NodeHead[];
  /** Nodes brought up to date on the way, since nothing of them had to be embedded; `items` has those that were not. */
  readonly mended: number;
}

/**
 * One direction of a side-by-side migration: contents are those of the side it comes from, vectors, stamps and
 * embedded hashes those of the side it goes to. A node that was not brought over yet has neither vector nor
 * stamp. Writes change the side it goes to alone, and keep the promises of {@link NodeStore}; a `set` without a
 * vector takes the node off that side.
 *
 * Once readers use the side it goes to, that side is right, but for nodes which nobody has changed there since
 * they were brought over, and which somebody who had not noticed yet has changed on the other.
 */
export interface Crossing extends Pick<NodeStore, 'read' | 'write'> {
  /** A pass from the first page to the last meets every node once. `where` only under `namedVector`. */
  reconcile(options: PageOptions & { where?: NodeFilter }): Promise<ReconciledPage>;
  /** Takes nodes off the side it goes to, those that are gone from the other one still; answers how many. */
  remove(ids: readonly string[]): Promise<number>;
  /** What a pass of `reconcile` would find now, counted exactly and without a write. */
  compare(options?: { signal?: AbortSignal }): Promise<Comparison>;
}

/** Old and new vectors of a plan, beside each other. Each call may be repeated, also after a crash. */
export interface SideBySide {
  /** From what readers used when the plan was made to the new vectors. */
  readonly forward: Crossing;
  /** From the new vectors back: what was written since the cutover. */
  readonly back: Crossing;
  /** Makes what is missing of the new side. `MIGRATION_BUSY` where another plan is at it. */
  prepare(): Promise<void>;
  /** Which side readers use now, as the store itself knows. */
  readers(): Promise<'old' | 'new'>;
  /** Moves readers to the new side in one step. */
  cutover(): Promise<void>;
  /** Moves readers back to the old side in one step; where they are there, ends what belongs to it. */
  revert(): Promise<void>;
  /** Removes the new side, where readers never used it. */
  discard(): Promise<void>;
  /** What `finalize` would drop, the side that readers do not use, by name; undefined once it is gone. */
  leftover(): Promise<string | undefined>;
  /**
   * Drops the side that readers do not use, and then whatever told of it; the latter alone where that side is gone.
   * `CONFIRMATION_MISSING` where it is there and has another name.
   */
  finalize(name: string): Promise<void>;
}
