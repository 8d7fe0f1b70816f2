import { join } from 'node:path';
import { runtimeDependencies } from '../architecture/dependencies.ts';
import { readManifest } from './contents.ts';
import { run } from './steps.ts';

/** Has been called deprecated since 2020: where this one is not, a registry tells nothing of any. */
const KNOWN = 'request@2.88.2';

/** The direct dependencies of the packages as they are installed here, `name@version`. */
export function installedDependencies(workspace: string): readonly string[] {
  return runtimeDependencies().map((name) => {
    const packages = ['core', 'node-memory', 'embedders', 'qdrant', 'cli'];
    for (const one of packages)
      try {
        const folder = join(workspace, 'packages', one, 'node_modules', name);
        return `${name}@${readManifest(folder).version}`;
      } catch {
        // Of another package.
      }
    throw new Error(`${name} is not installed.`);
  });
}

/**
 * The end of a package's maintenance is announced by its authors, in the registry.
 * @returns what was left out, where the registry tells nothing about that or cannot be asked
 * @throws Error naming what is deprecated, with the words of its authors
 */
export async function assertNoneDeprecated(
  dependencies: readonly string[],
  ask: (name: string) => Promise<string>,
): Promise<string | undefined> {
  try {
    if ((await ask(KNOWN)) === '') return 'this registry does not tell what is deprecated';
  } catch {
    return 'no registry can be asked';
  }
  const said = await Promise.all(dependencies.map(async (name) => [name, await ask(name)] as const));
  const ended = said.filter(([, words]) => words !== '');
  if (ended.length > 0)
    throw new Error(ended.map(([name, words]) => `${name} is deprecated: ${words}`).join('\n'));
  return undefined;
}

/** Asks the registry that npm is set to. */
export const askRegistry =
  (place: { readonly cwd: string; readonly path: string }) =>
  async (name: string): Promise<string> =>
    (await run('npm', ['view', name, 'deprecated'], place)).trim();
