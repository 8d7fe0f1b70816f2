/**
 * The gate over many seeds: it catches what was broken on purpose, from before its registration or after it, and
 * passes every honest run. The default run takes one seed; `GATE_SEEDS=20 pnpm exec vitest run
 * test/gate/sabotage.test.ts` takes twenty, in a minute or two.
 */
import type { Embedder } from '@registry/core';
import { binaryHdv, hashedNgram } from '@registry/embedders';
import { describe, expect, it } from 'vitest';
import * as broken from './sabotage.ts';
import { gateScene } from './scene.ts';

const SEEDS = Number(process.env.GATE_SEEDS ?? 1);
// Machines that do other things too take their time.
const TIMEOUT_MS = 300_000 * Math.max(1, SEEDS / 2);
/** Small, so that twenty seeds cost seconds; every drawn node has queries made of it. */
const sample = { sampleSize: 100, generatedQueries: 100 };

const honest = broken.remembering;
const ngram = honest(hashedNgram());
const wideNgram = honest(hashedNgram({ dimension: 1024 }));
const hdv = honest(binaryHdv({ dimension: 2048 }));
const widerHdv = honest(broken.nextVersion(binaryHdv({ dimension: 4096 })));

async function verdicts(
  old: Embedder,
  target: Embedder,
  ways: readonly ((embedder: Embedder) => Embedder)[],
) {
  const { plan, open } = await gateScene(old, target, undefined, false);
  const found: Record<string, Set<string>> = {};
  for (const way of ways) {
    const manager = await open([old, way(target)]);
    const seen = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { verdict, reasons } = await manager.evaluateMigration({ planId: plan.planId, ...sample, seed });
      seen.add(
        verdict === 'go' ? verdict : `${verdict}: ${way.name === 'honestly' ? reasons.join(' ') : ''}`,
      );
    }
    found[way.name] = seen;
  }
  return found;
}

const honestly = (embedder: Embedder) => embedder;
const harmful = [
  broken.prefixedQueries,
  broken.prefixedDocuments,
  broken.shuffledDimensions,
  broken.shuffledEachCall,
  broken.constant,
  broken.truncated,
];
const go = new Set(['go']);

describe.each([
  ['hashed n-grams 512 → 1024', ngram, wideNgram],
  ['hashed n-grams 1024 → 512', wideNgram, ngram],
  ['binary_hdv v1 → v2 at another dimension', hdv, widerHdv],
  ['binary_hdv v2 → v1', widerHdv, hdv],
] as const)('%s', (_, old, target) => {
  it(
    'passes honest runs, also in another basis of the same space',
    async () => {
      const found = await verdicts(old, target, [honestly, broken.sameShuffle]);
      expect(found).toEqual({ honestly: go, sameShuffle: go });
    },
    TIMEOUT_MS,
  );
});

describe.each([
  ['hashed n-grams 512 → 1024', ngram, wideNgram],
  ['binary_hdv v1 → v2', hdv, widerHdv],
] as const)('%s, broken', (_, old, target) => {
  it(
    'lets no sabotage pass, and refuses all but a prefix that harms no search',
    async () => {
      const found = await verdicts(old, target, harmful);
      const harmless = target === wideNgram ? ['prefixedQueries', 'prefixedDocuments'] : [];
      for (const [name, seen] of Object.entries(found)) {
        expect([name, ...seen]).not.toContain('go');
        if (!harmless.includes(name)) expect([name, ...seen]).toEqual([name, 'no-go: ']);
      }
    },
    TIMEOUT_MS,
  );
});

describe('what has changed since it was registered is refused by its witness', () => {
  it.each([
    ['hashed n-grams', ngram, wideNgram],
    ['binary_hdv', hdv, widerHdv],
  ] as const)('%s with a prefix that it had not', async (_, old, target) => {
    const { plan, open } = await gateScene(old, target);
    const manager = await open([old, broken.prefixedDocuments(target)]);
    const report = await manager.evaluateMigration({ planId: plan.planId, ...sample, seed: 1 });
    expect(report.verdict).toBe('no-go');
    expect(report.reasons[0]).toContain('no longer makes the vectors');
    await expect(manager.runMigration(plan.planId)).resolves.toMatchObject({
      status: 'paused',
      completedNodes: 0,
      reason: { code: 'MODEL_DRIFTED' },
    });
  });

  it('an old model that has changed is no yardstick', async () => {
    const { plan, open } = await gateScene(ngram, wideNgram);
    const manager = await open([broken.prefixedDocuments(ngram), wideNgram]);
    const report = await manager.evaluateMigration({ planId: plan.planId, ...sample, seed: 1 });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reasons.join(' ')).toContain('The old model is no yardstick now.');
  });
});
