import { type Diagnosis, diagnoseStore, type FindingCode } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { QdrantNodeStore } from '@registry/qdrant';
import { type SeenRequest, startQdrantDouble } from '@registry/qdrant-double';
import { expect, it, onTestFinished } from 'vitest';
import { clientOf } from './harness.ts';
import { ALIAS, openScene, type QdrantScene, stampPayload } from './scene.ts';

const reads = /^(root|get_|scroll_|count_|query_|collection_exists|facet)/;
const changes = (requests: readonly SeenRequest[]) =>
  requests.filter(({ operation }) => !reads.test(operation)).map(({ operation }) => operation);

/** Each finding about nodes, with the ids it names. */
const namedBy = ({ findings }: Diagnosis) =>
  Object.fromEntries(
    findings.filter(({ sample }) => sample.length > 0).map(({ code, sample }) => [code, [...sample].sort()]),
  ) as Partial<Record<FindingCode, string[]>>;

/** One point each for what can be wrong with the points of a collection. */
async function spoil({ client, old }: QdrantScene): Promise<void> {
  const stamp = stampPayload(old);
  const set = (id: number, payload: Record<string, unknown>) =>
    client.setPayload(ALIAS, { wait: true, points: [id], payload });
  await client.deletePayload(ALIAS, { wait: true, points: [0], keys: Object.keys(stamp) });
  await set(1, { embedding_hash: 'of a text that stood here before' });
  await client.deletePayload(ALIAS, { wait: true, points: [2], keys: ['text'] });
  await client.deleteVectors(ALIAS, { wait: true, points: [3], vector: ['text'] });
  await set(4, { embedding_model_id: 'in transit', embedding_version: 0, embedding_checksum: '' });
  await set(5, { embedding_model_id: 'elsewhere' });
  await client.deletePayload(ALIAS, { wait: true, points: [6], keys: ['embedding_checksum'] });
  await client.updateVectors(ALIAS, { wait: true, points: [{ id: 7, vector: { text: Array(8).fill(0) } }] });
  // As other tools write versions: right all the same.
  await set(8, { embedding_version: '1' });
  await set(9, { embedding_checksum: 'of other settings' });
}

it('finds what is wrong with the points of a collection, and writes nothing', async () => {
  const scene = await openScene({ points: 12 });
  const { manager, double } = scene;
  await spoil(scene);
  const before = double.requests.length;
  const diagnosis = await manager.diagnose({ sampleSize: 16 });
  expect(namedBy(diagnosis)).toEqual({
    UNSTAMPED: ['0'],
    STALE: ['1'],
    EMPTY_CONTENT: ['2'],
    NOT_EMBEDDED: ['3'],
    IN_TRANSIT: ['4'],
    STAMP_UNKNOWN: ['5'],
    CHECKSUM_EMPTY: ['6'],
    ZERO_VECTOR: ['7'],
    CHECKSUM_DIFFERS: ['9'],
  });
  expect(diagnosis.nodes).toBe(12);
  // 6, 8, 10 and 11 are as they should be; a unit vector is compared by its direction.
  expect(diagnosis.sampled).toBe(4);
  expect(changes(double.requests.slice(before))).toEqual([]);
});

it('notices vectors that the model of their stamp did not make', async () => {
  const { manager, client } = await openScene({ points: 4 });
  const vector = { text: Array.from({ length: 8 }, (_, index) => index - 3) };
  await client.updateVectors(ALIAS, { wait: true, points: [{ id: 2, vector }] });
  expect(namedBy(await manager.diagnose({}))).toEqual({ VECTORS_DIFFER: ['2'] });
});

it('meets each node at the model of the side that readers use, before and after a cutover', async () => {
  const { manager, to, client } = await openScene({ points: 6 });
  const { planId } = await manager.createMigration({ ...to, strategy: 'namedVector' });
  await manager.runMigration(planId);
  expect(namedBy(await manager.diagnose({}))).toEqual({});
  await manager.cutoverMigration({ planId });
  expect(namedBy(await manager.diagnose({}))).toEqual({});
  await client.setPayload(ALIAS, { wait: true, points: [3], payload: { text: 'another text' } });
  expect(namedBy(await manager.diagnose({}))).toEqual({ STALE: ['3'] });
});

it('leaves a collection as it is that no registry has ever seen', async () => {
  const double = await startQdrantDouble();
  onTestFinished(() => double.close());
  const client = clientOf(double);
  const { spec, embed } = testEmbedder({ modelId: 'old-model', dimension: 8 });
  await client.createCollection('unseen', { vectors: { size: 8, distance: 'Cosine' } });
  const vector = [...((await embed(['a'], { purpose: 'document' }))[0] as Float32Array)];
  const payload = { text: 'a', ...stampPayload({ spec } as QdrantScene['old']) };
  await client.upsert('unseen', { wait: true, points: [{ id: 1, vector, payload }] });
  const before = await client.getCollection('unseen');
  const nodeStore = new QdrantNodeStore({ client, collection: 'unseen', contentFields: ['text'] });
  const known = double.requests.length;
  expect(namedBy(await diagnoseStore({ nodeStore, embedders: [{ spec, embed }] }))).toEqual({});
  expect(changes(double.requests.slice(known))).toEqual([]);
  expect(await client.getCollection('unseen')).toEqual(before);
  // And is made ready once somebody is to write.
  await nodeStore.ready();
  expect((await client.getCollection('unseen')).payload_schema).toHaveProperty('embedding_model_id');
});
