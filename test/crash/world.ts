import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Embedder,
  EmbeddingVersionManager,
  type OpenOptions,
  type RegistryStore,
  type StoredNode,
  sameStamp,
} from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import {
  type EmbedderHook,
  type FaultPoint,
  type FaultScript,
  FaultyProcess,
  faultyEmbedder,
  faultyNodeStore,
  faultyRegistryStore,
  ManualClock,
  type TestEmbedder,
  testEmbedder,
} from '@registry/core/testing';
import { SqliteNodeStore } from '@registry/node-memory';
import { Application } from './account.ts';
import { type ModelName, models } from './models.ts';
import { NodeStates, stateOf, Witness } from './node-states.ts';
import { RegistryFile } from './registry-file.ts';

/** A manager with its own connections, as another process would have. */
export interface Worker {
  readonly manager: EmbeddingVersionManager;
  readonly embedders: Readonly<Record<ModelName, TestEmbedder>>;
}

export interface WorkerOptions extends Pick<OpenOptions, 'isDead' | 'config' | 'logger'> {
  readonly script?: FaultScript;
  readonly process?: FaultyProcess;
  readonly nodeByNode?: boolean;
  /** Of the embedder of b, as is `onEmbed`: what it does before it answers. */
  readonly limits?: Embedder['limits'];
  readonly onEmbed?: EmbedderHook;
  /** Which embedders it has; all unless told. */
  readonly embeds?: readonly ModelName[];
}

// What is killed here is a process, not the machine: the files need not outlive a loss of power.
const memoryFolder = ['/dev/shm'].find(existsSync);

/** A folder with a registry and a node store, one clock for everybody, and those who look at it. */
export class World {
  readonly folder = mkdtempSync(join(memoryFolder ?? tmpdir(), 'registry-crash-'));
  readonly clock: ManualClock;
  application!: Application;
  states!: NodeStates;
  registry!: RegistryFile;
  readonly witness = new Witness();
  /** As every node was when the story began. */
  start = new Map<string, string>();
  #generation = 0;
  readonly #closing: (() => Promise<void> | void)[] = [];

  private constructor(clock: ManualClock) {
    this.clock = clock;
  }

