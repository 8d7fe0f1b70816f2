import type { Embedder } from '../ports/embedder.ts';
import type { Crossing, NodeStore, SideBySide, WriteOutcome } from '../ports/node-store.ts';
import type { RegistryStore } from '../ports/registry-store.ts';
import { type FaultScript, type FaultyOptions, Interruption } from './faulty-script.ts';

/** How a node store is wrapped. */
export interface FaultyNodeStoreOptions extends FaultyOptions {
  /**
   * Writes node by node, with a point between each two, as a store may whose single writes are atomic and
   * whose batches are not.
   */
  readonly nodeByNode?: boolean;
}

/**
 * A node store whose every call can be interrupted: before it does anything, after it did, and with
 * `nodeByNode` within a write after k of n nodes. Errors are the script's, and those of `inner`.
 * @example
 * const nodes = faultyNodeStore(inner, ({ method, when }) => {
 *   if (method === 'write' && when === 'after') throw new RegistryError('DATABASE_LOCKED', 'busy');
 * });
 */
export function faultyNodeStore(
  inner: NodeStore,
  script: FaultScript,
  options: FaultyNodeStoreOptions = {},
): NodeStore {
  const faults = new Interruption('nodes', script, options);
  const { search, mark, chooseStrategy, sideBySide, ready } = inner;
  return {
    // Both may be known only once the store is ready.
    get storeId() {
      return inner.storeId;
    },
    get capabilities() {
      return inner.capabilities;
    },
    countByModel: (o) => faults.call('countByModel', [o], () => inner.countByModel(o)),
    scan: (o) => faults.call('scan', [o], () => inner.scan(o)),
    read: (ids, o) => faults.call('read', [ids, o], () => inner.read(ids, o)),
    write: (writes, o) =>
      faults.call('write', [writes, o], async (within) => {
        if (!options.nodeByNode) return inner.write(writes, o);
        const outcomes: WriteOutcome[] = [];
        for (const write of writes) {
          if (outcomes.length > 0) await within(outcomes.length);
          outcomes.push(...(await inner.write([write], o)));
        }
        return outcomes;
      }),
    ...(search && {
      search: (vector, o) => faults.call('search', [vector, o], () => search.call(inner, vector, o)),
    }),
    ...(ready && { ready: (o) => ready.call(inner, o) }),
    ...(chooseStrategy && {
      chooseStrategy: (o) => faults.call('chooseStrategy', [o], () => chooseStrategy.call(inner, o)),
    }),
    ...(sideBySide && {
      sideBySide: async (plan, notes) => faultySides(await sideBySide.call(inner, plan, notes), faults),
    }),
    ...(mark && {
      mark: {
        read: () => faults.call('mark.read', [], () => mark.read()),
        write: (value) => faults.call('mark.write', [value], () => mark.write(value)),
      },
    }),
  };
}

/** Points are named after their direction: `forward.write`, `back.reconcile`, `sides.cutover`. */
function faultySides(inner: SideBySide, faults: Interruption): SideBySide {
  const crossing = (direction: 'forward' | 'back'): Crossing => {
    const to = inner[direction];
    return {
      read: (ids, o) => faults.call(`${direction}.read`, [ids, o], () => to.read(ids, o)),
      write: (writes, o) => faults.call(`${direction}.write`, [writes, o], () => to.write(writes, o)),
      reconcile: (o) => faults.call(`${direction}.reconcile`, [o], () => to.reconcile(o)),
      remove: (ids) => faults.call(`${direction}.remove`, [ids], () => to.remove(ids)),
      compare: (o) => faults.call(`${direction}.compare`, [o], () => to.compare(o)),
    };
  };
  return {
    forward: crossing('forward'),
    back: crossing('back'),
    prepare: () => faults.call('sides.prepare', [], () => inner.prepare()),
    readers: () => faults.call('sides.readers', [], () => inner.readers()),
    cutover: () => faults.call('sides.cutover', [], () => inner.cutover()),
    revert: () => faults.call('sides.revert', [], () => inner.revert()),
    discard: () => faults.call('sides.discard', [], () => inner.discard()),
    leftover: () => faults.call('sides.leftover', [], () => inner.leftover()),
    finalize: (name) => faults.call('sides.finalize', [name], () => inner.finalize(name)),
  };
}

/** A registry whose every call can be interrupted, before it does anything and after its transaction. */
export function faultyRegistryStore(
  inner: RegistryStore,
  script: FaultScript,
  options: FaultyOptions = {},
): RegistryStore {
  const faults = new Interruption('registry', script, options);
  return new Proxy(inner, {
    get(_, name) {
      const method: unknown = Reflect.get(inner, name, inner);
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      return (...args: unknown[]) =>
        faults.call(name, args, async () => Reflect.apply(method, inner, args) as unknown);
    },
  });
}

/** An embedder whose every call can be interrupted, before it is made and after its vectors came. */
export function faultyEmbedder(inner: Embedder, script: FaultScript, options: FaultyOptions = {}): Embedder {
  const faults = new Interruption('embedder', script, options);
  const { spec, limits, countTokens, cached } = inner;
  return {
    spec,
    ...(limits && { limits }),
    embed: (texts, o) => faults.call('embed', [texts, o], () => inner.embed(texts, o)),
    ...(cached && {
      cached: (texts, o) => faults.call('cached', [texts, o], () => cached.call(inner, texts, o)),
    }),
    ...(countTokens && {
      countTokens: (texts) => faults.call('countTokens', [texts], () => countTokens.call(inner, texts)),
    }),
  };
}
