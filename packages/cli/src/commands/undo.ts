/** What moves readers, puts nodes back, or gives the way back up: each with a preview and a yes. */

import type { EmbeddingVersionManager, GateReport, MigrationPlan, RollbackReport } from '@registry/core';
import { z } from 'zod';
import { opened, wholeNumber } from '../call.ts';
import { planOf } from '../names.ts';
import type { Ending, Output } from '../output.ts';
import { ProgressReport } from '../progress.ts';
import { typed } from '../questions.ts';
import { counted, grouped, modelName, shortId } from '../screen/phrases.ts';
import { terminal } from '../terminal.ts';
import { lastVerdict } from './gate.ts';
import { activeModel } from './models.ts';

const named = z.object({ plan: z.string() });

const cutoverSchema = named.extend({
  acceptFailed: z.boolean().optional(),
  acceptBehind: wholeNumber.optional(),
  overrideGate: z.string().optional(),
});

export const cutover = opened('undo', cutoverSchema, async (call, o, { manager, nodeStore, embedders }) => {
  const plan = await planOf(manager, o.plan);
  const active = await activeModel(manager);
  const isInPlace = plan.strategy === 'inPlace';
  // Side by side what is behind is known when both sides are compared, which the cutover does.
  const mayCount = nodeStore !== undefined && isInPlace;
  const behind = mayCount ? await manager.registry.countBehind(plan.targetSpec) : undefined;
  const isMoved = active?.equals(plan.targetSpec) ?? false;
  const canAsk = nodeStore !== undefined && embedders.some(({ spec }) => spec.equals(plan.targetSpec));
  const verdict = isMoved
    ? undefined
    : await verdictFor(call.output, manager, plan, canAsk && !o.overrideGate);
  const counts = {
    total: plan.totalNodes,
    done: plan.completedNodes,
    failed: plan.failedNodes,
    open: plan.totalNodes - plan.completedNodes - plan.failedNodes - plan.skippedNodes - plan.rolledBackNodes,
    behind,
  };
  showCutover(call.output, plan, {
    ...counts,
    active: active === undefined ? 'none' : modelName(active),
    accepted: o.acceptBehind,
    gate: isMoved ? undefined : gateLine(verdict, o.overrideGate),
    reasons: reasonsOf(verdict),
  });
  // A no-go is refused by the call below; nobody need say yes to that.
  if (verdict?.verdict !== 'no-go' || o.overrideGate !== undefined)
    await call.confirm('Cut over?', 'a cutover', { ...counts, verdict: verdict?.verdict });
  const after = await manager.cutoverMigration({
    planId: plan.planId,
    ...(o.acceptFailed && { acceptFailed: true }),
    ...(o.acceptBehind !== undefined && { acceptBehind: o.acceptBehind }),
    ...(o.overrideGate !== undefined && { overrideGate: o.overrideGate }),
  });
  call.output.say(`Active: ${modelName(after.targetSpec)}`);
  call.output.note(
    `evr rollback ${shortId(after)} goes back; evr finalize ${shortId(after)} gives the way back up.`,
  );
  return { data: { plan: after, counts } };
});

interface CutoverPreview {
  readonly active: string;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly open: number;
  readonly behind: number | undefined;
  readonly accepted: number | undefined;
  readonly gate: string | undefined;
  readonly reasons: { readonly shown: readonly string[]; readonly more: number };
}

function showCutover(output: Output, plan: MigrationPlan, o: CutoverPreview): void {
  const { behind } = o;
  output.fields([
    ['plan', plan.planId],
    ['strategy', plan.strategy],
    ['active now', o.active],
    ['active then', modelName(plan.targetSpec)],
    [
      'nodes',
      `${grouped(o.done)} of ${grouped(o.total)} done, ${grouped(o.failed)} failed, ${grouped(o.open)} open`,
    ],
    [
      'behind',
      behind === undefined ? undefined : `${counted(behind, 'node')} of the store not at the target`,
    ],
    ['accepted behind', o.accepted === undefined ? undefined : grouped(o.accepted)],
    ['gate', o.gate],
  ]);
  for (const reason of o.reasons.shown) output.note(`• ${reason}`);
  if (o.reasons.more > 0) output.note(`and ${o.reasons.more} more: evr gate ${shortId(plan)}`);
  if (plan.strategy !== 'inPlace')
    output.note(
      'Both sides are compared first; then readers move to the new one in one step, unless too much is behind.',
    );
  if (behind !== undefined && behind > 0)
    output.note('Searches ask both models meanwhile; new content is embedded with the target from then on.');
}

