/**
 * A process that is killed after any step of a migration side by side, of its cutover, of its rollback or of
 * finalizing it: another one asks for the same again, and nothing is lost, doubled or half moved.
 */
import assert from 'node:assert/strict';
import { atPoint, FaultyProcess, pointName, recordPoints } from '@registry/core/testing';
import { describe, expect, it } from 'vitest';
import { nodeId, type Opened, SideScene, textOf } from './scene.ts';

const LEASE_MS = 60_001;

interface Story {
  readonly name: string;
  /** Done by a process that nothing happens to. */
  begin(scene: SideScene, opened: Opened): Promise<string>;
  /** Killed somewhere in it, and then asked for again by another process. */
  act(scene: SideScene, opened: Opened, planId: string): Promise<unknown>;
  check(scene: SideScene, opened: Opened, planId: string): Promise<void>;
}

const texts = (model: string, changes: Record<string, string | undefined> = {}) => {
  const entries = Array.from({ length: 6 }, (_, index) => [nodeId(index), textOf(index)] as const);
  const all: Record<string, string | undefined> = { ...Object.fromEntries(entries), ...changes };
  const present = Object.entries(all).filter(([, text]) => text !== undefined);
  return Object.fromEntries(present.map(([id, text]) => [id, `${model}: ${text}`]));
};

async function planned(scene: SideScene, opened: Opened): Promise<string> {
  return scene.plan(opened);
}

async function migrated(scene: SideScene, opened: Opened): Promise<string> {
  const planId = await planned(scene, opened);
  await scene.run(opened.manager.runMigration(planId));
  return planId;
}

async function cutOver(scene: SideScene, opened: Opened): Promise<string> {
  const planId = await migrated(scene, opened);
  await scene.run(opened.manager.cutoverMigration({ planId }));
  return planId;
}

const changed = { [nodeId(0)]: 'edited since', [nodeId(1)]: undefined, born: 'born since' };

/** An edit, a delete and an insert by an application that asks for the store by its name. */
async function change(scene: SideScene, model: 'old' | 'target'): Promise<void> {
  await scene.app.edit(nodeId(0), 'edited since');
  await scene.app.remove(nodeId(1));
  await scene.app.put([scene.node('born', 'born since', model)]);
}

async function isActive({ manager }: Opened, modelId: string): Promise<void> {
  expect((await manager.getActiveModel()).modelId).toBe(modelId);
}

