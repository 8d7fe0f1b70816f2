/** Bundles `evr` and the packages beside it into the folder that is the parameter; see `built-program.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Options } from 'tsup';

const [folder = ''] = process.argv.slice(2);
const packages = join(import.meta.dirname, '../..');
const names = ['core', 'embedders', 'node-memory', 'qdrant', 'cli'];

/** What loads files of its own stays where it is installed. */
const installed: Readonly<Record<string, string>> = {
  'better-sqlite3': 'core',
  jiti: 'cli',
};

const keepInstalled: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'keep-installed',
  setup(esbuild) {
    for (const [name, user] of Object.entries(installed))
      esbuild.onResolve({ filter: new RegExp(`^${name}$`) }, () => {
        const { resolve } = createRequire(join(packages, user, 'package.json'));
        return { path: pathToFileURL(resolve(name)).href, external: true };
      });
  },
};

await build({
  config: false,
  silent: true,
  entry: {
    evr: join(packages, 'cli/src/evr.ts'),
    ...Object.fromEntries(names.map((name) => [`${name}/index`, join(packages, name, 'src/index.ts')])),
  },
  outDir: join(folder, 'dist'),
  format: 'esm',
  target: 'node22',
  platform: 'node',
  splitting: true,
  noExternal: [/./],
  external: ['@huggingface/transformers'],
  esbuildPlugins: [keepInstalled],
  // For bundled CommonJS.
  banner: {
    js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
  },
});

const manifest = JSON.parse(readFileSync(join(packages, 'cli/package.json'), 'utf8')) as { version: string };
const write = (path: string, value: unknown) => writeFileSync(join(folder, path), JSON.stringify(value));
write('package.json', { type: 'module', version: manifest.version });
for (const name of names)
  write(`dist/${name}/package.json`, { name: `@registry/${name}`, type: 'module', exports: './index.js' });
