/** An unsigned 64-bit integer (bigint beyond 2^53), or a UUID in lower case with hyphens. */
export type PointId = number | bigint | string;

/** The one form of an id: the server takes UUIDs in four, and gives back this one. */
export function canonicalId(id: PointId): PointId {
  if (typeof id !== 'string') return id;
  const digits = id
    .replace(/^urn:uuid:/, '')
    .replaceAll(/[-{}]/g, '')
    .toLowerCase();
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** All integers first, ascending; then UUIDs by their bytes, which is the order of their hexadecimal text. */
export function compareIds(a: PointId, b: PointId): number {
  const isText = Number(typeof a === 'string') - Number(typeof b === 'string');
  if (isText !== 0) return isText;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where `id` stands, or would stand, among sorted ids. */
export function positionOf(ids: readonly PointId[], id: PointId): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIds(ids[middle]!, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
