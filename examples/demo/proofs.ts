/** What the demo claims. Each claim is computed; one that does not hold makes the demo fail. */
import type { RunFolder } from './run-folder.ts';
import type { Screen } from './screen.ts';

interface Proof {
  readonly claim: string;
  readonly holds: boolean;
}

const FILE = 'proofs';

export class Proofs {
  readonly #screen: Screen;
  readonly #folder: RunFolder;
  readonly #proofs: Map<string, Proof>;

  constructor(screen: Screen, folder: RunFolder) {
    this.#screen = screen;
    this.#folder = folder;
    this.#proofs = new Map(folder.note<[string, Proof][]>(FILE) ?? []);
  }

  /** `name` tells claims apart: of a step that is done again, the last word counts. */
  show(name: string, claim: string, holds: boolean): void {
    this.#proofs.set(name, { claim, holds });
    this.#folder.write(FILE, [...this.#proofs]);
    this.#screen.proof(claim, holds);
  }

  /** Says how many claims were made and which of them do not hold. */
  conclude(): boolean {
    const all = [...this.#proofs.values()];
    const broken = all.filter(({ holds }) => !holds);
    for (const { claim } of broken) this.#screen.proof(claim, false);
    this.#screen.proof(
      `${all.length - broken.length} of ${all.length} claims above hold`,
      broken.length === 0,
    );
    return broken.length === 0;
  }
}
