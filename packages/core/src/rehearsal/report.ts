import type { GateReport } from '../gate/report.ts';
import type { RollbackReport } from '../model/rollback-report.ts';
import type { FailureGroup } from '../ports/registry-store.ts';

/** What a rehearsal went through and found. The copies it worked on are gone. */
export interface RehearsalReport {
  /** `safe`: nothing was found. `inconclusive`: only the gate could not decide, on so few nodes. */
  readonly verdict: 'safe' | 'unsafe' | 'inconclusive';
  /** What failed or was left open: sentences without content of nodes. */
  readonly findings: readonly string[];
  /** The same seed over the same store rehearses with the same nodes and the same faults. */
  readonly seed: number;
  /** Nodes that were copied, and those they were drawn from. */
  readonly nodes: number;
  readonly of: number;
  /** Workers that died half-way, in the migration and in the rollback, and at which step. */
  readonly kills: readonly string[];
  /** Answers "too many requests" that were made up. */
  readonly rateLimits: number;
  readonly completed: number;
  readonly failures: readonly FailureGroup[];
  /** Without what the made-up answers cost: what the plan can be expected to do here. */
  readonly nodesPerSecond: number;
  /** Texts that the embedders were really handed, of documents and of queries; each distinct one once. */
  readonly textsEmbedded: number;
  readonly gate: GateReport | undefined;
  readonly rollback: RollbackReport;
  readonly seconds: number;
}
