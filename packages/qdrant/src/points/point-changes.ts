import type { NodeWrite } from '@registry/core';
import type { PointId } from '../point-id.ts';
import type { Filter, PointRecord, UpdateOperation } from '../server/requests.ts';
import { compact } from './compact.ts';
import { equals, guardOf, textGuardOf } from './fence.ts';
import type { GuardedChange } from './guarded-write.ts';
import {
  BASE_FIELD,
  IN_TRANSIT,
  prefixOf,
  type Slot,
  slotFields,
  stampFields,
  WRITE_FIELD,
} from './payload.ts';

/** What a change is made of. */
export interface ChangeOptions {
  readonly id: PointId;
  readonly write: NodeWrite;
  readonly slot: Slot;
  readonly isUnnamed: boolean;
  /** Random ids for marks. */
  readonly uuid: () => string;
  readonly isOpen: GuardedChange['isOpen'];
}

/** The change that a write of a node is, for the vector of one slot. */
export function changeOf(o: ChangeOptions): GuardedChange {
  const { write, slot } = o;
  if (write.set === undefined) return renewal(o);
  if (slot.isFlat) return inPlace(o);
  return write.set.vector === undefined ? takingOff(o) : beside(o);
}

const marked = (id: PointId, mark: string): Filter => ({
  must: [{ has_id: [id] }, equals(WRITE_FIELD, mark)],
});

const hasMark =
  (slot: Slot, mark: string): GuardedChange['isDone'] =>
  (point) =>
    point !== undefined && slotFields(point.payload, slot)[WRITE_FIELD] === mark;

const flat: Slot = { vector: '', isFlat: true };

/** The mark alone: writing the vector back would normalise it once more. */
function renewal({ id, write, uuid, isOpen }: ChangeOptions): GuardedChange {
  const mark = uuid();
  const filter = guardOf(id, write.fence);
  return {
    id,
    isOpen,
    isDone: hasMark(flat, mark),
    operations: [{ set_payload: { payload: { [WRITE_FIELD]: mark }, filter } }],
  };
}

/**
 * Three operations, for no single one sets a vector and a payload under a guard and leaves the rest of the point
 * alone: first the stamp goes to `in transit`, which no reader's filter lets through, then the vector, last the new
 * stamp. Whoever dies between them leaves no vector under a stamp that is not its own.
 */
function inPlace({ id, write, slot, isUnnamed, uuid, isOpen }: ChangeOptions): GuardedChange {
  const [transit, mark] = [uuid(), uuid()];
  const { vector, ...state } = write.set ?? {};
  const { present, absent } = stampFields(vector === undefined ? {} : state);
  const inTransit = marked(id, transit);
  const guarded: Filter = { must: [...(inTransit.must ?? []), ...textGuardOf(write.fence)] };
  return {
    id,
    isOpen,
    isDone: hasMark(slot, mark),
    operations: [
      {
        set_payload: { payload: { ...IN_TRANSIT, [WRITE_FIELD]: transit }, filter: guardOf(id, write.fence) },
      },
      vectorOperation({ id, slot, isUnnamed, vector, filter: inTransit }),
      ...(absent.length > 0 ? [{ delete_payload: { keys: absent, filter: guarded } }] : []),
      { set_payload: { payload: { ...present, [WRITE_FIELD]: mark }, filter: guarded } },
    ],
  };
}

function vectorOperation(o: {
  id: PointId;
  slot: Slot;
  isUnnamed: boolean;
  vector: NonNullable<NodeWrite['set']>['vector'] | undefined;
  filter: Filter;
}): UpdateOperation {
  const { id, slot, isUnnamed, vector, filter } = o;
  if (vector === undefined) return { delete_vectors: { filter, vector: [slot.vector] } };
  const numbers = compact(vector);
  return {
    update_vectors: {
      points: [{ id, vector: isUnnamed ? numbers : { [slot.vector]: numbers } }],
      update_filter: filter,
    },
  };
}

/** A second vector: it first, its stamp last; a crash between them leaves work to do again, never a false stamp. */
function beside({ id, write, slot, isUnnamed, uuid, isOpen }: ChangeOptions): GuardedChange {
  const mark = uuid();
  const { vector, ...state } = write.set ?? {};
  const filter = guardOf(id, write.fence);
  // Merged into what is there, so a hash that is not known has to be said.
  const base = state.embeddedHash === undefined ? {} : { [BASE_FIELD]: state.embeddedHash };
  const payload = { embedding_hash: '', ...stampFields(state).present, ...base, [WRITE_FIELD]: mark };
  return {
    id,
    isOpen,
    isDone: hasMark(slot, mark),
    operations: [
      vectorOperation({ id, slot, isUnnamed, vector, filter }),
      { set_payload: { payload, filter, key: prefixOf(slot).slice(0, -1) } },
    ],
  };
}

/** Stamp first, vector last. The flat mark is new, or a late write would find the point as it was once. */
function takingOff({ id, write, slot, uuid, isOpen }: ChangeOptions): GuardedChange {
  const mark = uuid();
  const filter = marked(id, mark);
  const isOff = (point: PointRecord | undefined) =>
    Object.keys(slotFields(point?.payload, slot)).length === 0;
  return {
    id,
    isOpen,
    isDone: (point) => hasMark(flat, mark)(point) && isOff(point),
    operations: [
      { set_payload: { payload: { [WRITE_FIELD]: mark }, filter: guardOf(id, write.fence) } },
      { delete_payload: { keys: [prefixOf(slot).slice(0, -1)], filter } },
      { delete_vectors: { filter, vector: [slot.vector] } },
    ],
  };
}
