import { join } from 'node:path';
import { QdrantClient } from '@qdrant/js-client-rest';
import { EmbeddingVersionManager } from '@registry/core';
import { QdrantNodeStore } from '@registry/qdrant';
import type { Benchmark } from '../benchmark.ts';
import { alternate, ratios, secondsOf } from '../measure.ts';
import { Child } from '../processes/child.ts';
import type { QdrantServerAnswer, QdrantServerQuestion } from '../processes/qdrant-server.ts';
import { figure, verdict } from '../report.ts';
import { after, BATCH, before, costlessEmbedder, DIMENSION, inFolder, textOf, vectorOf } from '../scene.ts';

const alias = 'documents';
const vectors = { size: DIMENSION, distance: 'Cosine' } as const;

type Server = Child<QdrantServerAnswer>;

/** The backfill of a shadow collection, beside a loop that upserts the same points and does nothing else. */
export const qdrant: Benchmark = async ({ folder, isFull, rounds }) => {
  const size = isFull ? 20_000 : 5_000;
  await using server: Server = new Child<QdrantServerAnswer>('qdrant-server.ts', {});
  const { url } = await server.answer();
  const client = new QdrantClient({ url, checkCompatibility: false });
  await fill(client, size);
  const traffic: QdrantServerAnswer[] = [];
  const measured = await alternate(rounds, {
    ours: async () => {
      await counts(server);
      const rate = await inFolder(folder, (round) => backfill(client, join(round, 'registry.sqlite'), size));
      traffic.push(await counts(server));
      return rate;
    },
    bare: () => bareLoop(client, size),
  });
  await counts(server, true);
  await inFolder(folder, (round) => backfill(client, join(round, 'registry.sqlite'), size));
  const { vectorBytes, vectors: sent } = await counts(server);
  return {
    name: 'qdrant',
    title: `Backfill of a shadow collection, ${size.toLocaleString('en')} nodes, batches of ${BATCH}`,
    figures: [
      figure('backfill', 'nodes/s', measured.ours),
      figure('bare loop of upserts', 'nodes/s', measured.bare),
      figure(
        'requests per 1,000 nodes',
        '',
        traffic.map(({ requests }) => (1000 * requests) / size),
      ),
      figure(
        'sent per node',
        'bytes',
        traffic.map(({ bytes }) => bytes / size),
      ),
      figure(`a vector of ${DIMENSION}`, 'bytes', [vectorBytes / sent]),
      figure('vectors sent per node', '', [sent / size]),
    ],
    verdicts: [verdict('backfill beside the bare loop', '×', ratios(measured.ours, measured.bare), '≥', 0.8)],
    remarks: ['The server is a double in a process of its own: it costs less than a real one would.'],
  };
};

/** What went over the line since the last call. */
async function counts(server: Server, countsVectors = false): Promise<QdrantServerAnswer> {
  const question: QdrantServerQuestion = { countsVectors };
  const answer = server.answer();
  server.tell(question);
  return answer;
}

/** Points with the stamps of the model `before`, in a collection behind an alias. */
async function fill(client: QdrantClient, size: number): Promise<void> {
  await client.createCollection('first', { vectors });
  const create_alias = { alias_name: alias, collection_name: 'first' };
  await client.updateCollectionAliases({ actions: [{ create_alias }] });
  await upsertAll(client, 'first', size, before);
}

/** As compact as a number can be that is to be the same 32-bit float again. */
function compact(vector: Float32Array): number[] {
  return Array.from(vector, (value) => Number(value.toPrecision(9)));
}

async function upsertAll(client: QdrantClient, collection: string, size: number, model: typeof after) {
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = model.info;
  for (let start = 0; start < size; start += BATCH) {
    const count = Math.min(BATCH, size - start);
    const points = Array.from({ length: count }, (_, index) => ({
      id: start + index,
      vector: compact(vectorOf(model)),
      payload: {
        text: textOf(start + index),
        embedding_model_id: embeddingModelId,
        embedding_version: embeddingVersion,
        embedding_checksum: embeddingChecksum,
      },
    }));
    await client.upsert(collection, { points });
  }
}

async function bareLoop(client: QdrantClient, size: number): Promise<number> {
  await client.createCollection('bare', { vectors });
  const seconds = await secondsOf(() => upsertAll(client, 'bare', size, after));
  await client.deleteCollection('bare');
  return size / seconds;
}

/** Afterwards the server is as it was. */
async function backfill(client: QdrantClient, dbPath: string, size: number): Promise<number> {
  const nodeStore = new QdrantNodeStore({ client, collection: alias, contentFields: ['text'] });
  const embedders = [costlessEmbedder(before), costlessEmbedder(after)];
  await using manager = await EmbeddingVersionManager.open({ dbPath, nodeStore, embedders });
  await manager.registerModel({ ...before.toJSON(), setActive: true });
  const { modelId: targetModelId, version: targetVersion } = await manager.registerModel(after.toJSON());
  const wish = { targetModelId, targetVersion, strategy: 'shadow', batchSize: BATCH, throttleMs: 0 } as const;
  const { planId } = await manager.createMigration(wish);
  const seconds = await secondsOf(() => manager.runMigration(planId));
  const { completedNodes, status } = await manager.getMigration(planId);
  if (status !== 'completed' || completedNodes !== size)
    throw new Error(`The migration ended ${status} with ${completedNodes} of ${size} nodes`);
  await manager.rollbackMigration({ planId });
  return size / seconds;
}
