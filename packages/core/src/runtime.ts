import { hostname, userInfo } from 'node:os';
import { RegistryError } from './errors.ts';

/** Who works here, as others see it in the list of workers. The only file that looks at the process. */
export function processIdentity(): { readonly host: string; readonly pid: number; readonly user: string } {
  return { host: hostname(), pid: process.pid, user: userName() };
}

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}

/**
 * better-sqlite3 13 speaks Node-API 10; an older runtime would crash when it is loaded.
 * @throws RegistryError `RUNTIME_TOO_OLD`
 */
export function assertRuntime(versions: { node?: string; napi?: string } = process.versions): void {
  if (Number(versions.napi ?? 0) >= 10) return;
  throw new RegistryError(
    'RUNTIME_TOO_OLD',
    `Opening a database needs Node 22.14 or newer (Node-API 10); this is ${versions.node ?? 'unknown'} (Node-API ${versions.napi ?? 'unknown'}).`,
    { details: { node: versions.node, napi: versions.napi } },
  );
}
