import type { Clock } from './clock.ts';
import type { ResolvedRegistryConfig } from './config/settings.ts';
import type { EmbedderSet } from './embedder-set.ts';
import { RegistryError } from './errors.ts';
import type { Events } from './events.ts';
import type { Logger } from './logger.ts';
import type { MigrationPlan } from './model/plan.ts';
import type { NodeStore, SideBySide } from './ports/node-store.ts';
import type { RegistryStore } from './ports/registry-store.ts';
import type { PlanNodes, SideSet } from './side-set.ts';

/** What everything under one manager shares, resolved once when it is opened. */
export interface ManagerContext {
  readonly registry: RegistryStore;
  /** Absent: models and plans can be kept, nothing can be run. */
  readonly nodes: NodeStore | undefined;
  readonly sides: SideSet;
  readonly embedders: EmbedderSet;
  readonly config: ResolvedRegistryConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Events;
  /** Nothing is to be written anywhere. */
  readonly isReadOnly: boolean;
  /** Who works here, as other processes see it. */
  readonly host: string;
  readonly pid: number;
  /** Says whether a worker is certainly dead, so that its leases need not be waited for. */
  readonly isDead: ((worker: { readonly host: string; readonly pid: number }) => boolean) | undefined;
  readonly allowUnfenced: boolean;
}

/** What every call of a disabled registry ends with. */
export function disabledError(): RegistryError {
  return new RegistryError(
    'REGISTRY_DISABLED',
    'The configuration says enabled: false; enable the registry to use it.',
  );
}

/** @throws RegistryError `REGISTRY_DISABLED` */
export function assertEnabled({ config }: Pick<ManagerContext, 'config'>): void {
  if (!config.enabled) throw disabledError();
}

/** @throws RegistryError `REGISTRY_DISABLED`, `NODE_STORE_MISSING`, `STRATEGY_UNSUITABLE` for a store without fences */
export function nodeStoreOf(context: ManagerContext, wanted: string): NodeStore {
  assertEnabled(context);
  if (context.nodes === undefined)
    throw new RegistryError('NODE_STORE_MISSING', `${wanted} needs the nodes; pass nodeStore to open.`);
  if (context.nodes.capabilities.fence === 'none' && !context.allowUnfenced)
    throw new RegistryError(
      'STRATEGY_UNSUITABLE',
      `${wanted}: the node store cannot tell whether a node was edited meanwhile (fence: none), so edits may be lost; pass allowUnfenced: true to open to accept that.`,
    );
  return context.nodes;
}

/** What the batches of a plan read and write, and are rolled back on. Errors as of {@link nodeStoreOf}. */
export async function nodesOf(
  context: ManagerContext,
  plan: MigrationPlan,
  wanted: string,
): Promise<PlanNodes> {
  const store = nodeStoreOf(context, wanted);
  if (plan.strategy === 'inPlace') return store;
  const side = await context.sides.prepared(plan);
  if (side !== undefined) return side.forward;
  throw strategyGone(plan);
}

/** Both sides of a plan that does not work in place. Errors as of {@link nodeStoreOf}. */
export async function sidesOf(
  context: ManagerContext,
  plan: MigrationPlan,
  wanted: string,
): Promise<SideBySide> {
  nodeStoreOf(context, wanted);
  const side = await context.sides.of(plan);
  if (side !== undefined) return side;
  throw strategyGone(plan);
}

function strategyGone({ planId, strategy }: MigrationPlan): RegistryError {
  return new RegistryError(
    'STRATEGY_UNSUITABLE',
    `Plan ${planId} was made for strategy ${strategy}, which this node store does not know; open the registry with the store it was made for.`,
    { details: { planId, strategy } },
  );
}

/**
 * Tells the node store how far this registry is, so that an older copy of it can be told. What the mark stands
 * for has happened by then: a store that cannot take it now learns it with the next one.
 */
export async function writeMark({ nodes, registry, logger }: ManagerContext): Promise<void> {
  if (nodes?.mark === undefined) return;
  try {
    await nodes.mark.write(await registry.mark());
  } catch (error) {
    logger.warn('The node store did not take the mark of the registry; the next one will be later', {
      error,
    });
  }
}

/** A store that was told otherwise goes on as it is: opening must not fail for it, and its writes say what is wrong. */
export async function declareModels({
  registry,
  nodes,
  logger,
}: Pick<ManagerContext, 'registry' | 'nodes' | 'logger'>): Promise<void> {
  if (nodes?.declareModels === undefined) return;
  try {
    await nodes.declareModels((await registry.models()).map((model) => model.toJSON()));
  } catch (error) {
    logger.warn('The node store was not told what the registered models look like', { error });
  }
}
