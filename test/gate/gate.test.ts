/** The gate as callers meet it: before the first write, half-way, at the cutover and after it. */
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { expect, it } from 'vitest';
import { refusalOf, vectorsOf } from '../scene.ts';
import * as broken from './sabotage.ts';
import { gateScene } from './scene.ts';
import { realTexts } from './texts.ts';

const TIMEOUT_MS = 120_000;
const old = broken.remembering(hashedNgram({ dimension: 256 }));
const target = broken.remembering(hashedNgram({ dimension: 384 }));
const sample = { sampleSize: 120, generatedQueries: 120, seed: 3 };

it(
  'says the same of a seed at every point of a migration in place, and writes no node',
  async () => {
    const { store, plan, manager } = await gateScene(old, target);
    const { planId } = plan;
    const before = await vectorsOf(store);
    const first = await manager.evaluateMigration({ planId, ...sample });
    expect(await vectorsOf(store)).toEqual(before);
    expect(first).toMatchObject({
      verdict: 'go',
      planId,
      sample: { seed: 3, nodes: 120, of: before.length, stored: 0 },
    });
    await manager.tuneMigration({ planId, batchSize: 32, maxParallelWorkers: 1 });
    const stopping = new AbortController();
    manager.on('batch:settled', ({ plan: { completedNodes } }) => {
      if (completedNodes > before.length / 3) stopping.abort();
    });
    await manager.runMigration(planId, { signal: stopping.signal });
    const half = await manager.evaluateMigration({ planId, ...sample });
    expect(half.sample.stored).toBeGreaterThan(20);
    expect(half.sample.stored).toBeLessThan(100);
    await manager.runMigration(planId);
    const after = await manager.evaluateMigration({ planId, ...sample });
    expect(after.sample.stored).toBe(120);
    // Old vectors from the store or from backups, new ones embedded or stored: they are the same vectors.
    for (const report of [half, after]) {
      const [ofStore, ...others] = report.checks.toReversed();
      expect(others.toReversed()).toEqual(first.checks);
      expect(ofStore).toMatchObject({ measure: 'storeMisses', outcome: 'passed', new: 0 });
      expect(report.spaces).toEqual(first.spaces);
      expect(report.overlap).toEqual(first.overlap);
    }
  },
  TIMEOUT_MS,
);

it(
  'refuses a cutover after a no-go, until somebody says why not',
  async () => {
    const { plan, open } = await gateScene(old, target);
    const { planId } = plan;
    const manager = await open([old, broken.shuffledDimensions(target)]);
    const refusal = await refusalOf(manager.cutoverMigration({ planId }));
    expect(refusal.code).toBe('GATE_NO_GO');
    expect(refusal.message).toContain('overrideGate');
    expect((await manager.getActiveModel()).equals(old.spec)).toBe(true);
    expect((await manager.getMigration(planId)).cutOverAt).toBeUndefined();
    expect((await refusalOf(manager.cutoverMigration({ planId, overrideGate: ' ' }))).code).toBe(
      'SPEC_INVALID',
    );
    // Asked once: the stored verdict counts, also where no embedder is.
    const elsewhere = await open([]);
    expect((await refusalOf(elsewhere.cutoverMigration({ planId }))).code).toBe('GATE_NO_GO');
    expect((await elsewhere.listJournal({ planId, action: 'plan:gate' })).items).toHaveLength(1);
    await elsewhere.cutoverMigration({ planId, overrideGate: 'the queries are not like that' });
    expect((await elsewhere.getActiveModel()).equals(target.spec)).toBe(true);
    const [entry] = (await elsewhere.listJournal({ planId, action: 'plan:gateOverridden' })).items;
    expect(entry?.details).toEqual({ why: 'the queries are not like that', verdict: 'no-go' });
  },
  TIMEOUT_MS,
);

it(
  'counts the last verdict: an embedder that was mended passes',
  async () => {
    const { plan, manager, open } = await gateScene(old, target);
    const { planId } = plan;
    const wrong = await open([old, broken.constant(target)]);
    expect((await wrong.evaluateMigration({ planId, ...sample })).verdict).toBe('no-go');
    expect((await refusalOf(manager.cutoverMigration({ planId }))).code).toBe('GATE_NO_GO');
    expect((await manager.evaluateMigration({ planId, ...sample })).verdict).toBe('go');
    await manager.cutoverMigration({ planId });
    expect((await manager.getActiveModel()).equals(target.spec)).toBe(true);
  },
  TIMEOUT_MS,
);

it(
  'cuts over where nobody can be asked, and journals that',
  async () => {
    const { plan, open } = await gateScene(old, target);
    const manager = await open([old]);
    await manager.cutoverMigration({ planId: plan.planId });
    const [entry] = (await manager.listJournal({ planId: plan.planId, action: 'plan:gateSkipped' })).items;
    expect(entry?.details).toMatchObject({ code: 'EMBEDDER_MISSING' });
  },
  TIMEOUT_MS,
);

