import { QdrantClient } from '@qdrant/js-client-rest';
import { onTestFinished } from 'vitest';
import { type QdrantDouble, type QdrantDoubleOptions, startQdrantDouble } from '../index.ts';

/** A double with the real client, closed after the test: what was not valid fails it then. */
export async function withDouble(
  options: QdrantDoubleOptions = {},
): Promise<{ double: QdrantDouble; client: QdrantClient }> {
  const double = await startQdrantDouble(options);
  onTestFinished(() => double.close());
  return { double, client: clientOf(double) };
}

export function clientOf(double: QdrantDouble): QdrantClient {
  return new QdrantClient({ url: double.url, checkCompatibility: false });
}

/** The status that a call is refused with. */
export async function statusOf(call: Promise<unknown>): Promise<number | undefined> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return (outcome as { status?: number } | undefined)?.status;
}

/** The text that it is refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return (outcome as { data?: { status?: { error?: string } } } | undefined)?.data?.status?.error;
}

/** Points 0 … count - 1 with two-dimensional vectors and `payload.n`. */
export function numberedPoints(count: number): { id: number; vector: number[]; payload: { n: number } }[] {
  return Array.from({ length: count }, (_, n) => ({ id: n, vector: [n, 1], payload: { n } }));
}
