import { randomBytes } from 'node:crypto';
import { QdrantClient } from '@qdrant/js-client-rest';
import { startQdrantDouble } from '@registry/qdrant-double';

/** A server, a name that nobody else uses, and the way to leave it as it was. */
export interface Server extends AsyncDisposable {
  readonly client: QdrantClient;
  readonly title: string;
  readonly alias: string;
}

/** The server of `QDRANT_URL`, with `QDRANT_API_KEY`; else a double on loopback. */
export async function openServer(): Promise<Server> {
  const { QDRANT_URL, QDRANT_API_KEY } = process.env;
  const double = QDRANT_URL === undefined ? await startQdrantDouble() : undefined;
  const url = new URL(QDRANT_URL ?? double!.url);
  const ownPort = url.port === '' ? { port: url.protocol === 'https:' ? 443 : 80 } : {};
  const headers = QDRANT_API_KEY === undefined ? {} : { headers: { 'api-key': QDRANT_API_KEY } };
  const client = new QdrantClient({ url: url.href, checkCompatibility: false, ...ownPort, ...headers });
  const alias = `evr_example_${randomBytes(4).toString('hex')}`;
  return {
    client,
    alias,
    title: double === undefined ? `Qdrant ${(await client.versionInfo()).version}` : 'a double of Qdrant',
    async [Symbol.asyncDispose]() {
      const { collections } = await client.getCollections();
      const ours = collections.filter(({ name }) => name.startsWith(alias));
      await Promise.all(ours.map(({ name }) => client.deleteCollection(name)));
      await double?.close();
    },
  };
}
