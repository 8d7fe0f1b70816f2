/** The store's own search beside an exact one: stores that find everything, and stores that do not. */
import { type NodeStore, RegistryError } from '@registry/core';
import { hashedNgram } from '@registry/embedders';
import type { SqliteNodeStore } from '@registry/node-memory';
import { expect, it } from 'vitest';
import { refusalOf, storeWith } from '../scene.ts';
import * as broken from './sabotage.ts';
import { gateScene } from './scene.ts';

const TIMEOUT_MS = 120_000;
const old = broken.remembering(hashedNgram({ dimension: 128 }));
const target = broken.remembering(hashedNgram({ dimension: 192 }));
const sample = { sampleSize: 200, generatedQueries: 200, seed: 5 };

type Search = NonNullable<NodeStore['search']>;
type Hits = Awaited<ReturnType<Search>>;

/** The store, but for what its search makes of the hits. */
function finding(
  alter: (ask: (k: number) => Promise<Hits>, options: Parameters<Search>[1]) => Promise<Hits>,
): (store: SqliteNodeStore) => NodeStore {
  return (store) =>
    storeWith(store, {
      search: (vector, options) => alter((k) => store.search(vector, { ...options, k }), options),
    });
}

async function judged(wrap?: (store: SqliteNodeStore) => NodeStore) {
  const scene = await gateScene(old, target, wrap);
  const { planId } = scene.plan;
  await scene.manager.runMigration(planId);
  const report = await scene.manager.evaluateMigration({ planId, ...sample });
  return { ...scene, planId, report, check: report.checks.find(({ measure }) => measure === 'storeMisses') };
}

it(
  'passes a store that finds them all, and says before the first write that there is nothing to compare',
  async () => {
    const { manager, plan, store } = await gateScene(old, target);
    const { planId } = plan;
    const first = await manager.evaluateMigration({ planId, ...sample });
    expect(first.verdict).toBe('go');
    expect(first.checks.map(({ measure }) => measure)).not.toContain('storeMisses');
    expect(first.notes).toEqual([
      "The store's own search was not compared in the new space: it holds no vectors of that model where it looks now. In the old space it misses 0.0 % of the nearest nodes (0.0 % to 1.9 %).",
    ]);
    await manager.runMigration(planId);
    const report = await manager.evaluateMigration({ planId, ...sample });
    expect(report.verdict).toBe('go');
    expect(report.notes).toBeUndefined();
    const check = report.checks.find(({ measure }) => measure === 'storeMisses')!;
    expect(check).toMatchObject({ outcome: 'passed', new: 0, loss: { value: 0, low: 0 } });
    // All nodes of the store are searched, not those of the sample alone.
    const { items } = await store.scan({ limit: 10_000 });
    expect(items.length).toBeGreaterThan(sample.sampleSize);
    expect(check.loss.count).toBeGreaterThan(150);
  },
  TIMEOUT_MS,
);

it(
  'stops a store that leaves hits out, and the cutover with it',
  async () => {
    const everyThird = finding(async (ask, { k }) => (await ask(k)).filter((_, rank) => rank % 3 !== 2));
    const { report, check, manager, planId } = await judged(everyThird);
    expect(report.verdict).toBe('no-go');
    expect(report.reasons).toEqual([check!.message]);
    expect(check!.loss.low).toBeLessThan(0.3);
    expect(check!.loss.high).toBeGreaterThan(0.3);
    expect((await refusalOf(manager.cutoverMigration({ planId }))).code).toBe('GATE_NO_GO');
  },
  TIMEOUT_MS,
);

it(
  'stops a store that answers as many as asked for, some of them from further away',
  async () => {
    const isUnknown = (id: string) =>
      [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 4 === 0;
    const blind = finding(async (ask, { k }) =>
      (await ask(4 * k)).filter(({ id }) => !isUnknown(id)).slice(0, k),
    );
    const { report, check } = await judged(blind);
    expect(report.verdict).toBe('no-go');
    expect(check!.loss.low).toBeLessThan(0.25);
    expect(check!.loss.high).toBeGreaterThan(0.25);
  },
  TIMEOUT_MS,
);

it(
  'judges the models all the same where the search fails',
  async () => {
    const failing = finding(async () => {
      throw new RegistryError('DATABASE_UNAVAILABLE', 'The index is being built.');
    });
    const { report, check } = await judged(failing);
    expect(check).toBeUndefined();
    expect(report.verdict).toBe('go');
    expect(report.notes?.join()).toContain('DATABASE_UNAVAILABLE: The index is being built.');
  },
  TIMEOUT_MS,
);

it(
  'works on a registry that is open for reading only, and says that its verdict is not kept',
  async () => {
    const { manager, plan, open } = await gateScene(old, target);
    const { planId } = plan;
    const reader = await open([old, target], { readOnly: true });
    const report = await reader.evaluateMigration({ planId, ...sample });
    expect(report.verdict).toBe('go');
    expect(report.notes?.at(-1)).toContain('open for reading only');
    expect((await manager.listJournal({ planId, action: 'plan:gate' })).items).toEqual([]);
  },
  TIMEOUT_MS,
);
