import { RegistryError, type SideBySide, type SidePlan } from '@registry/core';
import { type CollectionInfo, collectionNamed } from '../collection/collection-info.ts';
import { ensureStampIndexes, patchMetadata, vectorConfigOf } from '../collection/layout.ts';
import { lockMigration, unlockMigration } from '../collection/migration-lock.ts';
import { slugOf } from '../collection/slug.ts';
import { prefixOf, type Slot } from '../points/payload.ts';
import type { PointPlace } from '../points/point-nodes.ts';
import { assertSince, since } from '../server/version.ts';
import { metadataKeys, type StorePlace } from '../store-place.ts';
import { flattenStamps } from './flatten-stamps.ts';
import { NamedCrossing } from './named-crossing.ts';

/** What the metadata of the collection say. */
export const namedKeys = {
  /** The plan at work, its vector, the one it came from, and the stamps of both. */
  plan: 'embedding_side_plan',
  vector: 'embedding_side_vector',
  from: 'embedding_side_from',
  target: 'embedding_target',
  source: 'embedding_source',
} as const;

/** Two vectors of the same points, and the name of the one that readers use, in the collection's metadata. */
export class NamedSides implements SideBySide {
  readonly #store: StorePlace;
  readonly #plan: SidePlan;
  readonly #collection: string;
  readonly #old: string;
  readonly #new: string;
  readonly forward: NamedCrossing;
  readonly back: NamedCrossing;

