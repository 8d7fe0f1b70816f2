/** Stores over the double, and applications that know nothing of them but a mark on each of their writes. */
import { randomUUID } from 'node:crypto';
import { QdrantClient } from '@qdrant/js-client-rest';
import { contentHash, type EmbeddingInfo, type SideBySide, type Vector } from '@registry/core';
import type {
  ContractNode,
  NodeStoreApplication,
  NodeStoreHarness,
  SideHarness,
} from '@registry/core/testing';
import { pointIdOf, QdrantNodeStore, type QdrantNodeStoreOptions } from '@registry/qdrant';
import { type QdrantDouble, type QdrantDoubleOptions, startQdrantDouble } from '@registry/qdrant-double';

export const COLLECTION = 'texts-2024';
export const ALIAS = 'texts';

export function clientOf(double: QdrantDouble): QdrantClient {
  return new QdrantClient({ url: double.url, checkCompatibility: false });
}

const canonical = (id: string) => String(pointIdOf(id)) === id;

/** Vectors of this length are the second ones of a migration with two vectors of the same points. */
const NEW_DIMENSION = 24;
const newVector = 'model-two-v3';

function payloadOf({ id, content, metadata, vector, ...info }: ContractNode, isBeside: boolean) {
  const stamp = vector &&
    info.embeddingModelId !== undefined && {
      embedding_model_id: info.embeddingModelId,
      embedding_version: info.embeddingVersion,
      embedding_checksum: info.embeddingChecksum,
      embedding_hash: contentHash(content),
    };
  return {
    text: content,
    ...metadata,
    ...(isBeside ? { embeddings: { [newVector]: stamp } } : stamp),
    ...(!canonical(id) && { embedding_node_id: id }),
    embedding_write: randomUUID(),
  };
}

const numbers = (vector: Vector | undefined) => Array.from(vector as Float32Array);

/** Writes under one name, be it a collection or an alias; `vectorName` '' for the unnamed vector. */
export function applicationOn(
  client: QdrantClient,
  name: string,
  vectorName: string,
  hasTwoVectors = false,
): NodeStoreApplication {
  const isBeside = (vector: Vector | undefined) => hasTwoVectors && vector?.length === NEW_DIMENSION;
  const named = (vector: Vector | undefined) =>
    vector === undefined
      ? {}
      : vectorName === ''
        ? numbers(vector)
        : { [isBeside(vector) ? newVector : vectorName]: numbers(vector) };
  const hashed = async (id: string) => {
    const [point] = await client.retrieve(name, { ids: [pointIdOf(id) as string], with_payload: true });
    return contentHash(String(point?.payload?.text));
  };
  return {
    put: async (nodes) => {
      const points = nodes.map((node) => ({
        id: pointIdOf(node.id) as string,
        vector: named(node.vector),
        payload: payloadOf(node, isBeside(node.vector)),
      }));
      for (let start = 0; start < points.length; start += 200)
        await client.upsert(name, { wait: true, points: points.slice(start, start + 200) });
    },
    edit: async (id, content) => {
      const payload = { text: content, embedding_write: randomUUID() };
      await client.setPayload(name, { wait: true, points: [pointIdOf(id) as string], payload });
    },
    setVector: async (id, vector, info: EmbeddingInfo) => {
      const points = [{ id: pointIdOf(id) as string, vector: named(vector) }];
      await client.updateVectors(name, { wait: true, points });
      const payload = {
        embedding_model_id: info.embeddingModelId,
        embedding_version: info.embeddingVersion,
        embedding_checksum: info.embeddingChecksum,
        embedding_hash: await hashed(id),
        embedding_write: randomUUID(),
      };
      await client.setPayload(name, { wait: true, points: [pointIdOf(id) as string], payload });
    },
    remove: async (id) => {
      await client.delete(name, { wait: true, points: [pointIdOf(id) as string] });
    },
  };
}

export interface MadeStore {
  readonly double: QdrantDouble;
  readonly client: QdrantClient;
  readonly store: QdrantNodeStore;
  open(options?: Partial<QdrantNodeStoreOptions>): Promise<QdrantNodeStore>;
}

/** An empty collection behind an alias, with one dense vector of this length. */
export async function makeStore(
  o: {
    size: number;
    vectorName?: string;
    double?: QdrantDoubleOptions;
    storeVector?: string;
  } & Partial<QdrantNodeStoreOptions>,
): Promise<MadeStore> {
  const { size, vectorName = 'text', double: doubleOptions, storeVector, ...rest } = o;
  const double = await startQdrantDouble(doubleOptions);
  const client = clientOf(double);
  const config = { size, distance: 'Cosine' as const };
  await client.createCollection(COLLECTION, {
    vectors: vectorName === '' ? config : { [vectorName]: config },
  });
  await client.updateCollectionAliases({
    actions: [{ create_alias: { alias_name: ALIAS, collection_name: COLLECTION } }],
  });
  const open = async (options: Partial<QdrantNodeStoreOptions> = {}) => {
    const contents = rest.resolveContents ? {} : { contentFields: ['text'] };
    const told = storeVector === undefined ? {} : { vectorName: storeVector };
    const store = new QdrantNodeStore({
      client,
      collection: ALIAS,
      ...contents,
      ...told,
      ...rest,
      ...options,
    });
    await store.ready();
    return store;
  };
  return { double, client, open, store: await open() };
}

export async function nodeHarness(): Promise<NodeStoreHarness> {
  const { double, client, store, open } = await makeStore({ size: 16 });
  return {
    store,
    app: applicationOn(client, ALIAS, 'text'),
    reopen: () => open(),
    close: () => double.close(),
  };
}

export async function sideHarness(vectorName: string, hasTwoVectors = false): Promise<SideHarness> {
  const { double, client, store, open } = await makeStore({ size: 16, vectorName });
  return {
    store,
    app: applicationOn(client, ALIAS, vectorName, hasTwoVectors),
    writerOn: async (side: 'old' | 'new', sides: SideBySide) => {
      const served = (await client.getAliases()).aliases[0]!.collection_name;
      const other = (await sides.leftover())!;
      const isServed = (await sides.readers()) === side;
      return applicationOn(client, isServed ? served : other, vectorName);
    },
    reopen: () => open(),
    close: () => double.close(),
  };
}
