/** A plan that everything happened to: holds, a pause, tuning, failures of two kinds, a cutover. */
import { EmbedderError } from '@registry/core';
import { type EmbedderHook, ManualClock, testEmbedder } from '@registry/core/testing';
import { nodeId, openScene, type Scene, textOf } from '../scene.ts';

export interface EventfulPlan extends Scene {
  readonly clock: ManualClock;
  readonly planId: string;
}

/** `message`: what the embedder says of the text it refuses. */
export async function eventfulPlan(o: {
  nodes: number;
  message?: string;
  ids?: readonly string[];
}): Promise<EventfulPlan> {
  const { nodes, message = 'The text is in a language that this model does not read.' } = o;
  const clock = new ManualClock({ now: Date.UTC(2026, 2, 14, 9, 12, 40) });
  const onCall: EmbedderHook = async (texts, { index }) => {
    await clock.advance(400 + (index % 7) * 150);
    if (index === 6) throw new EmbedderError('rateLimited', 'Too many requests.', { retryAfterMs: 20_000 });
    if (texts.some((text) => text === textOf(17) || text === textOf(230)))
      throw new EmbedderError('refused', message);
  };
  const target = testEmbedder({ modelId: 'new-model', dimension: 12, onCall });
  const scene = await openScene({ nodes, target, clock });
  const { manager, store, to } = scene;
  for (const id of [nodeId(3), ...(o.ids ?? [])]) await store.upsert([{ id, content: '' }]);
  const plan = await manager.createMigration({
    ...to,
    batchSize: 20,
    maxRetries: 1,
    throttleMs: 0,
    maxParallelWorkers: 2,
  });
  const { planId } = plan;
  const stop = manager.on('batch:settled', ({ plan: { completedNodes } }) => {
    if (completedNodes < nodes / 2) return;
    stop();
    void manager.pauseMigration(planId);
  });
  await clock.runUntil(manager.runMigration(planId));
  await clock.advance(45_000);
  await manager.tuneMigration({ planId, batchSize: 50 });
  await manager.resumeMigration(planId);
  await clock.runUntil(manager.runMigration(planId));
  await clock.runUntil(manager.cutoverMigration({ planId, acceptFailed: true }));
  return { ...scene, clock, planId };
}
