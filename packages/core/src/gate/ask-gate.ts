import type { ManagerContext } from '../context.ts';
import { RegistryError, reasonOf } from '../errors.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { driftFault } from './drift.ts';
import { evaluateMigration, GATE_ACTION } from './evaluate-migration.ts';
import type { GateReport } from './report.ts';

/** What the journal notes where readers moved and no gate was asked. */
export const GATE_SKIPPED = 'plan:gateSkipped';

type Verdict = Pick<GateReport, 'verdict' | 'reasons'>;

/**
 * Before readers move: the last verdict counts unless the target has drifted since, and where there is none the gate
 * is asked now. `inconclusive` lets pass, since most stores are too small for more. Where nobody can be asked (no
 * embedder of the target here, or it fails) that is said and journalled, and the cutover goes on: it may be the way
 * out of an outage.
 * @throws RegistryError `GATE_NO_GO`
 */
export async function askGate(
  context: ManagerContext,
  plan: MigrationPlan,
  override: string | undefined,
): Promise<void> {
  const { registry } = context;
  const { planId } = plan;
  const last = await lastVerdict(context, planId);
  if (override !== undefined) {
    const details = { why: override, ...(last && { verdict: last.verdict }) };
    return registry.noteOfPlan({ planId, action: 'plan:gateOverridden', details });
  }
  const found = last === undefined ? await askNow(context, plan) : await stillTrue(context, plan, last);
  if (found?.verdict !== 'no-go') return;
  throw new RegistryError(
    'GATE_NO_GO',
    `Plan ${planId} was not cut over: the gate says no-go. ${found.reasons[0] ?? ''} Mend what makes the new vectors, then evaluateMigration again, or pass overrideGate with a reason.`,
    { details: { planId, reasons: found.reasons } },
  );
}

async function lastVerdict({ registry }: ManagerContext, planId: string): Promise<Verdict | undefined> {
  const { items } = await registry.journal({ planId, action: GATE_ACTION, limit: 1 });
  return items[0]?.details as Verdict | undefined;
}

/** A verdict is of the model that it was given for: what that makes now is seen by its witness, in one call. */
async function stillTrue(
  context: ManagerContext,
  { targetSpec }: MigrationPlan,
  last: Verdict,
): Promise<Verdict> {
  if (last.verdict === 'no-go' || context.embedders.lacks(targetSpec) !== undefined) return last;
  const fault = await driftFault(context, targetSpec, undefined);
  return fault === undefined ? last : { verdict: 'no-go', reasons: [fault] };
}

async function askNow(context: ManagerContext, plan: MigrationPlan): Promise<Verdict | undefined> {
  try {
    return await evaluateMigration(context, plan, { planId: plan.planId });
  } catch (error) {
    const reason = reasonOf(error, 'EMBEDDER_FAILED');
    context.logger.warn(`The gate could not be asked about plan ${plan.planId}: ${reason.message}`);
    await context.registry.noteOfPlan({
      planId: plan.planId,
      action: GATE_SKIPPED,
      details: { ...reason },
    });
    return undefined;
  }
}
