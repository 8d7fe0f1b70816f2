import type { NodeHead } from '../ports/node-store.ts';
import type { RegistryStore } from '../ports/registry-store.ts';

/**
 * Which of these nodes the plan has brought to the new side. A node that only the old side has while readers
 * use the new one was deleted there since if it is one of them, and else was put on the old side late.
 * `notAgain` counts those too that were rolled back alone: the plan took them off the new side itself, so they
 * are not brought there again, and nobody has deleted them.
 */
export async function broughtOver(
  registry: Pick<RegistryStore, 'tasks'>,
  planId: string,
  heads: readonly Pick<NodeHead, 'id'>[],
  notAgain = false,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const { id } of heads) {
    const { items } = await registry.tasks({ planId, nodeId: id });
    if (items.some(({ status }) => status === 'completed' || (notAgain && status === 'rolled_back')))
      found.add(id);
  }
  return found;
}
