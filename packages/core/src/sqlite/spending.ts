import { type Spending, tokensOfCap } from '../model/spend-cap.ts';
import type { Lease } from '../ports/registry-store.ts';
import type { Reservation } from '../ports/token-counts.ts';
import type { Context } from './context.ts';
import { heldLease } from './leases.ts';
import { type PlanRow, spendCapOf } from './rows.ts';

/** Undefined once the lease is gone. */
export function reserveTokens(
  context: Context,
  lease: Lease,
  tokens: readonly number[],
): Reservation | undefined {
  const { db } = context;
  if (heldLease(context, lease.leaseId) === undefined) return undefined;
  const row = db
    .sql(
      `SELECT p.plan, p.spend_cap, p.spend_unit, p.spent, t.notes ->> 'pricePerMillionTokens' AS price
       FROM plans p JOIN model_specs t ON t.model = p.target WHERE p.plan_id = +?`,
    )
    .get(lease.plan.planId) as Pick<PlanRow, 'plan' | 'spend_cap' | 'spend_unit' | 'spent'> & {
    price: number | null;
  };
  const cap = spendCapOf(row);
  const spentTokens = row.spent ?? 0;
  const spending: Spending | undefined = cap && {
    cap,
    spentTokens,
    ...(row.price !== null && { price: row.price }),
  };
  const most = spending === undefined ? Number.POSITIVE_INFINITY : (tokensOfCap(spending) ?? 0);
  let granted = 0;
  let sum = 0;
  for (const count of tokens) {
    // What costs nothing is never refused.
    if (count > 0 && spentTokens + sum + count > most) break;
    sum += count;
    granted += 1;
  }
  if (sum > 0) db.sql('UPDATE plans SET spent = spent + ? WHERE plan = ?').run(sum, row.plan);
  return { granted, ...(spending && { spending }) };
}

export function settleTokens(
  { db }: Context,
  { plan }: Lease,
  { reserved, billed }: { reserved: number; billed: number },
): void {
  db.sql('UPDATE plans SET spent = max(0, spent + ?) WHERE plan_id = ?').run(billed - reserved, plan.planId);
}
