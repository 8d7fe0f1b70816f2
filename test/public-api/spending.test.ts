/** A plan with a spend cap stops before it would spend more, whoever works on it and whatever happens meanwhile. */
import { EmbedderError } from '@registry/core';
import { ManualClock, type TestEmbedder, testEmbedder } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { witnessTexts } from '../../packages/core/src/model/witness-texts.ts';
import { openScene, refusalOf, textOf } from '../scene.ts';

const fields = { modelId: 'new-model', dimension: 12 };
/** The text of node number n. */
const TOKENS = 6;
/** What a look at the witness costs: one before the first batch of each worker, and after a pause. */
const witnessTokens = (margin = 1) =>
  witnessTexts.reduce((sum, text) => sum + Math.ceil(text.split(/\s+/).length * margin), 0);
const WITNESS = witnessTokens();
const pace = { batchSize: 4, throttleMs: 0, maxParallelWorkers: 1 };
const counting = (exact = true) => testEmbedder({ ...fields, countsTokens: { exact } });

describe('a spend cap in tokens', () => {
  it('pauses the plan before it is passed, says so, and lets it go on once it is raised', async () => {
    const target = counting();
    const { manager, open, to } = await openScene({ nodes: 12, target });
    const { planId } = await manager.createMigration({
      ...to,
      ...pace,
      spendCap: { tokens: WITNESS + 6 * TOKENS + 5 },
    });
    const paused = await manager.runMigration(planId);
    const spentTokens = WITNESS + 36;
    expect(paused).toMatchObject({ status: 'paused', completedNodes: 6, failedNodes: 0, spentTokens });
    expect(paused.reason).toEqual({
      code: 'SPEND_CAP',
      message: `The next text would pass the spend cap of ${spentTokens + 5} tokens: ${spentTokens} tokens spent, 6 tokens needed; raise it with tuneMigration and spendCap, then resumeMigration.`,
    });
    expect(target.textsSeen).toHaveLength(6);
    const looks = target.witnessCalls.length;
    for await (const progress of manager.watchMigration(planId)) expect(progress.heldBackBy).toBe('spendCap');
    // Resumed as it is, also by another process, it sends nothing more.
    const other = await open();
    await other.resumeMigration(planId);
    expect(await other.runMigration(planId)).toMatchObject({ status: 'paused', spentTokens });
    expect(target.textsSeen).toHaveLength(6);
    expect(target.witnessCalls).toHaveLength(looks);
    await other.tuneMigration({ planId, spendCap: { tokens: 2 * WITNESS + 12 * TOKENS } });
    await other.resumeMigration(planId);
    expect(await other.runMigration(planId)).toMatchObject({
      status: 'completed',
      completedNodes: 12,
      spentTokens: 2 * WITNESS + 72,
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
      spendCap: { tokens: WITNESS + 20 * TOKENS },
    });
    const other = await open();
    const looksBefore = target.witnessCalls.length;
    await Promise.all([manager.runMigration(planId), other.runMigration(planId)]);
    const plan = await manager.getMigration(planId);
    // There is not enough for the witness of both.
    expect(target.witnessCalls).toHaveLength(looksBefore + 1);
    expect(plan).toMatchObject({ status: 'paused', spentTokens: WITNESS + plan.completedNodes * TOKENS });
    expect(plan.completedNodes).toBeLessThanOrEqual(20);
    expect(target.textsSeen).toHaveLength(plan.completedNodes);
  });

  it('counts a call that may have been paid for, and none that was refused as a whole', async () => {
    const clock = new ManualClock();
    const target = counting();
    const { manager, to } = await openScene({ nodes: 4, target, clock });
    target.onCall = (_, { index }) => {
      if (index === 0) throw new EmbedderError('rateLimited', 'Slow down.');
      if (index === 1) throw new EmbedderError('transient', 'The connection was lost.');
    };
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: 10_000 } });
    const looksBefore = target.witnessCalls.length;
    const plan = await clock.runUntil(manager.runMigration(planId));
    expect(plan).toMatchObject({ status: 'completed', completedNodes: 4 });
    // The lost call and the one that was answered, of four texts each; after two failures a probe of three words.
    const looks = target.witnessCalls.length - looksBefore;
    const probes = target.textsSeen.filter((text) => text === 'embedding registry probe').length;
    expect(plan.spentTokens).toBe(looks * WITNESS + 8 * TOKENS + 3 * probes);
  });

  it('counts what the provider bills, where it tells', async () => {
    const target = counting(false);
    const { manager, to } = await openScene({ nodes: 8, target });
    target.onCall = (texts, { onBilled }) => onBilled?.(texts.length * 2);
    const { planId } = await manager.createMigration({
      ...to,
      ...pace,
      spendCap: { tokens: witnessTokens(1.5) + 4 * TOKENS * 2 },
    });
    expect(await manager.runMigration(planId)).toMatchObject({
      status: 'completed',
      spentTokens: witnessTokens(1.5) + 16,
    });
    const billsMore = counting();
    const second = await openScene({ nodes: 8, target: billsMore });
    billsMore.onCall = (texts, { onBilled }) => onBilled?.(texts.length * 10);
    const made = await second.manager.createMigration({
      ...second.to,
      ...pace,
      spendCap: { tokens: WITNESS + 60 },
    });
    const plan = await second.manager.runMigration(made.planId);
    expect(plan).toMatchObject({ status: 'paused', completedNodes: 7, spentTokens: WITNESS + 70 });
  });

  it('keeps a margin where tokens are only estimated', async () => {
    const target = counting(false);
    const { manager, to } = await openScene({ nodes: 4, target });
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: 2_000 } });
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'completed', spentTokens: witnessTokens(1.5) + 4 * TOKENS * 1.5 });
  });

  it('counts nothing for texts whose vectors are at hand', async () => {
    const target: TestEmbedder = counting();
    target.cached = async (texts) => texts.map((text) => text !== textOf(3));
    const { manager, to } = await openScene({ nodes: 8, target });
    const { planId } = await manager.createMigration({
      ...to,
      ...pace,
      spendCap: { tokens: WITNESS + TOKENS },
    });
    // The witness is asked of the model itself.
    const done = await manager.runMigration(planId);
    expect(done).toMatchObject({ status: 'completed', spentTokens: WITNESS + TOKENS });
  });

  it('blames no text for what the cap left over', async () => {
    const target = counting();
    const { manager, to } = await openScene({ nodes: 4, target });
    target.onCall = () => {
      throw new EmbedderError('refused', 'Not these.');
    };
    const { planId } = await manager.createMigration({
      ...to,
      ...pace,
      spendCap: { tokens: WITNESS + 2 * TOKENS },
    });
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'paused', failedNodes: 0 });
    const tasks = await manager.listTasks({ planId });
    expect(tasks.items.map(({ status, retryCount }) => [status, retryCount])).toEqual(
      Array(4).fill(['pending', 0]),
    );
  });

  it('sends nothing of a witness that it does not allow, and says what it needs', async () => {
    const target = counting();
    const { manager, to } = await openScene({ nodes: 4, target });
    const before = target.witnessCalls.length;
    const { planId } = await manager.createMigration({ ...to, ...pace, spendCap: { tokens: WITNESS - 1 } });
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'paused', completedNodes: 0, spentTokens: 0 });
    expect(plan.reason?.message).toContain(`0 tokens spent, ${WITNESS} tokens needed`);
    expect([target.witnessCalls.length, target.textsSeen.length]).toEqual([before, 0]);
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
    const spendCap = { dollars: (WITNESS + 30) / 1e6 };
    const options = { ...to, ...pace, spendCap };
    const error = await refusalOf(manager.createMigration(options));
    expect(error.code).toBe('SPEC_INVALID');
    expect(error.message).toContain('pricePerMillionTokens');
    await manager.updateModel({ modelId, version, pricePerMillionTokens: 1 });
    const { planId } = await manager.createMigration(options);
    const plan = await manager.runMigration(planId);
    expect(plan).toMatchObject({ status: 'paused', completedNodes: 5, spentTokens: WITNESS + 30 });
    expect(plan.reason?.message).toMatch(
      /the spend cap of \$0\.00\d+: \$0\.00\d+ spent, \$0\.0000060 needed/,
    );
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