  private constructor(
    store: StorePlace,
    plan: SidePlan,
    names: { readonly collection: string; readonly old: string; readonly new: string },
  ) {
    this.#store = store;
    this.#plan = plan;
    this.#collection = names.collection;
    this.#old = names.old;
    this.#new = names.new;
    const newSlot: Slot = { vector: this.#new, isFlat: false };
    const at = (vector: string) => () => this.#place(vector);
    const { targetSpec, sourceSpec } = plan;
    this.forward = new NamedCrossing({
      direction: 'forward',
      target: targetSpec.info,
      place: at(this.#new),
      newSlot,
    });
    this.back = new NamedCrossing({
      direction: 'back',
      target: sourceSpec.info,
      place: at(this.#old),
      newSlot,
    });
  }

  static async of(store: StorePlace, plan: SidePlan): Promise<NamedSides> {
    const info = await collectionNamed(store.connection, await store.servedName());
    const { vector } = store.slotOf(info);
    const name = slugOf(plan.targetSpec);
    const from = info.metadata[namedKeys.from];
    const isAtWork = info.metadata[namedKeys.plan] === plan.planId;
    const old = isAtWork && typeof from === 'string' ? from : vector;
    return new NamedSides(store, plan, { collection: info.name, old, new: name });
  }

  #info(): Promise<CollectionInfo> {
    return collectionNamed(this.#store.connection, this.#collection);
  }

  async #place(vector: string): Promise<PointPlace> {
    const info = await this.#info();
    const flat = info.metadata[metadataKeys.flat] ?? this.#old;
    return this.#store.placeAt(info, { vector, isFlat: flat === vector });
  }

  async prepare(): Promise<void> {
    const { connection, version } = this.#store;
    const { planId, targetSpec } = this.#plan;
    if (version !== undefined) assertSince(version, since.vectorNames, 'A second vector on the same points');
    if ((await this.readers()) === 'new') return;
    await lockMigration(connection, this.#collection, planId);
    const info = await this.#info();
    const isOurs = info.metadata[namedKeys.plan] === planId;
    if (info.vectors[this.#new] !== undefined && !isOurs) throw this.#notOurs();
    // Before the vector is made: whoever dies in between leaves a vector that is known to be the plan's.
    if (!isOurs) await this.#announce(info);
    const { size, distance } = vectorConfigOf(targetSpec);
    // The same configuration again is accepted, another one refused.
    await connection.change('createVectorName', {
      collection_name: this.#collection,
      vector_name: this.#new,
      dense: { size, distance },
      wait: true,
    });
    await ensureStampIndexes(connection, info, prefixOf({ vector: this.#new, isFlat: false }));
    this.#store.moved();
  }

  /** Says in the metadata which plan is at work, and between which vectors. */
  async #announce({ metadata }: CollectionInfo): Promise<void> {
    const { planId, targetSpec, sourceSpec } = this.#plan;
    await patchMetadata(this.#store.connection, this.#collection, {
      [namedKeys.plan]: planId,
      [namedKeys.vector]: this.#new,
      [namedKeys.from]: this.#old,
      [namedKeys.target]: targetSpec.info,
      [namedKeys.source]: sourceSpec.info,
      [metadataKeys.vector]: this.#old,
      [metadataKeys.flat]: metadata[metadataKeys.flat] ?? this.#old,
    });
  }

  #notOurs(): RegistryError {
    return new RegistryError(
      'COLLECTION_MISMATCH',
      `Collection ${this.#collection} has a vector ${JSON.stringify(this.#new)} already, which plan ${this.#plan.planId} did not make; remove it, or use shadow.`,
    );
  }

  async readers(): Promise<'old' | 'new'> {
    const { metadata } = await this.#info();
    return metadata[metadataKeys.vector] === this.#new ? 'new' : 'old';
  }

  async cutover(): Promise<void> {
    await patchMetadata(this.#store.connection, this.#collection, { [metadataKeys.vector]: this.#new });
    this.#store.moved();
  }

  async revert(): Promise<void> {
    if ((await this.readers()) === 'old') return;
    const { connection } = this.#store;
    await patchMetadata(connection, this.#collection, {
      [metadataKeys.vector]: this.#old,
      embedding_served: this.#plan.planId,
    });
    this.#store.moved();
  }

  async discard(): Promise<void> {
    const { metadata } = await this.#info();
    if (metadata[namedKeys.plan] !== this.#plan.planId) return this.#unlock();
    if (metadata.embedding_served === this.#plan.planId || (await this.readers()) === 'new') return;
    await this.#drop(this.#new);
  }

  async leftover(): Promise<string | undefined> {
    const { vectors, metadata } = await this.#info();
    if (metadata[namedKeys.plan] !== this.#plan.planId) return undefined;
    const name = (await this.readers()) === 'new' ? this.#old : this.#new;
    return vectors[name] === undefined ? undefined : name;
  }

  async finalize(name: string): Promise<void> {
    const { metadata } = await this.#info();
    if (metadata[namedKeys.plan] !== this.#plan.planId) return this.#unlock();
    const left = await this.leftover();
    // Somebody died after the vector had gone, and before all that told of it.
    if (left === undefined) return this.#drop((await this.readers()) === 'new' ? this.#old : this.#new);
    if (left !== name)
      throw new RegistryError(
        'CONFIRMATION_MISSING',
        `Plan ${this.#plan.planId} drops vector ${JSON.stringify(left)} of every point for good; pass that name.`,
        { details: { planId: this.#plan.planId, name: left } },
      );
    if (left === this.#old) {
      await flattenStamps(await this.#place(this.#new));
      await patchMetadata(this.#store.connection, this.#collection, { [metadataKeys.flat]: this.#new });
    }
    await this.#drop(left);
  }

  /** What told of the new vector, last the one that goes: a stamp never outlives its vector. */
  async #drop(vector: string): Promise<void> {
    const { connection } = this.#store;
    const collection_name = this.#collection;
    const info = await this.#info();
    await connection.change('deletePayload', {
      collection_name,
      keys: [`embeddings.${this.#new}`],
      filter: { must_not: [{ is_empty: { key: `embeddings.${this.#new}.embedding_model_id` } }] },
      wait: true,
    });
    if (info.vectors[vector] !== undefined)
      await connection.change('deleteVectorName', { collection_name, vector_name: vector, wait: true });
    await patchMetadata(connection, collection_name, {
      [namedKeys.plan]: null,
      [namedKeys.vector]: null,
      [namedKeys.from]: null,
      embedding_served: null,
    });
    await this.#unlock();
  }

  async #unlock(): Promise<void> {
    await unlockMigration(this.#store.connection, this.#collection, this.#plan.planId);
    this.#store.moved();
  }
}
