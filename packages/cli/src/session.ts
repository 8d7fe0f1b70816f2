import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  type Embedder,
  EmbeddingVersionManager,
  isRegistryError,
  type NodeStore,
  type OpenOptions,
  registryFileKind,
  withoutStoreCreation,
} from '@registry/core';
import { type ConfigFlags, type Resolved, resolveConfiguration } from './config/resolve.ts';
import type { Output } from './output.ts';
import { confirmed } from './questions.ts';
import { terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/**
 * How much of the configuration a command needs. `read`: the registry, without a trace. `look`: so, and the node
 * store. `steer`: the registry. `nodes`: the node store too. `undo`: embedders too, as far as they can be made, since most ways
 * back need none. `work`: the embedders too. `examine`: all of it without a trace, the embedders as far as they can be made.
 */
export type Need = 'read' | 'look' | 'steer' | 'nodes' | 'undo' | 'work' | 'examine';

/** They leave no trace. */
const tracelessNeeds: readonly Need[] = ['read', 'look', 'examine'];

/** An open registry with what was opened beside it. */
export interface Session extends AsyncDisposable {
  readonly manager: EmbeddingVersionManager;
  readonly resolved: Resolved;
  readonly nodeStore: NodeStore | undefined;
  readonly embedders: readonly Embedder[];
}

export interface SessionOptions {
  readonly flags: ConfigFlags;
  readonly output: Output;
  readonly yes: boolean;
  /** Make the registry where there is none. */
  readonly create?: boolean;
}

export async function openSession(need: Need, options: SessionOptions): Promise<Session> {
  if (!tracelessNeeds.includes(need)) terminal.outliveReader();
  const resolved = await resolveConfiguration(options.flags);
  const { definition, dbPath, config } = resolved;
  if (config.enabled !== false && !options.create && !existsSync(dbPath)) throw noRegistry(resolved);
  if (config.enabled !== false && need !== 'read' && need !== 'examine') await confirmGuest(options, dbPath);
  const opened: unknown[] = [];
  try {
    const hasNodes = need !== 'read' && need !== 'steer';
    const nodeStore = hasNodes ? await storeFor(need, definition.nodeStore, options.output) : undefined;
    opened.push(nodeStore);
    const embedders = await embeddersFor(need, definition.embedders, options.output);
    opened.push(...embedders);
    const manager = await openManager(options, {
      dbPath,
      config,
      embedders: [...embedders],
      logger: options.output.logger,
      isDead: ({ host, pid }) => host === hostname() && terminal.isProcessGone(pid),
      ...(tracelessNeeds.includes(need) && { readOnly: true }),
      ...(nodeStore && { nodeStore }),
      ...(definition.allowUnfenced !== undefined && { allowUnfenced: definition.allowUnfenced }),
    });
    const close = async () => {
      await manager.close();
      await closeAll(opened);
    };
    return { manager, resolved, nodeStore, embedders, [Symbol.asyncDispose]: close };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** Node store and embedders alone, where there is no registry. */
export async function withParts<T>(
  { definition }: Resolved,
  output: Output,
  body: (parts: Pick<Session, 'nodeStore' | 'embedders'>) => Promise<T>,
): Promise<T> {
  const opened: unknown[] = [];
  try {
    const nodeStore = await storeFor('examine', definition.nodeStore, output);
    opened.push(nodeStore);
    const embedders = await embeddersFor('examine', definition.embedders, output);
    opened.push(...embedders);
    return await body({ nodeStore, embedders });
  } finally {
    await closeAll(opened);
  }
}

function noRegistry({ file, dbPath }: Resolved): UsageError {
  return new UsageError(`There is no registry at ${dbPath}.`, {
    advice:
      file === undefined
        ? 'No embedding-registry.config.ts was found here or above: `evr init` writes one, --db names a registry.'
        : '`evr models register` makes it with the models of your embedders.',
    details: { dbPath },
  });
}

/** A look makes no store; the doctor goes on without one that is not there yet. */
async function storeFor(
  need: Need,
  given: Resolved['definition']['nodeStore'],
  { logger }: Output,
): Promise<NodeStore | undefined> {
  if (!tracelessNeeds.includes(need)) return given?.();
  try {
    return await withoutStoreCreation(async () => given?.());
  } catch (error) {
    if (need !== 'examine' || !isRegistryError(error, 'DATABASE_UNAVAILABLE')) throw error;
    logger.warn(`The node store could not be opened; this goes on without it: ${error.message}`);
    return undefined;
  }
}

async function embeddersFor(
  need: Need,
  given: Resolved['definition']['embedders'],
  { logger }: Output,
): Promise<readonly Embedder[]> {
  if (need !== 'work' && need !== 'undo' && need !== 'examine') return [];
  try {
    return typeof given === 'function' ? await given() : (given ?? []);
  } catch (error) {
    if (need === 'work') throw error;
    logger.warn('The embedders could not be made; this goes on without them', { error });
    return [];
  }
}

/** A database that others made takes the tables of a registry in beside theirs: not unasked. */
async function confirmGuest({ output, yes }: SessionOptions, dbPath: string): Promise<void> {
  if (yes || (await registryFileKind({ path: dbPath })) !== 'vacant') return;
  output.note(`${dbPath} is a SQLite database without a registry.`);
  output.note('The tables of a registry would be made beside those that it holds.');
  await confirmed({ output, yes }, 'Make them there?', `a registry in ${dbPath}`, { dbPath });
}

/** The upgrade of a database of the origin is one way: it is asked for. */
async function openManager(
  { output, yes }: SessionOptions,
  open: OpenOptions & { dbPath: string },
): Promise<EmbeddingVersionManager> {
  try {
    return await EmbeddingVersionManager.open({ ...open, upgradeOrigin: yes });
  } catch (error) {
    if (!isRegistryError(error, 'DATABASE_ORIGIN') || output.json || !terminal.isInteractive) throw error;
    output.note(`${open.dbPath} was written by the origin system.`);
    output.note(
      'It is copied to a file beside it, then upgraded: the origin can no longer write it afterwards.',
    );
    await confirmed({ output, yes }, 'Upgrade it?', 'the upgrade of a registry of the origin');
    return EmbeddingVersionManager.open({ ...open, upgradeOrigin: true });
  }
}

/** A store or embedder has the one, the other or nothing to close; the last opened first. */
async function closeAll(opened: readonly unknown[]): Promise<void> {
  for (const one of [...opened].reverse()) {
    const closable = one as Partial<AsyncDisposable & { close: () => unknown }> | undefined;
    if (closable?.[Symbol.asyncDispose]) await closable[Symbol.asyncDispose]?.();
    else await closable?.close?.();
  }
}
