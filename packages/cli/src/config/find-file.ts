import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RegistryError } from '@registry/core';
import { terminal } from '../terminal.ts';

export const fileBase = 'embedding-registry.config';
const extensions = ['ts', 'mts', 'js', 'mjs'];

/** The configuration file of this folder; also one that cannot be read, so that none above is taken in its place. */
export function fileIn(folder: string): string | undefined {
  return extensions
    .map((extension) => join(folder, `${fileBase}.${extension}`))
    .find((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
}

/**
 * The configuration file of a folder or the nearest one above it.
 * @throws RegistryError `CONFIG_INVALID` where one above is somebody else's: it is code, and would be run
 */
export function findFile(folder: string): string | undefined {
  for (let here = folder; ; here = dirname(here)) {
    const found = fileIn(here);
    if (found !== undefined && here !== folder) assertOurs(found, folder);
    if (found !== undefined || here === dirname(here)) return found;
  }
}

/** Anybody may put a file into `/tmp`, which is above the folders of many. */
function assertOurs(path: string, folder: string): void {
  const trusted = [statSync(folder).uid, terminal.userId, 0];
  if (trusted.includes(lstatSync(path).uid)) return;
  throw new RegistryError(
    'CONFIG_INVALID',
    `${path} belongs to another user than ${folder} does, and it is code that would be run. If it is meant, name it with --config; else write one here with evr init.`,
    { details: { path } },
  );
}