it(
  'compares without the old embedder what can be compared',
  async () => {
    const { plan, open } = await gateScene(old, target);
    const { planId } = plan;
    const report = await (await open([target])).evaluateMigration({ planId, ...sample });
    expect(report.spaces.old).toBeUndefined();
    expect(report.overlap?.of).toBe('nodes');
    expect(report.overlap!.share.low).toBeGreaterThan(5 * report.overlap!.chance);
    expect(report.checks.map(({ measure, outcome }) => [measure, outcome])).toEqual([
      ['hitRateAlone', 'passed'],
      ['twins', 'passed'],
      ['blindEnds', 'passed'],
      ['refused', 'passed'],
    ]);
    const wrong = await (await open([broken.shuffledDimensions(target)])).evaluateMigration({
      planId,
      ...sample,
    });
    expect(wrong.verdict).toBe('no-go');
  },
  TIMEOUT_MS,
);

it(
  'takes queries of the caller, and says how many more observations a small sample needs',
  async () => {
    const { plan, manager } = await gateScene(old, target);
    const { planId } = plan;
    const texts = realTexts();
    const queries = texts.slice(0, 40).map(({ id, content }) => ({ nodeId: id, text: content.slice(-150) }));
    const report = await manager.evaluateMigration({
      planId,
      sampleSize: 100,
      generatedQueries: 0,
      queries: [...queries, 'how are tests run'],
      seed: 1,
    });
    expect(report.sample.queries).toEqual({ beginning: 0, passage: 0, known: 40, open: 1 });
    expect(report.retrieval.map(({ kind, count }) => [kind, count])).toEqual([['known', 40]]);
    expect(report.verdict).toBe('inconclusive');
    const hitRate = report.checks.find(({ measure }) => measure === 'hitRate');
    expect(hitRate).toMatchObject({ outcome: 'open', queries: 'known' });
    expect(hitRate!.needed).toBeGreaterThan(0);
    expect(report.reasons.join(' ')).toContain('more like these 40 would settle it');
  },
  TIMEOUT_MS,
);

it(
  'judges each value of a metadata field',
  async () => {
    const { plan, open } = await gateScene(old, target);
    // Broken for the texts of one package alone.
    const ofPlaywright = new Set(
      realTexts().flatMap(({ id, content }) => (id.startsWith('playwright') ? [content] : [])),
    );
    const wrong = {
      ...target,
      embed: async (texts: readonly string[], options: Parameters<typeof target.embed>[1]) => {
        const vectors = await target.embed(texts, options);
        return vectors.map((vector, index) =>
          ofPlaywright.has(texts[index]!) ? vector.slice().reverse() : vector,
        );
      },
    };
    const { planId } = plan;
    const all = { planId, sampleSize: 300, generatedQueries: 300, seed: 2, sliceBy: 'package' };
    const report = await (await open([old, wrong])).evaluateMigration(all);
    const failed = report.slices.filter(({ checks }) => checks.some(({ outcome }) => outcome === 'failed'));
    expect(failed.map(({ value }) => value)).toEqual(['"playwright-core"']);
    expect(report.reasons.some((reason) => reason.startsWith('Where package is "playwright-core"'))).toBe(
      true,
    );
    expect(report.slices.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(300);
    const manager = await open([old, target]);
    expect((await refusalOf(manager.evaluateMigration({ ...all, sliceBy: 'no such field' }))).code).toBe(
      'SPEC_INVALID',
    );
  },
  TIMEOUT_MS,
);

it(
  'translates a cut-off of cosines into one of bits, and back in the other direction',
  async () => {
    const bits = broken.remembering(binaryHdv({ dimension: 2048 }));
    const { plan, manager } = await gateScene(old, bits);
    const { planId } = plan;
    const found = await manager.translateThreshold({ planId, ...sample, threshold: 0.5 });
    expect(found).toMatchObject({ of: 'queries', old: { score: 0.5, distance: 0.5 } });
    expect(found.new.distance).toBeCloseTo((1 - found.new.score) * 2048, 9);
    expect(Number.isInteger(Math.round(found.new.distance! * 1e6) / 1e6)).toBe(true);
    expect(found.kept.value + found.lost).toBeCloseTo(1, 12);
    expect(found.kept.low).toBeLessThanOrEqual(found.kept.value);
    const same = await manager.translateThreshold({ planId, ...sample, threshold: 0.5, measure: 'distance' });
    expect(same.new).toEqual(found.new);
    const stricter = await manager.translateThreshold({ planId, ...sample, threshold: 0.7 });
    expect(stricter.new.score).toBeGreaterThanOrEqual(found.new.score);
    expect(stricter.hits).toBeLessThan(found.hits);
    const outside = await refusalOf(manager.translateThreshold({ planId, ...sample, threshold: 1.2 }));
    expect(outside.code).toBe('THRESHOLD_OUTSIDE');
  },
  TIMEOUT_MS,
);
