import { nextTurn } from '../clock.ts';
import { type ManagerContext, sidesOf, writeMark } from '../context.ts';
import { RegistryError } from '../errors.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { finalizableStatuses } from '../model/status.ts';
import type { SideBySide } from '../ports/node-store.ts';

const PAGE = 2_000;

/** First the registry says that there is no way back, then what was kept for it goes; repeatable at any point. */
export async function finalizePlan(
  context: ManagerContext,
  before: MigrationPlan,
  drop: string | undefined,
): Promise<MigrationPlan> {
  const { registry } = context;
  const { planId } = before;
  const side = before.strategy === 'inPlace' ? undefined : await sidesOf(context, before, 'Finalizing');
  if (side !== undefined) await assertNamed(side, before, drop);
  const plan = await registry.markFinalized(planId);
  await writeMark(context);
  while (!(await registry.dropBackups(planId, PAGE))) await nextTurn();
  while (!(await registry.dropNotes(planId, PAGE))) await nextTurn();
  // Also where nothing is left to drop: somebody may have died, or dropped it by hand, before all that told of it.
  await side?.finalize(drop ?? '');
  return plan;
}

/** @throws RegistryError `CONFIRMATION_MISSING`, `PLAN_STATE` */
async function assertNamed(side: SideBySide, plan: MigrationPlan, drop: string | undefined): Promise<void> {
  const { planId, status, cutOverAt } = plan;
  // Whatever has not ended is refused by the registry.
  if (!(finalizableStatuses as readonly string[]).includes(status)) return;
  if ((status === 'completed' || status === 'failed') && cutOverAt === undefined)
    throw new RegistryError(
      'PLAN_STATE',
      `Plan ${planId} is ${status}, and its readers are on the old side still; cut it over, or roll it back, before it is finalized.`,
      { details: { planId, status } },
    );
  const name = await side.leftover();
  if (name === undefined || name === drop) return;
  throw new RegistryError(
    'CONFIRMATION_MISSING',
    `Finalizing plan ${planId} drops ${JSON.stringify(name)} for good; pass that name as drop${drop === undefined ? '' : `, not ${JSON.stringify(drop)}`}.`,
    { details: { planId, name } },
  );
}
