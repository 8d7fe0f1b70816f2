/** Whoever only looks makes no files: a store that is opened meanwhile refuses where there is none. */
import { AsyncLocalStorage } from 'node:async_hooks';

// A configuration file may import another copy of this package than the program that runs it.
const KEY = Symbol.for('embedding-version-registry.store-creation');
const shared = globalThis as { [KEY]?: AsyncLocalStorage<'forbidden'> };

function scope(): AsyncLocalStorage<'forbidden'> {
  shared[KEY] ??= new AsyncLocalStorage<'forbidden'>();
  return shared[KEY];
}

/** Runs `body`, in which stores that would have to be made first refuse to open. */
export function withoutStoreCreation<T>(body: () => T): T {
  return scope().run('forbidden', body);
}

/** Whether a store that is opened now may make the file or tables that it does not find. */
export function mayCreateStore(): boolean {
  return scope().getStore() === undefined;
}
