import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QdrantClient } from '@qdrant/js-client-rest';
import { EmbeddingVersionManager } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import {
  FaultyProcess,
  faultyEmbedder,
  faultyNodeStore,
  faultyRegistryStore,
  type TestEmbedder,
  testEmbedder,
} from '@registry/core/testing';
import { QdrantNodeStore } from '@registry/qdrant';
import { type Peeked, type QdrantDouble, type SeenRequest, startQdrantDouble } from '@registry/qdrant-double';
import { Application, liveAlias } from './application.ts';
import { type ModelName, models } from './models.ts';
import { StandingClock } from './standing-clock.ts';

/** A manager with connections of its own, as another process would have. */
export interface Worker {
  readonly manager: EmbeddingVersionManager;
  readonly store: QdrantNodeStore;
  readonly embedders: Readonly<Record<ModelName, TestEmbedder>>;
  /** What the double knows it by. */
  readonly sender: string;
}

// What is killed is a process, not the machine: the files need not outlive a loss of power.
const memoryFolder = ['/dev/shm'].find(existsSync);

/** A double with a registry beside it, an application, and those who look at both. */
export class World {
  readonly folder = mkdtempSync(join(memoryFolder ?? tmpdir(), 'registry-qdrant-'));
  readonly double: QdrantDouble;
  readonly application: Application;
  /** Points as they were when the story began, by id. */
  start = new Map<unknown, Peeked>();
  readonly #vectorName: string | undefined;
  readonly clock: StandingClock;
  #workers = 0;
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(double: QdrantDouble, vectorName: string | undefined, known?: World) {
    this.double = double;
    this.#vectorName = vectorName;
    this.clock = new StandingClock(known?.clock.now());
    this.application = new Application(this.#client('application'), known?.application);
    this.start = new Map(known?.start);
  }

  /** `vectorName`: of the vector that is searched, where it has one. */
  static async make(vectorName?: string): Promise<World> {
    return new World(await startQdrantDouble(), vectorName);
  }

  /** Another world in which all of this one has happened. Nobody may be at work in it. */
  async fork(): Promise<World> {
    await this.#disconnect();
    const world = new World(await this.double.copy(), this.#vectorName, this);
    cpSync(this.folder, world.folder, { recursive: true });
    return world;
  }

  /** What the double received of a sender so far. */
  requestsOf(sender: string): readonly SeenRequest[] {
    return this.double.requests.filter((request) => request.sender === sender);
  }

  /** What readers find. */
  served(): readonly Peeked[] {
    return this.double.peek(liveAlias);
  }

  #client(sender: string): QdrantClient {
    return new QdrantClient({
      url: this.double.url,
      checkCompatibility: false,
      headers: { 'x-sender': sender },
    });
  }

  /** The name that the next worker will have. */
  get nextSender(): string {
    return `worker ${this.#workers + 1}`;
  }

  async open(process = new FaultyProcess()): Promise<Worker> {
    const sender = this.nextSender;
    this.#workers += 1;
    const clock = process.clock(this.clock);
    const store = new QdrantNodeStore({
      client: this.clock.client(this.#client(sender), process),
      collection: liveAlias,
      contentFields: ['text'],
      ...(this.#vectorName !== undefined && { vectorName: this.#vectorName }),
      clock,
    });
    const registry = await openRegistry({ path: join(this.folder, 'registry.sqlite'), actor: 'test', clock });
    this.#closing.push(() => registry.close());
    const embedders = {
      a: testEmbedder({ spec: models.a }),
      wide: testEmbedder({ spec: models.wide }),
      next: testEmbedder({ spec: models.next }),
    };
    const calm = () => undefined;
    const manager = await EmbeddingVersionManager.open({
      registryStore: faultyRegistryStore(registry, calm, { process }),
      nodeStore: faultyNodeStore(store, calm, { process }),
      embedders: Object.values(embedders).map((embedder) => faultyEmbedder(embedder, calm, { process })),
      clock,
      isDead: () => true,
      config: { migrationBatchSize: 4, migrationThrottleMs: 0, maxParallelWorkers: 1 },
    });
    return { manager, store, embedders, sender };
  }

  async close(): Promise<void> {
    await this.#disconnect();
    rmSync(this.folder, { recursive: true, force: true });
    await this.double.close();
  }

  async #disconnect(): Promise<void> {
    this.clock.stop();
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}
