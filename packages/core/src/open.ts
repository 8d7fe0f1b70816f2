import { resolve } from 'node:path';
import * as z from 'zod';
import { type Clock, systemClock } from './clock.ts';
import { resolveConfig } from './config/resolve-config.ts';
import type { RegistryConfig } from './config/settings.ts';
import { declareModels, disabledError, type ManagerContext } from './context.ts';
import { EmbedderSet } from './embedder-set.ts';
import { Events } from './events.ts';
import { type Logger, silentLogger } from './logger.ts';
import { assertSameNodeStore } from './model/node-store-id.ts';
import { parseOptions } from './options.ts';
import type { Embedder } from './ports/embedder.ts';
import type { NodeStore } from './ports/node-store.ts';
import type { RegistryStore } from './ports/registry-store.ts';
import { assertRuntime, processIdentity } from './runtime.ts';
import { SideSet } from './side-set.ts';
import { examine, type RegistryFileKind } from './sqlite/examine.ts';
import { openRegistryReadOnly } from './sqlite/open-read-only.ts';
import { openRegistry } from './sqlite/open-registry.ts';

/** What a manager works on and with; everything has a default. */
export interface OpenOptions {
  /** The registry file; `registryDbPath` of the configuration unless told. */
  dbPath?: string;
  /** Creates, changes and upgrades nothing, and leaves no trace. */
  readOnly?: boolean;
  /** `false`: a database of the origin system is refused with `DATABASE_ORIGIN` instead of being upgraded. */
  upgradeOrigin?: boolean;
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

/** An object with these methods; whether they keep their port's promises, only their use can tell. */
const having = (...names: readonly string[]) => {
  const isComplete = (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => Reflect.get(value, name) !== undefined);
  return z.custom<object>(isComplete, `must be an object with ${names.join(', ')}`).optional();
};

const openSchema = z.strictObject({
  dbPath: z.string().optional(),
  readOnly: z.boolean().optional(),
  upgradeOrigin: z.boolean().optional(),
  nodeStore: having('storeId', 'capabilities', 'countByModel', 'scan', 'read', 'write'),
  embedders: z.array(having('spec', 'embed').unwrap()).optional(),
  config: z.unknown().optional(),
  registryStore: having('models', 'claim', 'settle', 'close'),
  nativeBinding: z.string().optional(),
  clock: having('now', 'sleep', 'random', 'uuid'),
  logger: having('debug', 'info', 'warn', 'error'),
  isDead: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
  allowUnfenced: z.boolean().optional(),
});

/**
 * Tells what a file holds, before it is opened for writing; changes nothing and leaves nothing beside it.
 * @throws RegistryError `DATABASE_INVALID` (no database, or one of another program), `DATABASE_NEWER`,
 * `DATABASE_LOCKED`, `DATABASE_READONLY`, `DATABASE_UNAVAILABLE`, `RUNTIME_TOO_OLD`
 */
export async function registryFileKind(options: {
  path: string;
  nativeBinding?: string;
}): Promise<RegistryFileKind> {
  assertRuntime();
  const { path, nativeBinding } = options;
  return examine(resolve(path), { clock: systemClock, nativeBinding });
}

/** Resolves the options once; `release` closes what was opened here. */
export async function openContext(
  options: OpenOptions,
): Promise<{ context: ManagerContext; release: () => Promise<void> }> {
  // A misspelt option would be a registry in another place, or one without nodes.
  parseOptions(openSchema, options, 'options of open', 'CONFIG_INVALID');
  const config = resolveConfig(options.config);
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const { host, pid, user } = processIdentity();
  const embedders = new EmbedderSet(options.embedders ?? []);
  const path = options.dbPath ?? config.registryDbPath;
  const { nativeBinding, upgradeOrigin } = options;
  const file = { path, actor: `${user}@${host}:${pid}`, clock, logger, nativeBinding, upgradeOrigin };
  const openFile = options.readOnly ? openRegistryReadOnly : openRegistry;
  const isOurs = config.enabled && options.registryStore === undefined;
  const registry = !config.enabled ? disabledStore() : (options.registryStore ?? (await openFile(file)));
  const release = async () => {
    if (isOurs) await registry.close();
  };
  const context: ManagerContext = Object.freeze({
    registry,
    nodes: config.enabled ? options.nodeStore : undefined,
    sides: new SideSet(options.nodeStore, registry),
    embedders,
    config,
    clock,
    logger,
    events: new Events(logger),
    isReadOnly: options.readOnly ?? false,
    host,
    pid,
    isDead: options.isDead,
    allowUnfenced: options.allowUnfenced ?? false,
  });
  try {
    if (config.enabled) await (options.readOnly ? checkNodes(context) : bindNodes(context));
    return { context, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function checkNodes({ registry, nodes }: ManagerContext): Promise<void> {
  if (nodes === undefined) return;
  await nodes.ready?.({ readOnly: true });
  assertSameNodeStore(await registry.nodeStoreId(), nodes.storeId);
}

async function bindNodes({ registry, nodes, logger }: ManagerContext): Promise<void> {
  if (nodes === undefined) return;
  await nodes.ready?.({ readOnly: false });
  await registry.bindNodeStore(nodes.storeId);
  await declareModels({ registry, nodes, logger });
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
    throw disabledError();
  };
  return new Proxy({} as RegistryStore, { get: () => reject });
}
