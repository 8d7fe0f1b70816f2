/** Who only looks makes no files: what is opened meanwhile is asked to refuse where there is nothing to look at. */
import { AsyncLocalStorage } from 'node:async_hooks';

// A configuration file may import another copy of this package than the program that runs it.
const KEY = Symbol.for('embedding-version-registry.looking');
const shared = globalThis as { [KEY]?: AsyncLocalStorage<true> };

function scope(): AsyncLocalStorage<true> {
  shared[KEY] ??= new AsyncLocalStorage<true>();
  return shared[KEY];
}

/** Runs `body`, in which stores that would have to be made first refuse to open. */
export function whileLooking<T>(body: () => T): T {
  return scope().run(true, body);
}

/** Whether a store that is opened now must not make what it does not find. */
export function isLooking(): boolean {
  return scope().getStore() === true;
}
