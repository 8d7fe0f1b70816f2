import { RegistryError } from '@registry/core';
import type { Connection } from './connection.ts';

/** Since which minor version of Qdrant 1 the server has what is needed. */
export const since = {
  /** `update_filter`, and metadata of collections. */
  guards: 16,
  /** `update_mode`: insert_only and update_only. */
  updateModes: 17,
  /** Vector names can be added to a collection and removed. */
  vectorNames: 18,
} as const;

/** The version of a server. */
export interface ServerVersion {
  readonly text: string;
  readonly minor: number;
}

/** @throws RegistryError `SERVER_TOO_OLD`, `SERVER_UNREACHABLE`, `SERVER_DENIED` */
export async function serverVersion(connection: Connection): Promise<ServerVersion> {
  const { version = '' } = await connection.read<{ version?: string }>('root', {});
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const found = { text: version, minor: major > 1 ? Number.MAX_SAFE_INTEGER : minor };
  assertSince(found, since.guards, 'Guarded writes and metadata of collections');
  return found;
}

/** @throws RegistryError `SERVER_TOO_OLD` */
export function assertSince(version: ServerVersion, minor: number, what: string): void {
  if (version.minor >= minor) return;
  throw new RegistryError(
    'SERVER_TOO_OLD',
    `${what} need Qdrant 1.${minor} or newer; this server is ${version.text}. Upgrade it.`,
    { details: { version: version.text, needed: `1.${minor}` } },
  );
}
