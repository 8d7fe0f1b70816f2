/** What may be under way when a file fails, on a registry and a node store that may lie on different disks. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  type Embedder,
  EmbeddingVersionManager,
  isRegistryError,
  MigrationPlan,
  type OpenOptions,
  type Reason,
  sameStamp,
} from '@registry/core';
import { expectedVector, ManualClock, testEmbedder } from '@registry/core/testing';
import { type NodeInput, SqliteNodeStore } from '@registry/node-memory';
import { textOf, vectorsOf } from '../../scene.ts';

const NODES = 120;
const old = testEmbedder({ modelId: 'old-model', dimension: 64 });
const target = testEmbedder({ modelId: 'new-model', dimension: 64 });
const embedders: readonly Embedder[] = [old, target];
const to = { targetModelId: 'new-model', targetVersion: 1 };

const nodeIdOf = (index: number) => `node-${index}`;

export type FileName = 'registry' | 'nodes';
export type Folders = Readonly<Record<FileName, string>>;
export const pathOf = (folders: Folders, name: FileName) => join(folders[name], `${name}.sqlite`);

/** Waits for a lock are many and short, and each costs real time: here they are few and long. */
class CoarseClock extends ManualClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(ms > 0 && ms < 100 ? 500 : ms, signal);
  }
}

/** A program that has both files open. */
export class Program implements AsyncDisposable {
  readonly manager: EmbeddingVersionManager;
  readonly store: SqliteNodeStore;
  readonly clock: ManualClock;

  private constructor(manager: EmbeddingVersionManager, store: SqliteNodeStore, clock: ManualClock) {
    this.manager = manager;
    this.store = store;
    this.clock = clock;
  }

  static async open(folders: Folders, options: OpenOptions = {}): Promise<Program> {
    const clock = new CoarseClock({ now: Date.now(), seed: Date.now() % 1_000_000 });
    const store = await SqliteNodeStore.open({ path: pathOf(folders, 'nodes'), sqliteVec: false, clock });
    try {
      const dbPath = pathOf(folders, 'registry');
      const config = { migrationThrottleMs: 0, migrationBatchSize: 20 };
      const manager = await EmbeddingVersionManager.open({
        dbPath,
        nodeStore: store,
        embedders,
        clock,
        config,
        ...options,
      });
      return new Program(manager, store, clock);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.runUntil(promise, { limitMs: 600_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close();
    await this.store.close();
  }
}

/** Runs in the child process too, so without `await using`, which Node 22 cannot read. */
export async function withProgram<T>(folders: Folders, body: (program: Program) => Promise<T>): Promise<T> {
  const program = await Program.open(folders);
  try {
    return await body(program);
  } finally {
    await program[Symbol.asyncDispose]();
  }
}

/** Both models, and nodes that the first of them embedded; without stamps where they are to be stamped. */
async function prepare(folders: Folders, isStamped: boolean): Promise<void> {
  const nodes = Array.from({ length: NODES }, (_, index): NodeInput => {
    const content = textOf(index);
    const id = nodeIdOf(index);
    return { id, content, vector: expectedVector(old.spec, content), ...(isStamped && old.spec.info) };
  });
  await withProgram(folders, async ({ manager, store }) => {
    await manager.registerModel({ ...old.spec.toJSON(), setActive: true });
    await manager.registerModel(target.spec.toJSON());
    await store.upsert(nodes);
  });
}

/** An operation that is about to be done. */
export interface Begun {
  readonly name: string;
  readonly folders: Folders;
  readonly planId: string;
}

export interface Operation {
  readonly name: string;
  readonly writes: readonly FileName[];
  /** Everything up to it; answers the plan it is about. */
  readonly begin: (folders: Folders) => Promise<string>;
  readonly act: (program: Program, planId: string, signal?: AbortSignal) => Promise<unknown>;
  /** It has been done. */
  readonly isDone: (program: Program, planId: string) => Promise<boolean>;
}

async function planned(folders: Folders, upTo: 'planned' | 'migrated'): Promise<string> {
  await prepare(folders, true);
  return withProgram(folders, async (program) => {
    const { planId } = await program.manager.createMigration(to);
    if (upTo === 'migrated') await program.run(program.manager.runMigration(planId));
    return planId;
  });
}

const statusIs =
  (status: string) =>
  async ({ manager }: Program, planId: string) =>
    (await manager.getMigration(planId)).status === status;

export const operations: readonly Operation[] = [
  {
    name: 'a worker',
    writes: ['registry', 'nodes'],
    begin: (folders) => planned(folders, 'planned'),
    act: async ({ manager }, planId) => {
      if ((await manager.getMigration(planId)).status === 'paused') await manager.resumeMigration(planId);
      return manager.runMigration(planId);
    },
    isDone: statusIs('completed'),
  },
  {
    name: 'a creation',
    writes: ['registry'],
    begin: async (folders) => {
      await prepare(folders, true);
      return '';
    },
    act: ({ manager }) => manager.createMigration(to),
    isDone: async ({ manager }) => (await manager.listMigrations()).items[0]?.totalNodes === NODES,
  },
  {
    name: 'a rollback',
    writes: ['registry', 'nodes'],
    begin: (folders) => planned(folders, 'migrated'),
    act: ({ manager }, planId, signal) => manager.rollbackMigration({ planId, ...(signal && { signal }) }),
    isDone: statusIs('rolled_back'),
  },
  {
    name: 'giving backups up',
    writes: ['registry'],
    begin: (folders) => planned(folders, 'migrated'),
    act: ({ manager }, planId) => manager.finalizeMigration({ planId }),
    isDone: async ({ manager }, planId) => {
      const { items } = await manager.listTasks({ planId });
      return (
        (await manager.getMigration(planId)).finalizedAt !== undefined &&
        items.every((task) => !task.canRollback)
      );
    },
  },
  {
    name: 'stamping',
    writes: ['registry', 'nodes'],
    begin: async (folders) => {
      await prepare(folders, false);
      return '';
    },
    act: ({ manager }) => manager.stampNodes({ modelId: 'old-model', version: 1 }),
    isDone: async ({ store }) => (await store.countByModel()).every(({ info }) => info !== undefined),
  },
];

/** Contents, vectors and stamps of every node. */
export const nodesOf = ({ store }: Program) => vectorsOf(store);

/** Why it failed: by an error, or by a plan that was paused. */
export function reasonIn(answer: unknown): Reason | undefined {
  if (isRegistryError(answer)) return answer;
  return answer instanceof MigrationPlan && answer.status === 'paused' ? answer.reason : undefined;
}

/** No node is gone or mixed, no task has paid for it, and what is to be undone can be. */
export async function assertUnharmed(program: Program): Promise<void> {
  const { manager, store } = program;
  for (let index = 0; index < NODES; index++) {
    const node = await store.get(nodeIdOf(index));
    assert.equal(node?.content, textOf(index));
    const model = [old, target].find(({ spec }) => sameStamp(spec.info, node));
    assert.ok(model, `${node.id} has no stamp`);
    assert.deepEqual(node.vector, expectedVector(model.spec, textOf(index)));
  }
  for (const { planId, status, failedNodes, finalizedAt } of (await manager.listMigrations()).items) {
    assert.equal(failedNodes, 0);
    const { items } = await manager.listTasks({ planId, limit: NODES });
    assert.ok(items.every(({ retryCount }) => retryCount === 0));
    if (status !== 'completed' || finalizedAt !== undefined) continue;
    const report = await program.run(manager.rollbackMigration({ planId }));
    assert.deepEqual([report.restored, report.succeeded], [NODES, true]);
  }
}
