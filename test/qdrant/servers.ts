import { randomBytes } from 'node:crypto';
import { QdrantClient } from '@qdrant/js-client-rest';
import { startQdrantDouble } from '@registry/qdrant-double';

/** A server to ask, and names of collections that nobody else uses. */
export interface QdrantScene {
  readonly client: QdrantClient;
  /** `1.18`, as a number that can be compared: 18. */
  readonly minor: number;
  /** A name of this scene's own; what is made under it goes when the scene is closed. */
  name(suffix: string): string;
  close(): Promise<void>;
}

/** Where the same statements are checked. */
export interface QdrantServer {
  readonly title: string;
  /** Undefined: nobody told of one. */
  readonly open: (() => Promise<QdrantScene>) | undefined;
}

async function scene(client: QdrantClient, end: () => Promise<void> = async () => {}): Promise<QdrantScene> {
  const prefix = `evr_test_${randomBytes(6).toString('hex')}_`;
  const { version } = await client.versionInfo();
  return {
    client,
    minor: Number(version.split('.')[1]),
    name: (suffix) => prefix + suffix,
    close: async () => {
      try {
        const { collections } = await client.getCollections();
        const ours = collections.filter(({ name }) => name.startsWith(prefix));
        await Promise.all(ours.map(({ name }) => client.deleteCollection(name)));
      } finally {
        await end();
      }
    },
  };
}

const { QDRANT_URL: url, QDRANT_API_KEY: key } = process.env;

function realClient(address: string): QdrantClient {
  // A key given as a header is sent over plain http without a warning, and an address keeps its own port.
  const { port, protocol } = new URL(address);
  const ownPort = port === '' ? { port: protocol === 'https:' ? 443 : 80 } : {};
  const headers = key === undefined ? {} : { headers: { 'api-key': key } };
  return new QdrantClient({ url: address, checkCompatibility: false, ...ownPort, ...headers });
}

/** The double always, a real server where `QDRANT_URL` names one. */
export const servers: readonly QdrantServer[] = [
  {
    title: 'the double',
    open: async () => {
      const double = await startQdrantDouble();
      const client = new QdrantClient({ url: double.url, checkCompatibility: false });
      return scene(client, () => double.close());
    },
  },
  {
    title: 'a real Qdrant',
    open: url === undefined ? undefined : () => scene(realClient(url)),
  },
];

if (url === undefined)
  console.warn('QDRANT_URL is not set: nothing here is checked against a real Qdrant server.');
