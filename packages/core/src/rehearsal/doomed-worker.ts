import type { ManagerContext } from '../context.ts';
import { type Chance, drawIndex } from '../gate/chance.ts';
import { FaultyProcess } from '../testing/faults/faulty-process.ts';
import type { FaultScript } from '../testing/faults/faulty-script.ts';
import { faultyNodeStore, faultyRegistryStore } from '../testing/faults/faulty-stores.ts';

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
  /** Resolves when it has died, with the step. */
  readonly death: Promise<string>;
}

/** Workers with process numbers that no machine gives out; those that died are known to be dead. */
export class Workers {
  readonly #base: ManagerContext;
  readonly #chance: Chance;
  readonly #dead = new Set<number>();
  #made = 0;

  constructor(base: ManagerContext, chance: Chance) {
    this.#base = base;
    this.#chance = chance;
  }

  /** One that lives. */
  healthy(): ManagerContext {
    this.#made += 1;
    return { ...this.#base, pid: -this.#made, isDead: ({ pid }) => this.#dead.has(pid) };
  }

  doomed(phase: 'migration' | 'rollback'): DoomedWorker {
    const context = this.healthy();
    const points = phase === 'migration' ? migrationPoints : rollbackPoints;
    const wanted = points[drawIndex(this.#chance, points.length)]!;
    const doomed = new FaultyProcess();
    const death = Promise.withResolvers<string>();
    const script: FaultScript = ({ port, method, when }) => {
      if (doomed.state === 'killed' || `${port}.${method} ${when}` !== wanted) return undefined;
      this.#dead.add(context.pid);
      death.resolve(wanted);
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
}
