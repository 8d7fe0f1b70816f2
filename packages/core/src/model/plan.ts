import { type Reason, RegistryError } from '../errors.ts';
import type { EmbeddingModelSpec, ModelRef } from './model-spec.ts';
import type { SpendCap } from './spend-cap.ts';
import type { MigrationStatus, Priority, Strategy } from './status.ts';

/** What may be changed about a plan while it runs; each worker obeys at its next claim. */
export interface PlanTuning {
  /** Nodes per batch. */
  readonly batchSize?: number;
  /** Milliseconds that each lane rests after its batch. */
  readonly throttleMs?: number;
  /** Batches that are being embedded at a time, over all processes; as many again may wait to be written. */
  readonly maxParallelWorkers?: number;
  /** Further attempts after the first failure of a node. */
  readonly maxRetries?: number;
  /**
   * Share of its time that a lane works, 0.1 to 1: after a batch that took t it rests t × (1/dutyCycle − 1), or
   * `throttleMs` where that is longer.
   */
  readonly dutyCycle?: number;
  /** The plan is paused before it would spend more; null: there is no cap. */
  readonly spendCap?: SpendCap | null;
}

/** Every number of a plan; `spendCap` is absent where there is no cap. */
export type PlanSettings = Required<Omit<PlanTuning, 'spendCap'>> & { readonly spendCap?: SpendCap };

/** Equality on metadata. */
export type NodeFilter = Readonly<Record<string, string | number | boolean>>;

/** What a plan consists of, without what follows from it. */
export interface PlanFields extends PlanSettings {
  readonly planId: string;
  /** The model that was active when the plan was made; each task's own source is its node's stamp. */
  readonly sourceSpec: EmbeddingModelSpec;
  readonly targetSpec: EmbeddingModelSpec;
  readonly status: MigrationStatus;
  /** Why the plan is paused or failed. */
  readonly reason?: Reason;
  /** Set while nothing is claimed because of something that concerns no node; `until` is an ISO time. */
  readonly hold?: Reason & { readonly until: string };
  readonly strategy: Strategy;
  /** Why this strategy, in one sentence; absent where there was no choice. */
  readonly strategyReason?: string;
  readonly priority: Priority;
  /** Follows nodes that appear while it runs. */
  readonly wholeStore: boolean;
  readonly where?: NodeFilter;
  readonly backupOldVectors: boolean;
  readonly totalNodes: number;
  readonly completedNodes: number;
  readonly failedNodes: number;
  readonly skippedNodes: number;
  readonly rolledBackNodes: number;
  /** Completed nodes that were at the target already and so have no backup of this plan. */
  readonly adoptedNodes: number;
  /** Tokens counted against a spend cap since there is one: never less than what was billed. */
  readonly spentTokens?: number;
  /** ISO times. */
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly completedAt?: string;
  readonly cutOverAt?: string;
  readonly finalizedAt?: string;
  /** What was active before this plan activated its target; rollback restores it. */
  readonly previousActive?: ModelRef;
}

/** A migration of many nodes: a frozen snapshot; read it again with `getMigration` or `watchMigration`. */
export interface MigrationPlan extends PlanFields {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns every field of PlanFields.
export class MigrationPlan {
  constructor(fields: PlanFields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  /** (completed + skipped) / total × 100; 0 of 0 is 100 once completed, else 0. */
  get progressPercent(): number {
    if (this.totalNodes === 0) return this.status === 'completed' ? 100 : 0;
    return ((this.completedNodes + this.skippedNodes) / this.totalNodes) * 100;
  }

  /** No task is pending or in progress. */
  get isComplete(): boolean {
    const settled = this.completedNodes + this.failedNodes + this.skippedNodes + this.rolledBackNodes;
    const over = this.status === 'cancelled' || this.status === 'rolled_back';
    return over || settled >= this.totalNodes;
  }

  toJSON(): PlanFields & { readonly progressPercent: number; readonly isComplete: boolean } {
    const { progressPercent, isComplete } = this;
    return {
      ...(this as PlanFields),
      sourceSpec: this.sourceSpec.toJSON() as EmbeddingModelSpec,
      targetSpec: this.targetSpec.toJSON() as EmbeddingModelSpec,
      progressPercent,
      isComplete,
    };
  }
}

/** Said wherever a plan is named that is not there. */
export function unknownPlan(planId: string): RegistryError {
  return new RegistryError(
    'PLAN_UNKNOWN',
    `There is no plan ${JSON.stringify(planId)}; listMigrations names them.`,
    { details: { planId } },
  );
}
