import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const fileBase = 'embedding-registry.config';
const extensions = ['ts', 'mts', 'js', 'mjs'];

/** The configuration file of this folder; also one that cannot be read, so that none above is taken in its place. */
export function fileIn(folder: string): string | undefined {
  return extensions
    .map((extension) => join(folder, `${fileBase}.${extension}`))
    .find((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
}

/** The configuration file of a folder or the nearest one above it. */
export function findFile(folder: string): string | undefined {
  for (let here = folder; ; here = dirname(here)) {
    const found = fileIn(here);
    if (found !== undefined || here === dirname(here)) return found;
  }
}
