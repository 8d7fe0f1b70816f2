/** A write that a store cannot do in one step, and that somebody died in. */
import { EmbeddingVersionManager, type NodeStore, type StoredNode } from '@registry/core';
import { expectedVector } from '@registry/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeId, SideScene, textOf } from './scene.ts';

let scene: SideScene;
const inTransit = new Set<string>();

beforeEach(async () => {
  scene = await SideScene.make({ nodes: 3 });
  inTransit.clear();
});
afterEach(() => scene.close());

/** Nodes in transit show no stamp, and which vector they have nobody can say; a write ends it. */
function transitStore(): NodeStore {
  const { store } = scene;
  const shown = (node: StoredNode): StoredNode => {
    if (!inTransit.has(node.id)) return node;
    const {
      embeddingModelId: _,
      embeddingVersion: __,
      embeddingChecksum: ___,
      embeddedHash: ____,
      ...rest
    } = node;
    return { ...rest, inTransit: true };
  };
  return {
    storeId: store.storeId,
    capabilities: { ...store.capabilities, strategies: ['inPlace'] },
    countByModel: (o) => store.countByModel(o),
    scan: (o) => store.scan(o),
    read: async (ids, o) => (await store.read(ids, o)).map(shown),
    write: async (writes, o) => {
      const outcomes = await store.write(writes, o);
      for (const [index, { nodeId: id, set }] of writes.entries())
        if (set !== undefined && outcomes[index] === 'written') inTransit.delete(id);
      return outcomes;
    },
  };
}

async function open(): Promise<EmbeddingVersionManager> {
  return EmbeddingVersionManager.open({
    registryStore: await scene.registry(),
    nodeStore: transitStore(),
    embedders: [scene.old, scene.target],
    clock: scene.clock,
    config: { migrationThrottleMs: 0 },
  });
}

/** Backed up and half written: the new vector stands there already, and the stamp is gone. */
async function halfWritten(manager: EmbeddingVersionManager, id: string) {
  const { planId } = await manager.createMigration({
    ...scene.to,
    nodeIds: [nodeId(0), nodeId(1), nodeId(2)],
  });
  await scene.run(manager.runMigration(planId));
  inTransit.add(id);
  return planId;
}

const vectorOf = async (id: string) => (await scene.store.read([id]))[0];

describe('a node in transit', () => {
  it('is put back by a rollback, since its backup is the original', async () => {
    const manager = await open();
    const planId = await halfWritten(manager, nodeId(1));
    const report = await scene.run(manager.rollbackMigration({ planId }));
    expect(report).toMatchObject({ restored: 3, succeeded: true });
    expect(await vectorOf(nodeId(1))).toMatchObject({
      embeddingModelId: 'old-model',
      vector: expectedVector(scene.old.spec, textOf(1)),
    });
  });

  it('with another text waits for a plan, and is reported as a conflict', async () => {
    const manager = await open();
    const planId = await halfWritten(manager, nodeId(1));
    await scene.app.edit(nodeId(1), 'another text');
    const report = await scene.run(manager.rollbackMigration({ planId }));
    expect(report).toMatchObject({ restored: 2, conflicts: 1, conflictSample: [nodeId(1)] });
    const node = await vectorOf(nodeId(1));
    expect(node?.embeddingModelId).toBeUndefined();
    expect(node?.content).toBe('another text');
  });

  it('keeps its backup when another plan embeds it', async () => {
    const manager = await open();
    const planId = await halfWritten(manager, nodeId(1));
    const original = await manager.getBackup({ planId, nodeId: nodeId(1) });
    const again = await manager.createMigration({ ...scene.to, nodeIds: [nodeId(1)] });
    await scene.run(manager.runMigration(again.planId));
    expect(await manager.getBackup({ planId, nodeId: nodeId(1) })).toEqual(original);
    expect(await manager.getBackup({ planId: again.planId, nodeId: nodeId(1) })).toEqual({
      contentHash: original?.contentHash,
    });
    expect(await vectorOf(nodeId(1))).toMatchObject({ embeddingModelId: 'new-model' });
  });
});
