import type { MigrationPlan } from '../model/plan.ts';
import type { Spending } from '../model/spend-cap.ts';

/** How many of the texts may be sent, from the first one on. `spending`: where a plan with a cap stood before. */
export interface Reservation {
  readonly granted: number;
  readonly spending?: Spending;
}

/** What these methods need of a lease. */
interface LeaseOfPlan {
  readonly leaseId: string;
  readonly plan: MigrationPlan;
}

/** What plans with a spend cap have spent, kept by a `RegistryStore`: one transaction a method. */
export interface TokenCounts {
  /**
   * Counts the tokens of texts against the spend cap of the plan as it is now, as many texts as it allows: what is
   * lost with a worker stays counted. Undefined once the lease is gone.
   */
  reserveTokens(lease: LeaseOfPlan, tokens: readonly number[]): Promise<Reservation | undefined>;
  /** Puts what was reserved for a call right by what it cost, more or less, whatever the cap and the lease. */
  settleTokens(lease: LeaseOfPlan, o: { reserved: number; billed: number }): Promise<void>;
}
