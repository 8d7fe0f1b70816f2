import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

interface Bundled {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** Packages that hold no text of their licence, whose makers are named instead; another one stops the build. */
const textless = new Set(['sqlite-vec']);

/** Files of a package that its licence asks to be handed on. */
const handedOn = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * Writes what is owed to the authors of everything that the bundles in `dist` are made of: the texts of their
 * licences. `besides`: folders of packages of which files were copied.
 * @throws Error naming a package without one
 */
export function writeNotices(extension: string, besides: readonly string[]): void {
  const dist = join(extension, 'dist');
  const folders = new Set(besides.map((folder) => resolve(folder)));
  for (const name of globSync('**/metafile-*.json', { cwd: dist })) {
    const { inputs } = JSON.parse(readFileSync(join(dist, name), 'utf8')) as { inputs: object };
    for (const input of Object.keys(inputs)) {
      const folder = packageOf(resolve(extension, input));
      if (folder !== undefined) folders.add(folder);
    }
    rmSync(join(dist, name));
  }
  const packages = new Map([...folders].map(read).map((found) => [`${found.name}@${found.version}`, found]));
  const sorted = [...packages.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const parts = sorted.map(
    ({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}`,
  );
  const head = `This extension contains work of others, under these licences.\n\n${sorted.map(({ name, version }) => `${name} ${version}`).join('\n')}`;
  const rule = `\n\n${'-'.repeat(80)}\n\n`;
  writeFileSync(join(extension, 'ThirdPartyNotices.txt'), `${[head, ...parts].join(rule)}\n`);
}

/** The folder of the package in `node_modules` that a file belongs to; undefined for files of ours. */
function packageOf(file: string): string | undefined {
  const at = file.lastIndexOf('/node_modules/');
  if (at < 0) return undefined;
  const [scope = '', name = ''] = file.slice(at + '/node_modules/'.length).split('/');
  return join(file.slice(0, at), 'node_modules', scope.startsWith('@') ? join(scope, name) : scope);
}

function read(folder: string): Bundled {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const [name, version, license] = [manifest.name, manifest.version, manifest.license].map(String);
  const texts = readdirSync(folder)
    .filter((file) => handedOn.test(file))
    .toSorted()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0 && textless.has(name!))
    texts.push(`By ${personOf(manifest.author)}, ${urlOf(manifest.repository)}, under ${license}.`);
  if (texts.length === 0)
    throw new Error(`${name} is bundled, and its package has no text of its licence (${license}).`);
  return { name: name!, version: version!, license: license!, text: texts.join('\n\n') };
}

/** Both stand in a manifest as text or as an object. */
const personOf = (author: unknown) => String((author as { name?: string }).name ?? author);
const urlOf = (repository: unknown) => String((repository as { url?: string }).url ?? repository);
