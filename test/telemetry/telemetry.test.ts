import { readFileSync } from 'node:fs';
import { EmbedderError, type MetricName, silentLogger, telemetryNames } from '@registry/core';
import { type EmbedderHook, ManualClock, testEmbedder } from '@registry/core/testing';
import { expect, it } from 'vitest';
import { nodeId, openScene, textOf } from '../scene.ts';
import { type Point, startSdk } from './exporters.ts';

const NODES = 40;
const of = (points: readonly Point[], name: MetricName) => points.filter((point) => point.name === name);
const total = (points: readonly Point[], name: MetricName) =>
  of(points, name).reduce((sum, { value }) => sum + value, 0);

/** Forty nodes in batches of ten: a rate limit, a text that is refused, and an edit under a write. */
async function troubledMigration() {
  const clock = new ManualClock();
  let isEdited = false;
  const onCall: EmbedderHook = async (texts, { index }) => {
    if (index === 0) throw new EmbedderError('rateLimited', 'Slow down.', { retryAfterMs: 5_000 });
    if (texts.includes(textOf(15))) throw new EmbedderError('refused', `I will not read: ${textOf(15)}`);
    if (!texts.includes(textOf(35)) || isEdited) return;
    isEdited = true;
    await scene.store.upsert([{ id: nodeId(35), content: 'An edited text.' }]);
  };
  const target = testEmbedder({
    modelId: 'new-model',
    dimension: 12,
    onCall,
    countsTokens: { exact: false },
  });
  const scene = await openScene({ nodes: NODES, target, clock });
  const plan = await scene.manager.createMigration({
    ...scene.to,
    batchSize: 10,
    maxRetries: 1,
    maxParallelWorkers: 1,
  });
  await clock.runUntil(scene.manager.runMigration(plan.planId));
  return { ...scene, plan, clock };
}

it('a migration with trouble leaves every metric with its number', async () => {
  const sdk = startSdk();
  const { manager, plan, clock, target, old } = await troubledMigration();
  expect(await manager.getMigration(plan.planId)).toMatchObject({ completedNodes: 39, failedNodes: 1 });
  const points = await sdk.points();
  const witness = [...old.witnessCalls, ...target.witnessCalls];
  const nodes = target.calls.filter(({ index, texts }) => index > 0 && !texts.includes(textOf(15)));
  const answered = [...witness, ...nodes];
  expect(total(points, 'embedding_registry.node.writes')).toBe(39);
  expect(of(points, 'embedding_registry.node.failures')).toMatchObject([
    { value: 1, attributes: { 'error.type': 'EMBEDDER_FAILED', 'embedding_registry.model.id': 'new-model' } },
  ]);
  expect(total(points, 'embedding_registry.node.retries')).toBe(1);
  expect(total(points, 'embedding_registry.node.conflicts')).toBe(1);
  expect(of(points, 'embedding_registry.plan.holds')).toMatchObject([
    { value: 1, attributes: { 'error.type': 'RATE_LIMITED' } },
  ]);
  expect(total(points, 'embedding_registry.embed.texts')).toBe(answered.flatMap(({ texts }) => texts).length);
  // The other one does not count its tokens.
  const counted = [...target.witnessCalls, ...nodes];
  const words = counted.flatMap(({ texts }) => texts.flatMap((text) => text.split(/\s+/))).length;
  expect(total(points, 'embedding_registry.embed.tokens')).toBe(words);
  const calls = of(points, 'embedding_registry.embed.duration');
  expect(calls.reduce((sum, { count }) => sum + count, 0)).toBe(target.calls.length + witness.length);
  expect(new Set(calls.map(({ attributes }) => attributes['embedding_registry.outcome']))).toEqual(
    new Set(['answered', 'refused', 'rateLimited']),
  );
  const [size] = of(points, 'embedding_registry.batch.size');
  const batches = sdk.spans().filter(({ name }) => name === 'embedding_registry.batch');
  expect(size).toMatchObject({ count: batches.length, unit: '{node}' });
  expect(of(points, 'embedding_registry.batch.duration')[0]).toMatchObject({
    count: batches.length,
    unit: 's',
  });

  await clock.runUntil(manager.rollbackMigration({ planId: plan.planId }));
  const after = await sdk.points();
  expect(of(after, 'embedding_registry.node.rollbacks')).toMatchObject([
    { value: 39, attributes: { 'embedding_registry.outcome': 'restored' } },
  ]);
});

