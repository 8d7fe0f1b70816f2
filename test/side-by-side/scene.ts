/** A registry file, a store with two sides in memory, and nodes that the old model embedded. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EmbeddingVersionManager,
  type NodeStore,
  type OpenOptions,
  type RegistryStore,
} from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import {
  expectedVector,
  type FaultScript,
  FaultyProcess,
  faultyEmbedder,
  faultyNodeStore,
  faultyRegistryStore,
  ManualClock,
  MemorySideStore,
  type TestEmbedder,
  testEmbedder,
} from '@registry/core/testing';

export const textOf = (index: number) => `The text of node number ${index}.`;
export const nodeId = (index: number) => `node-${String(index).padStart(3, '0')}`;

// What is killed here is a process, not the machine: the files need not outlive a loss of power.
const memoryFolder = ['/dev/shm'].find(existsSync);

/** A manager as one process has it. */
export interface Opened {
  readonly manager: EmbeddingVersionManager;
  readonly old: TestEmbedder;
  readonly target: TestEmbedder;
}

export interface ProcessOptions extends Pick<OpenOptions, 'config'> {
  readonly script?: FaultScript;
  readonly process?: FaultyProcess;
  readonly embeds?: readonly ('old' | 'target')[];
  readonly wrap?: (store: MemorySideStore) => NodeStore;
}

export class SideScene {
  readonly clock = new ManualClock();
  readonly folder = mkdtempSync(join(memoryFolder ?? tmpdir(), 'registry-sides-'));
  readonly store = new MemorySideStore();
  readonly app = this.store.application();
  readonly old = testEmbedder({ modelId: 'old-model', dimension: 8 });
  readonly target = testEmbedder({ modelId: 'new-model', dimension: 12 });
  readonly to = { targetModelId: 'new-model', targetVersion: 1 } as const;
  readonly #closing: (() => Promise<void>)[] = [];

  /** `old-model` is active and made the vectors of all nodes; `new-model` is registered. */
  static async make({ nodes = 6 }: { nodes?: number } = {}): Promise<SideScene> {
    const scene = new SideScene();
    const { manager } = await scene.open();
    await manager.registerModel({ ...scene.old.spec.toJSON(), setActive: true });
    await manager.registerModel(scene.target.spec.toJSON());
    await scene.app.put(
      Array.from({ length: nodes }, (_, index) => scene.node(nodeId(index), textOf(index))),
    );
    return scene;
  }

  node(id: string, content: string, model: 'old' | 'target' = 'old') {
    const { spec } = this[model];
    return { id, content, vector: expectedVector(spec, content), ...spec.info };
  }

  async registry(process?: FaultyProcess): Promise<RegistryStore> {
    const path = join(this.folder, 'registry.sqlite');
    const registry = await openRegistry({
      path,
      actor: 'test',
      clock: process?.clock(this.clock) ?? this.clock,
    });
    this.#closing.push(() => registry.close());
    return registry;
  }

  async open(options: ProcessOptions = {}): Promise<Opened> {
    const {
      script = () => undefined,
      process = new FaultyProcess(),
      embeds = ['old', 'target'],
      wrap,
    } = options;
    const old = testEmbedder({ spec: this.old.spec });
    const target = testEmbedder({ spec: this.target.spec });
    const embedders = { old, target };
    const manager = await EmbeddingVersionManager.open({
      registryStore: faultyRegistryStore(await this.registry(process), script, { process }),
      nodeStore: faultyNodeStore(wrap?.(this.store) ?? this.store, script, { process }),
      embedders: embeds.map((name) => faultyEmbedder(embedders[name], script, { process })),
      clock: process.clock(this.clock),
      config: { migrationBatchSize: 4, migrationThrottleMs: 0, maxParallelWorkers: 1, ...options.config },
    });
    return { manager, old, target };
  }

  run<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    return this.clock.runUntil(promise, { limitMs });
  }

  /** A shadow plan over everything. */
  async plan({ manager }: Opened): Promise<string> {
    return (await manager.createMigration({ ...this.to, strategy: 'shadow' })).planId;
  }

  /** What readers see: contents and the model of each vector, vectors checked against it. */
  async seen(): Promise<Record<string, string>> {
    const { items } = await this.store.scan({ limit: 1000 });
    const nodes = await this.store.read(items.map(({ id }) => id));
    const entries = nodes.map((node) => {
      const spec = node.embeddingModelId === 'old-model' ? this.old.spec : this.target.spec;
      const truth = expectedVector(spec, node.content ?? '');
      const isTrue =
        node.vector !== undefined && truth.every((element, index) => element === node.vector![index]);
      return [
        node.id,
        `${node.embeddingModelId}${isTrue ? '' : ' (not of this text)'}: ${node.content}`,
      ] as const;
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
