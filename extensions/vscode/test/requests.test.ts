import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbedderError, EmbeddingVersionManager } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { expect, it, onTestFinished } from 'vitest';
import { reads, writes } from '../src/registry-process/requests.ts';
import { parseVerdict } from '../src/registry-process/verdict.ts';
import { temporaryFolder } from './scene.ts';

/** A plan that failed for two nodes with one cause, and for more than a page of others with another. */
async function failedPlan(others: number) {
  const folder = temporaryFolder();
  const nodeStore = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  const target = testEmbedder({
    modelId: 'target',
    dimension: 4,
    onCall: (texts) => {
      if (texts.some((text) => text.startsWith('Refuse'))) throw new EmbedderError('refused', 'Too long.');
    },
  });
  const manager = await EmbeddingVersionManager.open({
    dbPath: join(folder, 'embedding_registry.sqlite'),
    nodeStore,
    embedders: [target],
  });
  onTestFinished(async () => {
    await manager.close();
    await nodeStore.close();
  });
  await manager.registerModel(target.spec.toJSON());
  const contents = ['Refuse 1.', 'Refuse 2.', 'Good.', ...Array.from({ length: others }, () => '')];
  await nodeStore.upsert(contents.map((content, index) => ({ id: `n-${index}`, content })));
  const to = { targetModelId: 'target', targetVersion: 1, maxRetries: 0, throttleMs: 0, batchSize: 500 };
  const { planId } = await manager.createMigration(to);
  await manager.runMigration(planId);
  return { manager, planId, folder };
}

it('tries all failed nodes of one cause again, page by page, and none of another', async () => {
  const { manager, planId } = await failedPlan(1_001);
  const failures = await manager.listFailures(planId);
  const [most, least] = [...failures].sort((a, b) => b.count - a.count);
  expect([most?.count, least?.count]).toEqual([1_001, 2]);
  const both = { planId, nodeIds: ['n-0'], errorCode: most!.code };
  await expect(writes.retryFailed(manager, both)).rejects.toMatchObject({ code: 'SPEC_INVALID' });
  expect(await writes.retryFailed(manager, { planId, errorCode: most!.code })).toBe(1_001);
  expect(await manager.listFailures(planId)).toMatchObject([{ code: least!.code, count: 2 }]);
});

it('writes a report of a plan, and knows of no verdict that nobody gave', async () => {
  const { manager, planId, folder } = await failedPlan(1);
  const path = join(folder, 'report.html');
  await reads.report(manager, { planId, path });
  expect(readFileSync(path, 'utf8')).toContain(planId);
  expect(await reads.verdict(manager, { planId })).toBeUndefined();
});

it('takes a verdict for one only where it can be shown', () => {
  const check = { message: 'm', outcome: 'passed', new: 1, limit: 0.05 };
  const verdict = {
    verdict: 'go',
    reasons: [],
    at: '2026-01-02T03:04:05.000Z',
    sample: { nodes: 3, of: 3, queries: { known: 0 } },
    checks: [check],
  };
  expect(parseVerdict(verdict)).toBe(verdict);
  for (const foreign of [
    undefined,
    {},
    { ...verdict, verdict: '<b>go</b>' },
    { ...verdict, reasons: 'all is well' },
    { ...verdict, reasons: [{}] },
    { ...verdict, checks: [{ ...check, new: '1' }] },
    { ...verdict, sample: null },
  ])
    expect(parseVerdict(foreign), JSON.stringify(foreign)).toBeUndefined();
});
