import { RegistryError, type SideBySide, type SideNotes, type SidePlan } from '@registry/core';
import { pointAlias } from '../collection/alias.ts';
import { type CollectionInfo, collectionNamed, otherVectors } from '../collection/collection-info.ts';
import { copyIndexes, createLike, ensureStampIndexes, patchMetadata } from '../collection/layout.ts';
import { lockMigration, unlockMigration } from '../collection/migration-lock.ts';
import { slugOf } from '../collection/slug.ts';
import type { Slot } from '../points/payload.ts';
import { scrollPoints } from '../points/point-nodes.ts';
import { metadataKeys, type StorePlace } from '../store-place.ts';
import type { End } from './merged-page.ts';
import { type Ends, ShadowCrossing } from './shadow-crossing.ts';
import { noNotes } from './side-notes.ts';

/** What the metadata of the collections of a migration say. */
export const shadowKeys = {
  /** On the new collection: the plan that fills it, and the collection it is filled from. */
  plan: 'embedding_plan',
  from: 'embedding_from',
  /** The stamp of its vectors, and of those it replaces. */
  target: 'embedding_target',
  source: 'embedding_source',
  /** Readers have used it. */
  served: 'embedding_served',
  /** On the old collection: the new one. */
  side: 'embedding_side',
} as const;

const LATELY_MS = 1_000;

/** Two collections, and the alias that readers use. */
export class ShadowSides implements SideBySide {
  readonly #store: StorePlace;
  readonly #plan: SidePlan;
  readonly #old: string;
  readonly #new: string;
  readonly #infos = new Map<string, Promise<CollectionInfo>>();
  #seen: { readonly at: number; readonly readers: 'old' | 'new' } | undefined;
  readonly forward: ShadowCrossing;
  readonly back: ShadowCrossing;

