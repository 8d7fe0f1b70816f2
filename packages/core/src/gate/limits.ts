import type { GateMeasure } from './report.ts';

/** From where on the gate fails, and how sure it has to be. */
export interface GateLimit {
  /** A loss whose whole interval lies at or below it passes. */
  readonly limit: number;
  /** A loss at or above `limit` fails where its whole interval lies above this; anything else is open. */
  readonly sureAbove: number;
}

/** Two-sided, of every interval; slices share what is left of it (Bonferroni). */
export const gateConfidence = 0.95;

/**
 * The one table of the gate. Retrieval is compared with the old space, query by query: the old model is the
 * yardstick, and a loss is a difference of shares or of means. The other rows count nodes that are worse off than
 * they were; what the store's own search misses is judged as it is, whatever it missed before.
 */
export const gateLimits: Readonly<Record<GateMeasure, GateLimit>> = {
  /** Share of queries whose node is among the k nearest. */
  hitRate: { limit: 0.05, sureAbove: 0 },
  /** Mean of 1 / rank of the query's node. */
  reciprocalRank: { limit: 0.05, sureAbove: 0 },
  /**
   * Share of queries that miss their node, where there is no old embedder to compare with. Texts may be alike, and
   * nobody knows how often the old space missed them: only a space that finds hardly anything surely fails.
   */
  hitRateAlone: { limit: 0.2, sureAbove: 0.8 },
  /** Share of nodes whose vector is that of another text, and was not. */
  twins: { limit: 0.05, sureAbove: 0.02 },
  /** Share of nodes whose last quarter leaves no trace in the vector, and did. */
  blindEnds: { limit: 0.05, sureAbove: 0.02 },
  /** Share of nodes that the embedder refuses. */
  refused: { limit: 0.05, sureAbove: 0.02 },
  /** Share of the nearest nodes that the store's own search does not find. */
  storeMisses: { limit: 0.1, sureAbove: 0.05 },
};

/** Queries that find their nodes less often than so many times by chance are not answered by a space. */
export const yardstickTimesChance = 3;
