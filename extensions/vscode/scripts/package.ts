/**
 * Builds the extension and packs one VSIX for each platform named, or for this one:
 *   node scripts/package.ts [linux-x64 …| all]
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { writeNotices } from './notices.ts';
import { targets } from './targets.ts';

const extension = resolve(import.meta.dirname, '..');
const require = createRequire(join(extension, 'package.json'));
const packaged = join(extension, 'dist', 'packages');

function run(program: string, parameters: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...parameters], {
    cwd: extension,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${program} ${parameters.join(' ')} failed:\n${stdout}\n${stderr}`);
}

/** The binary of one platform; a package holds no other. */
function placeBinary(target: string): void {
  const name = targets[target];
  if (name === undefined)
    throw new Error(`There is no target ${target}; choose of ${Object.keys(targets).join(', ')}.`);
  const folder = join(extension, 'dist', 'native');
  mkdirSync(folder, { recursive: true });
  const driver = dirname(require.resolve('better-sqlite3/package.json'));
  copyFileSync(join(driver, 'prebuilds', `${name}.node`), join(folder, 'better_sqlite3.node'));
}

function pack(target: string): void {
  placeBinary(target);
  const out = join(packaged, `embedding-registry-${target}.vsix`);
  const vsce = join(dirname(require.resolve('@vscode/vsce/package.json')), 'vsce');
  // npm, which vsce would ask for the dependencies, does not know pnpm's folders; everything is bundled.
  // Without the address of a repository, the pictures of the readme stay where they are: in the package.
  const alone = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links'];
  run(vsce, ['package', ...alone, '--target', target, '--out', out]);
  console.log(`${out} (${(statSync(out).size / 1_000_000).toFixed(2)} MB)`);
}

const here = `${process.platform}-${process.arch}`;
const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? [here] : wanted.includes('all') ? Object.keys(targets) : wanted;

// What an older build left behind would be packed.
rmSync(join(extension, 'dist'), { recursive: true, force: true });
run(join(dirname(require.resolve('tsup/package.json')), 'dist', 'cli-default.js'), []);
// What the command line's loader of TypeScript compiles with: it asks for it by its place.
const cli = createRequire(resolve(extension, '../../packages/cli/package.json'));
const loader = dirname(cli.resolve('jiti/package.json'));
copyFileSync(join(loader, 'dist', 'babel.cjs'), join(extension, 'dist', 'babel.cjs'));
copyFileSync(resolve(extension, '../../LICENSE'), join(extension, 'LICENSE'));
writeNotices(extension, [loader, dirname(require.resolve('better-sqlite3/package.json'))]);
mkdirSync(packaged, { recursive: true });
for (const target of chosen) pack(target);
// What stays behind fits this machine: for tests and for a window that runs the folder.
if (targets[here] !== undefined) placeBinary(here);
