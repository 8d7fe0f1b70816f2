import { type EmbeddingInfo, RegistryError, sameStamp, stampOf, type Vector } from '@registry/core';
import { type CollectionInfo, collectionNamed, otherVectors } from './collection/collection-info.ts';
import { namedKeys } from './named/named-sides.ts';
import { type PointId, pointIdOf } from './point-id.ts';
import { compact } from './points/compact.ts';
import { hashOf } from './points/contents.ts';
import { fetchPoints } from './points/fetch-points.ts';
import { type KnownWrite, writeKnown } from './points/known-write.ts';
import {
  DUAL_FIELD,
  dataOf,
  type Payload,
  type Slot,
  slotFields,
  stampFields,
  WRITE_FIELD,
} from './points/payload.ts';
import { withNodeId } from './points/point-nodes.ts';
import type { PointRecord, VectorInput } from './server/requests.ts';
import { shadowKeys } from './shadow/shadow-sides.ts';
import type { StorePlace } from './store-place.ts';

/** A vector with the stamp of the model that made it: `vectors[i]` and `info` of `manager.embed`. */
export interface Embedding extends EmbeddingInfo {
  readonly vector: Vector;
}

/** A whole point of the application. */
export interface DualPoint {
  readonly id: string;
  /** Everything the application keeps, its text among it. */
  readonly payload: Payload;
  /** Made from this text: with the model that readers use, and during a migration with the other one too. */
  readonly embeddings?: readonly Embedding[];
  /** Vectors beside the migrated one, by name. */
  readonly vectors?: Readonly<Record<string, unknown>>;
}

/** A point as it is put. */
interface WholePoint {
  readonly id: PointId;
  readonly payload: Payload;
  readonly vector: unknown;
}

/** One vector of one collection that points go to. */
interface Side {
  readonly info: CollectionInfo;
  readonly slot: Slot;
  /** Of which model its vectors are; undefined where no migration tells. */
  readonly stamp: EmbeddingInfo | undefined;
  /** On the old one of two collections: the new one. */
  readonly newCollection?: string;
}

/**
 * Upserts, updates and deletes that go to both sides of a migration, so that none is behind at the cutover and none
 * has to be carried back at a rollback. The side that readers use comes first; a call that failed is to be
 * repeated, and what only one side got is brought over by the plan.
 */
export class DualWriter {
  readonly #store: StorePlace;

  /** Made by `QdrantNodeStore.dualWrite`. */
  constructor(store: StorePlace) {
    this.#store = store;
  }

  /** The side that readers use, and the other one while there is one. */
  async #sides(): Promise<readonly [Side, ...Side[]]> {
    const { info, slot } = await this.#store.now();
    const read = (key: string) => stampOf(info.metadata[key] as object | undefined);
    const named = info.metadata[namedKeys.vector];
    if (typeof named === 'string') {
      const from = String(info.metadata[namedKeys.from]);
      const stamps = { [named]: read(namedKeys.target), [from]: read(namedKeys.source) };
      const other = slot.vector === named ? from : named;
      const side = (vector: string): Side => ({
        info,
        slot: vector === slot.vector ? slot : { vector, isFlat: vector === from },
        stamp: stamps[vector],
      });
      return [side(slot.vector), ...(info.vectors[other] ? [side(other)] : [])];
    }
    const name = info.metadata[shadowKeys.side] ?? info.metadata[shadowKeys.from];
    const other = typeof name === 'string' ? await this.#store.find(name) : undefined;
    const newest = info.metadata[shadowKeys.side] === undefined ? info : other;
    const stampIn = (key: string) => stampOf(newest?.metadata[key] as object | undefined);
    const isNew = newest === info;
    const stamp = (isNewSide: boolean) =>
      newest === undefined ? undefined : stampIn(isNewSide ? shadowKeys.target : shadowKeys.source);
    const here: Side = { info, slot, stamp: other && stamp(isNew) };
    if (other === undefined) return [here];
    const there: Side = { info: other, slot: this.#store.slotOf(other), stamp: stamp(!isNew) };
    const newCollection = (isNew ? info : other).name;
    return isNew ? [here, { ...there, newCollection }] : [{ ...here, newCollection }, there];
  }

