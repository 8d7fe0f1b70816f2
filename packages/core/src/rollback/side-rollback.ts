/**
 * Rolls a plan side by side back. Before the cutover nobody reads the new side, and it goes. After it, what was
 * written since is carried back first, embedded with the old model, and then readers move back in one step. The
 * tasks follow: their nodes need no write.
 */
import { nextTurn } from '../clock.ts';
import { type ManagerContext, sidesOf, writeMark } from '../context.ts';
import { type Reason, RegistryError } from '../errors.ts';
import { activeModel } from '../lookups.ts';
import type { MigrationPlan } from '../model/plan.ts';
import { noRollbackCounts, type RollbackReport, rollbackReport } from '../model/rollback-report.ts';
import type { Vector } from '../model/vector.ts';
import { broughtOver } from '../planner/brought-over.ts';
import type { Crossing, NodeHead, SideBySide } from '../ports/node-store.ts';
import type { Lease } from '../ports/registry-store.ts';
import { measureRollback } from '../telemetry/batch.ts';
import { assertSound } from '../witness/assert-sound.ts';
import { embedOrThrow } from '../worker/embed-call.ts';

const PAGE = 1_000;
const NOTES_PAGE = 10_000;
const SETTLE_PAGE = 2_000;
/** A busy application is always a little ahead; what it writes during the last pass is carried after the switch. */
const PASSES = 4;

/** Kept on the plan, so that whoever goes on with its rollback knows what was decided. */
export const laterWritesLost: Reason = {
  code: 'LATER_WRITES',
  message: 'What was written since the cutover is not carried back, as the caller of the rollback said.',
};

/**
 * Refuses early what could not be done: the old side lacks later writes, and nobody here can embed them.
 * @throws RegistryError `LATER_WRITES`
 */
export async function assertMayGoBack(context: ManagerContext, plan: MigrationPlan): Promise<void> {
  const side = await sidesOf(context, plan, 'Rolling back');
  if ((await side.readers()) === 'old' || context.embedders.lacks(plan.sourceSpec) === undefined) return;
  const { behind, extra, sample } = await side.back.compare();
  if (behind + extra > 0) throw laterWrites(plan, behind + extra, sample);
}

function laterWrites(plan: MigrationPlan, count: number, sample: readonly string[]): RegistryError {
  const { qualifiedId } = plan.sourceSpec;
  const changes = count === 1 ? '1 change' : `${count} changes`;
  return new RegistryError(
    'LATER_WRITES',
    `Readers of plan ${plan.planId} were not moved back: the old side lacks ${changes} made since the cutover. Pass the embedder of ${qualifiedId} to open, which carries them back; or pass laterWrites: 'lose'.`,
    { details: { planId: plan.planId, count, sample } },
  );
}

/** Answers false once the lease is lost; whoever takes it goes on: each step may be repeated. */
export async function rollBackSides(
  context: ManagerContext,
  lease: Lease,
  signal?: AbortSignal,
): Promise<boolean> {
  const { registry, events } = context;
  const { plan } = lease;
  const side = await sidesOf(context, plan, 'Rolling a plan back');
  const wasServed = plan.cutOverAt !== undefined || (await side.readers()) === 'new';
  const carried = wasServed ? await moveBack(context, side, lease) : await side.discard();
  if (carried === 'lost') return false;
  if (!(await settleTasks(context, lease, signal))) return false;
  if (signal?.aborted) {
    await registry.endLease(lease);
    return true;
  }
  // A pass that found nothing has compared both sides already.
  const left = carried === 'some' ? await side.back.compare() : undefined;
  const remaining = { count: (left?.behind ?? 0) + (left?.extra ?? 0), sample: left?.sample ?? [] };
  const ended = await registry.endRollback(lease, remaining);
  const after = await registry.plan(plan.planId);
  if (!ended || after === undefined) return ended;
  await writeMark(context);
  while (!(await registry.dropNotes(plan.planId, NOTES_PAGE))) await nextTurn();
  const active = await activeModel(context);
  if (wasServed && active !== undefined && !active.equals(plan.targetSpec))
    events.emit('model:activated', active);
  events.emit('plan:changed', { plan: after, from: 'rolling_back' });
  return true;
}

/** What the old side lacks still: nothing, as a whole pass has found; something, perhaps; or the lease is lost. */
type Carried = 'all' | 'some' | 'lost';

