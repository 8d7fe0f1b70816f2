/** The same queries at every stage, and the check that no hit was compared outside its own model. */
import {
  type EmbeddingInfo,
  type EmbeddingVersionManager,
  isCompatible,
  type SearchHit,
  sameStamp,
  type Vector,
} from '@registry/core';
import type { SqliteNodeStore } from '@registry/node-memory';
import type { Demo } from './demo.ts';

const HITS = 4;

type Stamps = ReadonlyMap<string, EmbeddingInfo | undefined>;

/** Searches, shows what was found, and proves of each hit where it was found. Answers the mean time of a query. */
export async function search(demo: Demo, stage: string): Promise<{ readonly millisecondsPerQuery: number }> {
  const { manager, store, screen, proofs, settings } = demo;
  let hits = 0;
  let sound = 0;
  let milliseconds = 0;
  for (const query of settings.queries) {
    const before = await stampsOf(store);
    const startedAt = performance.now();
    const found = await manager.searchAcrossModels(query, { k: HITS });
    milliseconds += performance.now() - startedAt;
    const after = await stampsOf(store);
    screen.say(`“${query}”`, 'bold');
    for (const [index, hit] of found.entries()) {
      const node = await store.get(hit.nodeId);
      const { file = '', heading = '' } = (node?.metadata ?? {}) as Record<string, string>;
      screen.row([
        [String(index + 1), -1],
        [file, 26],
        [heading, 26],
        [hit.info.embeddingModelId, 16],
      ]);
      hits += 1;
      if (await isSound(manager, store, { query, hit, stamps: [before, after] })) sound += 1;
    }
  }
  const models = (await store.countByModel()).filter(({ info }) => info !== undefined).length;
  proofs.show(
    `search ${stage}`,
    `${sound} of ${hits} hits were compared within their own model only; the store holds vectors of ${models} model${models === 1 ? '' : 's'}`,
    hits > 0 && sound === hits,
  );
  return { millisecondsPerQuery: milliseconds / settings.queries.length };
}

/**
 * The model that a hit names is the one stamped on its node (before or after the search, where the worker came
 * by meanwhile), it is the one that embedded the query, and both vectors are of its kind and length.
 */
async function isSound(
  manager: EmbeddingVersionManager,
  store: SqliteNodeStore,
  o: { query: string; hit: SearchHit; stamps: readonly Stamps[] },
): Promise<boolean> {
  const { info, nodeId } = o.hit;
  const model = { modelId: info.embeddingModelId, version: info.embeddingVersion };
  const spec = await manager.getModel(model);
  const query = await manager.embed([o.query], { ...model, purpose: 'query' });
  const vectors = [query.vectors[0], await vectorAt(manager, store, nodeId, info)];
  return (
    o.stamps.some((stamps) => sameStamp(stamps.get(nodeId), info)) &&
    sameStamp(query.info, info) &&
    spec !== undefined &&
    vectors.every((vector) => vector !== undefined && isCompatible({ stamp: info, vector }, spec))
  );
}

/** The vector that a node has, or had until the worker came by, under a stamp. */
async function vectorAt(
  manager: EmbeddingVersionManager,
  store: SqliteNodeStore,
  nodeId: string,
  info: EmbeddingInfo,
): Promise<Vector | undefined> {
  const [node] = await store.read([nodeId]);
  if (sameStamp(node, info)) return node?.vector;
  const [plan] = (await manager.listMigrations({ limit: 1 })).items;
  const backup = plan && (await manager.getBackup({ planId: plan.planId, nodeId }));
  return sameStamp(backup, info) ? backup?.vector : undefined;
}

async function stampsOf(store: SqliteNodeStore): Promise<Stamps> {
  const stamps = new Map<string, EmbeddingInfo | undefined>();
  let after: string | undefined;
  do {
    const page = await store.scan({ limit: 1_000, ...(after !== undefined && { after }) });
    for (const { id, embeddingModelId, embeddingVersion, embeddingChecksum = '' } of page.items) {
      const isStamped = embeddingModelId !== undefined && embeddingVersion !== undefined;
      stamps.set(id, isStamped ? { embeddingModelId, embeddingVersion, embeddingChecksum } : undefined);
    }
    after = page.next;
  } while (after !== undefined);
  return stamps;
}
