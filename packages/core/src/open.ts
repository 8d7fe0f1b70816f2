import { type Clock, systemClock } from './clock.ts';
import { resolveConfig } from './config/resolve-config.ts';
import type { RegistryConfig } from './config/settings.ts';
import type { ManagerContext } from './context.ts';
import { EmbedderSet } from './embedder-set.ts';
import { RegistryError } from './errors.ts';
import { Events } from './events.ts';
import { type Logger, silentLogger } from './logger.ts';
import type { Embedder } from './ports/embedder.ts';
import type { NodeStore } from './ports/node-store.ts';
import type { RegistryStore } from './ports/registry-store.ts';
import { processIdentity } from './runtime.ts';
import { openRegistry } from './sqlite/open-registry.ts';

export interface OpenOptions {
  /** The registry file; `registryDbPath` of the configuration unless told. */
  dbPath?: string;
  /** Creates, changes and upgrades nothing, and leaves no trace. */
  readOnly?: boolean;
  /** Where the nodes live. It stays the caller's: `close` does not close it. */
  nodeStore?: NodeStore;
  /** One for each model that is to be embedded with here. They stay the caller's. */
  embedders?: readonly Embedder[];
  config?: RegistryConfig;
  /** Another home for the registry than a SQLite file. It stays the caller's. */
  registryStore?: RegistryStore;
  /** Path of the better-sqlite3 binary, where it is shipped apart from its package. */
  nativeBinding?: string;
  clock?: Clock;
  logger?: Logger;
  /** Says whether a worker is certainly dead (same host, no such process): its work is then taken over at once. */
  isDead?: (worker: { readonly host: string; readonly pid: number }) => boolean;
  /** Accept a node store that cannot tell whether a node was edited meanwhile. */
  allowUnfenced?: boolean;
}

/** Resolves the options once; `release` closes what was opened here. */
export async function openContext(
  options: OpenOptions,
): Promise<{ context: ManagerContext; release: () => Promise<void> }> {
  const config = resolveConfig(options.config);
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const { host, pid, user } = processIdentity();
  const embedders = new EmbedderSet(options.embedders ?? []);
  const path = options.dbPath ?? config.registryDbPath;
  const file = { path, actor: `${user}@${host}:${pid}`, clock, logger, nativeBinding: options.nativeBinding };
  const isOurs = config.enabled && options.registryStore === undefined;
  const registry = !config.enabled ? disabledStore() : (options.registryStore ?? (await openRegistry(file)));
  const release = async () => {
    if (isOurs) await registry.close();
  };
  const context: ManagerContext = Object.freeze({
    registry,
    nodes: options.nodeStore,
    embedders,
    config,
    clock,
    logger,
    events: new Events(logger),
    host,
    pid,
    isDead: options.isDead,
    allowUnfenced: options.allowUnfenced ?? false,
  });
  try {
    if (config.enabled && !options.readOnly) await bindNodes(context);
    return { context, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function bindNodes({ registry, nodes, logger }: ManagerContext): Promise<void> {
  if (nodes === undefined) return;
  await registry.bindNodeStore(nodes.storeId);
  const mark = await nodes.mark?.read();
  if (mark === undefined) return;
  const paused = await registry.catchUpMark(mark);
  if (paused > 0)
    logger.warn(`The registry is older than the node store; ${paused} unfinished plans were paused`, {
      mark,
    });
}

/** `enabled: false`: no file is touched, and whatever is called rejects. */
function disabledStore(): RegistryStore {
  const reject = async () => {
    throw new RegistryError(
      'REGISTRY_DISABLED',
      'The configuration says enabled: false; enable the registry to use it.',
    );
  };
  return new Proxy({} as RegistryStore, { get: () => reject });
}
