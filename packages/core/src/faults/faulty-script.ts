import { FaultyProcess } from './faulty-process.ts';

/** A moment at which a script may interfere: around a call, or between the nodes of one write. */
export interface FaultPoint {
  readonly port: 'nodes' | 'registry' | 'embedder';
  /** Of the port, as in `claim`, `read`, `mark.write`, `embed`. */
  readonly method: string;
  /**
   * `before`: the call has done nothing yet. `after`: it is done, its caller does not know. `within`: some
   * nodes of a write are written, the others are not.
   */
  readonly when: 'before' | 'within' | 'after';
  /** Calls of this method through this wrapper before this one. */
  readonly call: number;
  readonly arguments: readonly unknown[];
  /** What the call answered; only `after`. */
  readonly result?: unknown;
  /** Nodes written so far; only `within`. */
  readonly written?: number;
}

/**
 * What happens at a point. It may throw (the call fails with that error; before it did anything, or after),
 * await something (the caller waits), do whatever a test wants to happen just then, or end the process with
 * `return process.kill()`. Returning lets the call go on.
 */
export type FaultScript = (point: FaultPoint) => unknown;

/** How a port is wrapped. */
export interface FaultyOptions {
  /** To whom it belongs: once that is killed, no call comes back. */
  readonly process?: FaultyProcess;
}

/** `registry.claim #0 before`: a name of the point that is the same in every run that goes the same way. */
export function pointName({ port, method, call, when, written }: FaultPoint): string {
  const place = written === undefined ? when : `${when} (${written} written)`;
  return `${port}.${method} #${call} ${place}`;
}

/** A script that only writes down the points of a run, so that later runs can be interrupted at each of them. */
export function recordPoints(): { readonly script: FaultScript; readonly points: readonly FaultPoint[] } {
  const points: FaultPoint[] = [];
  return { points, script: (point) => void points.push(point) };
}

/**
 * A script that acts once, at the point of this name. `reached` tells whether the run came there, and
 * resolves `arrival` when it does.
 */
export function atPoint(
  name: string,
  act: (point: FaultPoint) => unknown,
): { readonly script: FaultScript; readonly reached: boolean; readonly arrival: Promise<void> } {
  const arrival = Promise.withResolvers<void>();
  let reached = false;
  return {
    arrival: arrival.promise,
    get reached() {
      return reached;
    },
    script(point) {
      if (reached || pointName(point) !== name) return undefined;
      reached = true;
      arrival.resolve();
      return act(point);
    },
  };
}

/** Runs the calls of one port through a script. */
export class Interruption {
  readonly #port: FaultPoint['port'];
  readonly #script: FaultScript;
  readonly #process: FaultyProcess;
  readonly #calls = new Map<string, number>();

  constructor(port: FaultPoint['port'], script: FaultScript, options: FaultyOptions) {
    this.#port = port;
    this.#script = script;
    this.#process = options.process ?? new FaultyProcess();
  }

  /** `body` may itself stop at points `within`. */
  async call<T>(
    method: string,
    args: readonly unknown[],
    body: (within: (written: number) => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const call = this.#calls.get(method) ?? 0;
    this.#calls.set(method, call + 1);
    const point = { port: this.#port, method, call, arguments: args };
    await this.#stop({ ...point, when: 'before' });
    const result = await body((written) => this.#stop({ ...point, when: 'within', written }));
    await this.#stop({ ...point, when: 'after', result });
    return result;
  }

  /** The process may have died or been frozen by another call, also while the script was busy. */
  async #stop(point: FaultPoint): Promise<void> {
    await this.#process.alive();
    await this.#script(point);
    await this.#process.alive();
  }
}
