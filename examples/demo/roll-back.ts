/** After the migration: did the edits stand, is the rollback exact, what remains, and how that comes back too. */
import { type RollbackReport, sameStamp } from '@registry/core';
import type { Demo } from './demo.ts';
import { areGone, haveVectorOfText, stands } from './edits.ts';
import { fingerprints, hashWithout } from './fingerprint.ts';
import { type Edited, planTo } from './migrate.ts';

/** The whole store as it was: one digest for each node. */
export type Fingerprints = Awaited<ReturnType<typeof fingerprints>>;

export async function proveEdits(demo: Demo, edited: Edited): Promise<void> {
  const { manager, store, proofs, target, targetSpec } = demo;
  const { choice, left } = edited;
  const plan = await planTo(demo, targetSpec);
  const counts = await store.countByModel();
  const nodes = await store.count();
  proofs.show(
    'complete',
    `the plan is completed, and all ${nodes} nodes have vectors of ${target.embeddingModelId}`,
    plan?.status === 'completed' && counts.length === 1 && sameStamp(counts[0]?.info, target),
  );
  proofs.show(
    'edits stand',
    `none of the ${left.length} nodes that the application embedded itself was overwritten: text, vector, stamp and fence are as it left them`,
    await stands(demo, left),
  );
  const followed = [...choice.textOnly, ...choice.bare];
  proofs.show(
    'followed',
    `${followed.length} nodes that got a new text and no vector were embedded from that text`,
    await haveVectorOfText(demo, followed, target),
  );
  proofs.show(
    'deleted',
    `none of the ${choice.deleted.length} deleted nodes came back`,
    await areGone(demo, choice.deleted),
  );
  const active = await manager.getActiveModel();
  proofs.show('active', `${active.qualifiedId} is the active model`, active.equals(targetSpec));
}

export async function rollBack(demo: Demo): Promise<{ report: RollbackReport; seconds: number }> {
  const { manager, screen, signal, targetSpec } = demo;
  const plan = await planTo(demo, targetSpec);
  if (plan === undefined) throw new Error('The plan is gone; start anew with --fresh.');
  const startedAt = performance.now();
  const report = await manager.rollbackMigration({ planId: plan.planId, signal });
  signal.throwIfAborted();
  const seconds = (performance.now() - startedAt) / 1000;
  screen.say(
    `The report: ${report.restored} restored, ${report.skipped} skipped, ${report.conflicts} conflicts, ${report.failed} failed, ${report.remaining} remaining, in ${seconds.toFixed(1)} s.`,
  );
  return { report, seconds };
}

export async function proveRollback(
  demo: Demo,
  o: { edited: Edited; before: Fingerprints; report: RollbackReport },
): Promise<void> {
  const { manager, store, screen, proofs, sourceSpec, target } = demo;
  const { choice, left } = o.edited;
  const [was, is] = await hashes(demo, o);
  screen.say('SHA-256 over their ids, stamps and vectors, before the migration and now:');
  screen.say(`  ${was.hash}`);
  screen.say(`  ${is.hash}`);
  proofs.show(
    'restored',
    `the ${is.nodes} nodes that the application left alone are byte for byte what they were`,
    was.hash === is.hash && was.nodes === is.nodes && is.nodes > 0,
  );
  proofs.show(
    'edits stand still',
    `the ${left.length} nodes that the application embedded are still as it left them`,
    await stands(demo, left),
  );
  const bare = await store.read(choice.bare);
  proofs.show(
    'bare again',
    `${bare.length} node that came without a vector is without one again; deleted ones stay deleted`,
    bare.length === choice.bare.length &&
      bare.every((node) => node.vector === undefined && node.embeddingModelId === undefined) &&
      (await areGone(demo, choice.deleted)),
  );
  const atTarget = (await store.countByModel()).find(({ info }) => sameStamp(info, target))?.count ?? 0;
  const active = await manager.getActiveModel();
  proofs.show(
    'report',
    `${active.modelId} is active again, and the report told the truth: ${atTarget} nodes still have vectors of ${target.embeddingModelId}`,
    active.equals(sourceSpec) && o.report.remaining === atTarget && o.report.failed === 0,
  );
}

/** What was embedded with the target since has no older vector to go back to: a second plan embeds it anew. */
export async function comeBack(
  demo: Demo,
  o: { edited: Edited; before: Fingerprints; report: RollbackReport },
): Promise<void> {
  const { manager, store, screen, proofs, signal, sourceSpec } = demo;
  const { wayBack } = o.report;
  if (wayBack === undefined) throw new Error('The report names no way back.');
  const { call, ...model } = wayBack;
  screen.say(
    `${o.report.remaining} nodes remain: the application embedded them with the new model, or changed them after the worker had. The report names their way back, ${call} to ${model.targetModelId} v${model.targetVersion}. Taking it:`,
  );
  const plan = (await planTo(demo, sourceSpec)) ?? (await manager.createMigration(model));
  const { status, completedNodes } = await manager.runMigration(plan.planId, { signal });
  signal.throwIfAborted();
  const counts = await store.countByModel();
  proofs.show(
    'way back',
    `${completedNodes} nodes were embedded anew; all ${await store.count()} have vectors of ${sourceSpec.modelId}`,
    status === 'completed' && counts.length === 1 && sameStamp(counts[0]?.info, sourceSpec.info),
  );
  const { choice } = o.edited;
  const [was, is] = await hashes(demo, o);
  proofs.show(
    'all together',
    'the untouched nodes were left alone, and each text of the application has the vector of that text',
    was.hash === is.hash &&
      (await haveVectorOfText(
        demo,
        [...choice.embedded, ...choice.textOnly, ...choice.inserted, ...choice.bare],
        sourceSpec.info,
      )),
  );
}

/** Of what nobody touched, before the migration and now. */
async function hashes({ store }: Demo, { edited, before }: { edited: Edited; before: Fingerprints }) {
  const touched = new Set(Object.values(edited.choice).flat());
  return [hashWithout(before, touched), hashWithout(await fingerprints(store), touched)] as const;
}