const stories: readonly Story[] = [
  {
    name: 'a migration',
    begin: planned,
    act: (_, { manager }, planId) => manager.runMigration(planId),
    async check(scene, opened, planId) {
      expect(await opened.manager.getMigration(planId)).toMatchObject({
        status: 'completed',
        completedNodes: 6,
      });
      expect(await scene.seen()).toEqual(texts('old-model'));
      await scene.run(opened.manager.cutoverMigration({ planId }));
      expect(await scene.seen()).toEqual(texts('new-model'));
    },
  },
  {
    name: 'a cutover that catches up',
    async begin(scene, opened) {
      const planId = await migrated(scene, opened);
      await change(scene, 'old');
      return planId;
    },
    act: (_, { manager }, planId) => manager.cutoverMigration({ planId }),
    async check(scene, opened, planId) {
      expect(await scene.seen()).toEqual(texts('new-model', changed));
      await isActive(opened, 'new-model');
      const { items } = await opened.manager.listJournal({ planId, limit: 500 });
      expect(items.filter(({ action }) => action === 'plan:cutover')).toHaveLength(1);
      expect(await opened.manager.getMigration(planId)).toMatchObject({ status: 'completed' });
    },
  },
  {
    name: 'a rollback that carries back',
    async begin(scene, opened) {
      const planId = await cutOver(scene, opened);
      await change(scene, 'target');
      return planId;
    },
    act: (_, { manager }, planId) => manager.rollbackMigration({ planId }),
    async check(scene, opened, planId) {
      expect(await scene.seen()).toEqual(texts('old-model', changed));
      await isActive(opened, 'old-model');
      expect(await opened.manager.getMigration(planId)).toMatchObject({ status: 'rolled_back' });
      const report = await opened.manager.rollbackMigration({ planId });
      expect(report).toMatchObject({ restored: 6, remaining: 0, succeeded: true });
    },
  },
  {
    name: 'a rollback before the cutover',
    begin: migrated,
    act: (_, { manager }, planId) => manager.rollbackMigration({ planId }),
    async check(scene, opened, planId) {
      expect(await scene.seen()).toEqual(texts('old-model'));
      await isActive(opened, 'old-model');
      expect(await opened.manager.getMigration(planId)).toMatchObject({ status: 'rolled_back' });
      expect([...scene.store.sides.keys()]).toEqual(['nodes']);
    },
  },
  {
    name: 'the rollback of one node',
    begin: migrated,
    act: (_, { manager }, planId) => manager.rollbackMigration({ planId, nodeId: nodeId(2) }),
    async check(scene, opened, planId) {
      const { forward } = (await scene.store.sideBySide(await opened.manager.getMigration(planId))) ?? {};
      const [node] = (await forward?.read([nodeId(2)])) ?? [];
      expect(node).toMatchObject({ content: textOf(2) });
      expect(node?.embeddingModelId).toBeUndefined();
    },
  },
  {
    name: 'finalizing',
    begin: cutOver,
    act: (_, { manager }, planId) => manager.finalizeMigration({ planId, drop: 'nodes' }),
    async check(scene, opened, planId) {
      expect((await opened.manager.getMigration(planId)).finalizedAt).toBeDefined();
      expect(scene.store.sides.has('nodes')).toBe(false);
      expect(await scene.seen()).toEqual(texts('new-model'));
    },
  },
];

/** What a step changed is there; of what only read, the next step tells. */
const matters = (name: string) =>
  !/\.(plan|models|mark|mark.read|readers|workers|read|rollbackCursor|bindNodeStore|catchUpMark|nodeStoreId|beat|renew|dropWorker) #/.test(
    name,
  );

async function pointsOf(story: Story): Promise<string[]> {
  const scene = await SideScene.make();
  try {
    const planId = await story.begin(scene, await scene.open());
    const { script, points } = recordPoints();
    await scene.run(story.act(scene, await scene.open({ script }), planId));
    const names = points.filter(({ when }) => when === 'after').map(pointName);
    return names.filter(matters);
  } finally {
    await scene.close();
  }
}

async function killAt(story: Story, name: string): Promise<void> {
  const scene = await SideScene.make();
  try {
    const planId = await story.begin(scene, await scene.open());
    const process = new FaultyProcess();
    const { script, arrival } = atPoint(name, () => process.kill());
    const doomed = await scene.open({ script, process });
    void story.act(scene, doomed, planId).catch(() => {});
    await scene.run(arrival);
    await scene.clock.advance(LEASE_MS);
    const opened = await scene.open();
    await scene.run(story.act(scene, opened, planId));
    await story.check(scene, opened, planId);
  } finally {
    await scene.close();
  }
}

/** Fails once, as a store or a registry does that is busy: the same call by the same process repairs it. */
async function failAt(story: Story, name: string): Promise<void> {
  const scene = await SideScene.make();
  try {
    const planId = await story.begin(scene, await scene.open());
    const { script } = atPoint(name, () => {
      throw new Error('Nobody foresaw this.');
    });
    const opened = await scene.open({ script });
    await scene.run(story.act(scene, opened, planId).catch(() => undefined));
    await scene.run(story.act(scene, opened, planId));
    await story.check(scene, opened, planId);
  } finally {
    await scene.close();
  }
}

const runs = await Promise.all(stories.map(async (story) => ({ story, points: await pointsOf(story) })));

describe.each(runs)('$story.name', ({ story, points }) => {
  it('goes by several steps that change something', () => assert.ok(points.length > 2, points.join(', ')));
  it.for(points)('killed at %s', (name) => killAt(story, name));
  it.for(points.filter((_, index) => index % 3 === 0))('failing at %s', (name) => failAt(story, name));
});