it('each step of a batch is a child of its span, without a context manager to carry it', async () => {
  const sdk = startSdk();
  const { plan } = await troubledMigration();
  const spans = sdk.spans();
  const batches = spans.filter(({ name }) => name === 'embedding_registry.batch');
  expect(batches.length).toBeGreaterThanOrEqual(5);
  for (const batch of batches) {
    expect(batch.attributes['embedding_registry.plan.id']).toBe(plan.planId);
    expect(batch.attributes['embedding_registry.lease.lost']).toBe(false);
    const { spanId } = batch.spanContext();
    const children = spans.filter((span) => span.parentSpanContext?.spanId === spanId);
    expect(children.map(({ name }) => name)).toEqual(
      ['read', 'embed', 'backup', 'write', 'settle'].map((step) => `embedding_registry.batch.${step}`),
    );
  }
  expect(spans.map(({ name }) => name)).toContain('embedding_registry.sweep');
});

it('a failure is told by its code alone, and nothing tells a node or its text', async () => {
  const sdk = startSdk();
  const failed = Promise.withResolvers<void>();
  const { manager, to } = await openScene({
    nodes: 3,
    logger: { ...silentLogger, warn: () => failed.resolve() },
    wrap: (whole) =>
      new Proxy(whole, {
        get(inner, name) {
          if (name === 'write')
            return async () => {
              throw new Error(`The disk spat out ${nodeId(1)}: ${textOf(1)}`);
            };
          const member = Reflect.get(inner, name, inner) as unknown;
          return typeof member === 'function' ? member.bind(inner) : member;
        },
      }),
  });
  const plan = await manager.createMigration(to);
  const stop = new AbortController();
  const run = manager.runMigration(plan.planId, { signal: stop.signal });
  await failed.promise;
  stop.abort();
  await run;
  const spans = sdk.spans();
  const write = spans.find(({ name }) => name === 'embedding_registry.batch.write');
  expect(write?.attributes).toEqual({ 'error.type': 'DATABASE_UNAVAILABLE' });
  expect(write?.status).toEqual({ code: 2, message: 'DATABASE_UNAVAILABLE' });
  const told = JSON.stringify([
    spans.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    await sdk.points(),
  ]);
  expect(told).not.toContain(nodeId(1));
  expect(told).not.toContain('text of node');
});

it('an SDK that is started after the manager was opened is heard too', async () => {
  const { manager, to } = await openScene({ nodes: 5 });
  await manager.embed(['before'], { modelId: to.targetModelId, version: to.targetVersion });
  const sdk = startSdk();
  await manager.embed(['after'], { modelId: to.targetModelId, version: to.targetVersion });
  expect(total(await sdk.points(), 'embedding_registry.embed.texts')).toBe(1);
});

it('an embedder that cannot count its tokens loses no answer', async () => {
  startSdk();
  const target = testEmbedder({ modelId: 'new-model', dimension: 12, countsTokens: { exact: true } });
  const { manager, to } = await openScene({
    nodes: 1,
    target: {
      ...target,
      countTokens() {
        throw new Error('No tokenizer.');
      },
    },
  });
  const plan = await manager.createMigration(to);
  expect((await manager.runMigration(plan.planId)).completedNodes).toBe(1);
});

it('what is measured is what the table says, and the README shows the table', async () => {
  const sdk = startSdk();
  const { manager, plan, clock } = await troubledMigration();
  await clock.runUntil(manager.rollbackMigration({ planId: plan.planId }));
  const allowed: Readonly<Record<string, { readonly attributes: readonly string[] }>> = {
    ...telemetryNames.metrics,
    ...telemetryNames.spans,
  };
  const points = await sdk.points();
  for (const { name, attributes } of [...points, ...sdk.spans()])
    expect(allowed[name]?.attributes, name).toEqual(expect.arrayContaining(Object.keys(attributes)));
  for (const { name, kind, unit } of points)
    expect(telemetryNames.metrics[name as MetricName]).toMatchObject({ kind, unit });
  const untold = Object.keys(allowed).filter(
    (name) => ![...points, ...sdk.spans()].some((seen) => seen.name === name),
  );
  // A lease that is lost is the crash tests' business.
  expect(untold).toEqual(['embedding_registry.lease.losses']);
  const readme = readFileSync('packages/core/README.md', 'utf8');
  for (const [name, { kind, unit }] of Object.entries(telemetryNames.metrics))
    expect(readme).toContain(`| \`${name}\` | ${kind}, ${unit} |`);
  for (const name of Object.keys(telemetryNames.spans)) expect(readme).toContain(`| \`${name}\` | span |`);
});
