import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const fileBase = 'embedding-registry.config';
const extensions = ['ts', 'mts', 'js', 'mjs'];

/** The configuration file of a folder or the nearest one above it. */
export function findFile(folder: string): string | undefined {
  for (let here = folder; ; here = dirname(here)) {
    const found = extensions.map((extension) => join(here, `${fileBase}.${extension}`)).find(existsSync);
    if (found !== undefined || here === dirname(here)) return found;
  }
}
