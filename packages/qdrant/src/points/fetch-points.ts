import type { PointId } from '../point-id.ts';
import type { Connection } from '../server/connection.ts';
import type { PointRecord } from '../server/requests.ts';

const IDS_AT_ONCE = 256;

/** Points by id, with what is wanted of them; absent ids are left out, and their order is not promised. */
export async function fetchPoints(
  { connection, collection }: { readonly connection: Connection; readonly collection: string },
  ids: readonly PointId[],
  wanted: { readonly payload: boolean | readonly string[]; readonly vectors?: boolean | readonly string[] },
  signal?: AbortSignal,
): Promise<readonly PointRecord[]> {
  const found: PointRecord[] = [];
  for (let start = 0; start < ids.length; start += IDS_AT_ONCE)
    found.push(
      ...(await connection.read<readonly PointRecord[]>(
        'getPoints',
        {
          collection_name: collection,
          ids: ids.slice(start, start + IDS_AT_ONCE),
          with_payload: wanted.payload,
          with_vector: wanted.vectors ?? false,
        },
        signal,
      )),
    );
  return found;
}