  private constructor(
    store: StorePlace,
    plan: SidePlan,
    names: { readonly old: string; readonly new: string },
    notes: SideNotes = noNotes,
  ) {
    this.#store = store;
    this.#plan = plan;
    this.#old = names.old;
    this.#new = names.new;
    const { targetSpec, sourceSpec } = plan;
    const both = {
      places: () => this.#places(),
      readers: (o?: { lately: boolean }) => (o?.lately ? this.#readersLately() : this.readers()),
      notes,
    };
    this.forward = new ShadowCrossing({
      ...both,
      direction: 'forward',
      target: targetSpec.info,
      findings: () => this.#findings(),
      stands: (ends) => this.#oldStands(ends),
    });
    this.back = new ShadowCrossing({
      ...both,
      direction: 'back',
      target: sourceSpec.info,
      findings: async () => [],
      stands: (ends) => this.#newStands(ends),
    });
  }

  /** Which collections they are: the new one says which plan fills it, and from where. */
  static async of(store: StorePlace, plan: SidePlan, notes?: SideNotes): Promise<ShadowSides> {
    const served = await store.servedName();
    for (let name: string | undefined = served; name !== undefined; ) {
      const info = await store.find(name);
      const from = info?.metadata[shadowKeys.from];
      if (info?.metadata[shadowKeys.plan] === plan.planId && typeof from === 'string')
        return new ShadowSides(store, plan, { old: from, new: name }, notes);
      name = typeof from === 'string' ? from : undefined;
    }
    const { targetSpec, planId } = plan;
    const suffix = `${slugOf(targetSpec)}-${planId.slice(0, 8)}`;
    return new ShadowSides(store, plan, { old: served, new: `${served}-${suffix}` }, notes);
  }

  #info(name: string): Promise<CollectionInfo> {
    let info = this.#infos.get(name);
    if (info === undefined) {
      info = collectionNamed(this.#store.connection, name);
      this.#infos.set(name, info);
      info.catch(() => this.#infos.delete(name));
    }
    return info;
  }

  async #places(): Promise<Pick<Ends, 'old' | 'new'>> {
    const slot = this.#store.slotOf(await this.#info(this.#old));
    const end = async (name: string): Promise<End> => {
      const info = await this.#info(name);
      return { place: this.#store.placeAt(info, flatSlot(slot)), others: otherVectors(info, slot.vector) };
    };
    const [old, other] = [await end(this.#old), await end(this.#new)];
    // Stamps of the old side stand where a named vector has left them.
    return { old: { ...old, place: { ...old.place, slot } }, new: other };
  }

  async #readersLately(): Promise<'old' | 'new'> {
    const now = this.#store.connection.clock.now();
    if (this.#seen === undefined || Math.abs(now - this.#seen.at) >= LATELY_MS)
      this.#seen = { at: now, readers: await this.readers() };
    return this.#seen.readers;
  }

  /** An alias has moved. */
  #moved(): void {
    this.#seen = undefined;
    this.#store.moved();
  }

  /** Readers use the new side: an old one that was emptied or made anew by hand must not take that along. */
  async #oldStands({ old: { place }, readers }: Ends): Promise<boolean> {
    if (readers === 'old') return true;
    const info = await this.#store.find(this.#old);
    const isSame = info?.metadata[shadowKeys.side] === this.#new;
    if (isSame && (await scrollPoints(place, { limit: 1, payload: false })).points.length > 0) return true;
    throw new RegistryError(
      'COLLECTION_MISMATCH',
      `Collection ${this.#old} was emptied or made anew since plan ${this.#plan.planId} was cut over, so nothing was deleted from ${this.#new} for being gone there. Cancel the plan and finalize it.`,
      { details: { planId: this.#plan.planId, old: this.#old, new: this.#new } },
    );
  }

  /**
   * A new side that was emptied by hand must not take the old one along, which is what a rollback is to save. Where
   * readers are back on the old side already, nothing is deleted, and the rollback says what it found.
   */
  async #newStands({ new: { place }, readers }: Ends): Promise<boolean> {
    if ((await scrollPoints(place, { limit: 1, payload: false })).points.length > 0) return true;
    if (readers === 'old') return false;
    throw new RegistryError(
      'COLLECTION_MISMATCH',
      `Collection ${this.#new} is empty, so nothing was deleted from ${this.#old} for being gone there. Put its points back, or roll back with laterWrites: 'lose', which leaves ${this.#old} as it is.`,
      { details: { planId: this.#plan.planId, old: this.#old, new: this.#new } },
    );
  }

  /** Indexes of the old side that the new one lacks, and an optimizer that has given up. */
  async #findings(): Promise<readonly string[]> {
    const [old, other] = await Promise.all([this.#old, this.#new].map((name) => this.#store.find(name)));
    const lacking = Object.keys(old?.indexes ?? {}).filter((field) => other?.indexes[field] === undefined);
    const indexes = `collection ${this.#new} lacks payload indexes on ${lacking.join(', ')}, which ${this.#old} has; make them there`;
    const broken = `collection ${this.#new} is not well, its optimizer says: ${other?.optimizerError}`;
    return [...(lacking.length > 0 ? [indexes] : []), ...(other?.optimizerError ? [broken] : [])];
  }

  async prepare(): Promise<void> {
    const { connection } = this.#store;
    const { planId, targetSpec, sourceSpec } = this.#plan;
    if ((await this.readers()) === 'new') return;
    await lockMigration(connection, this.#old, planId);
    const from = await this.#info(this.#old);
    const { vector } = this.#store.slotOf(from);
    if ((await this.#store.find(this.#new)) === undefined)
      await createLike(connection, from, {
        name: this.#new,
        vector,
        spec: targetSpec,
        metadata: {
          ...from.metadata,
          // What an earlier migration has left there is not true of the new one.
          [shadowKeys.side]: undefined,
          [shadowKeys.served]: undefined,
          [metadataKeys.vector]: vector,
          [metadataKeys.flat]: vector,
          [shadowKeys.plan]: planId,
          [shadowKeys.from]: this.#old,
          [shadowKeys.target]: targetSpec.info,
          [shadowKeys.source]: sourceSpec.info,
        },
      });
    this.#infos.delete(this.#new);
    const made = await this.#info(this.#new);
    if (made.metadata[shadowKeys.plan] !== planId) throw this.#notOurs();
    // Also where somebody died before all were made, and those that the application has made since.
    await copyIndexes(connection, from, made);
    await ensureStampIndexes(connection, made, '');
    if (from.metadata[shadowKeys.side] !== this.#new)
      await patchMetadata(connection, this.#old, { [shadowKeys.side]: this.#new });
    this.#store.moved();
  }

  #notOurs(): RegistryError {
    return new RegistryError(
      'COLLECTION_MISMATCH',
      `Collection ${this.#new} exists and was not made by plan ${this.#plan.planId}; it was left as it is. Remove it, or rename what it belongs to.`,
    );
  }

  /** An alias that somebody has moved elsewhere by hand is no cutover of this plan. */
  async readers(): Promise<'old' | 'new'> {
    const served = await this.#store.servedName();
    if (served === this.#old) return 'old';
    // A later plan may have moved them further.
    for (let name = served; name !== this.#new; ) {
      const from = (await this.#store.find(name))?.metadata[shadowKeys.from];
      if (typeof from !== 'string') throw this.#elsewhere(served);
      name = from;
    }
    return 'new';
  }

  #elsewhere(served: string): RegistryError {
    const { collection } = this.#store;
    return new RegistryError(
      'COLLECTION_MISMATCH',
      `Alias ${JSON.stringify(collection)} points at ${served}, which is neither side of plan ${this.#plan.planId}; point it at ${this.#old} or ${this.#new} again, then repeat this.`,
      { details: { alias: collection, served, old: this.#old, new: this.#new } },
    );
  }

  async cutover(): Promise<void> {
    const { connection, collection } = this.#store;
    if ((await this.readers()) === 'new') return;
    await this.#carryMark(this.#old, this.#new, { [shadowKeys.served]: true });
    await pointAlias(connection, collection, this.#new);
    this.#moved();
  }

  async revert(): Promise<void> {
    const { connection, collection } = this.#store;
    if ((await this.readers()) === 'new') {
      await this.#carryMark(this.#new, this.#old, {});
      await pointAlias(connection, collection, this.#old);
      this.#moved();
    }
    await unlockMigration(connection, this.#old, this.#plan.planId);
  }

  /** What a registry is told by goes with the readers. */
  async #carryMark(from: string, to: string, more: Readonly<Record<string, unknown>>): Promise<void> {
    const { connection } = this.#store;
    const { metadata } = await collectionNamed(connection, from);
    const kept = {
      [metadataKeys.mark]: metadata[metadataKeys.mark] ?? 0,
      [metadataKeys.storeId]: this.#store.storeId,
    };
    await patchMetadata(connection, to, { ...kept, ...more });
  }

  async discard(): Promise<void> {
    const { connection } = this.#store;
    const info = await this.#store.find(this.#new);
    if (info !== undefined) {
      const isOurs = info.metadata[shadowKeys.plan] === this.#plan.planId;
      if (!isOurs || info.metadata[shadowKeys.served] === true || (await this.readers()) === 'new') return;
      await connection.change('deleteCollection', { collection_name: this.#new });
    }
    await this.#release();
  }

  async #release(): Promise<void> {
    const { connection } = this.#store;
    this.#infos.clear();
    if ((await this.#store.find(this.#old))?.metadata[shadowKeys.side] === this.#new)
      await patchMetadata(connection, this.#old, { [shadowKeys.side]: null });
    await unlockMigration(connection, this.#old, this.#plan.planId);
    this.#store.moved();
  }

  async leftover(): Promise<string | undefined> {
    const name = (await this.readers()) === 'new' ? this.#old : this.#new;
    return (await this.#store.find(name)) === undefined ? undefined : name;
  }

  async finalize(name: string): Promise<void> {
    const { connection } = this.#store;
    const left = await this.leftover();
    if (left !== undefined) {
      if (left !== name) throw this.#notNamed(left);
      await this.#assertNoOtherAlias(left);
      await connection.change('deleteCollection', { collection_name: left });
    }
    await this.#release();
  }

  #notNamed(left: string): RegistryError {
    return new RegistryError(
      'CONFIRMATION_MISSING',
      `Plan ${this.#plan.planId} drops collection ${JSON.stringify(left)} for good; pass that name.`,
      { details: { planId: this.#plan.planId, name: left } },
    );
  }

  /** Deleting a collection deletes every alias of it. */
  async #assertNoOtherAlias(name: string): Promise<void> {
    const { aliases } = await this.#store.connection.read<{ aliases: readonly { alias_name: string }[] }>(
      'getCollectionAliases',
      { collection_name: name },
    );
    const [other] = aliases;
    if (other === undefined) return;
    throw new RegistryError(
      'ALIAS_TAKEN',
      `Alias ${JSON.stringify(other.alias_name)} still points at collection ${name}, and would go with it; point it elsewhere, or remove it.`,
      { details: { collection: name, alias: other.alias_name } },
    );
  }
}

const flatSlot = ({ vector }: Slot): Slot => ({ vector, isFlat: true });
