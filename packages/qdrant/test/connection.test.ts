import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { QdrantClient } from '@qdrant/js-client-rest';
import { systemClock } from '@registry/core';
import { expect, it, onTestFinished } from 'vitest';
import { Connection } from '../src/server/connection.ts';

it('waits for no server that does not answer once it is called off', async () => {
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new QdrantClient({ url: `http://127.0.0.1:${port}`, checkCompatibility: false });
  const stopping = new AbortController();
  const reading = new Connection(client, systemClock).read('root', {}, stopping.signal);
  await asked.promise;
  stopping.abort(new Error('called off'));
  await expect(reading).rejects.toThrow('called off');
});
