import { type Chance, drawIndex } from '../chance.ts';
import type { ManagerContext } from '../context.ts';
import { FaultyProcess } from '../faults/faulty-process.ts';
import type { FaultScript } from '../faults/faulty-script.ts';
import { faultyNodeStore, faultyRegistryStore } from '../faults/faulty-stores.ts';
import type { Phase } from './messages.ts';

/** Where a worker may die in a migration: between every two steps, and half-way through a write. */
const migrationPoints = [
  'nodes.read after',
  'registry.backUp before',
  'registry.backUp after',
  'nodes.write before',
  'nodes.write within',
  'nodes.write after',
  'registry.settle before',
  'registry.settle after',
] as const;
const rollbackPoints = ['nodes.write within', 'nodes.write after', 'registry.settleRollback before'] as const;

/** A worker that stops for good at a step, as if its process had been killed: none of its calls comes back. */
export interface DoomedWorker {
  readonly context: ManagerContext;
  /** Resolves when it has come to the step. */
  readonly death: Promise<void>;
}

/** `onDeath` is called before anybody else can look. */
export function doom(context: ManagerContext, step: string, onDeath = () => {}): DoomedWorker {
  const doomed = new FaultyProcess();
  const death = Promise.withResolvers<void>();
  const script: FaultScript = ({ port, method, when }) => {
    if (doomed.state === 'killed' || `${port}.${method} ${when}` !== step) return undefined;
    onDeath();
    death.resolve();
    return doomed.kill();
  };
  const nodes =
    context.nodes && faultyNodeStore(context.nodes, script, { process: doomed, nodeByNode: true });
  return {
    death: death.promise,
    context: {
      ...context,
      nodes,
      registry: faultyRegistryStore(context.registry, script, { process: doomed }),
      clock: doomed.clock(context.clock),
    },
  };
}

/** Workers of one rehearsal. Those of this process have numbers that no machine gives out; who died is known. */
export class Workers {
  readonly #base: ManagerContext;
  readonly #chance: Chance;
  readonly #dead = new Set<number>();
  #made = 0;

  constructor(base: ManagerContext, chance: Chance) {
    this.#base = base;
    this.#chance = chance;
  }

  get dead(): readonly number[] {
    return [...this.#dead];
  }

  /** Where the next one dies. */
  drawStep(phase: Phase): string {
    const points = phase === 'migration' ? migrationPoints : rollbackPoints;
    return points[drawIndex(this.#chance, points.length)]!;
  }

  /** One that lives. */
  healthy(): ManagerContext {
    this.#made += 1;
    return { ...this.#base, pid: -this.#made, isDead: ({ pid }) => this.#dead.has(pid) };
  }

  doomed(step: string): DoomedWorker {
    const context = this.healthy();
    return doom(context, step, () => this.bury(context.pid));
  }

  /** Its work may be taken over at once. */
  bury(pid: number): void {
    this.#dead.add(pid);
  }
}
