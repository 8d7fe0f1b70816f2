import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddingVersionManager, type Strategy } from '@registry/core';
import { testEmbedder } from '@registry/core/testing';
import { QdrantNodeStore } from '@registry/qdrant';
import { unrestricted } from './fact.ts';
import { models } from './models.ts';
import type { QdrantScene } from './servers.ts';

const uuid = '0af1c0de-0000-4000-8000-00000000000a';
const ids = [1, 2, 3, uuid];

/** Points stamped with model a, behind an alias; answers the alias. */
async function fill({ client, name }: QdrantScene, vectorName: string | undefined): Promise<string> {
  const [collection_name, alias_name] = [name('documents'), name('live')];
  const params = { size: models.a.dimension, distance: 'Cosine' } as const;
  const vectors = vectorName === undefined ? params : { [vectorName]: params };
  await client.createCollection(collection_name, { ...unrestricted, vectors });
  await client.updateCollectionAliases({ actions: [{ create_alias: { alias_name, collection_name } }] });
  const { embeddingModelId, embeddingVersion, embeddingChecksum } = models.a.info;
  const made = await testEmbedder({ spec: models.a }).embed(
    ids.map((id) => `text of ${id}`),
    { purpose: 'document' },
  );
  const points = ids.map((id, index) => {
    const vector = Array.from(made[index]!);
    const stamp = {
      embedding_model_id: embeddingModelId,
      embedding_version: embeddingVersion,
      embedding_checksum: embeddingChecksum,
    };
    const payload = { text: `text of ${id}`, kind: 'note', ...stamp };
    return { id, vector: vectorName === undefined ? vector : { [vectorName]: vector }, payload };
  });
  await client.upsert(alias_name, { points });
  return alias_name;
}

/** There and back: every node at the target after the cutover, and at its source again after the rollback. */
export async function thereAndBack(scene: QdrantScene, strategy: Strategy): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'registry-qdrant-'));
  const vectorName = strategy === 'namedVector' ? 'text' : undefined;
  const collection = await fill(scene, vectorName);
  const target = strategy === 'inPlace' ? models.next : models.wide;
  try {
    const nodeStore = new QdrantNodeStore({
      client: scene.client,
      collection,
      contentFields: ['text'],
      ...(vectorName !== undefined && { vectorName }),
    });
    await using manager = await EmbeddingVersionManager.open({
      dbPath: join(folder, 'registry.sqlite'),
      nodeStore,
      embedders: Object.values(models).map((spec) => testEmbedder({ spec })),
      config: { migrationThrottleMs: 0 },
    });
    await manager.registerModel(models.a.toJSON());
    const { modelId: targetModelId, version: targetVersion } = await manager.registerModel(target.toJSON());
    await manager.switchActiveModel({
      targetModelId: models.a.modelId,
      targetVersion: models.a.version,
      migrateExisting: false,
    });
    const { planId } = await manager.createMigration({ targetModelId, targetVersion, strategy });
    assert.equal((await manager.runMigration(planId)).status, 'completed');
    await manager.cutoverMigration({ planId });
    assert.deepEqual([...(await nodeStore.countByModel())], [{ info: target.info, count: ids.length }]);
    const [hit] = await manager.searchAcrossModels(`text of ${uuid}`, { k: 1 });
    assert.equal(hit?.nodeId, uuid);
    const { payload_schema } = await scene.client.getCollection(collection);
    assert.equal(payload_schema.embedding_model_id?.data_type, 'keyword');
    assert.equal(payload_schema.embedding_version?.data_type, 'integer');
    await manager.rollbackMigration({ planId });
    assert.deepEqual([...(await nodeStore.countByModel())], [{ info: models.a.info, count: ids.length }]);
    const points = await scene.client.retrieve(collection, { ids });
    for (const { id, payload } of points) assert.equal(payload?.text, `text of ${id}`);
    assert.equal(points.length, ids.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
