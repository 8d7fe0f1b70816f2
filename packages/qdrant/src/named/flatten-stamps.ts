import { equals } from '../points/fence.ts';
import { ownKeys, prefixOf, slotFields, WRITE_FIELD } from '../points/payload.ts';
import { type PointPlace, scrollPoints } from '../points/point-nodes.ts';
import type { UpdateOperation } from '../server/requests.ts';

/** Copies the stamp of a named vector to where the stamp of the only one stands. Repeatable at any point. */
export async function flattenStamps(place: PointPlace): Promise<void> {
  const { connection, collection: collection_name, slot, limits } = place;
  if (slot.isFlat) return;
  let after: string | undefined;
  do {
    const page = await scrollPoints(place, {
      limit: limits.points,
      payload: [prefixOf(slot).slice(0, -1)],
      ...(after !== undefined && { after }),
    });
    const operations = page.points.flatMap(({ id, payload }): UpdateOperation[] => {
      const fields = slotFields(payload, slot);
      const kept = Object.fromEntries(Object.entries(fields).filter(([key]) => ownKeys.includes(key)));
      if (Object.keys(kept).length === 0) return [];
      const mark = typeof fields[WRITE_FIELD] === 'string' ? fields[WRITE_FIELD] : null;
      const isSame = equals(`${prefixOf(slot)}${WRITE_FIELD}`, mark);
      // The flat mark is new: a write that was prepared before finds another fence.
      const flat = { ...kept, [WRITE_FIELD]: connection.clock.uuid() };
      return [{ set_payload: { payload: flat, filter: { must: [{ has_id: [id] }, isSame] } } }];
    });
    if (operations.length > 0)
      await connection.change('batchUpdate', { collection_name, operations, wait: true });
    after = page.next;
  } while (after !== undefined);
}
