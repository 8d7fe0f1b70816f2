/** A worker: it serves all plans until it is asked to rest, is frozen, or is killed. */
import { join } from 'node:path';
import { EmbedderError, EmbeddingVersionManager, type Logger } from '@registry/core';
import { openRegistry } from '@registry/core/sqlite';
import {
  faultyNodeStore,
  faultyRegistryStore,
  type TestEmbedder,
  testEmbedder,
} from '@registry/core/testing';
import { models } from '../../crash/models.ts';
import { Chance } from '../chance.ts';
import { openNodes } from '../ground.ts';
import { type Sabotage, sabotaged } from '../sabotage.ts';
import { steeredClock } from '../steered-clock.ts';
import {
  IN_TRANSACTION,
  isAlive,
  optionsOf,
  type StopAt,
  stop,
  stoppingAt,
  tell,
  untilAskedToRest,
} from './voice.ts';

export interface WorkerOptions {
  readonly folder: string;
  readonly seed: number;
  /** It asks whether the processes of other workers live. */
  readonly probes?: boolean;
  /** It writes node by node, as a store may. */
  readonly nodeByNode?: boolean;
  /** Without embedders it can only roll back. */
  readonly embeds?: boolean;
  /** An embedder answers after this long at most. */
  readonly embedMs?: number;
  /** Share of calls that meet a limit of the embedder. */
  readonly limited?: number;
  readonly stopAt?: StopAt;
  /** It stops in the middle of the registry's transaction that draws this id, from 0 on. */
  readonly stopInside?: number;
  readonly sabotage?: Sabotage;
}

const options = optionsOf<WorkerOptions>();
const { folder, embedMs = 2_000, limited = 0 } = options;
const chance = new Chance(options.seed);
let drawn = 0;
const clock = steeredClock(join(folder, 'clock'));
const watchedClock = steeredClock(join(folder, 'clock'), {
  onUuid() {
    if (drawn === options.stopInside) stop(IN_TRANSACTION);
    drawn += 1;
  },
});

/** Warnings are heard by the driver: what a worker waits for, it has to say. */
const say = (level: string) => (message: string) => tell({ kind: 'says', level, message });
const logger: Logger = { debug: () => {}, info: () => {}, warn: say('warn'), error: say('error') };

async function delay(): Promise<void> {
  await clock.sleep(chance.between(Math.min(1, embedMs), embedMs));
  if (chance.is(limited))
    throw new EmbedderError('rateLimited', 'Too many requests.', {
      retryAfterMs: chance.between(100, 3_000),
    });
}

const embedders: readonly TestEmbedder[] = Object.values(models).map((spec) =>
  testEmbedder({ spec, onCall: delay }),
);
const script = stoppingAt(options.stopAt);
const nodes = await openNodes(folder, clock);
const registry = await openRegistry({
  path: join(folder, 'registry.sqlite'),
  actor: 'worker',
  clock: watchedClock,
});
const stores = sabotaged(options.sabotage, { registry, nodes, folder });
const manager = await EmbeddingVersionManager.open({
  registryStore: faultyRegistryStore(stores.registry, script),
  nodeStore: faultyNodeStore(stores.nodes, script, { nodeByNode: options.nodeByNode ?? false }),
  embedders: options.embeds === false ? [] : embedders,
  clock,
  logger,
  ...(options.probes && { isDead: ({ pid }: { pid: number }) => !isAlive(pid) }),
});
manager.on('batch:settled', ({ nodesPerSecond, etaSeconds }) =>
  tell({ kind: 'settled', nodesPerSecond, etaSeconds }),
);
await manager.startWorker();
tell({ kind: 'ready' });
await untilAskedToRest();
await manager.close();
const texts = embedders.flatMap(({ textsSeen }) => textsSeen);
tell({ kind: 'rested', texts: texts.length, calls: embedders.flatMap(({ calls }) => calls).length });
await nodes.close();
await registry.close();
