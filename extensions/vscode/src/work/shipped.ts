import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Packages that configuration files import, and what of them comes with the extension. */
const packages = ['cli', 'core', 'embedders', 'node-memory'];

/** Parameters of the runtime that let configuration files import what came along. */
export const shippedPackages = (dist: string): readonly string[] => [
  '--import',
  pathToFileURL(join(dist, 'shipped-packages.mjs')).href,
];

/** The same for the compiler of configuration files, which finds packages by itself. */
export function shippedVariables(folder: string, dist: string): Readonly<Record<string, string>> {
  const places = packages
    .filter((name) => !isInstalled(join('@registry', name), folder))
    .map((name) => [`@registry/${name}`, join(dist, `registry-${name}.mjs`)]);
  return places.length === 0 ? {} : { JITI_ALIAS: JSON.stringify(Object.fromEntries(places)) };
}

function isInstalled(name: string, folder: string): boolean {
  if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return true;
  return folder !== dirname(folder) && isInstalled(name, dirname(folder));
}
