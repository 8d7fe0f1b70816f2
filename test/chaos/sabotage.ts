/**
 * Guards of the engine that a worker may be told to leave out, to see that the chaos notices: a check that
 * cannot fail is worth nothing.
 */
import { type NodeStore, type NodeWrite, type RegistryStore, vectorBytes } from '@registry/core';
import Database from 'better-sqlite3';
import { registryPath } from './ground.ts';

interface Stores {
  readonly registry: RegistryStore;
  readonly nodes: NodeStore;
  readonly folder: string;
}

type Overrides = { readonly registry?: Partial<RegistryStore>; readonly nodes?: Partial<NodeStore> };

export const sabotages = {
  /** Backs up and writes although the lease is no longer there. */
  'lease unchecked': ({ registry }) => ({
    registry: { backUp: async (lease, backups) => (await registry.backUp(lease, backups)) || true },
  }),
  /** Writes whatever stands there by now. */
  'fence ignored': ({ nodes }) => ({
    nodes: {
      async write(writes) {
        const outcomes = await nodes.write(writes);
        const lost = writes.filter((_, index) => outcomes[index] === 'conflict');
        const now = new Map(
          (await nodes.read(lost.map(({ nodeId }) => nodeId))).map((node) => [node.id, node]),
        );
        const again = lost.flatMap((write): NodeWrite[] => {
          const fence = now.get(write.nodeId)?.fence;
          return fence === undefined ? [] : [{ ...write, fence }];
        });
        if (again.length > 0) await nodes.write(again);
        return outcomes.map((outcome) => (outcome === 'conflict' ? 'written' : outcome));
      },
    },
  }),
  /** A rollback leaves nodes that are off the target as they are, fence and all. */
  'fence not renewed': ({ nodes }) => ({
    nodes: {
      async write(writes) {
        const real = writes.filter(({ set }) => set !== undefined);
        const outcomes = await nodes.write(real);
        return writes.map((write) => (write.set === undefined ? 'written' : outcomes[real.indexOf(write)]!));
      },
    },
  }),
  /** Keeps no backup of the first node of a batch. */
  'backup forgotten': ({ registry }) => ({
    registry: { backUp: (lease, backups) => registry.backUp(lease, backups.slice(1)) },
  }),
  /** Backs up once more what a plan has written, in place of the original. */
  'backup replaced': ({ registry, nodes, folder }) => ({
    registry: {
      async settle(lease, result) {
        const ids = lease.tasks.slice(0, 1).map(({ nodeId }) => nodeId);
        const [node] = await nodes.read(ids);
        if (node?.vector !== undefined)
          rawly(
            folder,
            `UPDATE backups SET vector = ?, encoding = ?, embedded_hash = ?,
               stamp = (SELECT p.target FROM plans p WHERE p.plan = backups.plan) WHERE node_id = ?`,
            vectorBytes(node.vector),
            node.vector instanceof Uint8Array ? 'bit' : 'float32',
            node.embeddedHash ?? null,
            node.id,
          );
        return registry.settle(lease, result);
      },
    },
  }),
  /** Counts a task too many. */
  'counter off by one': ({ registry, folder }) => ({
    registry: {
      async settle(lease, result) {
        const settled = await registry.settle(lease, result);
        if (settled)
          rawly(folder, 'UPDATE plans SET completed = completed + 1 WHERE plan_id = ?', lease.plan.planId);
        return settled;
      },
    },
  }),
  /** Finds nothing that came, or came back, since. */
  'sweep blind': ({ registry }) => ({
    registry: { sweep: (lease) => registry.sweep(lease, []) },
  }),
  /** Stores a vector that the model did not make of this text. */
  'vector of another text': ({ nodes }) => ({
    nodes: {
      write: (writes) => {
        const [first, ...others] = writes;
        const vector = others[0]?.set?.vector;
        if (first?.set === undefined || vector === undefined || first.restore) return nodes.write(writes);
        return nodes.write([{ ...first, set: { ...first.set, vector } }, ...others]);
      },
    },
  }),
} satisfies Record<string, (stores: Stores) => Overrides>;

export type Sabotage = keyof typeof sabotages;

function rawly(folder: string, sql: string, ...values: unknown[]): void {
  const db = new Database(registryPath(folder), { timeout: 5_000 });
  db.prepare(sql).run(...values);
  db.close();
}

/** The stores of a worker, one guard of which may be missing. */
export function sabotaged(name: Sabotage | undefined, stores: Stores): Omit<Stores, 'folder'> {
  const { registry = {}, nodes = {} }: Overrides = name === undefined ? {} : sabotages[name](stores);
  return { registry: over(stores.registry, registry), nodes: over(stores.nodes, nodes) };
}

function over<T extends object>(inner: T, methods: Partial<T>): T {
  return new Proxy(inner, {
    get(_, name) {
      const method: unknown = Reflect.get(methods, name) ?? Reflect.get(inner, name, inner);
      return typeof method === 'function' ? method.bind(inner) : method;
    },
  });
}
