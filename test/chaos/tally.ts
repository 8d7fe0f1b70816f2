/** What happened in a run, in numbers. */
export class Tally {
  readonly #counts = new Map<string, number>();
  longestRecoveryMs = 0;

  add(what: string, count = 1): void {
    this.#counts.set(what, this.of(what) + count);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Everything whose name begins so. */
  sum(prefix: string): number {
    return [...this.#counts].reduce((sum, [what, count]) => (what.startsWith(prefix) ? sum + count : sum), 0);
  }

  lines(): string[] {
    const width = Math.max(...[...this.#counts.keys()].map((what) => what.length));
    const sorted = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([what, count]) => `${what.padEnd(width)}  ${count}`);
  }
}
