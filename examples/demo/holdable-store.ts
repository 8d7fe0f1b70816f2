/**
 * The worker's way to the nodes, which can be held up right before a batch is written: everything is read,
 * embedded and backed up by then, so it is the worst moment for an application to change one of these nodes.
 */
import type { NodeStore, NodeWrite, WriteOutcome } from '@registry/core';
import type { SqliteNodeStore } from '@registry/node-memory';

export interface HeldBatch {
  readonly nodeIds: readonly string[];
  /** Lets the batch be written, and answers what came of each of its nodes. */
  release(): Promise<ReadonlyMap<string, WriteOutcome>>;
}

interface Hold {
  readonly caught: PromiseWithResolvers<readonly NodeWrite[]>;
  readonly released: PromiseWithResolvers<void>;
  readonly written: PromiseWithResolvers<ReadonlyMap<string, WriteOutcome>>;
}

export class HoldableStore {
  readonly #store: SqliteNodeStore;
  #hold: Hold | undefined;

  constructor(store: SqliteNodeStore) {
    this.#store = store;
  }

  /** What the manager is opened with. */
  get nodeStore(): NodeStore {
    const store = this.#store;
    return {
      storeId: store.storeId,
      capabilities: store.capabilities,
      mark: store.mark,
      countByModel: (options) => store.countByModel(options),
      scan: (options) => store.scan(options),
      read: (ids, options) => store.read(ids, options),
      search: (vector, options) => store.search(vector, options),
      write: (writes, options) => this.#write(writes, options),
    };
  }

  /** Holds writes up from now on, and answers the first of them. */
  async hold(): Promise<HeldBatch> {
    const hold: Hold = {
      caught: Promise.withResolvers(),
      released: Promise.withResolvers(),
      written: Promise.withResolvers(),
    };
    this.#hold = hold;
    const writes = await hold.caught.promise;
    const release = () => {
      this.letGo();
      return hold.written.promise;
    };
    return { nodeIds: writes.map(({ nodeId }) => nodeId), release };
  }

  letGo(): void {
    this.#hold?.released.resolve();
    this.#hold = undefined;
  }

  async #write(
    writes: readonly NodeWrite[],
    options?: { signal?: AbortSignal },
  ): Promise<readonly WriteOutcome[]> {
    const hold = this.#hold;
    hold?.caught.resolve(writes);
    await hold?.released.promise;
    const written = this.#store.write(writes, options);
    // Of two lanes that were held, the one that was caught first is the one that was asked about.
    if (hold !== undefined && (await hold.caught.promise) === writes)
      hold.written.resolve(
        written.then((outcomes) => new Map(writes.map(({ nodeId }, index) => [nodeId, outcomes[index]!]))),
      );
    return written;
  }
}
