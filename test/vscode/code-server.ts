/**
 * The editor under test: code-server, which is VS Code's own workbench and extension host, from the npm
 * registry, in a cache folder outside the workspace (npm and pnpm do not share a folder well).
 *
 * Its own installation compiles eight native modules and wants the headers of Kerberos. Two of them are used
 * here: spdlog, behind every output channel, and native-watchdog; others bring a compiled file along.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

/** VS Code 1.139.1. */
const VERSION = '4.139.1';
const NODE_MAJOR = 24;
const COMPILED = ['@vscode/spdlog', '@vscode/native-watchdog'];

/** The program to start with this very Node. @throws where it was not installed */
export function codeServerProgram(): string {
  const folder = cacheFolder();
  if (!isReady(folder)) throw new Error(`code-server is not in ${folder}; run "node test/vscode/setup.ts".`);
  return join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
}

/** Installs it, unless it is there; answers the folder. */
export function installCodeServer(): string {
  const folder = cacheFolder();
  if (isReady(folder)) return folder;
  if (Number(process.versions.node.split('.')[0]) !== NODE_MAJOR)
    throw new Error(`code-server ${VERSION} needs Node ${NODE_MAJOR}, this is ${process.versions.node}.`);
  // Built beside its place and moved there whole: an interrupted installation is never taken for one.
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    build(building);
    rmSync(folder, { recursive: true, force: true });
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return folder;
}

function build(folder: string): void {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  npm(folder, ['install', `code-server@${VERSION}`, ...quiet]);
  const vscode = join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  npm(vscode, ['install', '--omit=dev', ...quiet]);
  npm(vscode, ['rebuild', ...COMPILED]);
  writeFileSync(join(folder, '.ready'), `${VERSION}\n`);
}

function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const key = `${VERSION}-abi${process.versions.modules}-${process.platform}-${process.arch}`;
  return join(cache, 'embedding-version-registry', 'code-server', key);
}

const isReady = (folder: string) => existsSync(join(folder, '.ready'));

function npm(folder: string, parameters: readonly string[]): void {
  const headers = headersFolder();
  const env: NodeJS.ProcessEnv = {
    // pnpm hands its settings on as npm_config_*, which npm would take for its own.
    ...Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(p?npm_|NODE_OPTIONS$)/i.test(name)),
    ),
    PATH: dirname(process.execPath) + delimiter + process.env.PATH,
    JOBS: 'max',
    ...(headers && { npm_config_nodedir: headers }),
  };
  const { status, stdout, stderr } = spawnSync('npm', parameters, { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${parameters.join(' ')} failed:\n${stdout}\n${stderr}`);
}

/** The folder with include/node of this very Node: else node-gyp would download one. */
function headersFolder(): string | undefined {
  const bin = dirname(process.execPath);
  const platform = `node-${process.platform}-${process.arch}`;
  const major = process.versions.node.split('.')[0];
  return [join(bin, '..'), join(bin, '..', 'node_modules', platform), join(bin, '..', '..', platform)]
    .map((folder) => resolve(folder))
    .find((folder) => {
      const header = join(folder, 'include', 'node', 'node_version.h');
      return existsSync(header) && readFileSync(header, 'utf8').includes(`NODE_MAJOR_VERSION ${major}\n`);
    });
}