  /** Writes whole points: what a payload does not name is gone. */
  async upsert(points: readonly DualPoint[]): Promise<void> {
    if (points.length === 0) return;
    const [first, ...others] = await this.#sides();
    const sides = [first, ...others];
    const texts = await this.#texts(points);
    const mark = this.#store.connection.clock.uuid();
    const put = async (info: CollectionInfo, wanted: readonly DualPoint[]) => {
      const here = sides.filter((side) => side.info === info);
      const pointOf = (point: DualPoint) => this.#pointOn(here, point, texts[points.indexOf(point)], mark);
      // Whatever goes to the second collection is on the first one by then.
      const dual = info === first.info ? {} : dualFields(here[0]);
      const whole = wanted.map(pointOf).map((one) => ({ ...one, payload: { ...one.payload, ...dual } }));
      await this.#put(info, whole);
    };
    await put(first.info, points);
    const second = others.find(({ info }) => info !== first.info);
    // Without a vector of its model a node is not on that side yet: the plan brings it over.
    const both = second ? points.filter((point) => embeddingFor(point, second.stamp) !== undefined) : [];
    if (second === undefined || both.length === 0) return;
    await put(second.info, both);
    if (first.newCollection !== undefined) await this.#noteDual(first, both, mark);
  }

  /** Not before both sides have them: one that only the old side got is to be brought over. */
  async #noteDual(old: Side, points: readonly DualPoint[], mark: string): Promise<void> {
    const { name, strict } = old.info;
    const isSame = { key: WRITE_FIELD, match: { value: mark } };
    const mayFilter = strict.unindexed_filtering_update !== false;
    const must = [{ has_id: points.map(({ id }) => pointIdOf(id)) }, ...(mayFilter ? [isSame] : [])];
    const note = { collection_name: name, payload: dualFields(old), filter: { must }, wait: true };
    await this.#store.connection.change('setPayload', note);
  }

  #texts(points: readonly DualPoint[]): Promise<readonly (string | undefined)[]> {
    return this.#store.contents.of(
      points.map(({ id, payload }) => ({ id: pointIdOf(id), payload: withNodeId(id, payload) })),
    );
  }

  #pointOn(here: readonly Side[], point: DualPoint, text: string | undefined, mark: string) {
    const vectors: Record<string, unknown> = { ...point.vectors };
    let payload: Record<string, unknown> = { ...dataOf(withNodeId(point.id, point.payload)) };
    const embeddings: Record<string, Payload> = {};
    for (const { slot, stamp } of here) {
      const embedding = embeddingFor(point, stamp);
      if (embedding === undefined) continue;
      vectors[slot.vector] = compact(embedding.vector);
      const fields = stampFields({ ...embedding, embeddedHash: hashOf(text) }).present;
      if (slot.isFlat) payload = { ...payload, ...fields };
      else embeddings[slot.vector] = { ...fields, [WRITE_FIELD]: this.#store.connection.clock.uuid() };
    }
    if (Object.keys(embeddings).length > 0) payload.embeddings = embeddings;
    payload[WRITE_FIELD] = mark;
    const { isUnnamed } = here[0]!.info;
    const only = Object.keys(vectors).length === 1 ? (vectors[''] as VectorInput | undefined) : undefined;
    return { id: pointIdOf(point.id), payload, vector: isUnnamed && only !== undefined ? only : vectors };
  }

  async #put(info: CollectionInfo, points: readonly WholePoint[]): Promise<void> {
    const ids = points.map(({ id }) => id);
    const marks = new Map(points.map(({ id, payload }) => [String(id), payload[WRITE_FIELD]]));
    await this.#write(info, {
      operation: 'upsertPoints',
      ids,
      requestOf: (some) => ({ points: points.filter(({ id }) => some.includes(id)) }),
      isDone: (point) => point !== undefined && point.payload?.[WRITE_FIELD] === marks.get(String(point.id)),
    });
  }

  /** A write to one collection whose outcome is found out where it is not known. */
  async #write(
    { name }: CollectionInfo,
    o: Pick<KnownWrite, 'operation' | 'ids' | 'requestOf' | 'isDone' | 'fields'>,
  ): Promise<void> {
    const { connection } = this.#store;
    const read = (ids: readonly PointId[]) => this.#wholePoints(name, ids);
    const requestOf = (ids: readonly PointId[]) => ({
      collection_name: name,
      wait: true,
      ...o.requestOf(ids),
    });
    await writeKnown(connection, { ...o, requestOf, read, before: await read(o.ids) });
  }

  /**
   * Merges into the payload of a node, and replaces the vectors that are given; the others stay, and what they
   * were made from is known. Answers false where there is no such node.
   */
  async update(
    id: string,
    changes: { payload?: Payload; embeddings?: readonly Embedding[] },
  ): Promise<boolean> {
    const sides = await this.#sides();
    const { info } = sides[0];
    const [present] = await this.#wholePoints(info.name, [pointIdOf(id)]);
    if (present === undefined) return false;
    for (const side of sides) {
      const own = side === sides[0] || side.info !== sides[0].info;
      if (own) await this.#patch(side.info, id, changes.payload ?? {});
      const embedding = embeddingFor(changes, side.stamp);
      if (embedding !== undefined) await this.#setVector(side, id, embedding);
    }
    return true;
  }

  /** Another writer's patch of other fields in between is no reason to leave this one undone. */
  async #patch(info: CollectionInfo, id: string, changes: Payload): Promise<void> {
    const mark = this.#store.connection.clock.uuid();
    const filter = { must: [{ has_id: [pointIdOf(id)] }] };
    const fields = Object.keys(changes);
    await this.#write(info, {
      operation: 'setPayload',
      ids: [pointIdOf(id)],
      requestOf: () => ({ payload: { ...changes, [WRITE_FIELD]: mark }, filter }),
      isDone: (point) => point === undefined || point.payload?.[WRITE_FIELD] === mark,
      ...(fields.length > 0 && { fields }),
    });
  }

  async #setVector({ info, slot }: Side, id: string, embedding: Embedding): Promise<void> {
    const { connection, contents } = this.#store;
    const [point] = await this.#wholePoints(info.name, [pointIdOf(id)]);
    if (point === undefined) return;
    const [text] = await contents.of([point]);
    const numbers = compact(embedding.vector);
    const mark = connection.clock.uuid();
    const fields = {
      ...stampFields({ ...embedding, embeddedHash: hashOf(text) }).present,
      [WRITE_FIELD]: mark,
    };
    const filter = { must: [{ has_id: [pointIdOf(id)] }] };
    await this.#write(info, {
      operation: 'batchUpdate',
      ids: [pointIdOf(id)],
      isDone: (found) => found === undefined || slotFields(found.payload, slot)[WRITE_FIELD] === mark,
      requestOf: () => ({
        operations: [
          {
            update_vectors: {
              points: [{ id: pointIdOf(id), vector: info.isUnnamed ? numbers : { [slot.vector]: numbers } }],
            },
          },
          {
            set_payload: {
              payload: fields,
              filter,
              ...(!slot.isFlat && { key: `embeddings.${slot.vector}` }),
            },
          },
        ],
      }),
    });
  }

  #wholePoints(collection: string, ids: readonly PointId[]): Promise<readonly PointRecord[]> {
    return fetchPoints({ connection: this.#store.connection, collection }, ids, { payload: true });
  }

  /** Deletes nodes on both sides; absent ones are no error. */
  async delete(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const infos = new Map((await this.#sides()).map(({ info }) => [info.name, info]));
    for (const info of infos.values())
      await this.#write(info, {
        operation: 'deletePoints',
        ids: ids.map(pointIdOf),
        requestOf: (points) => ({ points }),
        isDone: (point) => point === undefined,
      });
  }

  /** Names of the vectors that move whole with a point. */
  async otherVectorNames(): Promise<readonly string[]> {
    const { info, slot } = await this.#store.now();
    return otherVectors(await collectionNamed(this.#store.connection, info.name), slot.vector);
  }
}

/** Of one migration alone: what an earlier one has noted says nothing of the next. */
function dualFields(side: Side | undefined): Payload {
  return side?.newCollection === undefined ? {} : { [DUAL_FIELD]: side.newCollection };
}

/** The embedding of a side's model; where no migration tells which that is, the only one there is. */
function embeddingFor(
  { embeddings = [] }: Pick<DualPoint, 'embeddings'>,
  stamp: EmbeddingInfo | undefined,
): Embedding | undefined {
  if (stamp !== undefined) return embeddings.find((embedding) => sameStamp(embedding, stamp));
  if (embeddings.length <= 1) return embeddings[0];
  throw new RegistryError(
    'SPEC_INVALID',
    `${embeddings.length} embeddings were given, and no migration is under way; pass the one of the active model.`,
  );
}
