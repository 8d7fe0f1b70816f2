/** A whole migration to a model behind HTTP, with what such models do: limits, refusals, and the bill. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EmbeddingModelSpec, EmbeddingVersionManager, type NodeStore } from '@registry/core';
import { expectedVector, testEmbedder } from '@registry/core/testing';
import { openAICompatible, withCache } from '@registry/embedders';
import { SqliteNodeStore } from '@registry/node-memory';
import { expect, onTestFinished, test } from 'vitest';
import { embeddedNodes, nodeId, temporaryFolder, textOf } from '../scene.ts';

const NODES = 60;
const dimension = 16;
const served = new EmbeddingModelSpec({ modelId: 'served', version: 1, dimension, checksum: 'served' });
const tooLong = textOf(7);
const nodeTexts = new Set(Array.from({ length: NODES }, (_, index) => textOf(index)));

/** Says "later" to its third request, and refuses one text. */
async function modelServer() {
  const paidFor: string[] = [];
  let requests = 0;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = await request.toArray();
    const { input } = JSON.parse(Buffer.concat(parts).toString()) as { input: string[] };
    requests++;
    if (requests === 3) return void response.writeHead(429, { 'retry-after-ms': '30' }).end();
    if (input.includes(tooLong)) {
      const error = { code: 'context_length_exceeded', message: `Too long: ${tooLong}` };
      return void response.writeHead(400).end(JSON.stringify({ error }));
    }
    // The sentences of a witness are embedded anew each time: that is what they are for.
    paidFor.push(...input.filter((text) => nodeTexts.has(text)));
    const data = input.map((text, index) => {
      const { buffer } = expectedVector(served, text);
      return { index, embedding: Buffer.from(buffer).toString('base64') };
    });
    response.end(JSON.stringify({ data: data.toReversed() }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, paidFor };
}

async function vectorsIn(store: NodeStore): Promise<ReadonlyMap<string, unknown>> {
  const nodes = await store.read(Array.from({ length: NODES }, (_, index) => nodeId(index)));
  return new Map(nodes.map(({ id, vector }) => [id, vector]));
}

test('a model behind HTTP gets its texts once, whatever the migration goes through', async () => {
  const folder = temporaryFolder();
  const { baseURL, paidFor } = await modelServer();
  const remote = openAICompatible({ baseURL, model: 'served', dimension, limits: { texts: 8 } });
  await using target = withCache(remote, { path: join(folder, 'vectors.sqlite') });
  const old = testEmbedder({ modelId: 'old-model', dimension: 8 });
  await using store = await SqliteNodeStore.open({ path: join(folder, 'nodes.sqlite') });
  await using manager = await EmbeddingVersionManager.open({
    dbPath: join(folder, 'registry.sqlite'),
    nodeStore: store,
    embedders: [old, target],
  });
  await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
  await manager.registerModel(target.spec.toJSON());
  await store.upsert(embeddedNodes(old.spec, NODES));
  const before = await vectorsIn(store);
  const migrate = async () => {
    const { planId } = await manager.createMigration({
      targetModelId: 'served',
      targetVersion: 1,
      batchSize: 20,
      maxRetries: 0,
    });
    return manager.runMigration(planId);
  };

  const plan = await migrate();
  expect(plan).toMatchObject({ status: 'failed', completedNodes: NODES - 1, failedNodes: 1 });
  const { items: failed } = await manager.listTasks({ planId: plan.planId, status: 'failed' });
  expect(failed).toMatchObject([{ nodeId: nodeId(7), errorCode: 'EMBEDDER_FAILED' }]);
  expect(JSON.stringify(failed)).not.toContain(tooLong);
  for (const [id, vector] of await vectorsIn(store)) {
    if (id === nodeId(7)) expect(vector).toEqual(before.get(id));
    else expect(vector).toEqual(expectedVector(served, textOf(Number(id.slice(5)))));
  }
  expect(paidFor.toSorted()).toEqual([...new Set(paidFor)].toSorted());
  const paid = paidFor.length;
  expect(paid).toBeGreaterThanOrEqual(NODES - 1);

  await manager.rollbackMigration({ planId: plan.planId });
  expect(await vectorsIn(store)).toEqual(before);
  expect(await migrate()).toMatchObject({ status: 'failed', completedNodes: NODES - 1 });
  expect(paidFor).toHaveLength(paid);
});
