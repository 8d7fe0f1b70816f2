import { RegistryError } from '../errors.ts';
import type { RegistryStore } from '../ports/registry-store.ts';

/** What each method of a registry does to it. */
const access = {
  models: 'read',
  plan: 'read',
  plans: 'read',
  tasks: 'read',
  failures: 'read',
  endedTasks: 'read',
  backupTotals: 'read',
  backup: 'read',
  strayBackups: 'read',
  witness: 'read',
  journal: 'read',
  runnable: 'read',
  backups: 'read',
  rollbackCursor: 'read',
  rollbackReport: 'read',
  notes: 'read',
  mark: 'read',
  nodeStoreId: 'read',
  workers: 'read',
  checkNode: 'read',
  creator: 'read',
  putModel: 'write',
  putNotes: 'write',
  deleteModel: 'write',
  activate: 'write',
  noteStamping: 'write',
  putWitness: 'write',
  createPlan: 'write',
  adoptCreation: 'write',
  addTasks: 'write',
  sealPlan: 'write',
  discardPlan: 'write',
  movePlan: 'write',
  tune: 'write',
  retryFailed: 'write',
  cutOver: 'write',
  noteOfPlan: 'write',
  claim: 'write',
  takeNode: 'write',
  renew: 'write',
  release: 'write',
  endLease: 'write',
  backUp: 'write',
  settle: 'write',
  reserveTokens: 'write',
  settleTokens: 'write',
  sweep: 'write',
  endSweep: 'write',
  beginRollback: 'write',
  settleRollback: 'write',
  endRollback: 'write',
  settleNode: 'write',
  keepNotes: 'write',
  dropNotes: 'write',
  markFinalized: 'write',
  dropBackups: 'write',
  bindNodeStore: 'write',
  catchUpMark: 'write',
  beat: 'write',
  dropWorker: 'write',
  close: 'close',
} as const satisfies Record<keyof RegistryStore, 'read' | 'write' | 'close'>;

type Method = (...args: unknown[]) => Promise<unknown>;

/** A registry whose reads go to what `reader` yields at that moment, and whose every write is refused. */
export function readOnlyStore(o: {
  path: string;
  read: <T>(body: (store: RegistryStore) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}): RegistryStore {
  const refuse = (name: string) => async () => {
    throw new RegistryError(
      'DATABASE_READONLY',
      `Registry ${o.path} is open for reading only, so ${name} is refused; open it without readOnly.`,
      { details: { path: o.path, method: name } },
    );
  };
  const methods = Object.entries(access).map(([name, kind]): [string, Method] => {
    if (kind === 'close') return [name, o.close];
    if (kind === 'write') return [name, refuse(name)];
    return [name, (...args) => o.read((store) => (store[name as keyof RegistryStore] as Method)(...args))];
  });
  return Object.freeze(Object.fromEntries(methods)) as unknown as RegistryStore;
}
