import { globSync, readFileSync } from 'node:fs';

type Manifest = Partial<Record<'dependencies' | 'peerDependencies' | 'optionalDependencies', object>>;

/** What is installed with the packages that are published, without our own. */
export function runtimeDependencies(): string[] {
  const names = globSync('packages/*/package.json').flatMap((path) => {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest;
    return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
  });
  return [...new Set(names)].filter((name) => !name.startsWith('@registry/')).sort();
}

/** The names in the first column of the page's table. */
export function explainedDependencies(page: string): string[] {
  return [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as string).sort();
}
