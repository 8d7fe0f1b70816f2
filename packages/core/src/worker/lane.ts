/** A place among the lanes of its plan, taken from the start. */
export class Lane {
  readonly #taken: Map<string, number>;
  readonly #planId: string;
  #isTaken = false;

  constructor(taken: Map<string, number>, planId: string) {
    this.#taken = taken;
    this.#planId = planId;
    this.enter();
  }

  enter(): void {
    if (!this.#isTaken) this.#add(1);
    this.#isTaken = true;
  }

  leave(): void {
    if (this.#isTaken) this.#add(-1);
    this.#isTaken = false;
  }

  #add(change: 1 | -1): void {
    const lanes = (this.#taken.get(this.#planId) ?? 0) + change;
    if (lanes === 0) this.#taken.delete(this.#planId);
    else this.#taken.set(this.#planId, lanes);
  }
}
