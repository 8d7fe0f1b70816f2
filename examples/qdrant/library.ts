import type { QdrantClient } from '@qdrant/js-client-rest';
import type { Embedder } from '@registry/core';
import type { Section } from '@registry/example-demo/corpus';

const BATCH = 100;

/** A library that is searched: its texts in a collection behind an alias, stamped with their model. */
export class Library {
  readonly #client: QdrantClient;
  readonly #alias: string;
  /** The largest id. */
  #last = 0;

  constructor(client: QdrantClient, alias: string) {
    this.#client = client;
    this.#alias = alias;
  }

  async open({ spec }: Embedder): Promise<void> {
    const collection_name = `${this.#alias}_1`;
    const vectors = { size: spec.dimension, distance: 'Cosine' } as const;
    await this.#client.createCollection(collection_name, { vectors });
    const create_alias = { alias_name: this.#alias, collection_name };
    await this.#client.updateCollectionAliases({ actions: [{ create_alias }] });
  }

  /** Ids are numbers from `first` on. */
  async add(sections: readonly Section[], embedder: Embedder, first = 1): Promise<void> {
    const { embeddingModelId, embeddingVersion, embeddingChecksum } = embedder.spec.info;
    for (let start = 0; start < sections.length; start += BATCH) {
      const batch = sections.slice(start, start + BATCH);
      const vectors = await embedder.embed(
        batch.map(({ content }) => content),
        { purpose: 'document' },
      );
      const points = batch.map(({ content, metadata }, index) => ({
        id: first + start + index,
        vector: Array.from(vectors[index]!),
        payload: {
          text: content,
          ...metadata,
          embedding_model_id: embeddingModelId,
          embedding_version: embeddingVersion,
          embedding_checksum: embeddingChecksum,
        },
      }));
      await this.#client.upsert(this.#alias, { points });
    }
    this.#last = Math.max(this.#last, first + sections.length - 1);
  }

  /** Edits three texts, deletes the last two, and adds some. */
  async changeSome(more: readonly Section[], embedder: Embedder): Promise<void> {
    for (const id of [3, 4, 5]) await this.#edit(id, `Another text of ${id}.`);
    await this.#client.delete(this.#alias, { points: [this.#last - 1, this.#last], wait: true });
    await this.add(more, embedder, this.#last + 1);
  }

  /** Another text under the vector of the old one, as a careless program writes it. */
  async #edit(id: number, text: string): Promise<void> {
    await this.#client.setPayload(this.#alias, { payload: { text }, points: [id] });
  }
}
