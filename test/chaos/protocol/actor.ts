import { type FaultPoint, FaultyProcess } from '@registry/core/testing';
import type { Worker, World } from '../../crash/world.ts';

/** After these a process leaves another state behind, or has learned something that may be old when it is used. */
const steps = new Set(
  ['claim', 'backUp', 'settle', 'release', 'endLease', 'sweep', 'endSweep', 'takeNode', 'settleNode']
    .concat(['backups', 'backup', 'settleRollback', 'endRollback', 'beginRollback'])
    .map((method) => `registry.${method}`)
    .concat(['nodes.read', 'nodes.write', 'nodes.scan', 'nodes.countByModel', 'embedder.embed']),
);

function isStep({ port, method, when }: FaultPoint): boolean {
  return when === 'within' || (when === 'after' && steps.has(`${port}.${method}`));
}

/**
 * A process that goes from step to step only when it is told, and does one thing at a time. Its heartbeat goes on
 * meanwhile, as that of a slow worker does; frozen, nothing of it goes on.
 */
export class Actor {
  readonly #world: World;
  #process = new FaultyProcess();
  #worker: Worker | undefined;
  #waiting: (() => void)[] = [];
  #isFree = true;
  #act: Promise<unknown> | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  get isIdle(): boolean {
    return this.#act === undefined;
  }

  /** Begins something, and goes on to its first step. */
  async begin(act: (worker: Worker) => Promise<unknown>): Promise<void> {
    if (this.#act !== undefined || this.#process.state === 'frozen') return;
    this.#worker ??= await this.#open();
    this.#isFree = false;
    const acting = act(this.#worker).catch(() => {});
    this.#act = acting;
    void acting.then(() => {
      if (this.#act === acting) this.#act = undefined;
    });
    await this.#world.clock.advance(0);
  }

  async #open(): Promise<Worker> {
    const process = this.#process;
    this.#isFree = true;
    return this.#world.open({
      process,
      nodeByNode: true,
      script: (point) => {
        if (this.#isFree || process !== this.#process || !isStep(point)) return undefined;
        return new Promise<void>((resolve) => this.#waiting.push(resolve));
      },
    });
  }

  async step(count: number): Promise<void> {
    for (let step = 0; step < count && this.#waiting.length > 0; step++) {
      this.#waiting.shift()?.();
      await this.#world.clock.advance(0);
    }
  }

  freeze(): void {
    if (this.#process.state === 'running') void this.#process.freeze();
  }

  async thaw(): Promise<void> {
    this.#process.thaw();
    await this.#world.clock.advance(0);
  }

  /** The next thing is begun by another process. */
  kill(): void {
    void this.#process.kill();
    this.#process = new FaultyProcess();
    this.#worker = undefined;
    this.#waiting = [];
    this.#act = undefined;
  }

  /** Lets it go on from now on; resolves at the end of what it does, if there is one. */
  async free(): Promise<void> {
    this.#isFree = true;
    this.#process.thaw();
    for (const release of this.#waiting.splice(0)) release();
    await this.#act;
  }
}
