/**
 * `evr` and the packages that a configuration file imports, bundled as the published ones are: a start of the
 * sources is a load of some three hundred files, and takes twice as long. Built once for each state of the sources.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../..');
const builds = join(packages, 'cli/node_modules/.cache/evr');
const builder = join(import.meta.dirname, 'build-program.ts');

function stateOfSources(): string {
  const hash = createHash('sha256').update(readFileSync(builder));
  const patterns = ['*/src/**/*.ts', '*/package.json', '../pnpm-lock.yaml'];
  for (const file of globSync(patterns, { cwd: packages }).sort())
    hash.update(`${file}\n`).update(readFileSync(join(packages, file)));
  return hash.digest('hex').slice(0, 16);
}

function build(): string {
  const state = stateOfSources();
  const folder = join(builds, state);
  if (existsSync(folder)) return folder;
  const made = `${folder}-${process.pid}`;
  execFileSync(process.execPath, [builder, made], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true });
    if (!existsSync(folder)) throw error; // else another process was as fast
  }
  for (const name of readdirSync(builds))
    if (!name.startsWith(state)) rmSync(join(builds, name), { recursive: true, force: true });
  return folder;
}

const folder = build();

/** What a terminal starts. */
export const program = join(folder, 'dist/evr.js');

/** What stands in `node_modules/@registry/<name>` of whoever uses it. */
export function builtPackage(name: string): string {
  return join(folder, 'dist', name);
}
