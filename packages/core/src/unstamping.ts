import * as z from 'zod';
import { nextTurn } from './clock.ts';
import { type ManagerContext, nodeStoreOf } from './context.ts';
import { journalled } from './journalled.ts';
import { parseNodeId } from './model/node-id.ts';
import { parseOptions } from './options.ts';
import { selectionShape } from './planner/selection.ts';
import type { NodeStore } from './ports/node-store.ts';
import { inPieces } from './read-batch.ts';

/** The nodes whose stamps are to be taken off. */
export interface UnstampNodesOptions {
  nodeIds: Iterable<string> | AsyncIterable<string>;
  signal?: AbortSignal;
}

const schema = z.strictObject({
  nodeIds: selectionShape.nodeIds.unwrap(),
  signal: z.instanceof(AbortSignal).optional(),
});
const PAGE = 500;

/**
 * Takes the stamps off nodes whose vectors are not what their stamps say, so that the next plan embeds them again,
 * with a backup. Vectors stay as they are, byte for byte; nodes that are gone, have no stamp, or are written just then are skipped.
 */
export async function unstampNodes(
  context: ManagerContext,
  options: UnstampNodesOptions,
): Promise<{ unstamped: number; skipped: number }> {
  const { nodeIds, signal } = parseOptions(schema, options, 'options of unstampNodes');
  const store = nodeStoreOf(context, 'Taking stamps off');
  const total = { stamped: 0, skipped: 0 };
  let page = new Set<string>();
  const flush = async () => {
    await nextTurn();
    signal?.throwIfAborted();
    const unstamped = await unstampPage(store, [...page]);
    total.stamped += unstamped;
    total.skipped += page.size - unstamped;
    page = new Set();
  };
  await journalled(context, undefined, total, async () => {
    for await (const id of nodeIds) {
      page.add(parseNodeId(id));
      if (page.size === PAGE) await flush();
    }
    if (page.size > 0) await flush();
  });
  return { unstamped: total.stamped, skipped: total.skipped };
}

async function unstampPage(store: NodeStore, ids: readonly string[]): Promise<number> {
  let unstamped = 0;
  for await (const { nodes } of inPieces(store, ids)) {
    const stamped = [...nodes.values()].filter((node) => node.embeddingModelId !== undefined);
    const outcomes = await store.write(
      stamped.map(({ id: nodeId, fence, vector }) => ({
        nodeId,
        fence,
        set: vector === undefined ? {} : { vector },
        // Wrong lengths and zeros are what this is for.
        restore: true,
      })),
    );
    unstamped += outcomes.filter((outcome) => outcome === 'written').length;
  }
  return unstamped;
}
