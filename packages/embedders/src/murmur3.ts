/**
 * MurmurHash3 (x86, 32 bits; Appleby) over blocks of four bytes, here one Unicode code point each: the hash of
 * a text's UTF-32LE bytes, which can be finished after any block.
 */
export function mixBlock(state: number, block: number): number {
  let mixed = Math.imul(block, 0xcc9e2d51);
  mixed = (mixed << 15) | (mixed >>> 17);
  let next = state ^ Math.imul(mixed, 0x1b873593);
  next = (next << 13) | (next >>> 19);
  return (Math.imul(next, 5) + 0xe6546b64) | 0;
}

/** The 32-bit hash, signed, of the blocks mixed into `state`, which began as the seed. */
export function finishHash(state: number, blocks: number): number {
  let hash = state ^ (blocks * 4);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
