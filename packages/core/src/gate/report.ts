/** What the gate finds: plain data, as it is shown, journalled and drawn. */
import type { Figure } from './intervals.ts';

/** `go`: not worse in any way that was looked at. `inconclusive`: the sample is too small to say so. */
export type GateVerdict = 'go' | 'no-go' | 'inconclusive';

/**
 * Where a query comes from: the first words of a node, words from within it, the caller with the node that has the
 * answer (`known`), the caller without one (`open`: compares the spaces, and judges neither).
 */
export type QueryKind = 'beginning' | 'passage' | 'known' | 'open';

/** What is measured; the key of a row of `gateLimits`. */
export type GateMeasure =
  | 'hitRate'
  | 'reciprocalRank'
  | 'hitRateAlone'
  | 'twins'
  | 'blindEnds'
  | 'refused'
  | 'storeMisses';

/** One comparison with its limit. */
export interface GateCheck {
  readonly measure: GateMeasure;
  /** The queries it is made with, where it is made with queries: those of the caller, or those made of contents. */
  readonly queries?: 'known' | 'generated';
  /** `open`: neither within the limit nor beyond it for sure. */
  readonly outcome: 'passed' | 'failed' | 'open';
  /** The figure in each space, a share or a mean from 0 to 1; `old` is absent where it cannot be known. */
  readonly old?: number;
  readonly new: number;
  /** How much worse the new space is, with the interval of `confidence`: positive is a loss. */
  readonly loss: Figure;
  readonly limit: number;
  /** So many more observations would settle it, were they like these. */
  readonly needed?: number;
  /** One sentence without content of nodes. */
  readonly message: string;
}

/** Scores in one space, as its model's distance has them: higher is nearer. */
export interface ScoreDistribution {
  /** Quantiles in steps of 5 %, from the lowest score (0 %) to the highest (100 %): 21 of them. */
  readonly own: readonly number[];
  readonly others: readonly number[];
}

/** How queries of one kind find their nodes. */
export interface GateRetrieval {
  readonly kind: Exclude<QueryKind, 'open'>;
  readonly count: number;
  /** Share of them whose node is among the k nearest, and mean of 1 / rank; `old` where both models embed queries. */
  readonly old?: { readonly hitRate: number; readonly reciprocalRank: number };
  readonly new: { readonly hitRate: number; readonly reciprocalRank: number };
}

/** What was found in one space. */
export interface GateSpace {
  /** `{modelId}:v{version}:{checksum[:8]}`. */
  readonly model: string;
  /** `own`: of a query and the node it was made of; `others`: of a query and any other node. */
  readonly scores: ScoreDistribution;
}

/** How many of the nearest nodes both spaces have in common. */
export interface GateOverlap {
  /** What was searched with: queries, or the nodes themselves where queries cannot be embedded in both spaces. */
  readonly of: 'queries' | 'nodes';
  readonly share: Figure;
  /** What two spaces that have nothing to do with each other would share. */
  readonly chance: number;
}

/** The checks of the nodes that share a value of a metadata field. */
export interface GateSlice {
  readonly field: string;
  /** JSON of the value; `rest`: the values that are too many to be looked at one by one, or none. */
  readonly value: string;
  readonly nodes: number;
  readonly checks: readonly GateCheck[];
}

/** Which nodes and queries the verdict is made of. */
export interface GateSample {
  readonly seed: number;
  readonly nodes: number;
  /** Nodes that the sample was drawn from. */
  readonly of: number;
  readonly queries: Readonly<Record<QueryKind, number>>;
  /** Drawn and left out: without content, with the content of another one, or without a vector of the old model. */
  readonly leftOut: { readonly contents: number; readonly oldVectors: number };
  /** Vectors of the new model that lay in the store already; the others were embedded. */
  readonly stored: number;
}

/** The answer of `evaluateMigration`. Nothing was written but an entry of the journal. */
export interface GateReport {
  readonly verdict: GateVerdict;
  /** Why: sentences, the gravest first. */
  readonly reasons: readonly string[];
  /** ISO time. */
  readonly at: string;
  readonly planId?: string;
  /** Nearest nodes that were looked at. */
  readonly k: number;
  readonly confidence: number;
  readonly sample: GateSample;
  /** `old` is absent where nothing of the old space could be compared. */
  readonly spaces: { readonly old?: GateSpace; readonly new: GateSpace };
  readonly checks: readonly GateCheck[];
  readonly retrieval: readonly GateRetrieval[];
  readonly overlap?: GateOverlap;
  /** What could not be looked at, or is to be known beside the verdict: sentences that decide nothing. */
  readonly notes?: readonly string[];
  readonly slices: readonly GateSlice[];
}