  /** `now`: what its clock says at first, where other programs are to work on the same files. */
  static async make({ now }: { now?: number } = {}): Promise<World> {
    const world = new World(new ManualClock(now === undefined ? {} : { now }));
    await (await openRegistry({ path: world.#path('registry'), actor: 'test', clock: world.clock })).close();
    await world.#connect();
    return world;
  }

  /**
   * Another world in which all of this one has happened, and in which it ends here. `change`: what becomes of
   * its files before anyone opens them.
   */
  async fork(change: (folder: string) => void = () => {}): Promise<World> {
    // Another seed: an id is never drawn twice.
    const world = new World(new ManualClock({ now: this.clock.now(), seed: 7 + this.#generation }));
    world.#generation = this.#generation + 1;
    await this.#disconnect();
    cpSync(this.folder, world.folder, { recursive: true });
    change(world.folder);
    world.start = new Map(this.start);
    await world.#connect(this);
    return world;
  }

  #path(name: string): string {
    return join(this.folder, `${name}.sqlite`);
  }

  async #connect(known?: World): Promise<void> {
    const store = await this.#openNodes();
    this.application = new Application(store, known?.application);
    this.states = new NodeStates(this.witness, known?.states);
    this.registry = new RegistryFile(this.#path('registry'));
    this.#closing.push(() => this.registry.close());
    this.application.onWrite = (id, before, after) => this.states.applicationWrote(id, before, after);
    this.states.onReplace = (write, node) => this.#assertBackedUp(write.set!, node);
  }

  async #openNodes(): Promise<SqliteNodeStore> {
    const store = await SqliteNodeStore.open({
      path: this.#path('nodes'),
      models: Object.values(models),
      sqliteVec: false,
      clock: this.clock,
    });
    this.#closing.push(() => store.close());
    return store;
  }

  async #openRegistry(clock: WorkerOptions['process']): Promise<RegistryStore> {
    const path = this.#path('registry');
    const store = await openRegistry({ path, actor: 'test', clock: clock?.clock(this.clock) ?? this.clock });
    this.#closing.push(() => store.close());
    return store;
  }

  /** Opens a manager; everything it does goes through the script, and is watched. */
  async open(options: WorkerOptions = {}): Promise<Worker> {
    const { script = () => undefined, process = new FaultyProcess(), nodeByNode = false } = options;
    const { embeds = ['a', 'b', 'c'] as const, isDead, config, logger } = options;
    const embedders = {
      a: testEmbedder({ spec: models.a }),
      b: testEmbedder({
        spec: models.b,
        ...(options.onEmbed && { onCall: options.onEmbed }),
        ...(options.limits && { limits: options.limits }),
      }),
      c: testEmbedder({ spec: models.c }),
    };
    const watched = this.#watched(script);
    const manager = await EmbeddingVersionManager.open({
      registryStore: faultyRegistryStore(await this.#openRegistry(process), watched, { process }),
      nodeStore: faultyNodeStore(this.states.watch(await this.#openNodes()), watched, {
        process,
        nodeByNode,
      }),
      embedders: embeds.map((name) => faultyEmbedder(embedders[name], watched, { process })),
      clock: process.clock(this.clock),
      ...(isDead && { isDead }),
      ...(logger && { logger }),
      config: { migrationBatchSize: 4, migrationThrottleMs: 0, maxParallelWorkers: 1, ...config },
    });
    return { manager, embedders };
  }

  #watched(script: FaultScript): FaultScript {
    return async (point) => {
      if (point.when !== 'before') this.witness.watch(() => this.registry.assertConsistent());
      if (point.method === 'write') await this.#watchStamps();
      return script(point);
    };
  }

  /** Lets time pass until the promise settles. */
  run<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    return this.clock.runUntil(promise, { limitMs });
  }

  async nodes(): Promise<Map<string, StoredNode>> {
    const ids = [...this.application.contents.keys()];
    return new Map((await this.application.store.read(ids)).map((node) => [node.id, node]));
  }

  /** Texts that stand on no node but those to which a plan brought its vector. */
  textsDone(): ReadonlySet<string> {
    const { contents } = this.application;
    const isDone = (id: string) => this.states.everyLanded.get(id)?.by.startsWith('plan to') ?? false;
    const open = new Set([...contents].filter(([id]) => !isDone(id)).map(([, node]) => node?.content));
    const texts = [...contents.values()].flatMap((node) => (node === undefined ? [] : [node.content]));
    return new Set(texts.filter((text) => !open.has(text)));
  }

  async nodeStates(): Promise<Map<string, string>> {
    const nodes = await this.nodes();
    return new Map([...this.application.contents.keys()].map((id) => [id, stateOf(nodes.get(id))]));
  }

  /** What a plan put on a node was made from the text that stands there, at every moment. */
  async #watchStamps(): Promise<void> {
    const nodes = await this.nodes();
    this.witness.watch(() => {
      for (const [id, node] of nodes) {
        const landed = this.states.everyLanded.get(id);
        if (landed?.by.startsWith('plan to') && !landed.isOfAnotherText)
          assert.equal(node.embeddedHash, node.contentHash, `${id} was written over by a plan`);
      }
    });
  }

  #assertBackedUp(target: Pick<StoredNode, 'embeddingModelId' | 'embeddingVersion'>, node: StoredNode): void {
    const { embeddingModelId: modelId = '', embeddingVersion: version = 0 } = target;
    const original = this.states.originalOf(node.id, `${modelId}:v${version}`);
    if (this.registry.isFinalized(modelId, version)) return;
    const backup = this.registry.backupState(node.id, modelId, version);
    // What the application embedded with the target itself is no rollback's: an older backup may stand.
    if (sameStamp(node, target as StoredNode) && (backup === undefined || original === undefined)) return;
    assert.equal(backup, original ?? stateOf(node), `${node.id} is replaced, and this is not in the backups`);
  }

  async close(): Promise<void> {
    await this.#disconnect();
    rmSync(this.folder, { recursive: true, force: true });
    this.witness.testify();
  }

  async #disconnect(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}

/** The node that a point is about, else `fallback`. */
export function nodeAt(point: FaultPoint, fallback: string): string {
  const [first] = point.arguments;
  const nodes = Array.isArray(first) ? (first as unknown[]) : leasedTasks(first);
  const node = nodes[0];
  if (typeof node === 'string') return node;
  const { nodeId } = (node ?? {}) as { nodeId?: unknown };
  return typeof nodeId === 'string' ? nodeId : fallback;
}

function leasedTasks(argument: unknown): readonly unknown[] {
  const { tasks } = (argument ?? {}) as { tasks?: unknown };
  return Array.isArray(tasks) ? tasks : [];
}