/** The last verdict; where there is none, and the gate can be asked here, it is asked now. */
async function verdictFor(
  output: Output,
  manager: EmbeddingVersionManager,
  plan: MigrationPlan,
  mayAsk: boolean,
): Promise<GateReport | undefined> {
  const last = await lastVerdict(manager, plan);
  if (last !== undefined || !mayAsk) return last;
  output.progress('Asking the gate: a sample is searched in both spaces …');
  try {
    return await manager.evaluateMigration({ planId: plan.planId });
  } catch {
    // The cutover asks again, and says and journals why it could not.
    return undefined;
  } finally {
    output.progress('');
  }
}

/** A no-go is refused anyhow; what an inconclusive one lets pass is read whole, since nobody else will say it. */
function reasonsOf(found: GateReport | undefined): CutoverPreview['reasons'] {
  if (found === undefined || found.verdict === 'go') return { shown: [], more: 0 };
  const shown = found.verdict === 'no-go' ? found.reasons.slice(0, 2) : found.reasons;
  return { shown, more: found.reasons.length - shown.length };
}

const passedWords: Readonly<Record<GateReport['verdict'], string>> = {
  go: 'go',
  'no-go': 'no-go',
  inconclusive: 'inconclusive, which lets pass: read why below',
};

function gateLine(found: GateReport | undefined, override: string | undefined): string {
  const verdict = found === undefined ? 'was not asked' : found.verdict;
  if (override === undefined && found !== undefined) return passedWords[found.verdict];
  return override === undefined ? verdict : `${verdict}; passed over: ${override}`;
}

const rollbackSchema = named.extend({
  node: z.string().optional(),
  dryRun: z.boolean().optional(),
  laterWrites: z.enum(['carryBack', 'lose']).optional(),
});

export const rollback = opened('undo', rollbackSchema, async (call, o, { manager }) => {
  const plan = await planOf(manager, o.plan);
  const { planId } = plan;
  const what = {
    planId,
    ...(o.node !== undefined && { nodeId: o.node }),
    ...(o.laterWrites && { laterWrites: o.laterWrites }),
  };
  if (plan.status !== 'rolled_back' || o.dryRun || o.node !== undefined) {
    const preview = await manager.rollbackMigration({ ...what, dryRun: true });
    if (plan.strategy === 'inPlace' || o.node !== undefined) showReport(call.output, plan, preview, false);
    else showWayBack(call.output, plan, preview, o.laterWrites);
    if (o.dryRun) return { data: { plan, preview } };
    const question = o.node === undefined ? 'Roll the plan back?' : 'Roll the node back?';
    await call.confirm(question, 'a rollback', preview);
  }
  const signal = terminal.stopSignal();
  call.hasBegun = true;
  const following = new AbortController();
  const watched = manager.watchMigration(planId, { signal: following.signal });
  const shown =
    o.node === undefined ? new ProgressReport(call.output).follow(whileRollingBack(watched)) : undefined;
  const report = await manager.rollbackMigration({ ...what, signal }).finally(() => following.abort());
  await shown;
  return rollbackEnding(call.output, manager, planId, report, o.node);
});

/** What is seen of the plan before the rollback has begun is no progress of it. */
async function* whileRollingBack<T extends { plan: MigrationPlan }>(
  all: AsyncIterable<T>,
): AsyncGenerator<T> {
  for await (const one of all) if (one.plan.status === 'rolling_back') yield one;
}

async function rollbackEnding(
  output: Output,
  manager: EmbeddingVersionManager,
  planId: string,
  report: RollbackReport,
  nodeId: string | undefined,
): Promise<Ending> {
  const plan = await manager.getMigration(planId);
  output.progress('');
  if (nodeId === undefined && plan.status !== 'rolled_back') {
    output.say(
      `Stopped: plan ${shortId(plan)} is half rolled back, ${counted(report.restored, 'node')} so far.`,
    );
    output.note(`evr rollback ${shortId(plan)} or any worker goes on.`);
    return { exitCode: 3, data: { plan, report } };
  }
  showReport(output, plan, report, true);
  if (nodeId === undefined) {
    const active = await activeModel(manager);
    output.say(`Active: ${active === undefined ? 'no model' : modelName(active)}`);
  }
  return { exitCode: report.succeeded ? 0 : 1, data: { plan, report } };
}

