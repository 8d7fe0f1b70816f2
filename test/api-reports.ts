/**
 * What each door of the packages exports, as one committed file a door, `packages/<name>/api/<door>.api.md`: a
 * change of the public API is seen in the diff. Without a parameter it renews them; with `--check` it fails where
 * one is stale.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Extractor, ExtractorConfig, type IConfigFile } from '@microsoft/api-extractor';

const workspace = resolve(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');

/** Package and entry, without `src/` and `.ts`. `@registry/core/sqlite` is for the siblings, yet a door. */
const doors = [
  ['core', 'index'],
  ['core', 'testing/index'],
  ['core', 'sqlite/index'],
  ['core', 'harmless-text'],
  ['node-memory', 'index'],
  ['embedders', 'index'],
  ['qdrant', 'index'],
  ['cli', 'index'],
] as const;

const compilerOptions = {
  target: 'ES2023',
  lib: ['ES2024', 'ESNext.Disposable'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
};

// Inside the workspace, so that the declarations find what they import; below node_modules they would count as foreign.
const builds = join(workspace, 'dist');
mkdirSync(builds, { recursive: true });
const folder = mkdtempSync(join(builds, 'declarations-'));
try {
  emitDeclarations();
  standInForPackages();
  const stale = doors.filter(([name, door]) => !report(name, door));
  if (stale.length > 0) {
    const names = stale.map(([name, door]) => `${name}/${door}`).join(', ');
    console.error(`The API reports of ${names} are stale: run \`pnpm api\`, look at the diff and commit it.`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

function emitDeclarations(): void {
  const tsconfig = join(folder, 'tsconfig.json');
  const options = {
    declaration: true,
    emitDeclarationOnly: true,
    noEmit: false,
    rootDir: workspace,
    outDir: folder,
  };
  const include = [join(workspace, 'packages/*/src')];
  writeFileSync(
    tsconfig,
    JSON.stringify({ extends: join(workspace, 'tsconfig.base.json'), compilerOptions: options, include }),
  );
  const compiler = join(workspace, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', tsconfig], { stdio: 'inherit' });
}

/**
 * What lies below a node_modules counts as foreign and is named by its package; else each report would repeat the
 * types of the packages it imports.
 */
function standInForPackages(): void {
  for (const [name, door] of doors) {
    const module = join(folder, 'node_modules/@registry', name, door.replace(/\/?index$/, ''));
    mkdirSync(module, { recursive: true });
    const up = relative(module, join(folder, 'packages', name, 'src', `${door}.ts`)).replaceAll('\\', '/');
    writeFileSync(join(module, 'index.d.ts'), `export * from '${up}';\n`);
    if (door !== 'index') continue;
    const exports = { '.': { types: './index.d.ts' }, './*': { types: './*/index.d.ts' } };
    writeFileSync(join(module, 'package.json'), JSON.stringify({ name: `@registry/${name}`, exports }));
  }
}

/** False where the committed report differs and was only checked. */
function report(name: string, door: string): boolean {
  const packageFolder = join(workspace, 'packages', name);
  const declarations = join(folder, 'packages');
  const config: IConfigFile = {
    projectFolder: packageFolder,
    mainEntryPointFilePath: join(declarations, name, 'src', `${door}.d.ts`),
    compiler: {
      overrideTsconfig: {
        compilerOptions,
        include: [join(declarations, name, 'src', `${door}.d.ts`)],
      },
    },
    apiReport: {
      enabled: true,
      reportFolder: join(packageFolder, 'api'),
      reportTempFolder: join(folder, 'reports'),
      reportFileName: door.replace(/\/?index$/, '') || 'index',
      includeForgottenExports: true,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: 'lf',
    messages: {
      compilerMessageReporting: { default: { logLevel: 'error' as never } },
      extractorMessageReporting: { default: { logLevel: 'none' as never } },
      tsdocMessageReporting: { default: { logLevel: 'none' as never } },
    },
  };
  const prepared = ExtractorConfig.prepare({
    configObject: config,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(packageFolder, 'package.json'),
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(prepared, {
    localBuild: !isCheck,
    messageCallback: (message) => {
      if (message.logLevel !== 'error') message.handled = true;
    },
  });
  if (!succeeded && !apiReportChanged) throw new Error(`The API of ${name}/${door} could not be read.`);
  return !apiReportChanged || !isCheck;
}
