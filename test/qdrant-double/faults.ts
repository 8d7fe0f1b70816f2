import type { SeenRequest } from './seen-request.ts';

/** Before the operation took effect, or after. */
export type When = 'before' | 'after';

/** What can go wrong with one request. Where `when` is not given it is `before`. */
export type Fault =
  /** An answer of this status: 429, 408, 500, 502, 503, 504, 507. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly when?: When;
      readonly retryAfterSeconds?: number;
      readonly message?: string;
    }
  /** The operation is done, the answer is 202. */
  | { readonly kind: 'accepted' }
  /** HTTP 200 that says `wait_timeout`: the write is still in the queue, and applied a request later. */
  | { readonly kind: 'waitTimeout' }
  /** The connection is reset. */
  | { readonly kind: 'reset'; readonly when?: When }
  /** New points are hidden from reads until the double is told to optimise. */
  | { readonly kind: 'deferred' }
  /**
   * Anything: an application that writes meanwhile, a runner that is killed. The request waits for what `run`
   * returns: a slow answer is a promise that the test keeps.
   */
  | {
      readonly kind: 'run';
      readonly when?: When;
      readonly run: (request: SeenRequest) => unknown;
    };

/** Which requests a fault meets. */
export interface FaultRule {
  /** Every one, unless told. */
  readonly on?: (request: SeenRequest) => boolean;
  /** Lets so many of them pass first. */
  readonly skip?: number;
  /** Meets so many of them; 1 unless told. */
  readonly times?: number;
  readonly fault: Fault;
}

/** A rule at work. */
export interface Injected {
  /** How often it was met. */
  readonly met: number;
  remove(): void;
}

/** The rules of a double: each counts the requests that match it, and is met by those for which it is due. */
export class Faults {
  readonly #rules: { rule: FaultRule; seen: number; met: number }[] = [];

  /** Of rules that are due for one request, that which was given last is met. */
  inject(rule: FaultRule): Injected {
    const state = { rule, seen: 0, met: 0 };
    this.#rules.unshift(state);
    return {
      get met() {
        return state.met;
      },
      remove: () => {
        const index = this.#rules.indexOf(state);
        if (index >= 0) this.#rules.splice(index, 1);
      },
    };
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** The fault that this request meets. */
  meet(request: SeenRequest): Fault | undefined {
    let found: Fault | undefined;
    for (const state of this.#rules) {
      const { on, skip = 0, times = 1, fault } = state.rule;
      if (on !== undefined && !on(request)) continue;
      const due = state.seen++ >= skip && state.met < times;
      if (!due || found !== undefined) continue;
      state.met++;
      found = fault;
    }
    return found;
  }
}
