/** A plan played on copies: what it finds, what it costs, and that nothing of it stays. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  type Embedder,
  EmbedderError,
  EmbeddingVersionManager,
  type MakeScratchStore,
  type OpenOptions,
  type RehearseMigrationOptions,
} from '@registry/core';
import { expectedVector, ManualClock } from '@registry/core/testing';
import { hashedNgram } from '@registry/embedders';
import { SqliteNodeStore, scratchStore } from '@registry/node-memory';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readCorpus } from '../../examples/demo/corpus.ts';
import { idleMs } from '../../packages/core/src/rehearsal/thrifty-embedder.ts';
import { refusalOf, rowsOf, storeWith, temporaryFolder } from '../scene.ts';

const { sections } = readCorpus('packages/embedders/node_modules/ai', 170);
const small = hashedNgram({ dimension: 256 });
const large = hashedNgram({ dimension: 512 });

/** Pages of a manual in a store, embedded with the small model, and a plan to the large one as `embed` makes it. */
async function planned(
  embed: Embedder['embed'] = (texts, o) => large.embed(texts, o),
  options: Pick<OpenOptions, 'logger' | 'isDead'> = {},
) {
  const folder = temporaryFolder();
  const temporary = temporaryFolder();
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => void vi.unstubAllEnvs());
  const files = [join(folder, 'registry.sqlite'), join(folder, 'nodes.sqlite')] as const;
  const clock = new ManualClock();
  const store = await SqliteNodeStore.open({ path: files[1] });
  onTestFinished(() => store.close());
  const target: Embedder = { spec: large.spec, embed };
  const manager = await EmbeddingVersionManager.open({
    ...{ dbPath: files[0], nodeStore: store, embedders: [small, target], clock, ...options },
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
      const left = readdirSync(temporary).filter((name) => name.includes(`-${process.pid}-`));
      expect(left, 'copies').toEqual([]);
    }
  };
  return { manager, planId, rehearse, temporary, clock };
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

it('counts what was idle once, whatever overlaps', () => {
  expect(
    idleMs({
      idle: [
        [100, 200],
        [150, 160],
        [190, 260],
        [0, 10],
      ],
    }),
  ).toBe(170);
});

describe('workers in processes of their own', () => {
  const file = join(import.meta.dirname, 'worker-program.ts');

  it('are killed for real, and the plan goes on after each', async () => {
    const { rehearse } = await planned();
    const notes = join(temporaryFolder(), 'notes');
    const report = await rehearse({
      ...{ nodes: 30, kills: 2, rateLimits: 1, workerProgram: { file, arguments: [notes] } },
    });
    expect(report).toMatchObject({
      completed: 30,
      rateLimits: 1,
      rollback: { restored: 30, succeeded: true },
    });
    expect(report.kills).toHaveLength(3);
    const lines = readFileSync(notes, 'utf8').trimEnd().split('\n');
    // None came to its own end.
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['started', 'started', 'started']);
    for (const pid of lines.map((line) => Number(line.split(' ')[1]))) {
      expect(pid).not.toBe(process.pid);
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    }
  });

  it('one that ends by itself is a finding, one that does not work at all an error', async () => {
    const { rehearse } = await planned();
    const notes = join(temporaryFolder(), 'notes');
    const play = (how: string) =>
      rehearse({ nodes: 20, kills: 1, seed: 1, workerProgram: { file, arguments: [notes, how] } });
    expect(await play('crash')).toMatchObject({
      verdict: 'unsafe',
      findings: expect.arrayContaining(['The process of a worker ended by itself (7).']),
    });
    expect((await refusalOf(play('deaf'))).message).toContain('ended (0) before it was ready');
  });
});

it('copies that a killed rehearsal has left are removed by the next one, and it says so', async () => {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const { rehearse, temporary } = await planned(undefined, {
    logger: { debug() {}, info() {}, warn, error() {} },
    isDead: ({ pid }) => pid === 41,
  });
  const label = hostname().replaceAll(/[^\w.]/g, '_');
  const left = join(temporary, `embedding-rehearsal-41-${label}-abcdef`);
  mkdirSync(left);
  writeFileSync(join(left, 'nodes.sqlite'), 'copies');
  const others = [`embedding-rehearsal-42-${label}-abcdef`, 'embedding-rehearsal-41-other.host-abcdef'];
  for (const name of others) mkdirSync(join(temporary, name));
  await rehearse({ nodes: 1, kills: 0, rateLimits: 0 });
  expect(readdirSync(temporary).sort()).toEqual([...others].sort());
  expect(warnings.filter((message) => message.includes(left))).toHaveLength(1);
});

describe('what is wrong is found on the copies', () => {
  it('a model that has drifted since it was registered, which would pause the plan too', async () => {
    let isUpdated = false;
    const { rehearse } = await planned((texts, o) => {
      const read = isUpdated ? texts.map((text) => `query: ${text}`) : texts;
      return large.embed(read, o);
    });
    isUpdated = true;
    const report = await rehearse({ nodes: 20, kills: 0 });
    expect(report).toMatchObject({ verdict: 'unsafe', completed: 0 });
    expect(report.findings.join(' ')).toContain('paused (MODEL_DRIFTED');
  });

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

it.each([
  ['the worker that lives', { kills: 0 }],
  ['a worker that is yet to die', { kills: 1, seed: 4 }],
])('a stop waits for no answer that %s is owed', async (_, wish) => {
  const stop = new AbortController();
  const left: AbortSignal[] = [];
  let hangs = false;
  const { rehearse, clock } = await planned((texts, o) => {
    if (!hangs || o.purpose !== 'document') return large.embed(texts, o);
    if (o.signal) left.push(o.signal);
    stop.abort(new Error('Enough.'));
    return new Promise(() => {});
  });
  hangs = true;
  const startedAt = clock.now();
  await expect(rehearse({ ...wish, nodes: 20, rateLimits: 0, signal: stop.signal })).rejects.toThrow(
    'Enough.',
  );
  expect(clock.now() - startedAt).toBeLessThan(60_000);
  expect(left.map(({ aborted }) => aborted)).toEqual(left.map(() => true));
  expect(left.length).toBeGreaterThan(0);
});
