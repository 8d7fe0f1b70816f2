import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { machineTraces } from '../architecture/texts.ts';

/** A package as its users get it: what lies below its folder in `node_modules`. */
export interface Installed {
  readonly name: string;
  readonly folder: string;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Protocols of the workspace that a registry does not know, and a missing licence. */
export function manifestFaults({ folder }: Installed): readonly string[] {
  const faults = readFileSync(join(folder, 'package.json'), 'utf8').match(
    /"(workspace|catalog|file|link):[^"]*"/g,
  );
  const licence = readManifest(folder).license === 'MIT' && existsSync(join(folder, 'LICENSE'));
  return [...(faults ?? []), ...(licence ? [] : ['no MIT licence'])];
}

/** TypeScript sources, tests and other files that are of no use to a user. */
export function strayFiles({ folder }: Installed): readonly string[] {
  const wanted =
    /^(package\.json|LICENSE|README\.md|CHANGELOG\.md|dist[\\/].*(\.js|\.cjs|\.d\.ts|\.d\.cts))$/;
  return filesOf(folder).filter((file) => !wanted.test(file) || /\.test\./.test(file));
}

export function pathTraces({ folder, name }: Installed): readonly string[] {
  return filesOf(folder).flatMap((file) =>
    machineTraces(`${name}/${file}`, readFileSync(join(folder, file), 'utf8')),
  );
}

const imports = /(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*["']([^"'\s]+)["']/g;

/** Imports of files that were not packed, and of packages that the manifest does not ask for. */
export function brokenImports({ folder }: Installed): readonly string[] {
  const { name, dependencies, peerDependencies } = readManifest(folder);
  const declared = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies })]);
  const reachable = (specifier: string, file: string): boolean => {
    if (specifier.startsWith('.')) return existsSync(join(folder, dirname(file), fileMeant(specifier, file)));
    if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return true;
    return declared.has(/^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '');
  };
  return codeOf(folder).flatMap(({ file, text }) =>
    [...text.matchAll(imports)]
      .map((match) => match[1]!)
      .filter((specifier) => !reachable(specifier, file))
      .map((specifier) => `${file} imports ${specifier}`),
  );
}

/** A declaration names `./chunk.js` and means `./chunk.d.ts`. */
function fileMeant(specifier: string, file: string): string {
  return /\.d\.c?ts$/.test(file) ? specifier.replace(/\.(c?)js$/, '.d.$1ts') : specifier;
}

function codeOf(folder: string): readonly { readonly file: string; readonly text: string }[] {
  return filesOf(folder)
    .filter((file) => file.startsWith('dist'))
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
}

const declarations = /^\s*(?:export )?(?:declare )?(?:(?:var|let|const) (\w+) = class\b|class (\w+))/gm;

function classesOf(
  folder: string,
  kind: RegExp,
): readonly { readonly name: string; readonly file: string }[] {
  return codeOf(folder)
    .filter(({ file }) => kind.test(file))
    .flatMap(({ file, text }) =>
      [...text.matchAll(declarations)].map((match) => ({ name: (match[1] ?? match[2])!, file })),
    );
}

/** Classes that stand twice in what one program loads: their instances would not know each other. */
export function duplicateClasses(installed: readonly Installed[], core: Installed): readonly string[] {
  // What core keeps to itself may share a name with what a sibling keeps to itself.
  const ofCore = classesOf(core.folder, /\.d\.ts$/).map(({ name }) => name);
  return [/\.js$/, /\.cjs$/, /\.d\.ts$/, /\.d\.cts$/].flatMap((kind) => {
    return installed.flatMap(({ name: owner, folder }) => {
      const seen = new Set(owner === core.name ? [] : ofCore);
      return classesOf(folder, kind)
        .filter(({ name }) => seen.has(name) || !seen.add(name))
        .map(({ name, file }) => `${owner}/${file} declares ${name} again`);
    });
  });
}
