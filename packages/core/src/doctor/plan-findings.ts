import { counted } from '../model/grouped.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { type MigrationStatus, unfinishedStatuses } from '../model/status.ts';
import type { RegistryStore, StrayBackups, WorkerInfo } from '../ports/registry-store.ts';
import type { Finding, FindingSeverity } from './finding.ts';

/** Plans of these statuses, page by page. */
export async function plansIn(
  registry: Pick<RegistryStore, 'plans'>,
  statuses: readonly MigrationStatus[],
): Promise<MigrationPlan[]> {
  const found: MigrationPlan[] = [];
  for (const status of statuses) {
    let after: string | undefined;
    do {
      const page = await registry.plans({ status, ...(after !== undefined && { after }) });
      found.push(...page.items);
      after = page.next;
    } while (after !== undefined);
  }
  return found;
}

export const isUnfinished = ({ status }: MigrationPlan) =>
  (unfinishedStatuses as readonly string[]).includes(status);

/** Plans that go on only if somebody does something, and what is kept for no plan. */
export function planFindings(o: {
  plans: readonly MigrationPlan[];
  workers: readonly WorkerInfo[];
  stray: readonly StrayBackups[];
}): Finding[] {
  return [
    ...o.plans.filter(isUnfinished).flatMap((plan) => stuck(plan, o.workers)),
    ...o.plans.flatMap(failedNodes),
    ...o.stray.map(strayFinding),
  ];
}

function stuck(plan: MigrationPlan, workers: readonly WorkerInfo[]): Finding[] {
  const { planId, status, reason } = plan;
  const finding = (severity: FindingSeverity, message: string, remedy: string): Finding[] => [
    { severity, code: 'PLAN_STUCK', count: 1, sample: [], planId, message, remedy },
  ];
  const name = `Plan ${planId.slice(0, 8)}`;
  if (status === 'paused') {
    if (reason === undefined) return finding('note', `${name} is paused.`, 'resumeMigration lets it go on.');
    return finding(
      'warning',
      `${name} is paused: ${reason.code} ${reason.message}`,
      'Mend that; resumeMigration then lets it go on.',
    );
  }
  const waiting = workers.flatMap((worker) => worker.waiting).find((each) => each.planId === planId);
  const isServed = workers.some(({ planIds }) => planIds.includes(planId));
  if (waiting !== undefined && !isServed)
    return finding(
      'warning',
      `${name} waits: ${waiting.code} ${waiting.message}`,
      'Mend that; it goes on by itself.',
    );
  if (workers.length > 0) return [];
  const back = status === 'rolling_back' ? ' with its rollback' : '';
  return finding(
    'warning',
    `${name} does not go on${back}: no worker runs.`,
    'runMigration works on it here.',
  );
}

function failedNodes({ planId, failedNodes: count, finalizedAt, status }: MigrationPlan): Finding[] {
  if (count === 0 || finalizedAt !== undefined || status === 'rolled_back') return [];
  return [
    {
      severity: 'warning',
      code: 'PLAN_FAILED_NODES',
      count,
      sample: [],
      planId,
      message: `${counted(count, 'node')} of plan ${planId.slice(0, 8)} failed for good and ${count === 1 ? 'was' : 'were'} left as they were.`,
      remedy: 'listFailures says why; mend the cause, then retryFailed.',
    },
  ];
}

function strayFinding({ planId, count }: StrayBackups): Finding {
  const backups = counted(count, 'backup');
  const isKnown = planId !== undefined;
  return {
    severity: isKnown ? 'note' : 'warning',
    code: 'STRAY_BACKUPS',
    count,
    sample: [],
    ...(isKnown && { planId }),
    message: isKnown
      ? `${backups} of plan ${planId.slice(0, 8)} are kept though it gave them up: its finalize was interrupted.`
      : `${backups} belong to a plan that is no longer in the registry: somebody removed it by hand.`,
    remedy: isKnown
      ? 'finalizeMigration again removes them.'
      : 'Bring the plan back from a copy of the registry; or delete rows of table backups whose plan is not in table plans.',
  };
}
