/** A plan with a spend cap stops before it would spend more, whoever works on it and whatever happens meanwhile. */
import { EmbedderError } from '@registry/core';
import { ManualClock, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { openScene, refusalOf, textOf } from '../scene.ts';

const fields = { modelId: 'new-model', dimension: 12 };
/** The text of node number n. */
const TOKENS = 6;
const pace = { batchSize: 4, throttleMs: 0, maxParallelWorkers: 1 };
const counting = (exact = true) => testEmbedder({ ...fields, countsTokens: { exact } });

describe('a spend cap in tokens', () => {
  it('pauses the plan before it is passed, says so, and lets it go on once it is raised', async () => {
    const target = counting();
    const { manager, open, to } = await openScene({ nodes: 12, target });
    const { planId } = await manager.createMigration({
      ...to,
      ...pace,
      spendCap: { tokens: 6 * TOKENS + 5 },
    });
    const paused = await manager.runMigration(planId);
    expect(paused).toMatchObject({ status: 'paused', completedNodes: 6, failedNodes: 0, spentTokens: 36 });
    expect(paused.reason).toEqual({
      code: 'SPEND_CAP',
      message:
        'The next text would pass the spend cap of 41 tokens: 36 tokens spent, 6 tokens needed; raise it with tuneMigration and spendCap, then resumeMigration.',
    });
    expect(target.textsSeen).toHaveLength(6);
    for await (const progress of manager.watchMigration(planId)) expect(progress.heldBackBy).toBe('spendCap');
    // Resumed as it is, also by another process, it sends nothing more.
    const other = await open();
    await other.resumeMigration(planId);
    expect(await other.runMigration(planId)).toMatchObject({ status: 'paused', spentTokens: 36 });
    expect(target.textsSeen).toHaveLength(6);
    await other.tuneMigration({ planId, spendCap: { tokens: 12 * TOKENS } });
    await other.resumeMigration(planId);
    expect(await other.runMigration(planId)).toMatchObject({
      status: 'completed',
      completedNodes: 12,
      spentTokens: 72,
    });
    const tasks = await manager.listTasks({ planId });
    expect(tasks.items.every(({ retryCount }) => retryCount === 0)).toBe(true);
  });

  it('holds over lanes and workers that work at once', async () => {
    const target = counting();
    const { manager, open, to } = await openScene({ nodes: 40, target });
    const { planId } = await manager.createMigration({
      ...to,
      batchSize: 3,
      throttleMs: 0,
      maxParallelWorkers: 4,
      spendCap: { tokens: 20 * TOKENS },
    });
    const other = await open();
    await Promise.all([manager.runMigration(planId), other.runMigration(planId)]);
    const plan = await manager.getMigration(planId);
    expect(plan).toMatchObject({ status: 'paused', completedNodes: 20, spentTokens: 20 * TOKENS });
    expect(target.textsSeen).toHaveLength(20);
  });

  it('counts a call that may have been paid for, and none that was refused as a whole', async () => {
    const clock = new ManualClock();
    const target = counting();
    const { manager, to } = await openScene({ nodes: 4, target, clock });
    target.onCall = (_, { index }) => {
      if (index === 0) throw new EmbedderError('rateLimited', 'Slow down.');
      if (index === 1) throw new EmbedderError('transient', 'The connection was lost.');
    };
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: 1_000 } });
    const plan = await clock.runUntil(manager.runMigration(planId));
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 4 });
    // The lost call and the one that was answered, of four texts each; after two failures a probe of three words.
    const probes = target.textsSeen.filter((text) => text === 'embedding registry probe').length;
    expect(plan.spentTokens).toBe(8 * TOKENS + 3 * probes);
  });

  it('counts what the provider bills, where it tells', async () => {
    const target = counting(false);
    const { manager, to } = await openScene({ nodes: 8, target });
    target.onCall = (texts, { onBilled }) => onBilled?.(texts.length * 2);
    const { planId } = await manager.createMigration({
      ...to,
      ...pace,
      spendCap: { tokens: 4 * TOKENS * 2 },
    });
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', spentTokens: 16 });
    const billsMore = counting();
    const second = await openScene({ nodes: 8, target: billsMore });
    billsMore.onCall = (texts, { onBilled }) => onBilled?.(texts.length * 10);
    const made = await second.manager.createMigration({ ...second.to, ...pace, spendCap: { tokens: 60 } });
    const plan = await second.manager.runMigration(made.planId);
    expect(plan).toMatchObject({ status: 'paused', completedNodes: 7, spentTokens: 70 });
  });

  it('keeps a margin where tokens are only estimated', async () => {
    const target = counting(false);
    const { manager, to } = await openScene({ nodes: 4, target });
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: 100 } });
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'completed', spentTokens: 4 * TOKENS * 1.5 });
  });

  it('counts nothing for texts whose vectors are at hand', async () => {
    const target: TestEmbedder = counting();
    target.cached = async (texts) => texts.map((text) => text !== textOf(3));
    const { manager, to } = await openScene({ nodes: 8, target });
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: TOKENS } });
    expect(await manager.runMigration(planId)).toMatchObject({ status: 'completed', spentTokens: TOKENS });
  });

  it('blames no text for what the cap left over', async () => {
    const target = counting();
    const { manager, to } = await openScene({ nodes: 4, target });
    target.onCall = () => {
      throw new EmbedderError('refused', 'Not these.');
    };
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: 2 * TOKENS } });
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'paused', failedNodes: 0 });
    const tasks = await manager.listTasks({ planId });
    expect(tasks.items.map(({ status, retryCount }) => [status, retryCount])).toEqual(
      Array(4).fill(['pending', 0]),
    );
  });

  it('costs a plan without one nothing', async () => {
    const target = counting();
    let counts = 0;
    const { manager, to } = await openScene({
      nodes: 8,
      target: Object.assign(target, {
        countTokens: async (texts: readonly string[]) => {
          counts += 1;
          return { tokens: texts.map(() => TOKENS), exact: true };
        },
      }),
    });
    const { planId } = await manager.createMigration({ ...to, ...pace });
    const plan = await manager.runMigration(planId);
    expect(plan.status).toBe('completed');
    expect(plan).not.toHaveProperty('spentTokens');
    expect(counts).toBe(0);
    expect(target.calls.every(({ onBilled }) => onBilled === undefined)).toBe(true);
  });
});

describe('a spend cap in dollars', () => {
  it('goes by the price of the target', async () => {
    const { manager, to, target } = await openScene({ nodes: 8, target: counting() });
    const { modelId, version } = target.spec;
    const spendCap = { dollars: 0.00003 };
    const options = { ...to, ...pace, spendCap };
    const error = await refusalOf(manager.createMigration(options));
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toContain('pricePerMillionTokens');
    await manager.updateModel({ modelId, version, pricePerMillionTokens: 1 });
    const { planId } = await manager.createMigration(options);
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'paused', completedNodes: 5, spentTokens: 30 });
    expect(plan.reason?.message).toContain('the spend cap of $0.000030: $0.000030 spent, $0.0000060 needed');
  });

  it.each([{ dollars: 0 }, { dollars: -1 }, { tokens: 1.5 }, { tokens: 1, dollars: 1 }, 5, {}])(
    'that is %j is refused',
    async (spendCap) => {
      const { manager, to } = await openScene({ nodes: 1 });
      const error = await refusalOf(manager.createMigration({ ...to, spendCap: spendCap as never }));
      expect(error.code).toBe('SPEC_INVALID');
      expect(error.message).toMatch(/spendCap(\.dollars|\.tokens)? .*above 0/);
    },
  );
});
