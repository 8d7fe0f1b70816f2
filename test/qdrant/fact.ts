import type { QdrantClient } from '@qdrant/js-client-rest';
import type { QdrantScene } from './servers.ts';

/** What is known of a server: a sentence, since which minor version of 1 it is so, and the proof. */
export interface Fact {
  readonly says: string;
  readonly since?: number;
  readonly holds: (scene: QdrantScene) => Promise<void>;
}

/** The status that a call is refused with; undefined where it succeeded. */
export async function statusOf(call: Promise<unknown>): Promise<number | undefined> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as { status?: number },
  );
  return error?.status;
}

/** Whatever a server gives new collections by default: some forbid filters without an index. */
export const unrestricted = { strict_mode_config: { enabled: false } } as const;

/** Why a call is refused, as the server says it. */
export async function reasonOf(call: Promise<unknown>): Promise<string | undefined> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as { data?: { status?: { error?: string } } },
  );
  return error?.data?.status?.error;
}

type Vectors = Parameters<QdrantClient['createCollection']>[1]['vectors'];

/** A new collection, of one unnamed vector with two numbers unless told. */
export async function collectionOf(
  { client, name }: QdrantScene,
  vectors: Vectors = { size: 2, distance: 'Dot' },
  suffix = 'c',
): Promise<string> {
  await client.createCollection(name(suffix), { ...unrestricted, ...(vectors !== undefined && { vectors }) });
  return name(suffix);
}

/** Points with ids 0 … count - 1, `payload.n` their id. */
export function numbered(count: number): { id: number; vector: number[]; payload: { n: number } }[] {
  return Array.from({ length: count }, (_, n) => ({ id: n, vector: [n, 1], payload: { n } }));
}

/** `payload.n` of all points, in the order of their ids. */
export async function numbersIn(client: QdrantClient, collection: string): Promise<unknown[]> {
  const { points } = await client.scroll(collection, { limit: 1000 });
  return points.map(({ payload }) => payload?.n);
}
