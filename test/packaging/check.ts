/**
 * node test/packaging/check.ts [folder]
 *
 * Builds and packs every package, looks into the tarballs, installs them outside the workspace and runs
 * programs against them, as ESM, CommonJS and TypeScript users would. The tarballs are left in the folder, if one
 * is named.
 */
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import {
  brokenImports,
  duplicateClasses,
  type Installed,
  manifestFaults,
  pathTraces,
  readManifest,
  strayFiles,
} from './contents.ts';
import { firstUse, refusesOldRuntime } from './first-use.ts';
import { expectNone, pnpm, run, Steps } from './steps.ts';

const workspace = resolve(import.meta.dirname, '../..');
const path = [join(workspace, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
const folder = mkdtempSync(join(tmpdir(), 'registry-packaging-'));
const consumer = join(folder, 'consumer');
const tarballFolder = resolve(process.argv[2] ?? join(folder, 'tarballs'));
const steps = new Steps();
const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
const CORE_BYTES_AT_MOST = 45_000_000;

const packages = globSync('packages/*/package.json', { cwd: workspace }).map((file) => {
  const source = resolve(workspace, file, '..');
  const { name, version } = readManifest(source);
  const tarball = join(tarballFolder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  return { name, source, tarball, folder: join(consumer, 'node_modules', name) };
});

async function packAll(): Promise<void> {
  mkdirSync(tarballFolder, { recursive: true });
  await steps.check('build every package', async () => {
    await pnpm(['run', 'build'], { cwd: workspace, path });
  });
  for (const { name, source, tarball } of packages) {
    await steps.check(`${name}: pack`, async () => {
      await pnpm(['pack', '--pack-destination', tarballFolder], { cwd: source, path });
      if (!existsSync(tarball)) throw new Error(`There is no ${tarball}.`);
    });
    await steps.check(`${name}: publint`, async () => {
      await run('publint', ['--strict', tarball], { cwd: source, path });
    });
    await steps.check(`${name}: types resolve (attw)`, async () => {
      await run('attw', ['--profile', 'node16', tarball], { cwd: source, path });
    });
  }
}

/** One installation serves all programs: each has its own folder, and so its own kind of module. */
async function install(): Promise<void> {
  cpSync(join(import.meta.dirname, 'fixtures'), consumer, { recursive: true });
  const types = readManifest(join(workspace, 'node_modules', '@types', 'node')).version;
  const dependencies = {
    ...Object.fromEntries(packages.map(({ name, tarball }) => [name, `file:${tarball}`])),
    '@types/node': types,
  };
  writeFileSync(
    join(consumer, 'package.json'),
    JSON.stringify({ private: true, dependencies }, undefined, 2),
  );
  await run('npm', ['install', ...quietly], { cwd: consumer, path });
  expectNone(globSync('node_modules/**/node_modules/@registry/*', { cwd: consumer }));
}

/** What somebody gets who wants the core and nothing else. */
async function installCoreAlone(): Promise<void> {
  const alone = join(folder, 'core-alone');
  mkdirSync(alone);
  const { tarball } = packages.find(({ name }) => name === '@registry/core')!;
  writeFileSync(join(alone, 'package.json'), JSON.stringify({ private: true }));
  await run('npm', ['install', ...quietly, tarball], { cwd: alone, path });
  const installed = globSync('node_modules/{[!@.]*,@*/*}/package.json', { cwd: alone }).map((file) =>
    dirname(file).split(sep).slice(1).join('/'),
  );
  const wanted = ['@opentelemetry/api', '@registry/core', 'better-sqlite3', 'node-addon-api', 'yaml', 'zod'];
  expectNone(installed.filter((name) => !wanted.includes(name)).map((name) => `It brings ${name} along.`));
  const files = globSync('node_modules/**', { cwd: alone, withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
  const megabytes = (bytes / 1_000_000).toFixed(1);
  console.log(`          @registry/core and all it needs: ${megabytes} MB, ${installed.length} packages`);
  if (bytes > CORE_BYTES_AT_MOST) throw new Error(`They take ${megabytes} MB; look what made them grow.`);
}

async function lookInto(installed: readonly Installed[]): Promise<void> {
  const core = installed.find(({ name }) => name === '@registry/core')!;
  for (const one of installed) {
    await steps.check(`${one.name}: manifest and licence`, () => expectNone(manifestFaults(one)));
    await steps.check(`${one.name}: only built files`, () => expectNone(strayFiles(one)));
    await steps.check(`${one.name}: no path of this machine`, () => expectNone(pathTraces(one)));
    await steps.check(`${one.name}: imports what it declares`, () => expectNone(brokenImports(one)));
  }
  await steps.check('no class is declared twice', () => expectNone(duplicateClasses(installed, core)));
}

async function runPrograms(): Promise<void> {
  const programs = [
    ['ESM', 'esm', process.execPath, 'program.js'],
    ['CommonJS', 'cjs', process.execPath, 'program.js'],
    ['TypeScript, as Node strips it', 'typescript', process.execPath, 'program.ts'],
    ['TypeScript, nodenext', 'typescript', 'tsc', '--noEmit', '-p', 'tsconfig.nodenext.json'],
    ['TypeScript, bundler', 'typescript', 'tsc', '--noEmit', '-p', 'tsconfig.bundler.json'],
  ] as const;
  for (const [name, where, command, ...parameters] of programs) {
    await steps.check(`a program in ${name}`, async () => {
      await run(command, parameters, { cwd: join(consumer, where), path });
    });
  }
}

async function useEvr(): Promise<void> {
  const place = {
    cwd: join(consumer, 'first-use'),
    path: [join(consumer, 'node_modules', '.bin'), path].join(delimiter),
  };
  await steps.check('evr, from init to rollback', () => firstUse(place));
  const outside = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find((file) => existsSync(file));
  const version = outside && (await run(outside, ['--version'], place)).trim();
  // The Node of the machine, which may be older than the one of the workspace.
  if (outside === undefined || !/^v(1|20|21|22\.([0-9]|1[0-3])\.)/.test(version ?? '')) return;
  const program = join(consumer, 'node_modules', '@registry', 'cli', 'dist', 'evr.js');
  await steps.check(`evr says what ${version} lacks`, () => refusesOldRuntime(outside, program, place));
}

try {
  await packAll();
  await steps.check('install all tarballs outside the workspace', install);
  await steps.check('@registry/core alone: what comes along, and how large', installCoreAlone);
  await lookInto(packages);
  await runPrograms();
  await useEvr();
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = steps.close() ? 0 : 1;
