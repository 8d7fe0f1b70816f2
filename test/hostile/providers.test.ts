/** Providers that repeat what they were sent, answer without end, or send on: neither key nor text is kept or told. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { QdrantClient } from '@qdrant/js-client-rest';
import { EmbeddingVersionManager } from '@registry/core';
import { openAICompatible } from '@registry/embedders';
import { QdrantNodeStore } from '@registry/qdrant';
import { expect, it, onTestFinished } from 'vitest';
import {
  embeddingServer,
  type Reply,
  sendJson,
  serverDimension,
} from '../../packages/embedders/test/server/embedding-server.ts';
import { openScene, refusalOf } from '../scene.ts';
import { harmful } from './forgeries.ts';

const key = 'sk-proj-3f9d2c7b1a8e4f60a5d7';
const texts = 'The text of node number';

async function served(reply: Reply) {
  const server = await embeddingServer(reply);
  onTestFinished(() => server.close());
  return server;
}

it.each<[string, Reply]>([
  [
    'refuses each text, and repeats it',
    (response, { body }) => {
      const message = `It may not be \u001b[2J${body.input.join(' ')}`;
      return sendJson(response, 400, { error: { message, code: body.input[0], type: key } });
    },
  ],
  [
    'does not take the key, and repeats it',
    (response, { headers }) =>
      sendJson(response, 401, { error: { message: `Incorrect API key provided: ${headers.authorization}` } }),
  ],
  [
    'repeats both in its headers',
    (response, { headers, body }) => {
      response.setHeader('retry-after', String(headers.authorization));
      response.setHeader('x-request-id', encodeURIComponent(body.input[0]!));
      return sendJson(response, 429, body);
    },
  ],
])('a provider that %s leaves neither in registry, log, error or report', async (_, reply) => {
  const server = await served(reply);
  const target = openAICompatible({
    baseURL: server.baseURL,
    model: 'served',
    dimension: serverDimension,
    apiKey: () => key,
  });
  const told: unknown[] = [];
  const log = (message: string, details?: object) => void told.push(message, details);
  const scene = await openScene({ nodes: 3 });
  await scene.manager.close();
  const manager = await EmbeddingVersionManager.open({
    dbPath: scene.dbPath,
    nodeStore: scene.store,
    embedders: [target],
    logger: { debug: log, info: log, warn: log, error: log },
  });
  onTestFinished(() => manager.close());
  await manager.registerModel(target.spec);
  const { modelId: targetModelId, version: targetVersion } = target.spec;
  const { planId } = await manager.createMigration({ targetModelId, targetVersion, maxRetries: 0 });
  // What is held for an hour is not waited for.
  const stopping = new AbortController();
  const run = manager.runMigration(planId, { signal: stopping.signal });
  for await (const { plan } of manager.watchMigration(planId))
    if (plan.hold !== undefined || plan.failedNodes > 0 || plan.status === 'paused') break;
  stopping.abort();
  told.push(await run.catch((error: unknown) => error));
  told.push(
    await manager.getMigration(planId),
    await manager.listTasks({ planId }),
    await manager.listJournal(),
  );
  await manager.writeReport({ planId, path: join(scene.folder, 'report.html') });
  await manager.writeReport({ planId, path: join(scene.folder, 'report.json'), format: 'json' });
  await manager.close();
  expect(server.asked[0]!.headers.authorization).toContain(key);
  const kept = readdirSync(scene.folder)
    .filter((name) => !name.startsWith('nodes'))
    .map((name) => readFileSync(join(scene.folder, name), 'latin1'));
  const all = [...kept, JSON.stringify(told)].join('\n');
  expect(all).toContain('served');
  expect(all).not.toContain(key);
  expect(all).not.toContain(texts);
});

it.each([401, 403, 404, 500, undefined])(
  'a Qdrant that answers %s is told of without its key, and without a password of its address',
  async (status) => {
    const server = createServer((request, response) => {
      if (status === undefined) return void request.socket.destroy();
      const error = `${request.headers['api-key']} ${request.headers.authorization} ${request.url}\u001b[2J`;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: { error }, time: 0 }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const client = new QdrantClient({
      url: `http://admin:hunter2@127.0.0.1:${port}`,
      headers: { 'api-key': key },
      checkCompatibility: false,
    });
    const store = new QdrantNodeStore({ client, collection: 'texts', contentFields: ['text'] });
    const refusal = await refusalOf(store.countByModel());
    const told = [refusal.message, JSON.stringify(refusal), inspect(refusal, { depth: 9 })].join('\n');
    expect(told).not.toContain(key);
    expect(told).not.toContain('hunter2');
    expect(refusal.message).not.toMatch(harmful);
  },
);
