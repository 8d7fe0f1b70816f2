import type { QdrantClient } from '@qdrant/js-client-rest';
import type { Embedder } from '@registry/core';

/** Somebody who searches behind the alias without a pause. */
export class Reader {
  readonly #client: QdrantClient;
  readonly #alias: string;
  readonly #embedders: readonly Embedder[];
  #isReading = true;
  reads = 0;
  hits = 0;
  readonly failures: string[] = [];
  /** Reads by the model that was asked. */
  readonly byModel = new Map<string, number>();
  readonly #ended: Promise<void>;
  #awaited: { readonly modelId: string; readonly isThere: () => void } | undefined;

  constructor(
    client: QdrantClient,
    alias: string,
    embedders: readonly Embedder[],
    queries: readonly string[],
  ) {
    this.#client = client;
    this.#alias = alias;
    this.#embedders = embedders;
    this.#ended = this.#loop(queries);
  }

  async stop(): Promise<void> {
    this.#isReading = false;
    await this.#ended;
  }

  /** Resolves with the next search that is asked with this model. */
  nextWith({ modelId }: Embedder['spec']): Promise<void> {
    return new Promise((resolve) => {
      this.#awaited = { modelId, isThere: resolve };
    });
  }

  async #loop(queries: readonly string[]): Promise<void> {
    for (let turn = 0; this.#isReading; turn++) {
      await this.#read(queries[turn % queries.length]!).catch((error: unknown) => {
        this.failures.push(String(error));
      });
    }
  }

  /** Which model to ask with is told by the collection that the alias leads to, and that one is then asked. */
  async #read(query: string): Promise<void> {
    const { aliases } = await this.#client.getAliases();
    const collection = aliases.find(({ alias_name }) => alias_name === this.#alias)!.collection_name;
    const { config } = await this.#client.getCollection(collection);
    const { size } = config.params.vectors as { size: number };
    const embedder = this.#embedders.find(({ spec }) => spec.dimension === size)!;
    const [vector] = await embedder.embed([query], { purpose: 'query' });
    const found = await this.#client.query(collection, {
      query: Array.from(vector!),
      limit: 5,
      with_payload: ['embedding_model_id', 'embedding_version'],
    });
    const { modelId, version } = embedder.spec;
    for (const { id, payload } of found.points) {
      if (payload?.embedding_model_id !== modelId || payload?.embedding_version !== version)
        throw new Error(`${id} is of ${payload?.embedding_model_id}, and ${modelId} was asked`);
    }
    if (found.points.length === 0) throw new Error(`nothing was found with ${modelId}`);
    this.reads += 1;
    this.hits += found.points.length;
    this.byModel.set(modelId, (this.byModel.get(modelId) ?? 0) + 1);
    if (this.#awaited?.modelId === modelId) this.#awaited.isThere();
  }
}
