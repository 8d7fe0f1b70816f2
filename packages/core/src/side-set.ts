import type { NodeStore, SideBySide, SideNotes, SidePlan } from './ports/node-store.ts';
import type { RegistryStore } from './ports/registry-store.ts';

/** What a plan works on: the node store itself, or one direction of a migration side by side. */
export type PlanNodes = Pick<NodeStore, 'read' | 'write'>;

/** Both sides of each plan, asked for and prepared once in this process. */
export class SideSet {
  readonly #nodes: NodeStore | undefined;
  readonly #registry: Pick<RegistryStore, 'keepNotes' | 'notes'>;
  readonly #sides = new Map<string, Promise<SideBySide>>();
  readonly #prepared = new Map<string, Promise<void>>();

  constructor(nodes: NodeStore | undefined, registry: Pick<RegistryStore, 'keepNotes' | 'notes'>) {
    this.#nodes = nodes;
    this.#registry = registry;
  }

  /** Undefined where the plan works in place, or the store knows no sides. */
  async of(plan: SidePlan): Promise<SideBySide | undefined> {
    const { sideBySide } = this.#nodes ?? {};
    if (plan.strategy === 'inPlace' || sideBySide === undefined) return undefined;
    const notes = this.#notesOf(plan.planId);
    return once(this.#sides, plan.planId, () => sideBySide.call(this.#nodes, plan, notes));
  }

  #notesOf(planId: string): SideNotes {
    return {
      keep: async (notes) => {
        const kept = [...notes].map(([nodeId, note]) => ({ nodeId, note }));
        if (kept.length > 0) await this.#registry.keepNotes(planId, kept);
      },
      recall: async (ids) => {
        const found = ids.length === 0 ? [] : await this.#registry.notes(planId, ids);
        return new Map(found.map(({ nodeId, note }) => [nodeId, note]));
      },
    };
  }

  /** The same, with its new side there to be written. */
  async prepared(plan: SidePlan): Promise<SideBySide | undefined> {
    const side = await this.of(plan);
    if (side !== undefined) await once(this.#prepared, plan.planId, () => side.prepare());
    return side;
  }
}

/** Callers share the promise in flight; one that fails is tried again by the next. */
function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
