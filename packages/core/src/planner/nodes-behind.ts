import { nextTurn } from '../clock.ts';
import type { ManagerContext } from '../context.ts';
import { RegistryError } from '../errors.ts';
import { sameStamp } from '../model/compatibility.ts';
import type { EmbeddingInfo, EmbeddingModelSpec } from '../model/model-spec.ts';
import type { NodeStore } from '../ports/node-store.ts';
import { scanPages } from '../scan-pages.ts';

const SCAN_PAGE = 1_000;

type Counting = Pick<ManagerContext, 'nodes' | 'registry'>;

/**
 * Nodes that are not at this model; 0 in a registry that serves no node store.
 * @throws RegistryError `NODE_STORE_MISSING` where it serves one that was not passed to `open`
 */
export async function countBehind(context: Counting, spec: EmbeddingModelSpec): Promise<number> {
  const { nodes } = context;
  if (nodes === undefined) {
    await assertNoNodes(context, 'how many nodes would be left behind', ', or say migrateExisting: false');
    return 0;
  }
  const counts = await nodes.countByModel();
  const behind = counts.reduce(
    (sum, { info, count }) => sum + (info !== undefined && sameStamp(info, spec.info) ? 0 : count),
    0,
  );
  // Stamps say most of it at once. Where all are right, texts may still have changed since.
  return behind > 0 ? behind : countScanned(nodes, spec.info);
}

/** @throws RegistryError `MIGRATION_REQUIRED`, `NODE_STORE_MISSING` */
export async function assertNoneBehind(context: Counting, spec: EmbeddingModelSpec): Promise<void> {
  const behind = await countBehind(context, spec);
  if (behind === 0) return;
  throw new RegistryError(
    'MIGRATION_REQUIRED',
    `${behind} nodes are not at ${spec.qualifiedId}, and searching them with it would return garbage; switchActiveModel with migrateExisting: true re-embeds them, with migrateExisting: false it activates the model over them.`,
    { details: { behind, modelId: spec.modelId, version: spec.version } },
  );
}

/** @throws RegistryError `NODE_STORE_MISSING` where the registry serves a store, which alone could tell */
export async function assertNoNodes({ registry }: Counting, unknown: string, otherWay = ''): Promise<void> {
  if ((await registry.nodeStoreId()) === undefined) return;
  throw new RegistryError(
    'NODE_STORE_MISSING',
    `This registry has a node store, and ${unknown} cannot be told without it; pass nodeStore to open${otherWay}.`,
  );
}

async function countScanned(nodes: NodeStore, target: EmbeddingInfo): Promise<number> {
  let count = 0;
  for await (const heads of scanPages(nodes, { notAt: target, limit: SCAN_PAGE })) {
    count += heads.length;
    await nextTurn();
  }
  return count;
}
