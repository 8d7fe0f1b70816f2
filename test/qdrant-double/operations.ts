import type { Collections } from './collections.ts';
import type { Collection } from './points/collection.ts';
import {
  collectionInfo,
  createFieldIndex,
  createVectorName,
  deleteVectorName,
  updateCollection,
} from './points/collection-config.ts';
import { type QueryBody, queryPoints } from './points/query.ts';
import { count, facet, onePoint, retrieve, scroll } from './points/reads.ts';
import { checkLimit } from './points/strict-mode.ts';
import { batchOperations, type Manner, type Update } from './points/updates.ts';

/** One call of an operation, valid by the schemas. */
export interface Call extends Manner {
  readonly number: number;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: never;
  readonly collections: Collections;
  readonly version: string;
  /** Write operations are queued and said to be still waiting, though the caller asked for their end. */
  readonly late: boolean;
}

type Handler = (call: Call) => unknown;

const collectionOf = ({ params, collections }: Call) => collections.resolve(params.collection_name ?? '');

/** Collections are altered and dropped by their own name, never through an alias. */
const ownCollectionOf = ({ params, collections }: Call) => collections.named(params.collection_name ?? '');

function read(answer: (collection: Collection, body: never) => unknown): Handler {
  return (call) => {
    const collection = collectionOf(call);
    checkTimeout(call, collection);
    return answer(collection, call.body);
  };
}

function checkTimeout({ query }: Call, { strictMode }: Collection): void {
  if (strictMode.enabled) checkLimit(Number(query.timeout ?? 0), strictMode.max_timeout, 'timeout');
}

/** Without `wait=true` the answer comes before the change. */
function submit(call: Call, collection: Collection, update: Update): object {
  const operation_id = collection.nextOperation();
  const wait = call.query.wait === 'true';
  if (wait && !call.late) {
    collection.settle();
    update(call);
    return { operation_id, status: 'completed' };
  }
  collection.queue(call.number, () => update(call));
  return { operation_id, status: wait ? 'wait_timeout' : 'acknowledged' };
}

function write(prepare: (collection: Collection, body: never, call: Call) => Update): Handler {
  return (call) => {
    const collection = collectionOf(call);
    return submit(call, collection, prepare(collection, call.body, call));
  };
}

/** In order, each by itself: an error leaves those before it done. Only the limits are checked for all first. */
const batch: Handler = (call) => {
  const collection = collectionOf(call);
  const { operations } = call.body as { operations: readonly Record<string, never>[] };
  const updates = operations.map((operation) => {
    const [[kind, body]] = Object.entries(operation) as [[string, never]];
    return batchOperations[kind]!(collection, body);
  });
  return updates.map((update) => submit(call, collection, update));
};

/** What the double does, by the names of the client's own operations. */
export const handlers: Readonly<Record<string, Handler>> = {
  root: ({ version }) => ({ title: 'qdrant - vector search engine', version }),
  get_collections: ({ collections }) => ({
    collections: [...collections.all()].map(({ name }) => ({ name })),
  }),
  get_collection: (call) => collectionInfo(collectionOf(call)),
  collection_exists: ({ collections, params }) => ({ exists: collections.exists(params.collection_name!) }),
  create_collection: ({ collections, params, body }) => {
    collections.create(params.collection_name!, body);
    return true;
  },
  update_collection: (call) => {
    updateCollection(ownCollectionOf(call), call.body);
    return true;
  },
  delete_collection: ({ collections, params }) => collections.delete(params.collection_name!),
  update_aliases: ({ collections, body }) => {
    collections.changeAliases((body as { actions: readonly object[] }).actions);
    return true;
  },
  get_collection_aliases: (call) => ({ aliases: call.collections.aliases(ownCollectionOf(call).name) }),
  get_collections_aliases: ({ collections }) => ({ aliases: collections.aliases() }),
  create_field_index: write((collection, body) => () => createFieldIndex(collection, body)),
  delete_field_index: write((collection, _, { params }) => () => {
    collection.indexes.delete(params.field_name!);
  }),
  create_vector_name: write((collection, body, { params }) => () => {
    createVectorName(collection, params.vector_name!, body);
  }),
  delete_vector_name: write((collection, _, { params }) => () => {
    deleteVectorName(collection, params.vector_name!);
  }),
  get_point: (call) => onePoint(collectionOf(call), call.params.id!),
  get_points: read(retrieve),
  scroll_points: read(scroll),
  count_points: read(count),
  facet: read(facet),
  query_points: read(queryPoints),
  query_batch_points: read((collection, { searches }: { searches: readonly QueryBody[] }) =>
    searches.map((search) => queryPoints(collection, search)),
  ),
  upsert_points: write(batchOperations.upsert!),
  delete_points: write(batchOperations.delete!),
  update_vectors: write(batchOperations.update_vectors!),
  delete_vectors: write(batchOperations.delete_vectors!),
  set_payload: write(batchOperations.set_payload!),
  overwrite_payload: write(batchOperations.overwrite_payload!),
  delete_payload: write(batchOperations.delete_payload!),
  clear_payload: write(batchOperations.clear_payload!),
  batch_update: batch,
};
