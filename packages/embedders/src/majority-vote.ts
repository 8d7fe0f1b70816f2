interface Plane {
  /** One bit of each count. */
  readonly sum: Int32Array;
  /** A vector of the same weight that waits for a second one. */
  readonly waiting: Int32Array;
  isWaiting: boolean;
}

/**
 * Counts, for each bit position, how many of the added vectors have the bit set; 32 positions at a time, bit
 * `n` of the counts in plane `n`. A plane takes two vectors in one pass of full adders and hands the carries
 * to the next plane, so that a vector costs one pass on the whole (the carry-save counters of Harley and
 * Seal, as in Muła, Kurz and Lemire, "Faster Population Counts Using AVX2 Instructions", 2018).
 * Words are big-endian: bit position 0 is the highest bit of word 0.
 */
export class MajorityVote {
  readonly #words: number;
  readonly #zeros: Int32Array;
  readonly #carry: Int32Array;
  readonly #planes: Plane[] = [];
  #added = 0;

  constructor(words: number) {
    this.#words = words;
    this.#zeros = new Int32Array(words);
    this.#carry = new Int32Array(words);
  }

  /** Adds a vector whose bits are moved `shift` positions up, around the end, as `numpy.roll` moves them. */
  addRolled(vector: Int32Array, shift: number): void {
    this.#added++;
    const plane = this.#plane(0);
    if (plane.isWaiting) {
      roll(vector, shift, this.#carry);
      this.#fill(0, this.#carry);
    } else {
      roll(vector, shift, plane.waiting);
      plane.isWaiting = true;
    }
  }

  /** Packed bits, set where more than half of the added vectors have them set. Starts over afterwards. */
  take(): Uint8Array {
    const countBits = 32 - Math.clz32(this.#added);
    for (let level = 0; level < countBits; level++)
      if (this.#planes[level]!.isWaiting) this.#fill(level, this.#zeros);
    const majority = this.#above(this.#added >> 1);
    for (const plane of this.#planes) {
      plane.sum.fill(0);
      // What waits above the highest bit of the counts is a carry of zeros.
      plane.isWaiting = false;
    }
    this.#added = 0;
    return majority;
  }

  /** Gives a plane the second vector it waits for, and the planes above it the carries. */
  #fill(level: number, second: Int32Array): void {
    const plane = this.#plane(level);
    const next = this.#plane(level + 1);
    plane.isWaiting = false;
    if (next.isWaiting) {
      addFully(plane.sum, plane.waiting, second, this.#carry);
      this.#fill(level + 1, this.#carry);
    } else {
      addFully(plane.sum, plane.waiting, second, next.waiting);
      next.isWaiting = true;
    }
  }

  /** Compares the counts with a threshold, from their highest bit down. */
  #above(threshold: number): Uint8Array {
    const bytes = new Uint8Array(this.#words * 4);
    const view = new DataView(bytes.buffer);
    for (let word = 0; word < this.#words; word++) {
      let above = 0;
      let equal = -1;
      for (let level = this.#planes.length - 1; level >= 0; level--) {
        const bits = this.#planes[level]!.sum[word]!;
        if ((threshold >>> level) & 1) {
          equal &= bits;
        } else {
          above |= equal & bits;
          equal &= ~bits;
        }
      }
      view.setInt32(word * 4, above);
    }
    return bytes;
  }

  #plane(level: number): Plane {
    this.#planes[level] ??= {
      sum: new Int32Array(this.#words),
      waiting: new Int32Array(this.#words),
      isWaiting: false,
    };
    return this.#planes[level];
  }
}

/** `sum + a + b` of each bit: the low bit stays in `sum`, the high bit goes to `carry`, which may be `b`. */
function addFully(sum: Int32Array, a: Int32Array, b: Int32Array, carry: Int32Array): void {
  for (let word = 0; word < sum.length; word++) {
    const one = sum[word]!;
    const two = a[word]!;
    const three = b[word]!;
    const odd = two ^ three;
    sum[word] = one ^ odd;
    carry[word] = (two & three) | (one & odd);
  }
}

function roll(from: Int32Array, shift: number, to: Int32Array): void {
  const words = from.length;
  const bits = shift & 31;
  const first = (shift >>> 5) % words;
  const split = words - first;
  let before = from[words - 1]!;
  for (let word = 0; word < split; word++) {
    const current = from[word]!;
    // Two steps to the left, since a shift by 32 would be one by 0.
    to[word + first] = (current >>> bits) | ((before << 1) << (31 - bits));
    before = current;
  }
  for (let word = split; word < words; word++) {
    const current = from[word]!;
    to[word - split] = (current >>> bits) | ((before << 1) << (31 - bits));
    before = current;
  }
}
