/** A plan played on copies: what it finds, what it costs, and that nothing of it stays. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Embedder,
  EmbedderError,
  EmbeddingVersionManager,
  type MakeScratchStore,
  type RehearseMigrationOptions,
} from '@registry/core';
import { expectedVector, ManualClock } from '@registry/core/testing';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore, scratchStore } from '@registry/node-memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCorpus } from '../../examples/demo/corpus.ts';
import { refusalOf, rowsOf, storeWith, temporaryFolder } from '../scene.ts';

const { sections } = readCorpus('packages/embedders/node_modules/ai', 170);
const small = hashedNgram({ dimension: 256 });
const large = hashedNgram({ dimension: 512 });

/** Pages of a manual in a store, embedded with the small model, and a plan to the large one as `embed` makes it. */
async function planned(embed: Embedder['embed'] = (texts, o) => large.embed(texts, o)) {
  const folder = temporaryFolder();
  const files = [join(folder, 'registry.sqlite'), join(folder, 'nodes.sqlite')] as const;
  const clock = new ManualClock();
  const store = await SqliteNodeStore.open({ path: files[1] });
  onTestFinished(() => store.close());
  const target: Embedder = { spec: large.spec, embed };
  const manager = await EmbeddingVersionManager.open({
    ...{ dbPath: files[0], nodeStore: store, embedders: [small, target], clock },
  });
  onTestFinished(() => manager.close());
  await manager.registerModel({ ...small.spec.toJSON(), setActive: true });
  await manager.registerModel(large.spec.toJSON());
  const vectors = await small.embed(
    sections.map(({ content }) => content),
    { purpose: 'document' },
  );
  await store.upsert(
    sections.map((section, index) => ({ ...section, vector: vectors[index]!, ...small.spec.info })),
  );
  const { planId } = await manager.createMigration({ targetModelId: large.spec.modelId, targetVersion: 1 });
  const hash = () =>
    createHash('sha256')
      .update(JSON.stringify(files.map(rowsOf)))
      .digest('hex');
  const before = hash();
  const rehearse = async (more: Partial<RehearseMigrationOptions> = {}) => {
    try {
      return await clock.runUntil(manager.rehearseMigration({ planId, scratchStore, seed: 11, ...more }));
    } finally {
      expect(hash(), 'registry and nodes as they were').toBe(before);
      expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`embedding-rehearsal-`))).toEqual([]);
    }
  };
  return { manager, planId, rehearse };
}

it('an honest plan is safe to run, whatever dies in it, and costs each text once', async () => {
  const paid: string[] = [];
  const { rehearse } = await planned((texts, o) => {
    paid.push(...texts.map((text) => `${o.purpose} ${text}`));
    return large.embed(texts, o);
  });
  // Its witness was embedded when it was registered.
  paid.length = 0;
  const report = await rehearse({ nodes: 150, kills: 4 });
  expect(report).toMatchObject({
    verdict: 'safe',
    findings: [],
    nodes: 150,
    of: sections.length,
    completed: 150,
  });
  expect(report.kills).toHaveLength(5);
  expect(report.rateLimits).toBe(2);
  expect(report.gate?.verdict).toBe('go');
  expect(report.rollback).toMatchObject({ restored: 150, succeeded: true });
  expect(report.nodesPerSecond).toBeGreaterThan(1);
  expect(new Set(paid).size).toBe(paid.length);
  expect(paid.filter((text) => text.startsWith('query')).length).toBeLessThanOrEqual(200);
  // The copied nodes, and for the gate those whose end is cut off.
  expect(paid.filter((text) => text.startsWith('document')).length).toBeLessThanOrEqual(300);
});

it('the same seed plays the same piece', async () => {
  const { rehearse } = await planned();
  const once = await rehearse({ nodes: 40, seed: 3 });
  const again = await rehearse({ nodes: 40, seed: 3 });
  expect([again.kills, again.textsEmbedded, again.gate?.sample]).toEqual([
    once.kills,
    once.textsEmbedded,
    once.gate?.sample,
  ]);
});

describe('what is wrong is found on the copies', () => {
  it('a model whose vectors say nothing of their texts', async () => {
    const { rehearse } = await planned(async (texts) =>
      texts.map((text) => expectedVector(large.spec, text)),
    );
    const report = await rehearse({ nodes: 100 });
    expect(report).toMatchObject({ verdict: 'unsafe', completed: 100, gate: { verdict: 'no-go' } });
    expect(report.findings).toEqual(report.gate?.reasons);
    expect(report.rollback.succeeded).toBe(true);
  });

  it('texts that the model refuses', async () => {
    let refused: string | undefined;
    const { rehearse } = await planned(async (texts, o) => {
      refused ??= texts.find((text) => sections.some(({ content }) => content === text));
      if (texts.some((text) => text === refused)) throw new EmbedderError('refused', 'Not this one.');
      return large.embed(texts, o);
    });
    const report = await rehearse({ nodes: 30, kills: 1 });
    expect(report.verdict).toBe('unsafe');
    expect(report.findings[0]).toBe('1 of 30 nodes failed with EMBEDDER_FAILED: Not this one.');
    expect(report.rollback.succeeded).toBe(true);
  });

  it('a key that is refused', async () => {
    const { rehearse } = await planned(() =>
      Promise.reject(new EmbedderError('fatal', 'The key is not valid.')),
    );
    const report = await rehearse({ nodes: 30 });
    expect(report).toMatchObject({ verdict: 'unsafe', completed: 0 });
    expect(report.findings.join(' ')).toContain('paused (EMBEDDER_FAILED: The key is not valid.)');
  });

  it('a store that puts back something else than was there', async () => {
    const careless: MakeScratchStore = async (folder) => {
      const scratch = await scratchStore(folder);
      let isFilled = false;
      return {
        ...scratch,
        store: storeWith(scratch.store, {
          write: (writes) => {
            isFilled ||= writes.some(({ restore }) => !restore);
            return scratch.store.write(
              writes.map(({ set, ...write }) => {
                const vector = isFilled && write.restore && set?.vector?.map((element) => element * 1.0001);
                return { ...write, ...(set && { set: { ...set, ...(vector && { vector }) } }) };
              }),
            );
          },
        }),
      };
    };
    const { rehearse } = await planned();
    const report = await rehearse({ nodes: 20, kills: 0, rateLimits: 0, scratchStore: careless });
    expect(report.verdict).toBe('unsafe');
    expect(report.findings).toContain('20 of 20 nodes are not what they were before, byte for byte.');
  });
});

it('one that is stopped, or refused, leaves nothing either', async () => {
  const stop = new AbortController();
  let calls = 0;
  const { rehearse, manager, planId } = await planned((texts, o) => {
    calls += 1;
    if (calls === 3) stop.abort(new Error('Enough.'));
    return large.embed(texts, o);
  });
  await expect(rehearse({ nodes: 60, signal: stop.signal })).rejects.toThrow('Enough.');
  expect((await refusalOf(rehearse({ nodes: 0 }))).code).toBe('SPEC_INVALID');
  expect((await refusalOf(rehearse({ planId: 'none' }))).code).toBe('PLAN_UNKNOWN');
  const failing = () => Promise.reject(new Error('No room.'));
  await expect(rehearse({ scratchStore: failing })).rejects.toThrow('No room.');
  expect((await manager.getMigration(planId)).status).toBe('pending');
});
