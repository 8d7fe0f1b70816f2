import { setImmediate as nextTurn } from 'node:timers/promises';

// Tokens between two turns of the event loop: a few milliseconds of work.
const tokensPerTurn = 1024;

/** Keeps a long computation from holding up the event loop, and lets a signal end it. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #tokens = 0;

  /** @throws the signal's reason where it has aborted. */
  constructor(signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    this.#signal = signal;
  }

  /** Counts one token; true when it is time to {@link rest}. */
  isSpent(): boolean {
    return ++this.#tokens >= tokensPerTurn;
  }

  /** Lets others run. @throws the signal's reason where it has aborted. */
  async rest(): Promise<void> {
    this.#tokens = 0;
    await nextTurn();
    this.#signal?.throwIfAborted();
  }
}
