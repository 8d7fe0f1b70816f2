import { type EmbeddingInfo, EmbeddingModelSpec, type NodeHead, type NodeStore } from '@registry/core';

const spec = (modelId: string) =>
  new EmbeddingModelSpec({ modelId, version: 1, dimension: 4, checksum: `sum-of-${modelId}` });
export const models = [spec('before'), spec('after')] as const;

/** A store of any size that is never in memory: node ids are numbers, every node is stamped `before`. */
export function endlessStore(count: number, onPage: (from: number) => void): NodeStore {
  const info: EmbeddingInfo = models[0].info;
  const head = (index: number): NodeHead => ({
    id: `node-${String(index).padStart(9, '0')}`,
    ...info,
  });
  return {
    storeId: 'endless',
    capabilities: { fence: 'exact', where: false, strategies: ['inPlace'] },
    countByModel: async () => [{ info, count }],
    async scan({ after = '0', limit }) {
      const from = Number(after);
      onPage(from);
      const length = Math.min(limit, count - from);
      const items = Array.from({ length }, (_, index) => head(from + index));
      return from + length < count ? { items, next: String(from + length) } : { items };
    },
    read: async (ids) =>
      ids.map((id) => ({ ...head(Number(id.slice(5))), content: id, contentHash: 'same', fence: '1' })),
    write: async (writes) => writes.map(() => 'written' as const),
  };
}
