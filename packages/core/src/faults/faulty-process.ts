import type { Clock } from '../clock.ts';

/**
 * A process that a test can freeze and kill while the test itself goes on. What was wrapped for it (its
 * stores, its clock) comes back from no call while it is frozen, and never again once it is killed: neither
 * with a value nor with an error, as if the process were gone. Whatever a call had done by then stays done.
 *
 * running ⇄ frozen, and from both to killed. Only the three methods change the state.
 */
export class FaultyProcess {
  #state: 'running' | 'frozen' | 'killed' = 'running';
  #thawed = Promise.withResolvers<void>();
  readonly #ending = new AbortController();

  get state(): 'running' | 'frozen' | 'killed' {
    return this.#state;
  }

  /** Nothing of this process happens from now on. Never resolves, so that a script may end with `return process.kill()`. */
  kill(): Promise<never> {
    this.#state = 'killed';
    this.#ending.abort();
    return new Promise<never>(() => {});
  }

  /** Stops everything of this process until {@link thaw}, as SIGSTOP does. Resolves after it. */
  freeze(): Promise<void> {
    if (this.#state !== 'running') return this.alive();
    this.#state = 'frozen';
    this.#thawed = Promise.withResolvers<void>();
    return this.alive();
  }

  /** Lets a frozen process go on where it stopped. */
  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    this.#thawed.resolve();
  }

  /** Resolves while the process runs, or once it does again; never after its death. */
  async alive(): Promise<void> {
    while (this.#state === 'frozen') await this.#thawed.promise;
    if (this.#state === 'killed') await new Promise<never>(() => {});
  }

  /** The clock as this process sees it: while it is frozen or dead none of its sleeps ends. */
  clock(inner: Clock): Clock {
    return {
      now: () => inner.now(),
      random: () => inner.random(),
      uuid: () => inner.uuid(),
      sleep: async (ms, signal) => {
        const ending = this.#ending.signal;
        await inner.sleep(ms, signal === undefined ? ending : AbortSignal.any([signal, ending]));
        await this.alive();
      },
    };
  }
}
