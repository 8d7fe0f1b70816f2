import type { ModelRef, NodeStore } from '@registry/core';

/** Nodes by the model that made their vector; the entry without `info` counts those without a stamp. */
export type NodeCounts = Awaited<ReturnType<NodeStore['countByModel']>>;

export function nodesAt(counts: NodeCounts, { modelId, version }: ModelRef): number {
  return counts
    .filter(({ info }) => info?.embeddingModelId === modelId && info.embeddingVersion === version)
    .reduce((sum, { count }) => sum + count, 0);
}

export function unstampedNodes(counts: NodeCounts): number {
  return counts.filter(({ info }) => info === undefined).reduce((sum, { count }) => sum + count, 0);
}

/** Models that nodes name and the registry does not know, with their nodes. */
export function strangers(
  counts: NodeCounts,
  models: readonly ModelRef[],
): readonly (ModelRef & { readonly count: number })[] {
  const found = new Map<string, ModelRef & { count: number }>();
  for (const { info, count } of counts) {
    if (info === undefined) continue;
    const { embeddingModelId: modelId, embeddingVersion: version } = info;
    if (models.some((model) => model.modelId === modelId && model.version === version)) continue;
    const key = `${modelId}:v${version}`;
    found.set(key, { modelId, version, count: (found.get(key)?.count ?? 0) + count });
  }
  return [...found.values()];
}