async function moveBack(context: ManagerContext, side: SideBySide, lease: Lease): Promise<Carried> {
  const { plan } = lease;
  const isLost = plan.reason?.code === laterWritesLost.code;
  const carry = async () => (isLost ? 'some' : carryBack(context, side.back, lease));
  if ((await side.readers()) === 'new') {
    if (!isLost) await assertMayGoBack(context, plan);
    if ((await carry()) === 'lost' || !(await context.registry.backUp(lease, []))) return 'lost';
  }
  // Also where they have moved already: somebody may have died before all that belongs to it was done.
  await side.revert();
  // What was written between the last look and the switch, and by writers that had resolved the name before it.
  const mayEmbed = context.embedders.lacks(plan.sourceSpec) === undefined;
  return mayEmbed ? carry() : 'some';
}

type Embed = (texts: readonly string[]) => Promise<readonly Vector[]>;

/** What goes back must be comparable with what stayed there: the witness of the old model is looked at first, once. */
function soundEmbedding(context: ManagerContext, { plan: { sourceSpec: spec } }: Lease): Embed {
  const { embedders, clock } = context;
  let hasLooked = false;
  return async (texts) => {
    if (texts.length === 0) return [];
    if (!hasLooked) await assertSound(context, spec);
    hasLooked = true;
    return embedOrThrow(texts, { embedders, clock, spec, purpose: 'document' });
  };
}

/** Passes over both sides until one finds nothing. */
async function carryBack(context: ManagerContext, back: Crossing, lease: Lease): Promise<Carried> {
  const embed = soundEmbedding(context, lease);
  for (let pass = 0; pass < PASSES; pass++) {
    const pages = await carryOnce(context, back, lease, embed);
    if (pages === undefined) return 'lost';
    if (pages.found === 0) return 'all';
    if (pages.carried === 0) break;
  }
  return 'some';
}

async function carryOnce(
  context: ManagerContext,
  back: Crossing,
  lease: Lease,
  embed: Embed,
): Promise<{ readonly found: number; readonly carried: number } | undefined> {
  const { registry } = context;
  let [found, carried] = [0, 0];
  let after: string | undefined;
  do {
    await nextTurn();
    if (!(await registry.backUp(lease, []))) return undefined;
    const page = await back.reconcile({ limit: PAGE, ...(after !== undefined && { after }) });
    const brought = await broughtOver(registry, lease.plan.planId, page.onlyOld);
    const gone = [...page.gone, ...brought];
    if (gone.length > 0) carried += await back.remove(gone);
    if (page.items.length > 0) carried += await carryPage(embed, back, lease.plan, page.items);
    carried += page.mended;
    found += gone.length + page.items.length + page.mended;
    after = page.next;
  } while (after !== undefined);
  return { found, carried };
}

/** A node without content has nothing to embed, and stays where it is. */
async function carryPage(
  embed: Embed,
  back: Crossing,
  plan: MigrationPlan,
  heads: readonly NodeHead[],
): Promise<number> {
  const { batchSize, sourceSpec } = plan;
  let carried = 0;
  for (let start = 0; start < heads.length; start += batchSize) {
    const ids = heads.slice(start, start + batchSize).map(({ id }) => id);
    const nodes = (await back.read(ids)).filter(({ content }) => content);
    const texts = nodes.map(({ content = '' }) => content);
    const vectors = await embed(texts);
    const outcomes = await back.write(
      nodes.map(({ id: nodeId, fence, contentHash: embeddedHash }, index) => ({
        nodeId,
        fence,
        set: { ...sourceSpec.info, vector: vectors[index]!, embeddedHash },
      })),
    );
    carried += outcomes.filter((outcome) => outcome !== 'missing').length;
  }
  return carried;
}

/** Their nodes went back with the readers. */
async function settleTasks(
  { registry }: ManagerContext,
  lease: Lease,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { planId } = lease.plan;
  let cursor = await registry.rollbackCursor(planId);
  while (!signal?.aborted) {
    await nextTurn();
    const page = await registry.backups(planId, { after: cursor, limit: SETTLE_PAGE });
    const last = page.at(-1);
    if (last === undefined) break;
    cursor = last.seq;
    const results = page.map(({ nodeId }) => ({ nodeId, outcome: 'restored' as const }));
    if (!(await registry.settleRollback(lease, cursor, results))) return false;
    measureRollback(lease, results);
  }
  return true;
}

/** What a rollback would do now, without a write: `remaining` counts what would have to be carried back first. */
export async function previewSides(context: ManagerContext, plan: MigrationPlan): Promise<RollbackReport> {
  const side = await sidesOf(context, plan, 'A preview of a rollback');
  const counts = noRollbackCounts();
  counts.restored = plan.completedNodes;
  if ((await side.readers()) === 'new') {
    const { behind, extra, sample } = await side.back.compare();
    counts.remaining = behind + extra;
    counts.remainingSample = [...sample];
  }
  return rollbackReport(plan, counts);
}