/** Side by side nothing is put back: readers move, and what was written since goes with them or is lost. */
function showWayBack(
  output: Output,
  plan: MigrationPlan,
  { remaining, remainingSample }: RollbackReport,
  laterWrites: 'carryBack' | 'lose' = 'carryBack',
): void {
  const isLost = laterWrites === 'lose';
  const { cutOverAt, sourceSpec } = plan;
  const sample = remaining > 0 ? ` (${remainingSample.slice(0, 3).join(', ')})` : '';
  const fate = isLost ? 'lost' : `carried back first, embedded with ${modelName(sourceSpec)}`;
  output.heading(`A rollback of plan ${shortId(plan)}`);
  output.fields([
    ['strategy', plan.strategy],
    ['readers', cutOverAt === undefined ? 'are on the old side still' : 'move back to the old side'],
    ['new side', cutOverAt === undefined ? 'is removed' : 'stays until evr finalize'],
    [
      'later writes',
      remaining > 0 ? `${counted(remaining, 'node')} written since${sample}: ${fate}` : undefined,
    ],
  ]);
}

function showReport(output: Output, plan: MigrationPlan, report: RollbackReport, isDone: boolean): void {
  const sample = (ids: readonly string[]) =>
    ids.length === 0 ? '' : ` (${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''})`;
  output.heading(
    isDone ? `Rolled back: plan ${shortId(plan)}` : `A rollback of plan ${shortId(plan)} would put back`,
  );
  output.fields([
    [
      'restored',
      plan.strategy === 'inPlace'
        ? `${counted(report.restored, 'node')}, byte for byte`
        : `${counted(report.restored, 'node')} with the old side`,
    ],
    [
      'skipped',
      report.skipped > 0
        ? `${grouped(report.skipped)} gone, or embedded with another model since`
        : undefined,
    ],
    [
      'conflicts',
      report.conflicts > 0
        ? `${grouped(report.conflicts)} edited since, left alone${sample(report.conflictSample)}`
        : undefined,
    ],
    ['failed', report.failed > 0 ? grouped(report.failed) : undefined],
    [
      'remaining',
      report.remaining > 0
        ? `${counted(report.remaining, 'node')} ${plan.strategy === 'inPlace' ? 'at' : 'on the side of'} ${modelName(plan.targetSpec)}${sample(report.remainingSample)}`
        : undefined,
    ],
  ]);
  if (report.wayBack !== undefined)
    output.note(
      `To bring the remaining ones back: evr plan --to ${report.wayBack.targetModelId}:v${report.wayBack.targetVersion}`,
    );
}

const finalizeSchema = named.extend({ drop: z.string().optional() });

export const finalize = opened('nodes', finalizeSchema, async (call, o, { manager, nodeStore }) => {
  const plan = await planOf(manager, o.plan);
  const side = plan.strategy === 'inPlace' ? undefined : await nodeStore?.sideBySide?.(plan);
  const left = await side?.leftover();
  let { drop } = o;
  if (plan.finalizedAt === undefined) {
    const backups = plan.completedNodes - plan.adoptedNodes;
    if (side === undefined)
      call.output.note(
        `Gives the backups of plan ${shortId(plan)} up: ${counted(backups, 'node')} can be put back now, none afterwards.`,
      );
    else
      call.output.note(
        `Gives the way back of plan ${shortId(plan)} up${left === undefined ? '' : `, and drops ${JSON.stringify(left)} for good`}.`,
      );
    if (left !== undefined && drop === undefined) drop = await typed(call.output, `Type ${left} to drop it:`);
    // Another name, or none, is refused below with the one that is needed.
    if (left === undefined || drop === left)
      await call.confirm('Give it up?', 'a finalize', { backups, ...(left !== undefined && { drop: left }) });
  }
  call.hasBegun = plan.finalizedAt !== undefined || left === undefined || drop === left;
  const after = await manager.finalizeMigration({
    planId: plan.planId,
    ...(drop !== undefined && { drop }),
  });
  call.output.say(
    left === undefined
      ? `Final: plan ${shortId(after)}; its backups are gone.`
      : `Final: plan ${shortId(after)}; ${JSON.stringify(left)} is gone.`,
  );
  return { data: { plan: after, ...(left !== undefined && { dropped: left }) } };
});
