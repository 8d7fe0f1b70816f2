import type { QdrantClient } from '@qdrant/js-client-rest';
import type { EmbeddingModelSpec } from '@registry/core';
import { expectedVector } from '@registry/core/testing';
import { models } from './models.ts';

/** As a client takes it: a safe integer or a UUID. */
export type PointId = number | string;

export interface Content {
  readonly text: string;
  readonly kind: string;
  /** It brought a vector of this text along. */
  readonly isEmbedded: boolean;
}

/** What one has to know of a collection to write to it. */
interface Place {
  readonly collection: string;
  readonly model: EmbeddingModelSpec;
  readonly vectorName: string;
}

export const liveAlias = 'live';

/**
 * An application that serves from an alias, writes through the client alone, and knows of a migration only
 * that the alias may lead to vectors of another size. It remembers what was acknowledged.
 */
export class Application {
  readonly client: QdrantClient;
  /** Last acknowledged content; undefined where the point was deleted. */
  readonly contents: Map<PointId, Content | undefined>;
  /** Every text that a point ever had. */
  readonly texts: Map<PointId, Set<string>>;
  /** Points that it wrote since the last call of `forgetWrites`. */
  readonly written = new Set<PointId>();

  constructor(client: QdrantClient, known?: Application) {
    this.client = client;
    this.contents = new Map(known?.contents);
    this.texts = new Map([...(known?.texts ?? [])].map(([id, texts]) => [id, new Set(texts)]));
  }

  /** A whole point, as an upsert makes it: whatever else was on it is gone. */
  async put(id: PointId, text: string, kind = 'note'): Promise<void> {
    const { collection, model, vectorName } = await this.place();
    const vector = [...expectedVector(model, text)];
    this.#note(id, text);
    await this.client.upsert(collection, {
      points: [
        {
          id,
          vector: vectorName === '' ? vector : { [vectorName]: vector },
          payload: { text, kind, ...stampOf(model) },
        },
      ],
    });
    this.contents.set(id, { text, kind, isEmbedded: true });
  }

  /** Another text under the vector of the old one. */
  async edit(id: PointId, text: string): Promise<void> {
    const known = this.contents.get(id);
    if (known === undefined) return;
    const { collection } = await this.place();
    this.#note(id, text);
    await this.client.setPayload(collection, { payload: { text }, filter: { must: [{ has_id: [id] }] } });
    this.contents.set(id, { ...known, text, isEmbedded: false });
  }

  /** Something else of the payload. */
  async label(id: PointId, kind: string): Promise<void> {
    const known = this.contents.get(id);
    if (known === undefined) return;
    const { collection } = await this.place();
    this.written.add(id);
    await this.client.setPayload(collection, { payload: { kind }, filter: { must: [{ has_id: [id] }] } });
    this.contents.set(id, { ...known, kind });
  }

  async remove(id: PointId): Promise<void> {
    const { collection } = await this.place();
    this.written.add(id);
    await this.client.delete(collection, { points: [id], wait: true });
    this.contents.set(id, undefined);
  }

  /** Where the alias leads, and the model whose vectors are there. */
  async place(): Promise<Place> {
    const { aliases } = await this.client.getAliases();
    const collection = aliases.find(({ alias_name }) => alias_name === liveAlias)!.collection_name;
    const { vectors } = (await this.client.getCollection(collection)).config.params;
    const isUnnamed = typeof (vectors as { size?: unknown }).size === 'number';
    const vectorName = isUnnamed ? '' : 'text';
    const { size } = (isUnnamed ? vectors : (vectors as Record<string, unknown>)[vectorName]) as {
      size: number;
    };
    return { collection, vectorName, model: size === models.wide.dimension ? models.wide : models.a };
  }

  #note(id: PointId, text: string): void {
    this.written.add(id);
    const texts = this.texts.get(id) ?? new Set();
    this.texts.set(id, texts.add(text));
  }
}

/** The fields of the specification that an application stamps its points with. */
export function stampOf({ info }: EmbeddingModelSpec): Record<string, unknown> {
  return {
    embedding_model_id: info.embeddingModelId,
    embedding_version: info.embeddingVersion,
    embedding_checksum: info.embeddingChecksum,
  };
}
