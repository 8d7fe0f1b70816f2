// Longer ones are data rather than words, and seldom met again.
const longestKept = 64;
// V8 makes a substring of this length or more a view of the whole text, which would stay in memory with it.
const shortestView = 13;

/**
 * Remembers what was computed of a token. Bounded by two generations: when the young one is full it becomes
 * the old one, and what nobody asked for since is forgotten. Near to least recently used, without its cost.
 */
export class TokenCache<V> {
  readonly #make: (token: string) => V;
  readonly #generationSize: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** Holds `size` tokens at most. */
  constructor(size: number, make: (token: string) => V) {
    this.#generationSize = Math.max(1, Math.floor(size / 2));
    this.#make = make;
  }

  get(token: string): V {
    const known = this.#young.get(token);
    if (known !== undefined) return known;
    if (token.length > longestKept) return this.#make(token);
    const value = this.#old.get(token) ?? this.#make(token);
    if (this.#young.size >= this.#generationSize) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(token.length < shortestView ? token : copyOf(token), value);
    return value;
  }
}

function copyOf(token: string): string {
  return Buffer.from(token, 'utf16le').toString('utf16le');
}
